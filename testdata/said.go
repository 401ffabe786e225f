package testdata

import (
	"bytes"
	"io/fs"
	"iter"
	"strconv"
	"strings"
)

// Said yields what went over "udp" or "tcp" in the sessions with routers, in both directions, each
// text once: seeds for fuzzing what reads it. Of a connection these are the pieces that came at once.
func Said(network string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		names, _ := fs.Glob(FS, "routers/*/session.wire") // the pattern is well formed
		known := map[string]bool{}
		for _, name := range names {
			data, _ := fs.ReadFile(FS, name) // what was found can be read
			for text := range said(data, network) {
				if !known[string(text)] && !yield(text) {
					return
				}
				known[string(text)] = true
			}
		}
	}
}

// said yields the bytes of the events of a session; upnp/igd/wire has its format.
func said(session []byte, network string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		_, rest, _ := bytes.Cut(session, []byte("\n"))
		for len(rest) > 0 {
			var line []byte
			line, rest, _ = bytes.Cut(rest, []byte("\n"))
			fields := strings.Fields(string(line))
			if len(fields) != 7 {
				return
			}
			n, err := strconv.Atoi(fields[6])
			if err != nil || n >= len(rest) {
				return
			}
			if n == 0 {
				continue
			}
			kind := fields[2]
			if fields[3] == network && (kind == "sent" || kind == "received") && !yield(rest[:n]) {
				return
			}
			rest = rest[n+1:]
		}
	}
}

// Bodies yields what stands behind the heads of the messages that [Said] has of "tcp", each once.
func Bodies() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		known := map[string]bool{}
		for text := range Said("tcp") {
			_, body, _ := bytes.Cut(text, []byte("\r\n\r\n"))
			if len(body) > 0 && !known[string(body)] && !yield(body) {
				return
			}
			known[string(body)] = true
		}
	}
}

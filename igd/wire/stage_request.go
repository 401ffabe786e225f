package wire

import (
	"bytes"
	"net"
	"strings"
	"time"
)

// A requestReader reads the requests of a connection.
type requestReader struct {
	conn net.Conn
	rest []byte
}

// next is the next whole request; !ok is the end of the connection, or what is none.
func (r *requestReader) next() (request []byte, ok bool) {
	f, buf := frame{}, make([]byte, 4096)
	for {
		r.rest = f.add(r.rest)
		if f.ended {
			return f.data, true
		}
		if f.size > maxPlayed {
			return nil, false
		}
		r.conn.SetReadDeadline(time.Now().Add(playedIdle))
		n, err := r.conn.Read(buf)
		if r.rest = bytes.Clone(buf[:n]); n == 0 && err != nil {
			return nil, false
		}
	}
}

func hasWord(list, word string) bool {
	for w := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.TrimSpace(w), word) {
			return true
		}
	}
	return false
}

func isHTTP10(head []byte) bool {
	line := firstLine(head)
	return strings.HasSuffix(line, "HTTP/1.0") || strings.HasPrefix(line, "HTTP/1.0")
}

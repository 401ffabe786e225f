package cli

import (
	"bytes"
	"context"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/wire"
)

var update = flag.Bool("update", false, "rewrite the transcripts with what the commands print now")

// A transcript is a scenario: command lines against one router, each followed by what it prints.
//
//	router igd1,only-permanent-leases     (a profile and quirks; none: igd2; nobody: an empty network)
//	$ upnp add 9542 --lease 1h            a command line
//	TCP 9542 -> ...                       its stdout
//	2> note: ...                          its stderr
//	[exit 4]                              its exit code, if not 0
//	$ sleep 10m                           time passes
//
// Files it needs stand at its end, each after a line "-- name --".
type transcript struct {
	router string
	files  map[string]string
	lines  []string // up to the files
}

func readTranscript(t *testing.T, name string) transcript {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	tr := transcript{files: map[string]string{}}
	file := ""
	for _, line := range strings.SplitAfter(string(data), "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(trimmed, "-- ") && strings.HasSuffix(trimmed, " --"):
			file = strings.TrimSuffix(strings.TrimPrefix(trimmed, "-- "), " --")
			tr.files[file] = ""
		case file != "":
			tr.files[file] += line
		default:
			tr.lines = append(tr.lines, line)
			if r, ok := strings.CutPrefix(trimmed, "router "); ok {
				tr.router = r
			}
		}
	}
	return tr
}

// replay runs the command lines and returns the transcript as it is now.
func (tr transcript) replay(t *testing.T) string {
	var out strings.Builder
	host := tr.network(t)
	for _, line := range tr.lines {
		switch {
		case strings.HasPrefix(line, "$ "):
			out.WriteString(line)
			out.WriteString(runLine(t, host, strings.TrimSpace(line[2:])))
		case strings.HasPrefix(line, "#") || strings.HasPrefix(line, "router ") || strings.TrimSpace(line) == "":
			out.WriteString(line)
		}
	}
	return out.String()
}

// network is a LAN with this machine and, unless the transcript says nobody, a router.
func (tr transcript) network(t *testing.T) wire.Network {
	lan := wire.NewMemory()
	host := lan.Host("self", netip.PrefixFrom(emulatedSelf, 24))
	host.SetGateway(emulatedRouter)
	if tr.router == "nobody" {
		return host
	}
	var names []string
	if tr.router != "" {
		names = strings.Split(tr.router, ",")
	}
	profile, err := profileOf("", names)
	if err != nil {
		t.Fatal(err)
	}
	r := emulator.New(profile)
	if err := r.Put(prefilled()...); err != nil {
		t.Fatal(err)
	}
	serveUntilEnd(t, r, igd.Server{Network: lan.Host("router", netip.PrefixFrom(emulatedRouter, 24)), Interface: emulatedInterface, Port: emulatedPort})
	return host
}

func serveUntilEnd(t *testing.T, r *emulator.Router, server igd.Server) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}, 1), make(chan error, 1)
	server.Ready = func(string) { ready <- struct{}{} }
	go func() { ended <- r.Serve(ctx, server) }()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal("router did not start: ", err)
	}
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error("router: ", err)
		}
	})
}

var inMilliseconds = regexp.MustCompile(`\b\d+(\.\d+)? ms\b`)

// runLine runs one command line and returns what it prints, in the form of a transcript.
func runLine(t *testing.T, host wire.Network, line string) string {
	words := split(line)
	if words[0] == "sleep" {
		d, err := time.ParseDuration(words[1])
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(d)
		return ""
	}
	r := runWords(t.Context(), host, words[1:], "")
	text := r.stdout
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	for l := range strings.Lines(r.stderr) {
		text += "2> " + strings.TrimSuffix(l, "\n") + "\n"
	}
	if r.code != 0 {
		text += "[exit " + strconv.Itoa(r.code) + "]\n"
	}
	return inMilliseconds.ReplaceAllString(text, "N ms")
}

type result struct {
	stdout, stderr string
	code           int
}

// runWords runs a command line on a network.
func runWords(ctx context.Context, host wire.Network, words []string, stdin string) result {
	var out, err bytes.Buffer
	s := newSession(Streams{In: strings.NewReader(stdin), Out: &out, Err: &err})
	s.base = host
	code := s.finish(ctx, s.main(ctx, words))
	s.close()
	return result{out.String(), err.String(), code}
}

// split divides a line into words at blanks outside of quotes.
func split(line string) []string {
	var words []string
	word, quote, in := "", rune(0), false
	for _, r := range line + " " {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, in = r, true
		case quote == 0 && r == ' ':
			if in {
				words = append(words, word)
			}
			word, in = "", false
		default:
			word, in = word+string(r), true
		}
	}
	return words
}

func TestTranscripts(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatal("no transcripts: ", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			tr := readTranscript(t, name)
			full, err := filepath.Abs(name)
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			for file, text := range tr.files {
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var got string
			synctest.Test(t, func(t *testing.T) { got = tr.replay(t) })
			tr.compare(t, full, got)
		})
	}
}

func (tr transcript) compare(t *testing.T, name, got string) {
	t.Helper()
	want := strings.Join(tr.lines, "")
	if got == want {
		return
	}
	if !*update {
		t.Errorf("the transcript has changed (-want +got):\n%s", cmp.Diff(want, got))
		return
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, append([]byte(got), data[len(want):]...), 0o644); err != nil {
		t.Fatal(err)
	}
}

package cli

import (
	"bytes"
	"context"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"upnp/cmd/internal/notation"
	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/wire"
)

var update = flag.Bool("update", false, "rewrite the transcripts with what the commands print now")

// A transcript is a scenario: command lines against one router, each followed by what it prints.
//
//	router igd1,only-permanent-leases     (a profile and quirks; none: igd2; nobody: an empty network;
//	                                      ipv6 among them: all have IPv6 addresses too)
//	$ upnp add 9542 --lease 1h            a command line
//	TCP 9542 -> ...                       its stdout
//	2> note: ...                          its stderr
//	[exit 4]                              its exit code, if not 0
//	$ sleep 10m                           time passes
//	[...]                                 among output: lines that are not looked at
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
func (tr transcript) replay(t *testing.T) string { return tr.replayOn(t, tr.network(t)) }

func (tr transcript) replayOn(t *testing.T, host wire.Network) string {
	var out strings.Builder
	for i, line := range tr.lines {
		switch {
		case strings.HasPrefix(line, "$ "):
			out.WriteString(line)
			out.WriteString(elide(runLine(t, host, strings.TrimSpace(line[2:])), tr.outputAfter(i)))
		case strings.HasPrefix(line, "#") || strings.HasPrefix(line, "router ") || strings.TrimSpace(line) == "":
			if !tr.isOutput(i) {
				out.WriteString(line)
			}
		}
	}
	return out.String()
}

// outputAfter is what the transcript says the command of line i prints.
func (tr transcript) outputAfter(i int) string {
	var text strings.Builder
	for j := i + 1; j < len(tr.lines) && !strings.HasPrefix(tr.lines[j], "$ "); j++ {
		text.WriteString(tr.lines[j])
	}
	return text.String()
}

// isOutput reports whether line i, blank or a comment, has output after it and a command before.
func (tr transcript) isOutput(i int) bool {
	for _, line := range tr.lines[i+1:] {
		switch {
		case strings.HasPrefix(line, "$ "):
			return false
		case !strings.HasPrefix(line, "#") && strings.TrimSpace(line) != "":
			return !strings.HasPrefix(line, "router ")
		}
	}
	return false
}

// elide leaves out of got what want does not look at.
func elide(got, want string) string {
	const dots = "[...]\n"
	before, after, ok := strings.Cut(want, dots)
	after = strings.TrimRight(after, "\n") + "\n"
	if ok && len(got) > len(before)+len(after) && strings.HasPrefix(got, before) && (after == "\n" || strings.HasSuffix(got, after)) {
		return before + dots + strings.TrimPrefix(after, "\n")
	}
	return got
}

// network is a LAN with this machine and, unless the transcript says nobody, a router.
func (tr transcript) network(t *testing.T) wire.Network {
	lan := wire.NewMemory()
	names := strings.FieldsFunc(tr.router, func(r rune) bool { return r == ',' })
	addrs := func(addr netip.Addr) []netip.Prefix { return dualStack(addr)[:1] }
	if i := slices.Index(names, "ipv6"); i >= 0 {
		names, addrs = slices.Delete(names, i, i+1), dualStack
	}
	host := lan.Host("self", addrs(emulatedSelf)...)
	host.SetGateway(emulatedRouter)
	if tr.router == "nobody" {
		return host
	}
	profile, err := profileOf("", names)
	if err != nil {
		t.Fatal(err)
	}
	r := emulator.New(profile)
	if err := r.Put(prefilled()...); err != nil {
		t.Fatal(err)
	}
	serveUntilEnd(t, r, igd.Server{Network: lan.Host("router", addrs(emulatedRouter)...), Interface: emulatedInterface, Port: emulatedPort})
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

// changing replaces what differs from run to run and machine to machine.
var changing = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`\b\d+(\.\d+)? ms\b`), "N ms"},
	{regexp.MustCompile(`\b127\.0\.0\.1:\d+`), "127.0.0.1:PORT"},
	{regexp.MustCompile(regexp.QuoteMeta(runtime.Version())), "GO"},
	{regexp.MustCompile(`\b` + runtime.GOOS + `([^a-z]+"arch": "|/)` + runtime.GOARCH), "OS${1}ARCH"},
}

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
	time.Sleep(time.Until(time.Now().Truncate(tick).Add(tick)))
	r := runIn(t.Context(), host, ".", words[1:], "")
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
	return steady(text)
}

// steady is text without what differs from run to run.
func steady(text string) string {
	for _, c := range changing {
		text = c.pattern.ReplaceAllString(text, c.with)
	}
	return inSeconds.ReplaceAllStringFunc(inClock.ReplaceAllStringFunc(text, roundClock), roundSeconds)
}

// tick is what command lines start at multiples of, and what the times they print are rounded to:
// a search takes a random part of a second.
const tick = 10 * time.Second

var (
	inClock   = regexp.MustCompile(`\b(\d+h)?(\d+m)?\d+s\b *`)
	inSeconds = regexp.MustCompile(`Seconds": \d+`)
)

// roundClock rounds a duration and keeps the width of its column.
func roundClock(text string) string {
	clock := strings.TrimRight(text, " ")
	d, err := time.ParseDuration(clock)
	if err != nil || d < tick {
		return text
	}
	rounded := notation.ShortDuration(d.Round(tick))
	if blanks := len(text) - len(clock); blanks > 1 {
		return pad(rounded, len(text), false)
	}
	return rounded + text[len(clock):]
}

func roundSeconds(text string) string {
	name, number, _ := strings.Cut(text, ": ")
	n, err := strconv.Atoi(number)
	if err != nil {
		return text
	}
	return name + ": " + strconv.Itoa(int((time.Duration(n)*time.Second).Round(tick)/time.Second))
}

type result struct {
	stdout, stderr string
	code           int
}

// runWords runs a command line on a network, where nothing outlives it.
func runWords(ctx context.Context, host wire.Network, words []string, stdin string) result {
	return runIn(ctx, host, "", words, stdin)
}

// runIn runs a command line on a network, with a folder for what is to outlive it.
func runIn(ctx context.Context, host wire.Network, state string, words []string, stdin string) result {
	var out, err bytes.Buffer
	s := newSession(Streams{In: strings.NewReader(stdin), Out: &out, Err: &err})
	s.base, s.state = host, state
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

// TestMain has times of day printed as in Greenwich.
func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(m.Run())
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

//go:build linux

package lab_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"upnp/igd/wire"
	"upnp/testdata/lab"
)

var record = flag.Bool("record", false, "record the sessions of ../routers anew, from real programs")

// A scene is what a session in ../routers is recorded from: a lab, and what is done to it before. The
// commands are those in the session's own transcript.
type scene struct {
	lab     lab.Options
	prepare func(*testing.T, *lab.Lab)
}

var scenes = map[string]scene{
	"miniupnpd-2.3.1-igd1":       {lab.Options{IGD1: true, Clients: 2}, neighbour},
	"miniupnpd-2.3.1-igd2":       {lab.Options{Clients: 2}, neighbour},
	"miniupnpd-2.3.1-long-table": {lab.Options{Clients: 2}, longTable},
	"miniupnpd-2.3.1-behind-nat": {lab.Options{BehindNAT: true}, nil},
	"miniupnpd-2.3.1-wan-down":   {lab.Options{}, wanDown},
	"two-miniupnpd-2.3.1":        {lab.Options{SecondIGD: true}, nil},
	"minidlna-1.3.0":             {lab.Options{NoDaemon: true}, minidlna},
	"gmediarender-0.1":           {lab.Options{NoDaemon: true}, gmediarender},
	"gupnp-network-light-0.12.0": {lab.Options{NoDaemon: true}, networkLight},
	"noisy-home":                 {lab.Options{}, noise},
}

// neighbour has another client hold a port.
func neighbour(t *testing.T, l *lab.Lab) {
	newUser(t, l.Clients[1]).must(t, "add", "6881/tcp", "--lease", "2h", "--description", "neighbour", "--no-cache")
}

// longTable is more than GetListOfPortMappings may be asked for at once, of two clients.
func longTable(t *testing.T, l *lab.Lab) {
	newUser(t, l.Clients[1]).must(t, "add", "30000-30039/both", "--lease", "2h", "--description", "neighbour", "--no-cache")
	newUser(t, l.Clients[0]).must(t, "add", "20000-20079", "--lease", "1h", "--description", "many", "--no-cache")
}

// wanDown is after the provider's line was cut.
func wanDown(t *testing.T, l *lab.Lab) {
	if r := l.Router.Run(t, "ip", "link", "set", "wan0", "down"); r.Code != 0 {
		t.Fatal(r.Stderr)
	}
}

// The hosts of other devices.
const (
	minidlnaHost  = 201
	rendererHost  = 202
	lightHost     = 204
	startPatience = 20 * time.Second
)

func minidlna(t *testing.T, l *lab.Lab) {
	lab.Need(t, "minidlnad")
	h, dir := l.Other("dlna", minidlnaHost), t.TempDir()
	conf := filepath.Join(dir, "minidlna.conf")
	lines := []string{
		"network_interface=lan0", "port=8200", "media_dir=" + dir, "db_dir=" + dir, "log_dir=" + dir, "friendly_name=Lab minidlna",
		"inotify=no", "notify_interval=60", "uuid=4d696e69-444c-164e-9d41-0200c0a807c9", "",
	}
	if err := os.WriteFile(conf, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	h.Start(t, nil, "minidlnad", "-S", "-f", conf, "-P", filepath.Join(dir, "pid"))
	await(t, h, "http://"+h.Addr+":8200/rootDesc.xml")
}

func gmediarender(t *testing.T, l *lab.Lab) {
	lab.Need(t, "gmediarender")
	h, dir := l.Other("renderer", rendererHost), t.TempDir()
	h.Start(t, []string{"HOME=" + dir, "XDG_RUNTIME_DIR=" + dir}, "gmediarender", "-I", "lan0", "-p", "49494", "-f", "Lab renderer",
		"-u", "2f0c0e1a-9d3b-4c57-8b1e-0200c0a807ca", "--gstout-audiosink=fakesink", "--gstout-videosink=fakesink", "--logfile=stdout")
	await(t, h, "http://"+h.Addr+":49494/description.xml")
}

func networkLight(t *testing.T, l *lab.Lab) {
	lab.Need(t, "gupnp-network-light", "xvfb-run", "dbus-run-session")
	h, dir := l.Other("light", lightHost), t.TempDir()
	env := []string{"HOME=" + dir, "XDG_RUNTIME_DIR=" + dir, "GSETTINGS_BACKEND=memory", "NO_AT_BRIDGE=1"}
	h.Start(t, env, "dbus-run-session", "--", "xvfb-run", "-a", "-n", "170", "gupnp-network-light", "-p", "9003")
	await(t, h, "http://"+h.Addr+":9003/")
}

func noise(t *testing.T, l *lab.Lab) {
	minidlna(t, l)
	gmediarender(t, l)
	networkLight(t, l)
}

// await waits until a web server answers, with whatever.
func await(t *testing.T, h *lab.Host, url string) {
	t.Helper()
	for deadline := time.Now().Add(startPatience); ; time.Sleep(100 * time.Millisecond) {
		_, err := h.Get(url)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", url, err)
		}
	}
}

// TestRecord runs the commands of each transcript in ../routers against the real programs, and keeps
// what they print and every byte that went out and in.
//
//	go test ./testdata/lab -run '^TestRecord$' -record
func TestRecord(t *testing.T) {
	if !*record {
		t.Skip("only with -record")
	}
	for name, s := range scenes {
		t.Run(name, func(t *testing.T) {
			l := lab.Up(t, s.lab)
			if s.prepare != nil {
				s.prepare(t, l)
			}
			recordSession(t, l, filepath.Join("..", "routers", name))
		})
	}
}

// recordSession rewrites session.txt with what its commands print, and session.wire.
func recordSession(t *testing.T, l *lab.Lab, dir string) {
	script, err := os.ReadFile(filepath.Join(dir, "session.txt"))
	if err != nil {
		t.Fatal(err)
	}
	all, u := new(wire.Log), newUser(t, l.Clients[0])
	var text strings.Builder
	for line := range strings.Lines(string(script)) {
		command, ok := strings.CutPrefix(line, "$ upnp ")
		if !ok {
			if head := len(all.Events()) == 0; head {
				text.WriteString(line) // remarks stand above the commands
			}
			continue
		}
		part := filepath.Join(t.TempDir(), "part.wire")
		r := u.upnp(t, append(words(command), "--no-cache", "--wire", part)...)
		text.WriteString(line + shown(r))
		attach(t, all, part)
	}
	write(t, filepath.Join(dir, "session.txt"), text.String())
	var log bytes.Buffer
	if _, err := all.WriteTo(&log); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "session.wire"), log.String())
}

// words parts a command line at blanks that are not between quotes.
func words(line string) []string {
	quoted := false
	return strings.FieldsFunc(line, func(r rune) bool {
		if r == '\'' {
			quoted = !quoted
		}
		return r == '\'' || !quoted && (r == ' ' || r == '\n')
	})
}

// shown is what a command printed, as transcripts have it.
func shown(r lab.Result) string {
	text := r.Stdout
	for line := range strings.Lines(r.Stderr) {
		text += "2> " + line
	}
	if r.Code != 0 {
		text += fmt.Sprintf("[exit %d]\n", r.Code)
	}
	return text
}

// attach adds the log of one command to that of the session. Flows are numbered anew, for each command
// begins with 1.
func attach(t *testing.T, all *wire.Log, part string) {
	f, err := os.Open(part)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	log, err := wire.ReadLog(f)
	if err != nil {
		t.Fatal(err)
	}
	last := 0
	for _, e := range all.Events() {
		last = max(last, e.Flow)
	}
	for _, e := range log.Events() {
		e.Flow += last
		all.Record(e)
	}
}

func write(t *testing.T, name, text string) {
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

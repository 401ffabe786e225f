package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"upnp/description"
	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/wire"
	"upnp/soap"
)

// TestExamplesAreTranscripts: what a help ends with has been run.
func TestExamplesAreTranscripts(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range names {
		all.WriteString(strings.Join(readTranscript(t, name).lines, ""))
	}
	for _, c := range commands() {
		for _, e := range c.Examples {
			if c.Name() == "demo" || c.Name() == "ui" { // over real sockets, see TestDemo and TestUI
				continue
			}
			if !strings.Contains(all.String(), "$ "+e+"\n") {
				t.Errorf("no transcript of %q", e)
			}
		}
	}
}

// TestHelpFits: texts stay within the width they are written for, and every flag says what it is.
func TestHelpFits(t *testing.T) {
	for _, c := range commands() {
		r := runWords(t.Context(), nil, []string{"help", c.Name()}, "")
		for line := range strings.Lines(r.stdout) {
			if len(line) > 110 {
				t.Errorf("%s: %d columns: %s", c.Name(), len(line), line)
			}
		}
		if c.Short == "" || c.Long == "" || r.code != exitDone {
			t.Errorf("%s: no help", c.Name())
		}
	}
}

// lan is a network with a router served by server, for a test in a bubble.
func lan(t *testing.T, backend igd.Backend, change func(*igd.Server)) wire.Network {
	memory := wire.NewMemory()
	host := memory.Host("self", netip.PrefixFrom(emulatedSelf, 24))
	host.SetGateway(emulatedRouter)
	server := igd.Server{
		Backend: backend, Device: igd.V2, Network: memory.Host("router", netip.PrefixFrom(emulatedRouter, 24)),
		Interface: emulatedInterface, Port: emulatedPort,
	}
	change(&server)
	ctx, stop := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	server.Ready = func(string) { close(ready) }
	go func() { ended <- server.Serve(ctx) }()
	<-ready
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return host
}

const evil = "\x1b]52;c;ZXZpbA==\a\x1b[2J\u202egnp\u009b31m\x7f\r\nEVIL\u2028\ufeff"

// evilBackend answers everything with text made to take over a terminal.
type evilBackend struct{ *emulator.Router }

func (b evilBackend) AddMapping(context.Context, igd.Mapping) error {
	return &soap.Fault{Code: 899, Description: evil}
}

func (b evilBackend) Status(context.Context) (igd.Status, error) {
	return igd.Status{Connection: evil, LastError: evil}, nil
}

// TestHostileTexts: nothing a router says reaches a terminal raw, whatever the verb.
func TestHostileTexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		router := emulator.New(emulator.Profile{Device: igd.V2})
		for i, p := range []igd.Protocol{igd.TCP, igd.UDP} {
			err := router.Put(igd.Mapping{
				MappingKey:     igd.MappingKey{ExternalPort: 9542, Protocol: p},
				InternalClient: []netip.Addr{emulatedSelf, emulatedOther}[i], InternalPort: 80, Description: evil,
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		host := lan(t, evilBackend{router}, func(s *igd.Server) {
			s.Root = igd.StandardRoot(igd.V2, "evil")
			for d := range s.Root.Devices() {
				d.FriendlyName, d.Manufacturer, d.ModelName, d.ModelURL, d.SerialNumber = evil, evil, evil, evil, evil
				d.PresentationURL = "http://192.168.1.1/" + evil
				d.Extra = []description.Field{{Name: "X_evil", Text: evil}}
			}
			s.Product = "Evil/1 UPnP/1.1 evil/1"
		})
		for _, line := range []string{
			"discover", "discover --all", "discover --st upnp:rootdevice", "info", "ip", "list", "list --export", "list -v", "add 9600",
			"add 9542/udp", "add 9542/both --dry-run", "edit 9542 --to 81", "edit 9542/udp --to 81", "delete 9542/udp", "delete 9542/udp --yes", "delete 9542",
			"devices", "devices --watch --timeout 5s", "describe 192.168.1.1", "describe 192.168.1.1 WANIPConnection",
			"call 192.168.1.1 WANIPConnection GetStatusInfo --raw", "call 192.168.1.1 WANIPConnection AddPortMapping --unchecked",
			"subscribe 192.168.1.1 WANIPConnection --timeout 3s", "describe nothing", "call 192.168.1.1 nothing Nothing",
		} {
			for _, suffix := range []string{"", " --json"} {
				r := runWords(t.Context(), host, strings.Fields(line+suffix), "")
				harmlessOutput(t, line+suffix, r)
			}
		}
	})
}

func harmlessOutput(t *testing.T, line string, r result) {
	t.Helper()
	for _, c := range r.stdout + r.stderr {
		if c != '\n' && !unicode.IsPrint(c) {
			t.Errorf("%s: raw %U", line, c)
			return
		}
	}
	if strings.Contains(r.stdout+r.stderr, "\nEVIL") {
		t.Errorf("%s: forges a line", line)
	}
	if strings.HasSuffix(line, "--json") && r.stdout != "" {
		dec := json.NewDecoder(strings.NewReader(r.stdout))
		for err := error(nil); err != io.EOF; {
			var v any
			if err = dec.Decode(&v); err != nil && err != io.EOF {
				t.Errorf("%s: not JSON: %v", line, err)
				return
			}
		}
	}
}

// TestGatewayThatIsAWebPage: --gateway names something else that speaks HTTP, or does not.
func TestGatewayThatIsSomethingElse(t *testing.T) {
	page := "<!DOCTYPE html><html><title>Log in</title></html>"
	for _, tt := range []struct {
		name, want string
		answer     http.HandlerFunc
	}{
		{"log-in page", "no UPnP device", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, page) }},
		{"forbidden page", "a web page answers at http://192.168.1.1:80/root.xml (HTTP 403)", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, page)
		}},
		{"nothing there", "HTTP 404", http.NotFound},
		{"another device", "not an Internet gateway", func(w http.ResponseWriter, _ *http.Request) {
			root := &description.Root{SpecMajor: 1, Device: &description.Device{Type: "urn:schemas-upnp-org:device:MediaServer:1", UDN: "uuid:x", FriendlyName: "TV"}}
			root.WriteTo(w)
		}},
		{"hangs up", "closed", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				memory := wire.NewMemory()
				host := memory.Host("self", netip.PrefixFrom(emulatedSelf, 24))
				l, err := memory.Host("web", netip.PrefixFrom(emulatedRouter, 24)).Listen(t.Context(), "tcp", "192.168.1.1:80")
				if err != nil {
					t.Fatal(err)
				}
				server := http.Server{Handler: tt.answer}
				ended := make(chan error, 1)
				go func() { ended <- server.Serve(l) }()
				for _, verb := range []string{"ip", "list", "add 9542", "delete 9542", "edit 9542 --to 5", "info"} {
					r := runWords(t.Context(), host, append(strings.Fields(verb), "--gateway", "http://192.168.1.1:80/root.xml"), "")
					oneLine(t, verb, r, exitNoGateway, tt.want)
				}
				server.Close()
				<-ended
			})
		})
	}
}

func oneLine(t *testing.T, line string, r result, code int, want string) {
	t.Helper()
	if r.code != code || r.stdout != "" || strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, want) {
		t.Errorf("%s: exit %d, stdout %q, stderr %q; want exit %d and a line with %q", line, r.code, r.stdout, r.stderr, code, want)
	}
}

// TestControlThatIsAWebPage: the description is fine, but actions meet a log-in page.
func TestControlThatIsAWebPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := transcript{router: "igd1,html-login-page"}.network(t)
		for _, line := range []string{"add 9542", "ip", "list", "delete 8080", "edit 8080 --to 81"} {
			oneLine(t, line, runWords(t.Context(), host, strings.Fields(line), ""), exitNoGateway, "HTML page")
			line += " --gateway http://192.168.1.1:5000/root.xml"
			oneLine(t, line, runWords(t.Context(), host, strings.Fields(line), ""), exitFailed, "page")
		}
	})
}

func TestNoNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := wire.NewMemory().Host("self")
		for _, line := range []string{"ip", "list", "add 9542", "discover", "discover --all", "info", "devices", "describe 192.168.1.1", "call TV x y"} {
			oneLine(t, line, runWords(t.Context(), host, strings.Fields(line), ""), exitNoGateway, "not connected to a network")
		}
	})
}

// TestInterrupted: 130, quickly, and nothing to read about it; what was done is in the JSON.
func TestInterrupted(t *testing.T) {
	for _, line := range []string{"ip", "list", "info", "add 9542", "discover", "discover --passive", "discover --all", "emulate", "devices", "devices --watch", "describe TV", "subscribe 192.168.1.1 x"} {
		t.Run(line, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				host := transcript{router: "nobody"}.network(t)
				ctx, interrupt := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, interrupt)
				began := time.Now()
				r := runWords(ctx, host, strings.Fields(line), "")
				took := time.Since(began)
				if r.code != exitInterrupted || took > 4*time.Second {
					t.Errorf("exit %d after %v: %s", r.code, took, r.stderr)
				}
			})
		})
	}
}

// TestInterruptedRangeIsRolledBack: an interrupted wish leaves nothing of it.
func TestInterruptedRangeIsRolledBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := transcript{router: "igd1,slow=1s"}.network(t)
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Second, interrupt)
		r := runWords(ctx, host, []string{"add", "4000-4020"}, "")
		if r.code != exitInterrupted {
			t.Fatalf("exit %d: %s", r.code, r.stderr)
		}
		time.Sleep(time.Minute)
		if r := runWords(t.Context(), host, []string{"list"}, ""); strings.Contains(r.stdout, " 40") {
			t.Errorf("left behind:\n%s", r.stdout)
		}
	})
}

// TestConfirm: on a terminal, another machine's mapping goes only after a yes.
func TestConfirm(t *testing.T) {
	for answer, want := range map[string]int{"y\n": exitDone, "Yes\n": exitDone, "\n": exitFailed, "n\n": exitFailed, "": exitFailed} {
		synctest.Test(t, func(t *testing.T) {
			host := transcript{router: "igd1,anyone"}.network(t)
			var out, err bytes.Buffer
			s := newSession(Streams{In: strings.NewReader(answer), Out: &out, Err: &err, InTerminal: true, ErrTerminal: true})
			s.base = host
			code := s.finish(t.Context(), s.main(t.Context(), []string{"delete", "6881"}))
			s.close()
			asked := strings.Contains(err.String(), "192.168.1.20:6881") && strings.Contains(err.String(), "[y/N]")
			if code != want || !asked || (code == exitDone) != strings.Contains(out.String(), "removed TCP 6881") {
				t.Errorf("%q: exit %d, %q, %q", answer, code, out.String(), err.String())
			}
		})
	}
}

// TestConfirmTermination: on a terminal, the house goes offline only after a yes, or with --yes.
func TestConfirmTermination(t *testing.T) {
	for answer, want := range map[string]int{"y\n": exitDone, "\n": exitFailed, "--yes": exitDone} {
		synctest.Test(t, func(t *testing.T) {
			var out, err bytes.Buffer
			s := newSession(Streams{In: strings.NewReader(answer), Out: &out, Err: &err, InTerminal: true, ErrTerminal: true})
			s.base = transcript{router: "dial-up"}.network(t)
			words := []string{"connection", "terminate"}
			if answer == "--yes" {
				words = append(words, answer)
			}
			code := s.finish(t.Context(), s.main(t.Context(), words))
			s.close()
			asked := strings.Contains(err.String(), "whole house offline")
			if code != want || asked == (answer == "--yes") || (code == exitDone) != strings.Contains(out.String(), "Disconnected") {
				t.Errorf("%q: exit %d, %q, %q", answer, code, out.String(), err.String())
			}
		})
	}
}

// TestProgressAndColour are for terminals alone.
func TestProgressAndColour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := transcript{router: "igd1,slow=1s"}.network(t)
		for _, terminal := range []bool{true, false} {
			var out, err bytes.Buffer
			s := newSession(Streams{Out: &out, Err: &err, OutTerminal: terminal, ErrTerminal: terminal, Columns: 60})
			s.base = host
			s.finish(t.Context(), s.main(t.Context(), []string{"list", "--timeout", "1m"}))
			s.close()
			progress, colour := strings.Contains(err.String(), "looking for the gateway"), strings.Contains(out.String(), "\x1b[1m")
			if progress != terminal || colour != terminal {
				t.Errorf("terminal %v: progress %v, colour %v: %q", terminal, progress, colour, err.String())
			}
			for line := range strings.Lines(out.String()) {
				if n := width(strings.NewReplacer("\x1b[1m", "", "\x1b[0m", "").Replace(line)) - 1; terminal && n > 76 {
					t.Errorf("%d columns: %q", n, line)
				}
			}
		}
	})
}

func TestWireFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "session.wire")
	synctest.Test(t, func(t *testing.T) {
		host := transcript{}.network(t)
		if r := runWords(t.Context(), host, []string{"ip", "--wire", name}, ""); r.code != 0 || r.stdout != "11.22.33.44\n" || r.stderr != "" {
			t.Errorf("%+v", r)
		}
	})
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	log, err := wire.ReadLog(f)
	if err != nil {
		t.Fatal(err)
	}
	asked := slices.ContainsFunc(log.Events(), func(e wire.Event) bool {
		return e.Kind == wire.Sent && bytes.Contains(e.Data, []byte("GetExternalIPAddress"))
	})
	if !asked {
		t.Error("the question is not in the file")
	}
	r := runWords(t.Context(), nil, []string{"ip", "--emulated", "--wire", t.TempDir()}, "")
	oneLine(t, "--wire directory", r, exitUsage, "--wire")
}

// TestDemo runs over the real sockets of this machine's loopback interface.
func TestDemo(t *testing.T) {
	r := runWords(t.Context(), wire.System(), []string{"demo"}, "")
	if r.code != exitDone || r.stderr != "" {
		t.Fatalf("exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	at := 0
	for _, step := range []string{"\ndiscover ", "\ninfo ", "\nadd ", "\nlist ", "\nedit ", "\nread back ", "\ndelete ", "\nAll of it took "} {
		i := strings.Index(r.stdout[at:], step)
		if i < 0 {
			t.Fatalf("no %q in its place:\n%s", step, r.stdout)
		}
		at += i
	}
	r = runWords(t.Context(), wire.System(), []string{"demo", "--json"}, "")
	if n := strings.Count(r.stdout, "\n"); r.code != exitDone || n != 7 {
		t.Errorf("exit %d, %d lines of JSON: %s", r.code, n, r.stderr)
	}
}

// TestCompletionRuns tries the script in a bash, where there is one.
func TestCompletionRuns(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here")
	}
	script := runWords(t.Context(), nil, []string{"completion", "bash"}, "").stdout
	for words, want := range map[string]string{
		"upnp de":                        "delete demo describe devices",
		"upnp --json ad":                 "add",
		"upnp --gateway 192.168.1.1 lis": "list",
		"upnp add --le":                  "--lease",
		"upnp list --ex":                 "--export",
		"upnp add --lease ":              "",
		"upnp list --color a":            "always auto",
		"upnp emulate --quirk list-end-": "list-end-402 list-end-501 list-end-close list-end-repeat",
		"upnp emulate --profile ig":      "igd1 igd2",
		"upnp completion b":              "bash",
		"upnp help ap":                   "apply",
	} {
		fields := strings.Fields(words)
		if strings.HasSuffix(words, " ") {
			fields = append(fields, "")
		}
		quoted := "'" + strings.Join(fields, "' '") + "'"
		program := fmt.Sprintf("%s\nCOMP_WORDS=(%s); COMP_CWORD=%d; _upnp; printf '%%s\\n' \"${COMPREPLY[@]}\"", script, quoted, len(fields)-1)
		out, err := exec.Command(bash, "--norc", "-c", program).CombinedOutput()
		if got := strings.Join(slices.Sorted(slices.Values(strings.Fields(string(out)))), " "); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", words, got, err, want)
		}
	}
}

// TestExplainKnowsEveryRefusal: no code a standard defines for mappings is left without words.
func TestExplainKnowsEveryRefusal(t *testing.T) {
	s := newSession(Streams{})
	for _, code := range igd.Errors() {
		e := s.explain(&igd.OpError{Op: "AddPortMapping", Gateway: "192.168.1.1", Err: code})
		if e.Code != exitRefused || e.UPnPCode != code.Code || !strings.Contains(e.Error(), fmt.Sprint(code.Code)) {
			t.Errorf("%v: %+v", code, e)
		}
	}
	odd := &soap.Fault{Code: -911, Description: "no idea"}
	if e := s.explain(odd); e.Code != exitRefused || !strings.Contains(e.Error(), `-911 "no idea"`) {
		t.Errorf("%+v", e)
	}
	if e := s.explain(errors.New("whatever")); e.Code != exitFailed || e.Error() != "whatever" {
		t.Errorf("%+v", e)
	}
}

package cli

import (
	"bytes"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"upnp/igd/wire"
	"upnp/ssdp"
)

// recorded is what a command line sent and received, as --wire has it.
func recorded(t *testing.T, words ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "session.wire")
	synctest.Test(t, func(t *testing.T) {
		if r := runWords(t.Context(), transcript{}.network(t), append(words, "--wire", name), ""); r.code != 0 {
			t.Fatalf("%+v", r)
		}
	})
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestWireRaw: --raw is byte for byte what was on the wire.
func TestWireRaw(t *testing.T) {
	file := recorded(t, "ip", "--gateway", "http://192.168.1.1:5000/root.xml")
	log, err := wire.ReadLog(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	x := log.Exchanges()[0]
	r := runWords(t.Context(), nil, []string{"wire", "show", "-", "--exchange", "1", "--raw"}, file)
	if want := string(x.Request) + string(x.Answer); r.stdout != want || r.code != 0 {
		t.Error(cmp.Diff(want, r.stdout))
	}
	var out bytes.Buffer
	s := newSession(Streams{In: strings.NewReader(strings.ReplaceAll(file, "Connection", "Conne\x1b[ion")), Out: &out, OutTerminal: true})
	s.finish(t.Context(), s.main(t.Context(), []string{"wire", "show", "-", "--exchange", "1", "--raw", "--color", "never"}))
	if s.close(); strings.Contains(out.String(), "\x1b") || !strings.Contains(out.String(), `Conne\u{1b}[ion`) {
		t.Errorf("on a terminal: %q", out.String())
	}
}

// TestWireRedact: nothing that tells whose network it is gets into the file, whose lines are as long as they were.
func TestWireRedact(t *testing.T) {
	words := []string{"ip", "--gateway", "http://192.168.1.1:5000/root.xml"}
	plain, redacted := recorded(t, words...), recorded(t, append(words, "--redact")...)
	for _, secret := range []string{"11.22.33.44", "89012686-1679"} {
		if !strings.Contains(plain, secret) || strings.Contains(redacted, secret) {
			t.Errorf("%s: %v in the plain file, %v in the redacted", secret, strings.Contains(plain, secret), strings.Contains(redacted, secret))
		}
	}
	lengths := func(text string) (all []int) {
		for line := range strings.Lines(text) {
			all = append(all, len(line))
		}
		return all
	}
	if diff := cmp.Diff(lengths(plain), lengths(redacted)); diff != "" {
		t.Error(diff)
	}
}

func TestIndentXML(t *testing.T) {
	for doc, want := range map[string][]string{
		"":                    nil,
		"no XML, two\nlines":  {"no XML, two", "lines"},
		"<a><b>x</b><c/></a>": {"<a>", "  <b>x</b>", "  <c/>", "</a>"},
		"<?xml?><!-- <x> --><a>  <b>\n</b>y<c>z</c></a>\n": {"<?xml?>", "<!-- <x> -->", "<a>", "  <b></b>", "  y", "  <c>z</c>", "</a>"},
		"</a></a><b>":                 {"</a>", "</a>", "<b>"},
		"<a><![CDATA[<b>\n<c>]]></a>": {"<a>", "  <![CDATA[<b>", "  <c>]]>", "</a>"},
		"<a <b":                       {"<a <b"},
		"<a>1<b>2":                    {"<a>", "  1", "  <b>", "    2"},
		"<":                           {"<"},
		"<a></b></c></d>x":            {"<a></b>", "</c>", "</d>", "x"},
	} {
		if diff := cmp.Diff(want, slices.Collect(indentXML(doc))); diff != "" {
			t.Errorf("%q: %s", doc, diff)
		}
	}
}

func FuzzIndentXML(f *testing.F) {
	f.Add("<a><b>x</b><c/></a>")
	f.Add("<!--<![CDATA[<?")
	f.Fuzz(func(t *testing.T, doc string) {
		squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
		got := strings.Join(slices.Collect(indentXML(doc)), "\n")
		if squeeze(got) != squeeze(doc) {
			t.Errorf("%q became %q", doc, got)
		}
	})
}

// TestWireEveryVerb: --wire keeps what every verb that talks to a gateway says and hears, and -v shows it.
func TestWireEveryVerb(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ports.txt")
	if err := os.WriteFile(file, []byte("9600\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lines := []string{
		"discover --timeout 2s", "discover --all --timeout 2s", "info", "ip", "list", "add 9542", "edit 8080/tcp --description x",
		"delete 8080/tcp", "apply " + file, "watch --timeout 5s", "keep 9542 --timeout 5s", "doctor --read-only",
		"devices --timeout 2s", "describe 192.168.1.1", "call 192.168.1.1 WANIPConn1 GetExternalIPAddress",
		"subscribe 192.168.1.1 WANIPConn1 --timeout 2s", "pinhole check 1",
	}
	for _, line := range lines {
		t.Run(line, func(t *testing.T) {
			t.Chdir(t.TempDir()) // where a journal may be left
			name := filepath.Join(t.TempDir(), "session.wire")
			var r result
			synctest.Test(t, func(t *testing.T) {
				r = runWords(t.Context(), transcript{}.network(t), append(split(line), "--wire", name, "-v"), "")
			})
			data, _ := os.ReadFile(name)
			log, err := wire.ReadLog(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]int{}
			for _, e := range log.Events() {
				seen[e.Net+" "+e.Kind.String()]++
			}
			tcp := !strings.HasPrefix(line, "discover --all") && !strings.HasPrefix(line, "devices")
			if seen["udp sent"] == 0 || seen["udp received"] == 0 || tcp && (seen["tcp sent"] == 0 || seen["tcp received"] == 0) {
				t.Errorf("%v\n%+v", seen, r)
			}
			if strings.Count(r.stderr, "→") == 0 || strings.Count(r.stderr, "←") == 0 {
				t.Errorf("-v shows %s", r.stderr)
			}
			listens := strings.HasPrefix(line, "watch") || strings.HasPrefix(line, "subscribe") || strings.HasPrefix(line, "keep") || strings.HasPrefix(line, "doctor")
			if heard := slices.ContainsFunc(log.Exchanges(), isEvent); heard != listens {
				t.Errorf("an event was heard: %v", heard)
			}
		})
	}
}

// isEvent reports whether an exchange is a NOTIFY that came in and was answered.
func isEvent(x wire.Exchange) bool {
	return x.Kind == wire.Notification && x.Incoming && bytes.Contains(x.Request, []byte("<e:propertyset")) && bytes.HasPrefix(x.Answer, []byte("HTTP/1.1 200"))
}

// TestWireKeepsWhatIsRefused: what our own parsers refuse is in the file, byte for byte.
func TestWireKeepsWhatIsRefused(t *testing.T) {
	garbage := map[string]string{
		"datagram": "HTTP/9 \x00\xff nothing\r\n",
		"answer":   "\x16\x03\x01 this is no HTTP\x00\r\n\r\n",
	}
	name := filepath.Join(t.TempDir(), "session.wire")
	synctest.Test(t, func(t *testing.T) {
		lan := wire.NewMemory()
		host, router := lan.Host("self", netip.PrefixFrom(emulatedSelf, 24)), lan.Host("router", netip.PrefixFrom(emulatedRouter, 24))
		host.SetGateway(emulatedRouter)
		l, err := router.Listen(t.Context(), "tcp", ":5000")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				c.Read(make([]byte, 1000))
				io.WriteString(c, garbage["answer"])
				c.Close()
			}
		}()
		heard, err := router.ListenPacket(t.Context(), router.Link("eth0").Interface(), ssdp.GroupIPv4())
		if err != nil {
			t.Fatal(err)
		}
		defer heard.Close()
		go func() {
			buf := make([]byte, 1000)
			for {
				_, from, err := heard.ReadFrom(buf)
				if err != nil {
					return
				}
				heard.WriteTo([]byte(garbage["datagram"]), from)
			}
		}()
		runWords(t.Context(), host, []string{"ip", "--timeout", "1s", "--wire", name}, "")
		runWords(t.Context(), host, []string{"ip", "--gateway", "http://192.168.1.1:5000/x", "--wire", name + "2"}, "")
	})
	for file, want := range map[string]string{name: garbage["datagram"], name + "2": garbage["answer"]} {
		data, _ := os.ReadFile(file)
		log, err := wire.ReadLog(bytes.NewReader(data))
		if err != nil || !slices.ContainsFunc(log.Events(), func(e wire.Event) bool { return e.Kind == wire.Received && string(e.Data) == want }) {
			t.Errorf("%q is not in the file: %v\n%q", want, err, data)
		}
	}
}

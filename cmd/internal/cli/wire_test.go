package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"upnp/igd/wire"
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

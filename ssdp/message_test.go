package ssdp

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"upnp/testdata"
)

const igdAnswer = "HTTP/1.1 200 OK\r\n" +
	"CACHE-CONTROL: max-age=120\r\n" +
	"ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n" +
	"USN: uuid:6f1c2a7e-93d4-4c51-8a0e-0123456789ab::urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n" +
	"EXT:\r\n" +
	"SERVER: Example/1.0 UPnP/1.1 gatewayd/3.2\r\n" +
	"LOCATION: http://192.168.7.1:5000/rootDesc.xml\r\n" +
	"OPT: \"http://schemas.upnp.org/upnp/1/0/\"; ns=01\r\n" +
	"01-NLS: 1721000000\r\n" +
	"BOOTID.UPNP.ORG: 1721000000\r\n" +
	"CONFIGID.UPNP.ORG: 1337\r\n" +
	"\r\n"

func response(fields ...string) *Message { return withFields(&Message{Status: 200}, fields) }

func request(method string, fields ...string) *Message {
	return withFields(&Message{Method: method}, fields)
}

func withFields(m *Message, fields []string) *Message {
	for i := 0; i < len(fields); i += 2 {
		m.Header.Add(fields[i], fields[i+1])
	}
	return m
}

func TestMessageBothWays(t *testing.T) {
	rows := []struct {
		name string
		m    *Message
		text string
	}{
		{"search, UDA 1.1 1.3.2", request("M-SEARCH", "HOST", "239.255.255.250:1900", "MAN", `"ssdp:discover"`, "MX", "1", "ST", "ssdp:all"),
			"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: ssdp:all\r\n\r\n"},
		{"byebye, UDA 1.1 1.2.3", request("NOTIFY", "HOST", "239.255.255.250:1900", "NT", "upnp:rootdevice", "NTS", "ssdp:byebye", "USN", "uuid:a::upnp:rootdevice"),
			"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNT: upnp:rootdevice\r\nNTS: ssdp:byebye\r\nUSN: uuid:a::upnp:rootdevice\r\n\r\n"},
		{"answer with an empty EXT, UDA 1.1 1.3.3", response("EXT", "", "ST", "upnp:rootdevice"), "HTTP/1.1 200 OK\r\nEXT:\r\nST: upnp:rootdevice\r\n\r\n"},
		{"UTF-8 in a value", response("SERVER", "Ärger/1 UPnP/1.0"), "HTTP/1.1 200 OK\r\nSERVER: Ärger/1 UPnP/1.0\r\n\r\n"},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			if got, err := r.m.AppendText([]byte("before")); err != nil || string(got) != "before"+r.text {
				t.Errorf("AppendText = %q, %v, want %q", got, err, r.text)
			}
			if got, err := Parse([]byte(r.text)); err != nil || !reflect.DeepEqual(got, r.m) {
				t.Errorf("Parse = %+v, %v, want %+v", got, err, r.m)
			}
		})
	}
}

func TestParseForgives(t *testing.T) {
	rows := []struct {
		name, text string
		want       *Message
		note       string
	}{
		{"no reason phrase", "HTTP/1.1 200\r\nST: a\r\n\r\n", response("ST", "a"), "no reason phrase"},
		{"space after the version, DD-WRT (G-9)", "NOTIFY * HTTP/1.1 \r\nNT: a\r\n\r\n", request("NOTIFY", "NT", "a"), "extra white space in the start line"},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\nST: a\r\n\r\n", response("ST", "a"), "version is not HTTP/1.1"},
		{"method in lower case", "notify * HTTP/1.1\r\nNT: a\r\n\r\n", request("NOTIFY", "NT", "a"), "method not in upper case"},
		{"path in place of *", "NOTIFY / HTTP/1.1\r\nNT: a\r\n\r\n", request("NOTIFY", "NT", "a"), "request target is not *"},
		{"LF only", "HTTP/1.1 200 OK\nST: a\n\n", response("ST", "a"), "lines end in LF without CR"},
		{"no empty line, Yeelight (G-8)", "HTTP/1.1 200 OK\r\nST: a\r\n", response("ST", "a"), "no empty line at the end"},
		{"cut after a value", "HTTP/1.1 200 OK\r\nST: a", response("ST", "a"), "no empty line at the end"},
		{"cut between CR and LF", "HTTP/1.1 200 OK\r\nST: a\r", response("ST", "a"), "no empty line at the end"},
		{"NUL padding (G-8)", "HTTP/1.1 200 OK\r\nST: a\r\n\r\n\x00\x00\x00", response("ST", "a"), "NUL padding behind the message"},
		{"empty lines first", "\r\n\r\nHTTP/1.1 200 OK\r\nST: a\r\n\r\n", response("ST", "a"), "empty lines before the start line"},
		{"body", "HTTP/1.1 200 OK\r\nST: a\r\n\r\nbody", response("ST", "a"), "data behind the empty line ignored"},
		{"line without colon", "HTTP/1.1 200 OK\r\nwhat is this\r\nST: a\r\n\r\n", response("ST", "a"), "header lines without colon ignored"},
		{"name with a space inside", "HTTP/1.1 200 OK\r\nX Y: z\r\nST: a\r\n\r\n", response("ST", "a"), "header lines with an unreadable name ignored"},
		{"empty name", "HTTP/1.1 200 OK\r\n: z\r\nST: a\r\n\r\n", response("ST", "a"), "header lines with an unreadable name ignored"},
		{"mixed case (Q-3)", "HTTP/1.1 200 OK\r\nLocation: a\r\n\r\n", response("Location", "a"), "header names not in upper case"},
		{"no space after the colon", "HTTP/1.1 200 OK\r\nST:a\r\n\r\n", response("ST", "a"), "no space after the colon of a header"},
		{"space before and much after the colon", "HTTP/1.1 200 OK\r\nST :   a  \r\n\r\n", response("ST", "a"), "extra white space around a header"},
		{"tab after the colon", "HTTP/1.1 200 OK\r\nST:\ta\r\n\r\n", response("ST", "a"), "extra white space around a header"},
		{"Latin-1", "HTTP/1.1 200 OK\r\nSERVER: K\xfcche\r\n\r\n", response("SERVER", "Küche"), "bytes that are not UTF-8 read as Latin-1"},
		{"escape sequence", "HTTP/1.1 200 OK\r\nSERVER: a\x1b[2Jb\r\n\r\n", response("SERVER", "a[2Jb"), "control characters removed"},
		{"CR inside a line", "HTTP/1.1 200 OK\r\nSERVER: a\rLOCATION: b\r\n\r\n", response("SERVER", "aLOCATION: b"), "control characters removed"},
		{"header twice", "HTTP/1.1 200 OK\r\nST: a\r\nst: b\r\n\r\n", response("ST", "a", "st", "b"), "repeated headers: the first counts"},
		{"AL (Q-3)", "HTTP/1.1 200 OK\r\nAL: <urn:x><http://10.0.0.1/d>\r\n\r\n", response("AL", "<urn:x><http://10.0.0.1/d>"), "AL in place of LOCATION"},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			got, err := Parse([]byte(r.text))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(got.Notes, r.note) {
				t.Errorf("notes %q lack %q", got.Notes, r.note)
			}
			got.Notes = nil
			if !reflect.DeepEqual(got, r.want) {
				t.Errorf("got %+v, want %+v", got, r.want)
			}
		})
	}
}

func TestParseNotesNothingInOrder(t *testing.T) {
	m, err := Parse([]byte(igdAnswer))
	if err != nil || m.Notes != nil {
		t.Errorf("notes %q, error %v, want none", m.Notes, err)
	}
}

func TestParseRefuses(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	rows := []struct {
		name, text string
		line       int
	}{
		{"nothing", "", 0},
		{"NULs", "\x00\x00", 0},
		{"line ends only", strings.Repeat("\r\n", 100), 0},
		{"random bytes (G-10)", "\x16\x03\x01\x02\x00", 1},
		{"words", "hello you there\r\n\r\n", 1},
		{"request without version", "NOTIFY *\r\n\r\n", 1},
		{"more behind the version", "NOTIFY * HTTP/1.1 x\r\n\r\n", 1},
		{"status of letters", "HTTP/1.1 2OO OK\r\n\r\n", 1},
		{"status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", 1},
		{"no status", "HTTP/1.1\r\n\r\n", 1},
		{"line one over", ok + "A: " + strings.Repeat("x", MaxLine-2) + "\r\n\r\n", 2},
		{"line one over once it is decoded", ok + "A: " + strings.Repeat("x", MaxLine-4) + "\xfc\r\n\r\n", 2},
		{"line far over", ok + "A: " + strings.Repeat("x", 3*MaxLine) + "\r\n\r\n", 2},
		{"lines one over", ok + strings.Repeat("A: b\r\n", MaxLines) + "\r\n", MaxLines + 1},
		{"datagram one over", padded(MaxDatagram + 1), 0},
		{"datagram far over", padded(60000), 0},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			m, err := Parse([]byte(r.text))
			e, ok := errors.AsType[*SyntaxError](err)
			if !ok {
				t.Fatalf("got %+v, %v, want a SyntaxError", m, err)
			}
			if e.Line != r.line {
				t.Errorf("%v: line %d, want %d", e, e.Line, r.line)
			}
		})
	}
}

// padded is a message of n bytes in lines of 100.
func padded(n int) string {
	s := "HTTP/1.1 200 OK\r\n"
	for len(s) < n-200 {
		s += "A: " + strings.Repeat("x", 95) + "\r\n"
	}
	return s + "B: " + strings.Repeat("y", n-len(s)-len("B: \r\n\r\n")) + "\r\n\r\n"
}

func TestParseAtTheLimits(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	rows := map[string]string{
		"line":     ok + "A: " + strings.Repeat("x", MaxLine-3) + "\r\n\r\n",
		"lines":    ok + strings.Repeat("A: b\r\n", MaxLines-1) + "\r\n",
		"datagram": padded(MaxDatagram),
	}
	for name, text := range rows {
		m, err := Parse([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if again, err := m.AppendText(nil); err != nil || string(again) != text {
			t.Errorf("%s: does not write as it was read: %v", name, err)
		}
	}
}

func TestAppendTextRefuses(t *testing.T) {
	rows := map[string]*Message{
		"line break in a value": response("ST", "a\r\nLOCATION: b"),
		"NUL in a value":        response("ST", "a\x00"),
		"space in a name":       response("S T", "a"),
		"empty name":            response("", "a"),
		"space at the end":      response("ST", "a "),
		"method of two words":   {Method: "NOTIFY NOW"},
		"status of one digit":   {Status: 2},
		"line too long":         response("ST", strings.Repeat("x", MaxLine)),
		"too many lines":        {Status: 200, Header: slices.Repeat(Header{{"A", "b"}}, MaxLines)},
		"too long":              {Status: 200, Header: slices.Repeat(Header{{"A", strings.Repeat("x", 1000)}}, 5)},
	}
	for name, m := range rows {
		got, err := m.AppendText([]byte("before"))
		if _, ok := errors.AsType[*SyntaxError](err); !ok || string(got) != "before" {
			t.Errorf("%s: %q, %v, want a SyntaxError and nothing written", name, got, err)
		}
	}
}

func TestMessageAccessors(t *testing.T) {
	m, err := Parse([]byte(igdAnswer))
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Location(); got != "http://192.168.7.1:5000/rootDesc.xml" {
		t.Errorf("Location = %q", got)
	}
	want := USN{"uuid:6f1c2a7e-93d4-4c51-8a0e-0123456789ab", "urn:schemas-upnp-org:device:InternetGatewayDevice:1"}
	if m.USN() != want || m.Target() != want.Target || m.USN().String() != m.Header.Get("usn") {
		t.Errorf("USN = %+v, Target = %q", m.USN(), m.Target())
	}
	boot, ok := m.BootID()
	config, ok2 := m.ConfigID()
	_, ok3 := m.SearchPort()
	if boot != 1721000000 || !ok || config != 1337 || !ok2 || ok3 {
		t.Errorf("BootID %d %v, ConfigID %d %v, SearchPort %v", boot, ok, config, ok2, ok3)
	}
}

func TestLocationFromAL(t *testing.T) {
	if got := response("AL", "<urn:x><http://10.0.0.1/d>").Location(); got != "http://10.0.0.1/d" {
		t.Errorf("in brackets: %q", got)
	}
	if got := response("AL", "http://10.0.0.1/d", "LOCATION", "http://10.0.0.1/e").Location(); got != "http://10.0.0.1/e" {
		t.Errorf("next to LOCATION: %q", got)
	}
}

func TestMaxAge(t *testing.T) {
	rows := []struct {
		header string
		want   time.Duration
	}{
		{"max-age=1800", 30 * time.Minute},
		{"Max-Age = 3600", time.Hour},
		{"no-cache, max-age=300", 5 * time.Minute},
		{`max-age="120"`, 2 * time.Minute},
		{"max-age=30", time.Minute},
		{"max-age=0", time.Minute},
		{"max-age=1000000000", 24 * time.Hour},
		{"max-age=99999999999999999999999", 24 * time.Hour},
		{"max-age=soon", DefaultMaxAge},
		{"max-age=-1", DefaultMaxAge},
		{"no-cache", DefaultMaxAge},
		{"", DefaultMaxAge},
	}
	for _, r := range rows {
		if got := response("CACHE-CONTROL", r.header).MaxAge(); got != r.want {
			t.Errorf("%q: %v, want %v", r.header, got, r.want)
		}
	}
}

func TestHeader(t *testing.T) {
	h := Header{{"ST", "a"}, {"Ext", ""}, {"st", "b"}}
	if h.Get("sT") != "a" || h.Get("USN") != "" {
		t.Errorf("Get: %q, %q", h.Get("sT"), h.Get("USN"))
	}
	if _, ok := h.Lookup("EXT"); !ok {
		t.Error("Lookup does not see the empty line")
	}
	h.Set("ext", "1")
	h.Set("USN", "u")
	h.Del("ST")
	if want := (Header{{"Ext", "1"}, {"USN", "u"}}); !reflect.DeepEqual(h, want) {
		t.Errorf("got %v, want %v", h, want)
	}
	for name, value := range h.All() {
		if name != "Ext" || value != "1" {
			t.Errorf("All begins with %s: %s", name, value)
		}
		break
	}
}

func TestTargetMatches(t *testing.T) {
	const igd = "urn:schemas-upnp-org:device:InternetGatewayDevice"
	rows := []struct {
		want, offered Target
		match         bool
	}{
		{All, "anything", true},
		{RootDevice, RootDevice, true},
		{RootDevice, igd + ":1", false},
		{"uuid:A-1", "UUID:a-1", true},
		{"uuid:a-1", "uuid:a-2", false},
		{igd + ":1", igd + ":1", true},
		{igd + ":1", igd + ":2", true},
		{igd + ":2", igd + ":1", false},
		{igd + ":2", igd + ":10", true},
		{igd + ":1", "URN:schemas-upnp-org:device:internetgatewaydevice:1", true},
		{igd + ":1", igd + ":", true}, // Askey RTV9015VW
		{igd + ":1", igd, true},
		{igd, igd + ":2", true},
		{igd + ":1", "urn:dslforum-org:device:InternetGatewayDevice:1", false},
		{igd + ":1", "urn:schemas-upnp-org:device:InternetGatewayDeviceX:1", false},
		{"urn:a:device:b:1", "urn:a:device:b:-1", true}, // no version that could be read
		{"", "", true},
		{"", igd, false},
	}
	for _, r := range rows {
		if got := r.want.Matches(r.offered); got != r.match {
			t.Errorf("%q matches %q: %v, want %v", r.want, r.offered, got, r.match)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{igdAnswer, "NOTIFY * HTTP/1.1 \nnt:a\nNTS :\tssdp:alive\r\nx\r\n\r\nbody\x00",
		"\r\nHTTP/1.0 404\r\nAL: <http://\xfc>\r\nST: a\rb", padded(MaxDatagram)} {
		f.Add([]byte(s))
	}
	for datagram := range testdata.Said("udp") {
		f.Add(datagram)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(data)
		if err != nil {
			return
		}
		text, err := m.AppendText(nil)
		if err != nil {
			t.Fatalf("%+v does not write: %v", m, err)
		}
		again, err := Parse(text)
		if err != nil {
			t.Fatalf("%q does not read: %v", text, err)
		}
		if again.Method != m.Method || again.Status != m.Status || !slices.Equal(again.Header, m.Header) {
			t.Errorf("%+v reads back as %+v", m, again)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	data := []byte(igdAnswer)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendText(b *testing.B) {
	m, _ := Parse([]byte(igdAnswer))
	buf := make([]byte, 0, MaxDatagram)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.AppendText(buf); err != nil {
			b.Fatal(err)
		}
	}
}

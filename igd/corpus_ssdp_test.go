package igd_test

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"upnp/ssdp"
)

var startLine = regexp.MustCompile(`^(HTTP/1\.\d (\d{3})\b|([A-Z-]+) \* HTTP/1\.\d)`)

// datagram reads an SSDP message.
func (r *recording) datagram() {
	text := string(r.data)
	lines, _ := headOf(text)
	m, err := ssdp.Parse(r.data)
	start := startLine.FindStringSubmatch(lines[0])
	if err != nil {
		r.is("SSDP", "refused", err.Error())
		r.wantError(start == nil, err)
		return
	}
	if start == nil {
		r.Errorf("read as %+v", m)
		return
	}
	kind := "SSDP answer"
	if m.Method != "" {
		kind = "SSDP " + strings.TrimSpace(m.Method+" "+strings.TrimPrefix(m.NTS(), "ssdp:"))
	}
	r.is(kind, "parsed", strings.TrimSpace(string(m.Target())+" "+m.Location()), m.Notes...)
	r.equal("method", m.Method, start[3])
	if m.Method == "" {
		r.equal("status", strconv.Itoa(m.Status), start[2])
	}
	r.fields(m, lines[1:])
	r.meaning(m, text)
	r.repairs(m.Notes, text, lines)
}

func (r *recording) wantError(want bool, err error) {
	r.Helper()
	if !want {
		r.Errorf("refused: %v", err)
	}
}

// fields compares every header line, in order.
func (r *recording) fields(m *ssdp.Message, lines []string) {
	var plain []ssdp.Field
	for _, line := range lines {
		if name, value, ok := strings.Cut(line, ":"); ok {
			plain = append(plain, ssdp.Field{Name: strings.TrimSpace(name), Value: printable(strings.Trim(value, " \t\x00"))})
		}
	}
	if len(plain) != len(m.Header) {
		r.Errorf("%d header lines read, the file has %d", len(m.Header), len(plain))
		return
	}
	for i, f := range plain {
		r.equal("name", m.Header[i].Name, f.Name)
		r.equal(f.Name, m.Header[i].Value, f.Value)
	}
}

// printable leaves out what no terminal shows.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, text)
}

var maxAge = regexp.MustCompile(`(?i)max-age\s*=\s*"?(\d+)`)

// meaning compares what the stack goes by.
func (r *recording) meaning(m *ssdp.Message, text string) {
	target := fieldOf(text, "ST")
	if m.Method == ssdp.MethodNotify {
		target = fieldOf(text, "NT")
	}
	r.equal("target", string(m.Target()), target)
	r.equal("LOCATION", m.Location(), fieldOf(text, "LOCATION"))
	r.equal("NTS", m.NTS(), fieldOf(text, "NTS"))
	device, kind, _ := strings.Cut(fieldOf(text, "USN"), "::")
	r.equal("UDN", m.USN().UDN, device)
	r.equal("type in USN", string(m.USN().Target), kind)
	want := ssdp.DefaultMaxAge
	if age := maxAge.FindStringSubmatch(fieldOf(text, "CACHE-CONTROL")); age != nil {
		seconds, _ := strconv.Atoi(age[1])
		want = min(max(time.Duration(seconds)*time.Second, time.Minute), 24*time.Hour)
	}
	r.equal("max-age", m.MaxAge().String(), want.String())
}

// repairs wants a note for each thing that is not as it should be.
func (r *recording) repairs(notes []string, text string, lines []string) {
	named, spaced := true, true
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		named = named && name == strings.ToUpper(name)
		spaced = spaced && (value == "" || strings.HasPrefix(value, " "))
	}
	r.mustNote(strings.Count(text, "\n") != strings.Count(text, "\r\n"), "LF without CR", notes)
	r.mustNote(!strings.HasSuffix(text, "\r\n\r\n"), "", notes)
	r.mustNote(!named, "not in upper case", notes)
	r.mustNote(!spaced, "no space after the colon", notes)
	r.mustNote(strings.HasSuffix(lines[0], " "), "white space in the start line", notes)
	r.mustNote(strings.Contains(text, "\x00"), "NUL", notes)
	if len(notes) > 0 && named && spaced && strings.HasSuffix(text, "\r\n\r\n") && strings.HasSuffix(lines[0], "OK") {
		r.Errorf("notes about nothing: %q", notes)
	}
}

package ssdp

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Limits of one datagram. Real ones stay under a kilobyte.
const (
	MaxDatagram = 4096 // bytes
	MaxLine     = 1024 // bytes, without the line end
	MaxLines    = 64   // lines, with the start line and without the empty one
)

// The methods of SSDP.
const (
	MethodSearch = "M-SEARCH"
	MethodNotify = "NOTIFY"
)

// The values of NTS.
const (
	Alive  = "ssdp:alive"
	ByeBye = "ssdp:byebye"
	Update = "ssdp:update"
)

// Bounds on how long an advertisement is believed.
const (
	DefaultMaxAge = 30 * time.Minute // without a readable CACHE-CONTROL
	minMaxAge     = time.Minute
	maxMaxAge     = 24 * time.Hour
)

// A Message is one SSDP datagram: a request (M-SEARCH, NOTIFY) or, with an empty Method, the response to a search.
type Message struct {
	Method string // "" for a response
	Status int    // of a response, 200 when all is well
	Header Header
	Notes  []string // what had to be forgiven to read it, one line each
}

// A SyntaxError is the reason why a datagram is no SSDP message.
type SyntaxError struct {
	Line   int // counted from 1; 0 when it is about the datagram as a whole
	Reason string
}

func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return "ssdp: " + e.Reason
	}
	return fmt.Sprintf("ssdp: line %d: %s", e.Line, e.Reason)
}

// Location is the URL of the root description. Where the header is missing the AL header of the drafts before UPnP 1.0
// is taken; "" means neither is there.
func (m *Message) Location() string {
	if v := m.Header.Get("LOCATION"); v != "" {
		return v
	}
	return alternateLocation(m.Header.Get("AL"))
}

// alternateLocation finds the first http URI of an AL header, which may hold several in angle brackets.
func alternateLocation(al string) string {
	for part := range strings.SplitSeq(al, "<") {
		uri, _, _ := strings.Cut(part, ">")
		if hasPrefixFold(uri, "http") {
			return uri
		}
	}
	return ""
}

// USN is the unique service name of the advertisement or answer.
func (m *Message) USN() USN { return ParseUSN(m.Header.Get("USN")) }

// Target is the ST of a search or its answer, the NT of a NOTIFY.
func (m *Message) Target() Target {
	if m.Method == MethodNotify {
		return Target(m.Header.Get("NT"))
	}
	return Target(m.Header.Get("ST"))
}

// NTS is the kind of a NOTIFY: [Alive], [ByeBye] or [Update].
func (m *Message) NTS() string { return m.Header.Get("NTS") }

// MaxAge is how long the advertisement holds: max-age of CACHE-CONTROL, which may be spelled with spaces and in any
// case, kept between one minute and one day; [DefaultMaxAge] if there is none.
func (m *Message) MaxAge() time.Duration {
	for directive := range strings.SplitSeq(m.Header.Get("CACHE-CONTROL"), ",") {
		name, value, _ := strings.Cut(directive, "=")
		if !equalFold(strings.TrimSpace(name), "max-age") {
			continue
		}
		// An overflow is an error too, but gives the largest number, which is what is meant.
		if s, err := strconv.ParseUint(strings.Trim(value, " \t\""), 10, 63); err == nil || s > 0 {
			return min(max(time.Duration(min(s, 1<<20))*time.Second, minMaxAge), maxMaxAge)
		}
	}
	return DefaultMaxAge
}

// MX is how many seconds an answer to a search may wait; ok is false if there is none or it is no number.
func (m *Message) MX() (seconds int, ok bool) {
	v, ok := m.number("MX", 31)
	return int(v), ok
}

// BootID is BOOTID.UPNP.ORG, which rises when a device restarts (UDA 1.1).
func (m *Message) BootID() (uint32, bool) { return m.number("BOOTID.UPNP.ORG", 32) }

// NextBootID is NEXTBOOTID.UPNP.ORG, the BOOTID that follows an [Update].
func (m *Message) NextBootID() (uint32, bool) { return m.number("NEXTBOOTID.UPNP.ORG", 32) }

// ConfigID is CONFIGID.UPNP.ORG: the same number means the same documents (UDA 1.1).
func (m *Message) ConfigID() (uint32, bool) { return m.number("CONFIGID.UPNP.ORG", 32) }

// SearchPort is SEARCHPORT.UPNP.ORG, the port for unicast searches of a device that could not have 1900 (UDA 1.1).
func (m *Message) SearchPort() (uint16, bool) {
	v, ok := m.number("SEARCHPORT.UPNP.ORG", 16)
	return uint16(v), ok
}

func (m *Message) number(name string, bits int) (uint32, bool) {
	v, err := strconv.ParseUint(m.Header.Get(name), 10, bits)
	return uint32(v), err == nil
}

// Note adds a line to Notes, once.
func (m *Message) Note(line string) {
	for _, n := range m.Notes {
		if n == line {
			return
		}
	}
	m.Notes = append(m.Notes, line)
}

// AppendText appends the datagram to dst: start line, fields in their order and spelling, empty line, CRLF throughout.
// Names that are no token, control characters in values and a size over the limits are errors, so nothing from outside
// can add a line to what we send.
func (m *Message) AppendText(dst []byte) ([]byte, error) {
	start := len(dst)
	dst, err := m.appendStart(dst)
	if err != nil {
		return dst[:start], err
	}
	for i, f := range m.Header {
		if err := f.check(i + 2); err != nil {
			return dst[:start], err
		}
		dst = append(append(dst, f.Name...), ':')
		if f.Value != "" {
			dst = append(append(dst, ' '), f.Value...)
		}
		dst = append(dst, "\r\n"...)
	}
	dst = append(dst, "\r\n"...)
	if len(dst)-start > MaxDatagram || len(m.Header) >= MaxLines {
		return dst[:start], &SyntaxError{Reason: "message over the limits"}
	}
	return dst, nil
}

// size is how many bytes AppendText needs at most.
func (m *Message) size() int {
	n := len(m.Method) + len(" * HTTP/1.1\r\n\r\n")
	if m.Method == "" {
		n = len("HTTP/1.1 200 OK\r\n\r\n")
	}
	for _, f := range m.Header {
		n += len(f.Name) + len(": ") + len(f.Value) + len("\r\n")
	}
	return n
}

func (m *Message) appendStart(dst []byte) ([]byte, error) {
	if m.Method == "" {
		dst = append(dst, "HTTP/1.1 "...)
		if m.Status == 200 {
			return append(dst, "200 OK\r\n"...), nil
		}
		if m.Status < 100 || m.Status > 999 {
			return dst, &SyntaxError{Line: 1, Reason: "status is not of three digits"}
		}
		return append(strconv.AppendInt(dst, int64(m.Status), 10), " \r\n"...), nil
	}
	if !isToken(m.Method) {
		return dst, &SyntaxError{Line: 1, Reason: "method is not a token"}
	}
	return append(append(dst, m.Method...), " * HTTP/1.1\r\n"...), nil
}

// check is for writing: the field as one line of at most MaxLine bytes.
func (f Field) check(line int) error {
	switch {
	case !isToken(f.Name):
		return &SyntaxError{line, "header name is not a token"}
	case hasControl(f.Value):
		return &SyntaxError{line, "control character in the value of " + f.Name}
	case f.Value != strings.Trim(f.Value, " "):
		return &SyntaxError{line, "white space around the value of " + f.Name}
	case len(f.Name)+len(": ")+len(f.Value) > MaxLine:
		return &SyntaxError{line, f.Name + " is too long"}
	}
	return nil
}

// isToken is RFC 9110, 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

// The characters of a token as bits, those below 64 and those from 64 to 127.
const (
	tokenLow = 1<<'!' | 1<<'#' | 1<<'$' | 1<<'%' | 1<<'&' | 1<<'\'' | 1<<'*' | 1<<'+' | 1<<'-' | 1<<'.' |
		(1<<10-1)<<'0'
	tokenHigh = 1<<('^'-64) | 1<<('_'-64) | 1<<('`'-64) | 1<<('|'-64) | 1<<('~'-64) |
		(1<<26-1)<<('A'-64) | (1<<26-1)<<('a'-64)
)

func isTokenByte(c byte) bool {
	if c < 64 {
		return uint64(tokenLow)>>c&1 != 0
	}
	return uint64(tokenHigh)>>(c-64)&1 != 0 // a shift by 64 and more leaves nothing
}

func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}

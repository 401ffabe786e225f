package ssdp

import (
	"strings"
	"unicode/utf8"
)

// A repair is something Parse had to forgive. They are bits, so that each is noted once however often it happens.
type repair uint32

const (
	repairPadding repair = 1 << iota
	repairLeadingLines
	repairMethodCase
	repairTarget
	repairVersion
	repairStartSpace
	repairReason
	repairLineFeed
	repairNoEnd
	repairTrailer
	repairNoColon
	repairName
	repairNameCase
	repairNoSpace
	repairSpace
	repairLatin1
	repairControl
	repairRepeated
	repairAL
)

// notes words the repairs, in the order of the constants.
func (r repair) notes() []string {
	if r == 0 {
		return nil
	}
	words := [...]string{
		"NUL padding behind the message",
		"empty lines before the start line",
		"method not in upper case",
		"request target is not *",
		"version is not HTTP/1.1",
		"extra white space in the start line",
		"no reason phrase",
		"lines end in LF without CR",
		"no empty line at the end",
		"data behind the empty line ignored",
		"header lines without colon ignored",
		"header lines with an unreadable name ignored",
		"header names not in upper case",
		"no space after the colon of a header",
		"extra white space around a header",
		"bytes that are not UTF-8 read as Latin-1",
		"control characters removed",
		"repeated headers: the first counts",
		"AL in place of LOCATION",
	}
	var notes []string
	for i, w := range words {
		if r&(1<<i) != 0 {
			notes = append(notes, w)
		}
	}
	return notes
}

// Parse reads one datagram, request or response. It forgives what devices are known to do, with a line in Notes for
// each kind of repair, and refuses with a *[SyntaxError] what has no start line or exceeds the limits; these count for
// the message as it came and as [Message.AppendText] would write it. data may be reused afterwards.
func Parse(data []byte) (*Message, error) {
	if len(data) > MaxDatagram {
		return nil, &SyntaxError{Reason: "datagram too long"}
	}
	m := new(Message)
	p := parser{m: m, rest: string(data)}
	if err := p.parse(); err != nil {
		return nil, err
	}
	m.Notes = p.repairs.notes()
	return m, nil
}

type parser struct {
	m       *Message
	rest    string
	line    int  // number of the last one read
	dirty   bool // there are bytes outside of printable ASCII
	repairs repair
}

func (p *parser) parse() error {
	if s := strings.TrimRight(p.rest, "\x00"); len(s) != len(p.rest) {
		p.rest = s
		p.repairs |= repairPadding
	}
	p.dirty = !isPrintable(p.rest)
	if err := p.start(); err != nil {
		return err
	}
	p.m.Header = make(Header, 0, min(strings.Count(p.rest, "\n")+1, MaxLines))
	for {
		line, ok, err := p.next()
		if err != nil {
			return err
		}
		if !ok || line == "" {
			return p.finish(ok)
		}
		if err := p.header(line); err != nil {
			return err
		}
	}
}

// next cuts off a line. ok is false at the end of the data.
func (p *parser) next() (line string, ok bool, err error) {
	if p.rest == "" {
		return "", false, nil
	}
	p.line++
	line, rest, ended := strings.Cut(p.rest, "\n")
	p.rest = rest
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	} else if ended {
		p.repairs |= repairLineFeed
	}
	switch {
	case len(line) > MaxLine:
		return "", false, p.fail("line too long")
	case p.line > MaxLines && line != "":
		return "", false, p.fail("too many lines")
	}
	return line, true, nil
}

func (p *parser) fail(reason string) error { return &SyntaxError{p.line, reason} }

// start reads the start line, the first that is not empty.
func (p *parser) start() error {
	for {
		line, ok, err := p.next()
		switch {
		case err != nil:
			return err
		case !ok || p.line > MaxLines:
			return &SyntaxError{Reason: "empty datagram"}
		case line == "":
			p.repairs |= repairLeadingLines
		case hasPrefixFold(line, "HTTP"):
			return p.statusLine(line)
		default:
			return p.requestLine(line)
		}
	}
}

func (p *parser) statusLine(line string) error {
	version, rest := p.word(line)
	code, reason := p.word(rest)
	if version != "HTTP/1.1" {
		p.repairs |= repairVersion
	}
	if strings.Trim(reason, " \t") == "" {
		p.repairs |= repairReason
	}
	if len(code) != 3 || code[0] < '1' {
		return p.fail("no status in the start line")
	}
	for i := range len(code) {
		if code[i] < '0' || code[i] > '9' {
			return p.fail("no status in the start line")
		}
		p.m.Status = 10*p.m.Status + int(code[i]-'0')
	}
	return nil
}

func (p *parser) requestLine(line string) error {
	method, rest := p.word(line)
	target, rest := p.word(rest)
	version, rest := p.word(rest)
	switch {
	case !isToken(method):
		return p.fail("no method in the start line")
	case !hasPrefixFold(version, "HTTP/") || rest != "":
		return p.fail("no HTTP version in the start line")
	}
	if target != "*" {
		p.repairs |= repairTarget
	}
	if version != "HTTP/1.1" {
		p.repairs |= repairVersion
	}
	if strings.HasSuffix(line, " ") {
		p.repairs |= repairStartSpace
	}
	p.m.Method = strings.ToUpper(method)
	if p.m.Method != method {
		p.repairs |= repairMethodCase
	}
	return nil
}

// word cuts the first word off s, which may be followed by more than the one space it should be.
func (p *parser) word(s string) (word, rest string) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, ""
	}
	rest = strings.TrimLeft(s[i:], " \t")
	if s[i] != ' ' || len(rest) != len(s)-i-1 {
		p.repairs |= repairStartSpace
	}
	return s[:i], rest
}

// header reads one line into the Header. Only a line that would be too long when written is an error.
func (p *parser) header(line string) error {
	name, value, ok := strings.Cut(line, ":")
	if !ok {
		p.repairs |= repairNoColon
		return nil
	}
	if name, ok = p.name(name); !ok {
		p.repairs |= repairName
		return nil
	}
	value = p.value(value)
	if len(name)+len(": ")+len(value) > MaxLine {
		return p.fail("line too long")
	}
	if p.m.Header.index(name) >= 0 {
		p.repairs |= repairRepeated
	}
	p.m.Header = append(p.m.Header, Field{name, value})
	return nil
}

func (p *parser) name(raw string) (name string, ok bool) {
	name = strings.Trim(raw, " \t")
	if len(name) != len(raw) {
		p.repairs |= repairSpace
	}
	for i := range len(name) {
		if !isTokenByte(name[i]) {
			return "", false
		}
		if name[i] >= 'a' {
			p.repairs |= repairNameCase
		}
	}
	return name, name != ""
}

func (p *parser) value(raw string) string {
	if raw == "" || raw == " " {
		return ""
	}
	if raw[0] == ' ' {
		raw = raw[1:]
	} else if raw[0] != '\t' {
		p.repairs |= repairNoSpace
	}
	v := raw
	if p.dirty {
		v = p.clean(raw)
	}
	v = strings.Trim(v, " ")
	if len(v) != len(raw) && !p.dirty {
		p.repairs |= repairSpace
	}
	return v
}

// clean makes printable text of what is not: foreign bytes become the Latin-1 characters they most likely are, tabs
// become spaces, other control characters go.
func (p *parser) clean(s string) string {
	if !utf8.ValidString(s) {
		p.repairs |= repairLatin1
		runes := make([]rune, len(s))
		for i := range len(s) {
			runes[i] = rune(s[i])
		}
		s = string(runes)
	}
	return strings.Map(p.printable, s)
}

func (p *parser) printable(r rune) rune {
	switch {
	case r == '\t':
		p.repairs |= repairSpace
		return ' '
	case r < ' ' || r == 0x7f:
		p.repairs |= repairControl
		return -1
	}
	return r
}

// isPrintable reports whether s holds nothing but printable ASCII and line ends. A CR that ends no line passes for
// printable only if it is caught here.
func isPrintable(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= ' ' && c < 0x7f || c == '\n':
		case c == '\r' && i+1 < len(s) && s[i+1] == '\n':
		default:
			return false
		}
	}
	return true
}

// finish checks the whole. ended tells whether an empty line was the end.
func (p *parser) finish(ended bool) error {
	if !ended {
		p.repairs |= repairNoEnd
	}
	if strings.Trim(p.rest, "\r\n\x00") != "" {
		p.repairs |= repairTrailer
	}
	if p.m.Header.index("AL") >= 0 && p.m.Header.index("LOCATION") < 0 {
		p.repairs |= repairAL
	}
	if p.m.size() > MaxDatagram {
		return &SyntaxError{Reason: "datagram too long"}
	}
	return nil
}

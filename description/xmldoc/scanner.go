package xmldoc

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// A Token is a kind of thing [Scanner.Next] finds.
type Token uint8

const (
	StartTag Token = iota + 1 // see Name, Namespace and Attrs
	EndTag                    // see Name; each StartTag gets its EndTag, written or not
	CharData                  // see Text; one run of text may come in several pieces
)

// An Attr is one attribute, its name with the prefix as written.
type Attr struct{ Name, Value string }

// A Scanner reads a document token by token. What it returns stays valid, but names and texts
// are parts of the document: who keeps one for long should keep a copy. A Scanner is for one
// goroutine.
type Scanner struct {
	src   string
	lim   Limits
	pos   int // next byte to read
	start int // first byte of the token read last

	name  string
	text  string
	attrs []Attr

	open      []openElement
	bindings  []binding
	elements  int      // seen so far
	texts     int      // that were not blank, seen so far
	closing   int      // end tags to report before reading on
	closed    string   // name of the element that ended last
	overtaken []string // elements ended by another's end tag; their own may still come
	doctype   bool     // seen; there can be one
	truncated bool
	notes     []string

	// Room for what an ordinary answer needs, so that it costs no allocations of its own.
	openRoom     [8]openElement
	bindingsRoom [4]binding
	attrsRoom    [4]Attr
}

type openElement struct {
	name     string
	bindings int // how many were in force outside
}

// A binding ties a prefix to a namespace for the element that declares it.
type binding struct{ prefix, namespace string }

// NewScanner starts reading data, which it does not keep. The error is a [*SyntaxError]: data
// is longer than lim allows.
func NewScanner(data []byte, lim Limits) (*Scanner, error) {
	s := &Scanner{lim: lim.withDefaults()}
	if len(data) > s.lim.Bytes {
		return nil, s.fail("document longer than %d bytes", s.lim.Bytes)
	}
	s.src = decode(data, s.note)
	s.open, s.bindings, s.attrs = s.openRoom[:0], s.bindingsRoom[:0], s.attrsRoom[:0]
	return s, nil
}

// Next reads on to the next token. At the end of the document the error is [io.EOF], else a
// [*SyntaxError].
func (s *Scanner) Next() (Token, error) {
	for {
		switch {
		case s.closing > 0:
			return s.endElement(), nil
		case s.elements > 0 && len(s.open) == 0:
			s.noteRest()
			return 0, io.EOF
		case s.pos == len(s.src):
			if s.elements == 0 {
				return 0, s.fail("no element")
			}
			s.note("document ends inside <%s>", s.current())
			s.truncated = true
			s.closing = len(s.open)
			continue
		}
		if token, err := s.scan(); token != 0 || err != nil {
			return token, err
		}
	}
}

// scan reads one piece of the document, which may be none that makes a token.
func (s *Scanner) scan() (Token, error) {
	s.start = s.pos
	rest := s.src[s.pos:]
	switch {
	case rest[0] != '<':
		return s.charData()
	case len(rest) == 1:
		s.pos = len(s.src)
	case rest[1] == '/':
		return s.endTag()
	case rest[1] == '!':
		return s.declaration(rest)
	case rest[1] == '?':
		s.skipPast("?>")
	case startsName(rest[1:]):
		return s.startTag()
	default:
		return s.charData()
	}
	return 0, nil
}

// charData reads text up to the next "<". If it stands on one, that is text as well.
func (s *Scanner) charData() (Token, error) {
	rest := s.src[s.pos:]
	end := strings.IndexByte(rest[1:], '<') + 1
	if end == 0 {
		end = len(rest)
	}
	if rest[0] == '<' {
		s.note("bare < taken as text")
	}
	s.pos += end
	return s.emitText(rest[:end], s.unescape)
}

func (s *Scanner) emitText(raw string, decode func(string) string) (Token, error) {
	blank := strings.TrimSpace(raw) == ""
	switch {
	case len(s.open) == 0:
		if !blank {
			s.note("text before the document skipped")
		}
		return 0, nil
	case blank:
	case len(raw) > s.lim.Text:
		return 0, s.fail("text longer than %d bytes", s.lim.Text)
	case s.texts == s.lim.Elements:
		return 0, s.fail("more than %d pieces of text", s.lim.Elements)
	default:
		s.texts++
	}
	s.text = decode(raw)
	return CharData, nil
}

// declaration reads what begins with "<!".
func (s *Scanner) declaration(rest string) (Token, error) {
	const cdata = "<![CDATA["
	switch {
	case strings.HasPrefix(rest, "<!--"):
		s.skipPast("-->")
	case strings.HasPrefix(rest, cdata):
		s.skipPast("]]>")
		text := strings.TrimSuffix(s.src[s.start+len(cdata):s.pos], "]]>")
		return s.emitText(text, normalizeLines)
	default:
		s.note("document type skipped")
		s.pos += s.doctypeLength(rest)
	}
	return 0, nil
}

// skipPast moves behind the next occurrence of mark, or to the end.
func (s *Scanner) skipPast(mark string) {
	if i := strings.Index(s.src[s.pos:], mark); i >= 0 {
		s.pos += i + len(mark)
	} else {
		s.pos = len(s.src)
	}
}

// doctypeLength is the length of the "<!" declaration s begins with. Only the first is worth
// looking into: all may be unfinished, and each would be read to the end of the document.
func (s *Scanner) doctypeLength(rest string) int {
	n := 0
	if !s.doctype {
		s.doctype = true
		n = quotedLength(rest)
	}
	if n == 0 {
		n = strings.IndexByte(rest, '>') + 1
	}
	if n == 0 {
		n = len(rest)
	}
	return n
}

// quotedLength is the length through the first ">" that is neither in quotes nor in
// brackets, 0 if there is none.
func quotedLength(s string) int {
	var quote byte
	brackets := 0
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '[':
			brackets++
		case c == ']':
			brackets--
		case c == '>' && brackets <= 0:
			return i + 1
		}
	}
	return 0
}

// Name is the name of the element that just began or ended, with its prefix as written in
// the start tag.
func (s *Scanner) Name() string { return s.name }

// Local is [Scanner.Name] without the prefix.
func (s *Scanner) Local() string {
	_, local := SplitName(s.name)
	return local
}

// Namespace is the name space of the element that just began, "" if it has none or its
// prefix was never declared.
func (s *Scanner) Namespace() string {
	prefix, _ := SplitName(s.name)
	namespace, _ := s.lookup(prefix)
	return namespace
}

func (s *Scanner) lookup(prefix string) (namespace string, ok bool) {
	for i := len(s.bindings) - 1; i >= 0; i-- {
		if b := &s.bindings[i]; b.prefix == prefix {
			return b.namespace, true
		}
	}
	return "", prefix == "" || prefix == "xml"
}

// Attrs are the attributes of the element that just began, until the next call of Next. An
// attribute written twice is there once, as written first.
func (s *Scanner) Attrs() []Attr { return s.attrs }

// Text is the character data just read, with entities decoded and line ends as "\n".
func (s *Scanner) Text() string { return s.text }

// Depth is the number of elements open after the token just read.
func (s *Scanner) Depth() int { return len(s.open) }

// Truncated reports whether the document has ended with elements open, so that the EndTag
// just read, and all that follow, were never written and the text before may be cut.
func (s *Scanner) Truncated() bool { return s.truncated }

// Notes has a line for each kind of repair so far.
func (s *Scanner) Notes() []string { return s.notes }

// Content reads the element whose StartTag came last through to its end and returns its
// text. If elements are inside, nested is true and the text is the markup as it stands.
func (s *Scanner) Content() (text string, nested bool, err error) {
	from, depth := s.pos, len(s.open)
	var pieces textPieces
	for {
		token, err := s.Next()
		switch {
		case err != nil:
			return "", false, err
		case token == StartTag:
			nested = true
		case token == CharData:
			pieces.add(s.text)
		case len(s.open) < depth && nested:
			return s.src[from:max(from, s.start)], true, nil
		case len(s.open) < depth:
			return pieces.String(), false, nil
		}
	}
}

// textPieces joins texts. One piece, the usual case, is not copied.
type textPieces struct {
	first string
	all   strings.Builder
}

func (p *textPieces) add(text string) {
	switch {
	case p.first == "":
		p.first = text
	case p.all.Len() == 0:
		p.all.WriteString(p.first)
		fallthrough
	default:
		p.all.WriteString(text)
	}
}

func (p *textPieces) String() string {
	if p.all.Len() == 0 {
		return p.first
	}
	return p.all.String()
}

// Skip reads the element whose StartTag came last through to its end.
func (s *Scanner) Skip() error {
	for depth := len(s.open); len(s.open) >= depth; {
		if _, err := s.Next(); err != nil {
			return err
		}
	}
	return nil
}

// SplitName cuts a name at its first colon.
func SplitName(name string) (prefix, local string) {
	if i := strings.IndexByte(name, ':'); i >= 0 {
		return name[:i], name[i+1:]
	}
	return "", name
}

func (s *Scanner) current() string {
	if len(s.open) == 0 {
		return ""
	}
	return s.open[len(s.open)-1].name
}

func (s *Scanner) noteRest() {
	rest := strings.TrimSpace(s.src[s.pos:])
	if rest != "" && !strings.HasPrefix(rest, "<!--") && !strings.HasPrefix(rest, "<?") {
		s.note("text after the document skipped")
	}
}

func (s *Scanner) note(format string, args ...any) {
	if len(s.notes) == maxNotes {
		return
	}
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	if !slices.Contains(s.notes, format) {
		s.notes = append(s.notes, format)
	}
}

func (s *Scanner) fail(format string, args ...any) error {
	return &SyntaxError{Offset: s.start, Element: s.current(), Reason: fmt.Sprintf(format, args...)}
}

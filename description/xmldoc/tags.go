package xmldoc

import (
	"slices"
	"strings"
)

// tagText is the document from here on, at most as long as a tag may be.
func (s *Scanner) tagText() string {
	return s.src[s.pos:min(len(s.src), s.pos+s.lim.TagSpan)]
}

// tagCut is called when tagText ended before the tag did.
func (s *Scanner) tagCut(in string) error {
	if s.pos+len(in) < len(s.src) {
		return s.fail("tag longer than %d bytes", s.lim.TagSpan)
	}
	s.pos = len(s.src)
	return nil
}

func (s *Scanner) startTag() (Token, error) {
	in := s.tagText()
	i := 1 + nameLength(in[1:])
	name := in[1:i]
	s.attrs = s.attrs[:0]
	empty := false
	for {
		i += blankLength(in[i:])
		if i == len(in) {
			return 0, s.tagCut(in)
		}
		switch c := in[i]; {
		case c == '>':
			return s.startElement(name, i+1, empty)
		case c == '<':
			// Stray bytes behind a text can look like a tag: Debian 12's miniupnpd sends
			// them after a description it has cut.
			return s.charData()
		case startsName(in[i:]):
			n, err := s.attribute(in[i:])
			if err != nil {
				return 0, err
			}
			i += n
		default:
			if empty = strings.HasPrefix(in[i:], "/>"); !empty {
				s.note("stray characters in a tag skipped")
			}
			i += strayLength(in[i:])
		}
	}
}

// strayLength is the length of the character s begins with, all of a repaired one.
func strayLength(s string) int {
	if strings.HasPrefix(s, replacement) {
		return len(replacement)
	}
	return 1
}

// attribute reads one attribute and returns its length, which is all of in if the attribute
// does not end there.
func (s *Scanner) attribute(in string) (int, error) {
	i := nameLength(in)
	a := Attr{Name: in[:i]}
	if len(a.Name) > s.lim.Name {
		return 0, s.fail("name longer than %d bytes", s.lim.Name)
	}
	value := i + blankLength(in[i:])
	if value < len(in) && in[value] == '=' {
		i = value + 1
		i += blankLength(in[i:])
		raw, n := s.attributeValue(in[i:])
		a.Value = s.unescape(raw)
		i += n
	} else {
		s.note("attribute without a value")
	}
	if slices.ContainsFunc(s.attrs, func(b Attr) bool { return a.Name == b.Name }) {
		s.note("attribute repeated")
		return i, nil
	}
	if len(s.attrs) == s.lim.Attributes {
		return 0, s.fail("more than %d attributes", s.lim.Attributes)
	}
	s.attrs = append(s.attrs, a)
	return i, nil
}

// attributeValue reads the value that in begins with and returns it without its quotes, and
// how much of in it takes.
func (s *Scanner) attributeValue(in string) (raw string, n int) {
	if in == "" {
		return "", 0
	}
	if in[0] != '"' && in[0] != '\'' {
		return s.unquotedValue(in)
	}
	end := strings.IndexByte(in[1:], in[0])
	if end >= 0 && !spansTags(in[1:1+end]) {
		return in[1 : 1+end], end + 2
	}
	if gt := strings.IndexByte(in, '>'); gt >= 0 {
		s.note("attribute without its closing quote")
		return in[1:gt], gt
	}
	return "", len(in)
}

// spansTags reports whether a value runs from one tag into the next: its own closing quote
// was lost.
func spansTags(value string) bool {
	gt := strings.IndexByte(value, '>')
	return gt >= 0 && strings.IndexByte(value[gt:], '<') >= 0
}

func (s *Scanner) unquotedValue(in string) (raw string, n int) {
	s.note("attribute value without quotes")
	n = strings.IndexAny(in, " \t\r\n<>")
	if n < 0 {
		return "", len(in)
	}
	if n > 0 && in[n-1] == '/' && in[n] == '>' {
		n-- // the end of an empty element, more likely than of a path
	}
	return in[:n], n
}

func (s *Scanner) startElement(name string, length int, empty bool) (Token, error) {
	switch {
	case len(name) > s.lim.Name:
		return 0, s.fail("name longer than %d bytes", s.lim.Name)
	case len(s.open) == s.lim.Depth:
		return 0, s.fail("elements deeper than %d", s.lim.Depth)
	case s.elements == s.lim.Elements:
		return 0, s.fail("more than %d elements", s.lim.Elements)
	}
	s.elements++
	s.pos += length
	s.name = name
	s.open = append(s.open, openElement{name: name, bindings: len(s.bindings)})
	s.bind()
	if empty {
		s.closing = 1
	}
	return StartTag, nil
}

// bind notes the namespaces the current element declares.
func (s *Scanner) bind() {
	for _, a := range s.attrs {
		if !strings.HasPrefix(a.Name, "xmlns") {
			continue
		}
		switch prefix, local := SplitName(a.Name); {
		case prefix == "xmlns":
			s.bindings = append(s.bindings, binding{local, a.Value})
		case local == "xmlns":
			s.bindings = append(s.bindings, binding{"", a.Value})
		}
	}
	prefix, _ := SplitName(s.name)
	if _, ok := s.lookup(prefix); !ok {
		s.note("prefix %s is not declared", prefix)
	}
}

func (s *Scanner) endTag() (Token, error) {
	in := s.tagText()
	i := 2 + blankLength(in[2:])
	end := i + nameLength(in[i:])
	name := in[i:end]
	stop := 0
	if end == len(in) || in[end] != '>' {
		stop = strings.IndexAny(in[end:], "<>")
	}
	if stop < 0 {
		// Cut here, the document still says that the current element is complete.
		s.note("document ends inside an end tag")
		s.closing = min(1, len(s.open))
		return 0, s.tagCut(in)
	}
	if in[end+stop] == '<' {
		s.note("end tag without its >")
		s.pos += end + stop
	} else {
		s.pos += end + stop + 1
	}
	s.closing = s.ends(name)
	return 0, nil
}

// ends decides how many elements an end tag ends: the nearest of its name and all inside. A
// tag that fits none is a misspelt one for the current element, unless it repeats one that
// was already taken care of.
func (s *Scanner) ends(name string) int {
	if len(s.open) > 0 && s.current() == name {
		return 1
	}
	for i, e := range slices.Backward(s.open) {
		if sameLocal(e.name, name) {
			s.overtake(s.open[i+1:], name)
			return len(s.open) - i
		}
	}
	s.note("end tag </%.64s> without a start tag", name)
	if i := slices.IndexFunc(s.overtaken, func(o string) bool { return sameLocal(o, name) }); i >= 0 {
		s.overtaken = slices.Delete(s.overtaken, i, i+1)
		return 0
	}
	// The root is not ended by guess: all that follows would be lost.
	if sameLocal(s.closed, name) || len(s.open) <= 1 {
		return 0
	}
	return 1
}

func (s *Scanner) overtake(inner []openElement, name string) {
	if len(inner) == 0 {
		s.note("end tag </%.64s> is spelt differently from its start tag", name)
	}
	s.overtaken = s.overtaken[:0]
	for _, e := range inner {
		s.note("<%s> has no end tag", e.name)
		s.overtaken = append(s.overtaken, e.name)
	}
}

func (s *Scanner) endElement() Token {
	s.closing--
	last := s.open[len(s.open)-1]
	s.open = s.open[:len(s.open)-1]
	s.bindings = s.bindings[:last.bindings]
	s.name, s.closed = last.name, last.name
	return EndTag
}

func sameLocal(a, b string) bool {
	_, a = SplitName(a)
	_, b = SplitName(b)
	return EqualName(a, b)
}

func blankLength(s string) int {
	for i := range len(s) {
		if c := s[i]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return i
		}
	}
	return len(s)
}

func nameLength(s string) int {
	for i := range len(s) {
		if !nameByte(s[i]) {
			return i
		}
	}
	return len(s)
}

// nameByte is generous beyond ASCII, as field names are.
func nameByte(c byte) bool {
	return letter(c) || '-' <= c && c <= ':' && c != '/'
}

func letter(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c >= 0x80
}

// startsName reports whether s begins with a name. One that would begin with a repaired byte
// is more likely damage.
func startsName(s string) bool {
	return s != "" && letter(s[0]) && !strings.HasPrefix(s, replacement)
}

package xmldoc

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxEntity bounds how far behind a "&" its ";" is looked for.
const maxEntity = 12

// normalizeLines is the end-of-line handling of XML 1.0, section 2.11.
func normalizeLines(raw string) string {
	if strings.IndexByte(raw, '\r') < 0 {
		return raw
	}
	return strings.ReplaceAll(strings.ReplaceAll(raw, "\r\n", "\n"), "\r", "\n")
}

// unescape decodes entities and line ends.
func (s *Scanner) unescape(raw string) string {
	raw = normalizeLines(raw)
	i := strings.IndexByte(raw, '&')
	if i < 0 {
		return raw
	}
	out := make([]byte, 0, len(raw))
	for ; i >= 0; i = strings.IndexByte(raw, '&') {
		var n int
		out = append(out, raw[:i]...)
		out, n = s.appendEntity(out, raw[i:])
		raw = raw[i+n:]
	}
	return string(append(out, raw...))
}

// appendEntity appends what the entity at the start of raw stands for and returns how much of
// raw that was. Anything but the five of XML and numbers is text.
func (s *Scanner) appendEntity(out []byte, raw string) ([]byte, int) {
	end := strings.IndexByte(raw[:min(len(raw), maxEntity)], ';')
	if end < 0 {
		s.note("bare & taken as text")
		return append(out, '&'), 1
	}
	name := raw[1:end]
	if c := predefined(name); c != 0 {
		return append(out, c), end + 1
	}
	if r, ok := s.characterReference(name); ok {
		return utf8.AppendRune(out, r), end + 1
	}
	s.note("unknown entity kept as text")
	return append(out, '&'), 1
}

func predefined(name string) byte {
	switch name {
	case "amp":
		return '&'
	case "lt":
		return '<'
	case "gt":
		return '>'
	case "quot":
		return '"'
	case "apos":
		return '\''
	}
	return 0
}

func (s *Scanner) characterReference(name string) (rune, bool) {
	digits, ok := strings.CutPrefix(name, "#")
	if !ok {
		return 0, false
	}
	base := 10
	if hex := strings.TrimLeft(digits, "xX"); len(hex) == len(digits)-1 {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil {
		return 0, false
	}
	if n > utf8.MaxRune || !inCharacterRange(rune(n)) {
		s.note("characters that XML forbids replaced")
		return utf8.RuneError, true
	}
	return rune(n), true
}

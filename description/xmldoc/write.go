package xmldoc

import (
	"slices"
	"unicode/utf8"

	"github.com/beevik/etree"
)

// Prolog is how every document of this module begins.
const Prolog = `<?xml version="1.0"?>`

// Append appends the prolog and the document with the given root: one line, no space that is
// not in the tree, an end tag for every element because some devices do not know <x/>.
// Comments and processing instructions of the tree are left out.
func Append(dst []byte, root *etree.Element) []byte {
	dst = append(dst, Prolog...)
	return appendElement(dst, root)
}

// appendElement keeps its own stack so that no tree, however deep, costs more than memory.
func appendElement(dst []byte, root *etree.Element) []byte {
	type place struct {
		e    *etree.Element
		next int // child to write next
	}
	dst = appendStart(dst, root)
	open := []place{{e: root}}
	for len(open) > 0 {
		at := &open[len(open)-1]
		if at.next == len(at.e.Child) {
			dst = appendEnd(dst, at.e)
			open = open[:len(open)-1]
			continue
		}
		at.next++
		switch t := at.e.Child[at.next-1].(type) {
		case *etree.Element:
			dst = appendStart(dst, t)
			open = append(open, place{e: t})
		case *etree.CharData:
			dst = AppendText(dst, t.Data)
		}
	}
	return dst
}

func appendStart(dst []byte, e *etree.Element) []byte {
	dst = append(dst, '<')
	dst = appendName(dst, e.Space, e.Tag)
	for _, a := range e.Attr {
		dst = append(dst, ' ')
		dst = appendName(dst, a.Space, a.Key)
		dst = append(dst, `="`...)
		dst = AppendAttr(dst, a.Value)
		dst = append(dst, '"')
	}
	return append(dst, '>')
}

func appendEnd(dst []byte, e *etree.Element) []byte {
	dst = append(dst, "</"...)
	dst = appendName(dst, e.Space, e.Tag)
	return append(dst, '>')
}

func appendName(dst []byte, space, local string) []byte {
	if space != "" {
		dst = append(dst, space...)
		dst = append(dst, ':')
	}
	return append(dst, local...)
}

// AppendText appends s as character data. Runes that XML 1.0 cannot carry become U+FFFD.
func AppendText(dst []byte, s string) []byte { return appendEscaped(dst, s, false) }

// AppendAttr appends s as the value of an attribute in double quotes, without the quotes.
// Runes that XML 1.0 cannot carry become U+FFFD.
func AppendAttr(dst []byte, s string) []byte { return appendEscaped(dst, s, true) }

func appendEscaped(dst []byte, s string, attr bool) []byte {
	dst = slices.Grow(dst, len(s))
	from := 0
	for i := 0; i < len(s); {
		text, size := escape(s[i:], attr)
		if text != "" {
			dst = append(dst, s[from:i]...)
			dst = append(dst, text...)
			from = i + size
		}
		i += size
	}
	return append(dst, s[from:]...)
}

// escape returns what stands for the first rune of s, "" for the rune itself, and its size.
func escape(s string, attr bool) (text string, size int) {
	switch c := s[0]; {
	case c == '&':
		return "&amp;", 1
	case c == '<':
		return "&lt;", 1
	case c == '>':
		return "&gt;", 1
	case c == '\r': // a reader would take the character itself for part of a line end
		return "&#xD;", 1
	case attr && c == '"':
		return "&quot;", 1
	case attr && c == '\n':
		return "&#xA;", 1
	case attr && c == '\t':
		return "&#x9;", 1
	case c >= utf8.RuneSelf:
		return escapeRune(s)
	case forbiddenByte(c):
		return replacement, 1
	}
	return "", 1
}

func escapeRune(s string) (text string, size int) {
	r, size := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && size == 1 || !inCharacterRange(r) {
		return replacement, size
	}
	return "", size
}

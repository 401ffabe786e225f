package xmldoc

import (
	"iter"
	"strings"

	"github.com/beevik/etree"
)

// Is reports whether e has the given local name, in any case of ASCII letters and with any
// prefix. It is false for nil.
func Is(e *etree.Element, local string) bool {
	return e != nil && EqualName(e.Tag, local)
}

// EqualName compares two local names as lenient reading does: ignoring the case of ASCII
// letters, and of no others.
func EqualName(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// Child returns the first child element of e with the local name, or nil.
func Child(e *etree.Element, local string) *etree.Element {
	for c := range Children(e, local) {
		return c
	}
	return nil
}

// Children yields the child elements of e with the local name, all of them if local is "".
func Children(e *etree.Element, local string) iter.Seq[*etree.Element] {
	return func(yield func(*etree.Element) bool) {
		if e == nil {
			return
		}
		for _, t := range e.Child {
			c, ok := t.(*etree.Element)
			if ok && (local == "" || Is(c, local)) && !yield(c) {
				return
			}
		}
	}
}

// Find returns the first element with the local name in document order: e itself or one
// below it at any depth. It returns nil if there is none.
func Find(e *etree.Element, local string) *etree.Element {
	for c := e; c != nil; c = following(c, e) {
		if Is(c, local) {
			return c
		}
	}
	return nil
}

// following is the element after e in document order, within top.
func following(e, top *etree.Element) *etree.Element {
	if c := Child(e, ""); c != nil {
		return c
	}
	for ; e != top; e = e.Parent() {
		if next := e.NextSibling(); next != nil {
			return next
		}
	}
	return nil
}

// Text returns the character data directly in e, without the space around it. It is "" for
// nil.
func Text(e *etree.Element) string {
	if e == nil {
		return ""
	}
	var pieces textPieces
	for _, t := range e.Child {
		if c, ok := t.(*etree.CharData); ok {
			pieces.add(c.Data)
		}
	}
	return strings.TrimSpace(pieces.String())
}

// ChildText returns the text of the first child of e with the local name, or "".
func ChildText(e *etree.Element, local string) string { return Text(Child(e, local)) }

package xmldoc

import (
	"bytes"

	"github.com/beevik/etree"
)

// Indent writes the document for reading: an element with others inside takes a line for each of
// them, two blanks further in. Blanks around text are not kept; nothing else of the tree is lost.
func (d *Document) Indent() []byte {
	var out []byte
	type place struct {
		e    *etree.Element
		next int // child to write next
	}
	var open []place
	enter := func(e *etree.Element) {
		out = appendStart(appendMargin(out, len(open)), e)
		open = append(open, place{e: e})
	}
	enter(d.Root)
	for len(open) > 0 {
		at := &open[len(open)-1]
		if at.next == len(at.e.Child) {
			open = open[:len(open)-1]
			if len(at.e.ChildElements()) > 0 {
				out = appendMargin(out, len(open))
			}
			out = appendEnd(out, at.e)
			continue
		}
		at.next++
		switch t := at.e.Child[at.next-1].(type) {
		case *etree.Element:
			enter(t)
		case *etree.CharData:
			out = AppendText(out, t.Data)
		}
	}
	return append(bytes.TrimPrefix(out, []byte("\n")), '\n')
}

func appendMargin(dst []byte, depth int) []byte {
	dst = append(dst, '\n')
	for range depth {
		dst = append(dst, "  "...)
	}
	return dst
}

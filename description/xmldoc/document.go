package xmldoc

import (
	"io"
	"strings"

	"github.com/beevik/etree"
)

// A Document is what [Parse] could make of some bytes.
type Document struct {
	// Root is the outermost element. Elements and attributes keep their prefix in Space.
	// Comments, processing instructions and blank text between tags are not in the tree.
	Root *etree.Element

	// Notes has a line for each kind of repair, in the order they were needed; it is empty
	// for a document that was well-formed.
	Notes []string
}

// Parse reads one document as leniently as the package promises. Of one that was cut off, the text
// it breaks off in is left out. The error is a [*SyntaxError]: data is beyond a limit or has no
// element at all.
func Parse(data []byte, lim Limits) (*Document, error) {
	s, err := NewScanner(data, lim)
	if err != nil {
		return nil, err
	}
	var b builder
	for {
		token, err := s.Next()
		if err == io.EOF {
			return &Document{Root: b.root, Notes: s.Notes()}, nil
		}
		if err != nil {
			return nil, err
		}
		b.add(s, token)
	}
}

// slab is how many nodes a builder allocates at a time.
const slab = 32

// A builder grows the tree. It takes nodes from slabs: a description has about a hundred, and
// allocating them one by one would cost more than reading it.
type builder struct {
	root, at *etree.Element
	elements []etree.Element
	texts    []etree.CharData
	cut      bool // the text the document ends in is left out
}

func (b *builder) add(s *Scanner, token Token) {
	switch token {
	case StartTag:
		b.start(s)
	case EndTag:
		if s.Truncated() {
			b.cutText()
		}
		b.at = b.at.Parent()
	case CharData:
		if b.inText() || strings.TrimSpace(s.Text()) != "" {
			b.text(s.Text())
		}
	}
}

func (b *builder) start(s *Scanner) {
	if len(b.elements) == 0 {
		b.elements = make([]etree.Element, slab)
	}
	e := &b.elements[0]
	b.elements = b.elements[1:]
	e.Space, e.Tag = SplitName(s.Name())
	for _, a := range s.Attrs() {
		e.CreateAttr(a.Name, a.Value)
	}
	if b.at == nil {
		b.root = e
	} else {
		b.at.AddChild(e)
	}
	b.at = e
}

// inText reports whether the text just read continues one, so that even a blank is part of it.
func (b *builder) inText() bool {
	if len(b.at.Child) == 0 {
		return false
	}
	_, ok := b.at.Child[len(b.at.Child)-1].(*etree.CharData)
	return ok
}

// cutText takes the text away that the document broke off in: half of a path or of a number is
// neither.
func (b *builder) cutText() {
	for !b.cut && b.inText() {
		b.at.RemoveChildAt(len(b.at.Child) - 1)
	}
	b.cut = true
}

func (b *builder) text(text string) {
	if len(b.texts) == 0 {
		b.texts = make([]etree.CharData, slab)
	}
	t := &b.texts[0]
	b.texts = b.texts[1:]
	t.Data = text
	b.at.AddChild(t)
}

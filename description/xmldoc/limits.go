package xmldoc

import "fmt"

// Defaults of [Limits]. Real descriptions are tens of kilobytes and less than 15 deep.
const (
	DefaultBytes      = 256 << 10
	DefaultTagSpan    = 4 << 10
	DefaultDepth      = 32
	DefaultElements   = 20_000
	DefaultAttributes = 32
	DefaultName       = 256
	DefaultText       = 8 << 10
)

// maxNotes bounds the list of repairs, which a hostile document could make endless.
const maxNotes = 32

// Limits bound what a document may cost. A document beyond one of them is refused with a
// [SyntaxError]. A field that is zero stands for its default.
type Limits struct {
	Bytes      int // length of the document as received
	TagSpan    int // bytes from "<" to ">" of one tag
	Depth      int // elements open at the same time
	Elements   int // elements in the document, and as many pieces of text
	Attributes int // attributes of one element
	Name       int // bytes of one element or attribute name
	Text       int // bytes of the character data between two tags, unless all blank
}

func (l Limits) withDefaults() Limits {
	set := func(field *int, value int) {
		if *field == 0 {
			*field = value
		}
	}
	set(&l.Bytes, DefaultBytes)
	set(&l.TagSpan, DefaultTagSpan)
	set(&l.Depth, DefaultDepth)
	set(&l.Elements, DefaultElements)
	set(&l.Attributes, DefaultAttributes)
	set(&l.Name, DefaultName)
	set(&l.Text, DefaultText)
	return l
}

// A SyntaxError says why a document cannot be read at all.
type SyntaxError struct {
	Offset  int    // in bytes, into the document as repaired to UTF-8
	Element string // innermost open element, "" outside the root
	Reason  string
}

func (e *SyntaxError) Error() string {
	if e.Element == "" {
		return fmt.Sprintf("xmldoc: byte %d: %s", e.Offset, e.Reason)
	}
	return fmt.Sprintf("xmldoc: byte %d, in <%s>: %s", e.Offset, e.Element, e.Reason)
}

package gena

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"upnp/description/xmldoc"
)

// Limits of what is read of one notification.
const (
	MaxBody = 64 << 10 // bytes of a property set

	maxProperties = 256
	maxNotes      = 32
	maxName       = 128 // bytes of a variable's name
)

const (
	setStart = xmldoc.Prolog + `<e:propertyset xmlns:e="urn:schemas-upnp-org:event-1-0">`
	setEnd   = `</e:propertyset>`
)

var errNoSet = errors.New("gena: the document is no property set")

// A NameError is a variable name that is not sent, because it could be more than a name.
type NameError struct{ Name string }

func (e *NameError) Error() string { return fmt.Sprintf("gena: invalid variable name %q", e.Name) }

// AppendProperties appends a property set, the body of a notification, UPnP Device Architecture
// 1.1, section 4.3.2: one variable per property, in the order given. The error is a [*NameError].
func AppendProperties(dst []byte, properties ...Property) ([]byte, error) {
	dst = append(dst, setStart...)
	for _, p := range properties {
		if !isName(p.Name) {
			return dst, &NameError{p.Name}
		}
		dst = append(dst, "<e:property><"...)
		dst = append(dst, p.Name...)
		dst = append(dst, '>')
		dst = xmldoc.AppendText(dst, p.Value)
		dst = append(dst, "</"...)
		dst = append(dst, p.Name...)
		dst = append(dst, "></e:property>"...)
	}
	return append(dst, setEnd...), nil
}

// ParseProperties reads a property set as devices send it, with a line in notes for each thing
// overlooked: several variables in a property or outside of any, variables with a prefix, roots
// of another name, elements that should have been escaped, documents cut off. A variable that
// is cut is left out, since 1 may be what is left of 10.
//
// The error is an [*xmldoc.SyntaxError], or that of a document with no property in it.
func ParseProperties(body []byte) (properties []Property, notes []string, err error) {
	scanner, err := xmldoc.NewScanner(body, xmldoc.Limits{Bytes: MaxBody, Text: MaxBody})
	if err != nil {
		return nil, nil, err
	}
	r := setReader{Scanner: scanner}
	for err == nil {
		err = r.next()
	}
	switch {
	case err != io.EOF:
		return nil, nil, err
	case !r.isSet:
		return nil, nil, errNoSet
	}
	return r.properties, append(r.Notes(), r.notes...), nil
}

// A setReader walks through a property set.
type setReader struct {
	*xmldoc.Scanner
	properties []Property
	notes      []string
	isSet      bool // there was a propertyset or a property
	property   int  // depth of the open property, 0 outside of any
	variables  int  // in the open property
}

func (r *setReader) next() error {
	token, err := r.Next()
	switch {
	case err != nil:
		return err
	case token == xmldoc.EndTag && r.Depth() < r.property:
		r.property = 0
	case token == xmldoc.StartTag:
		return r.element()
	}
	return nil
}

// element places the element that just began. What is neither a variable nor around one is
// looked into: the set may be further down.
func (r *setReader) element() error {
	switch {
	case xmldoc.EqualName(r.Local(), "property") && r.property == 0:
		r.isSet, r.property, r.variables = true, r.Depth(), 0
	case r.property != 0:
		return r.variable()
	case xmldoc.EqualName(r.Local(), "propertyset"):
		r.isSet = true
	case r.isSet:
		r.note("variable outside of a property")
		return r.variable()
	default:
		r.note("the root is not a propertyset")
	}
	return nil
}

// variable reads the variable that just began.
func (r *setReader) variable() error {
	prefix, name := xmldoc.SplitName(r.Name())
	value, nested, err := r.Content()
	if err != nil {
		return err
	}
	r.variables++
	r.noteIf(r.property != 0 && r.variables > 1, "several variables in one property")
	r.noteIf(prefix != "", "variable with a prefix")
	r.noteIf(nested, "elements in a variable that should be escaped")
	switch {
	case r.Truncated():
		r.note("a variable is cut off and left out")
	case !isName(name):
		r.note("a variable without a usable name is left out")
	case len(r.properties) == maxProperties:
		return &xmldoc.SyntaxError{Element: name, Reason: fmt.Sprintf("more than %d variables", maxProperties)}
	default:
		r.properties = append(r.properties, Property{strings.Clone(name), strings.Clone(unpad(value))})
	}
	return nil
}

func (r *setReader) noteIf(repaired bool, line string) {
	if repaired {
		r.note(line)
	}
}

func (r *setReader) note(line string) { r.notes = addNote(r.notes, line) }

// unpad removes space around a value if a line break is part of it: that is how devices indent.
func unpad(value string) string {
	if strings.IndexByte(value, '\n') < 0 {
		return value
	}
	return strings.TrimSpace(value)
}

// isName accepts the names UPnP gives variables, and vendors' hyphens and dots.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '-' && c != '.') {
			return false
		}
	}
	return s != "" && len(s) <= maxName
}

package description

import (
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"upnp/description/xmldoc"
)

// What reading and writing the two kinds of document have in common.

const (
	deviceNamespace  = "urn:schemas-upnp-org:device-1-0"
	serviceNamespace = "urn:schemas-upnp-org:service-1-0"
)

// open reads data as XML and refuses what is plainly a web page. want is for the error.
func open(data []byte, lim xmldoc.Limits, want string) (*xmldoc.Document, error) {
	if len(data) > MaxDocument {
		return nil, ErrTooLarge
	}
	if page := webPage(data); page != "" {
		return nil, &DocumentError{Want: want, Found: page}
	}
	lim.Bytes = MaxDocument
	doc, err := xmldoc.Parse(data, lim)
	if err != nil {
		return nil, fmt.Errorf("description: reading a %s: %w", want, err)
	}
	untangle(doc.Root)
	return doc, nil
}

// webPage describes the HTML page that data is, "" if it is none. Only the first tag
// counts, and comments and declarations before it: a description may well speak of HTML.
func webPage(data []byte) string {
	head := string(data[:min(len(data), 4<<10)])
	for rest := head; ; {
		_, tag, ok := strings.Cut(rest, "<")
		if !ok {
			return ""
		}
		rest = tag
		switch name := strings.ToLower(tag[:min(len(tag), 13)]); {
		case strings.HasPrefix(name, "!--"):
			_, rest, _ = strings.Cut(tag, "-->")
		case strings.HasPrefix(name, "!doctype html"), strings.HasPrefix(name, "html"):
			return "an HTML page" + pageTitle(head)
		case name == "" || name[0] != '!' && name[0] != '?':
			return ""
		}
	}
}

// pageTitle is the quoted title of a page after a space, or "".
func pageTitle(page string) string {
	lower := strings.ToLower(page)
	start := strings.Index(lower, "<title>")
	end := strings.Index(lower, "</title>")
	// Lower case may be longer than what it is made from.
	if len(lower) != len(page) || start < 0 || end < start {
		return ""
	}
	return " " + quoted(oneLine(page[start+len("<title>"):end]))
}

// attr is the trimmed value of the attribute with a local name in any case, "" without it.
func attr(e *etree.Element, local string) string {
	for _, a := range e.Attr {
		if a.Space != "xmlns" && xmldoc.EqualName(a.Key, local) {
			return trim(a.Value)
		}
	}
	return ""
}

// items yields the children called item of e's children called list, and those that
// stand in e without a list around them, which it reports as stray.
func items(e *etree.Element, list, item string, stray func()) iter.Seq[*etree.Element] {
	return func(yield func(*etree.Element) bool) {
		for child := range xmldoc.Children(e, "") {
			switch {
			case xmldoc.Is(child, item):
				stray()
				if !yield(child) {
					return
				}
			case xmldoc.Is(child, list):
				for inner := range xmldoc.Children(child, item) {
					if !yield(inner) {
						return
					}
				}
			}
		}
	}
}

// oneLine makes every run of white space in s one blank.
func oneLine(s string) string {
	s = trim(s)
	if !strings.ContainsAny(s, "\t\r\n") && !strings.Contains(s, "  ") {
		return s
	}
	return strings.Join(strings.FieldsFunc(s, isSpace), " ")
}

// noSpace takes all white space out of s.
func noSpace(s string) string {
	if !strings.ContainsAny(s, " \t\r\n") {
		return s
	}
	return strings.Join(strings.FieldsFunc(s, isSpace), "")
}

func isSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' }

// leadingInt is the number s starts with, false if it starts with none or a huge one.
func leadingInt(s string) (int, bool) {
	n, err := strconv.Atoi(s[:countDigits(s)])
	return n, err == nil
}

// readSpecVersion reads specVersion in e; what cannot be read is 1.0.
func readSpecVersion(e *etree.Element, note func(string, ...any)) (major, minor int) {
	version := xmldoc.Child(e, "specVersion")
	major, okMajor := leadingInt(xmldoc.ChildText(version, "major"))
	minor, okMinor := leadingInt(xmldoc.ChildText(version, "minor"))
	if !okMajor || !okMinor || major == 0 {
		note("no usable specVersion; taken for 1.0")
		return 1, 0
	}
	return major, minor
}

// noteNamespace notes a root element outside of the namespace its kind has.
func noteNamespace(e *etree.Element, want string, note func(string, ...any)) {
	switch ns := e.NamespaceURI(); ns {
	case want:
	case "":
		note("%s has no namespace", bare(e.Tag))
	default:
		note("%s has the namespace %s", bare(e.Tag), quoted(ns))
	}
}

// newDocument makes a document element with what both kinds start with.
func newDocument(tag, namespace, configID string, major, minor int) *etree.Element {
	e := etree.NewElement(tag)
	e.CreateAttr("xmlns", namespace)
	if configID != "" {
		e.CreateAttr("configId", configID)
	}
	if major == 0 {
		major, minor = 1, 0
	}
	version := e.CreateElement("specVersion")
	add(version, "major", strconv.Itoa(major))
	add(version, "minor", strconv.Itoa(minor))
	return e
}

// add appends an element with text to e.
func add(e *etree.Element, name, text string) *etree.Element {
	child := e.CreateElement(name)
	if text != "" {
		child.SetText(text)
	}
	return child
}

// addIf is add for an element that is left out when it would be empty.
func addIf(e *etree.Element, name, text string) {
	if text != "" {
		add(e, name, text)
	}
}

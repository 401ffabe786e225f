package cli

import (
	"iter"
	"strings"
)

// maxIndent is how deep lines are indented; documents may be deeper.
const maxIndent = 24

// indentXML are the lines of a document with a line for each element. It changes nothing but blanks between
// elements, and takes what comes: what is no XML, or is broken, stays as it is.
func indentXML(doc string) iter.Seq[string] {
	return func(yield func(string) bool) {
		depth := 0
		for rest := strings.TrimSpace(doc); rest != ""; rest = strings.TrimSpace(rest) {
			var part string
			part, rest = nextPart(rest)
			closes := strings.HasPrefix(part, "</")
			if closes {
				depth = max(0, depth-1)
			}
			for line := range strings.Lines(part) {
				if !yield(strings.Repeat("  ", min(depth, maxIndent)) + strings.TrimRight(line, "\r\n")) {
					return
				}
			}
			if !closes && opens(part) {
				depth++
			}
		}
	}
}

// nextPart is a tag, a text, or an element that holds text only.
func nextPart(doc string) (part, rest string) {
	tag, rest := nextTag(doc)
	if tag == "" {
		text, _, _ := strings.Cut(doc, "<")
		return strings.TrimSpace(text), doc[len(text):]
	}
	if !opens(tag) {
		return tag, rest
	}
	text, _, _ := strings.Cut(rest, "<")
	end, after := nextTag(rest[len(text):])
	if strings.HasPrefix(end, "</") && !strings.Contains(strings.TrimSpace(text), "\n") {
		return tag + strings.TrimSpace(text) + end, after
	}
	return tag, rest
}

// nextTag is the tag, comment or other markup that doc begins with. One that has no end is all of it.
func nextTag(doc string) (tag, rest string) {
	if !strings.HasPrefix(doc, "<") {
		return "", doc
	}
	end := ">"
	for start, stop := range map[string]string{"<!--": "-->", "<![CDATA[": "]]>", "<?": "?>"} {
		if strings.HasPrefix(doc, start) {
			end = stop
		}
	}
	i := strings.Index(doc, end)
	if i < 0 {
		return doc, ""
	}
	return doc[:i+len(end)], doc[i+len(end):]
}

// opens reports whether a part is a start tag that something must close.
func opens(part string) bool {
	return strings.HasPrefix(part, "<") && !strings.HasPrefix(part, "</") && !strings.HasPrefix(part, "<!") &&
		!strings.HasPrefix(part, "<?") && strings.HasSuffix(part, ">") && !strings.HasSuffix(part, "/>") && !strings.Contains(part, "</")
}

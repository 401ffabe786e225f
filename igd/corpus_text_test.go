package igd_test

import (
	"encoding/xml"
	"html"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// What a person finds in a recording with a text search. Nothing in this file uses a parser of ours:
// it is the other side of the comparison.

// headOf parts a message at its empty line.
func headOf(text string) (lines []string, body string) {
	for {
		line, rest, more := strings.Cut(text, "\n")
		line = strings.TrimSuffix(line, "\r")
		if line == "" && len(lines) > 0 || !more {
			if line != "" {
				lines = append(lines, line)
			}
			return lines, rest
		}
		if line != "" {
			lines = append(lines, line)
		}
		text = rest
	}
}

// fieldOf is the value of the first header line of that name.
func fieldOf(text, name string) string {
	value, _ := lookField(text, name)
	return value
}

func hasField(text, name string) bool {
	_, ok := lookField(text, name)
	return ok
}

func lookField(text, name string) (string, bool) {
	lines, _ := headOf(text)
	for _, line := range lines[min(1, len(lines)):] {
		if n, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(n), name) {
			return strings.Trim(value, " \t\x00"), true
		}
	}
	return "", false
}

var comments = regexp.MustCompile(`(?s)<!--.*?-->`)

// tagged finds the text of every element of that name, whatever its prefix. An element the file
// breaks off in has none.
func tagged(text, name string) []string {
	pattern := regexp.MustCompile(`(?is)<(?:[\w.-]+:)?` + name + `(?:\s[^>]*)?(?:/>|>([^<]*|\s*<!\[CDATA\[.*?\]\]>\s*)</)`)
	var found []string
	for _, m := range pattern.FindAllStringSubmatch(comments.ReplaceAllString(text, ""), -1) {
		found = append(found, spoken(m[1]))
	}
	return found
}

// firstTagged is the first of tagged, "" if there is none.
func firstTagged(text, name string) string {
	if all := tagged(text, name); len(all) > 0 {
		return all[0]
	}
	return ""
}

// spoken is text without markup: what is written between two tags, read aloud, with a replacement
// character for each byte that is no text.
func spoken(text string) string {
	text = legible(text)
	if inner, ok := strings.CutPrefix(strings.TrimSpace(text), "<![CDATA["); ok {
		return strings.TrimSuffix(inner, "]]>")
	}
	return html.UnescapeString(strings.TrimSpace(text))
}

func legible(text string) string {
	var out strings.Builder
	for _, r := range text {
		if r < ' ' && !strings.ContainsRune("\t\r\n", r) {
			r = utf8.RuneError
		}
		out.WriteRune(r)
	}
	return out.String()
}

// squeezed has single blanks for white space of all kinds.
func squeezed(text string) string { return strings.Join(strings.Fields(text), " ") }

// blocks are what stands between each pair of tags of that name, up to the next such tag where the
// end is missing.
func blocks(text, name string) []string {
	start := regexp.MustCompile(`(?i)<(?:[\w.-]+:)?` + name + `(?:\s[^>]*)?>`)
	end := regexp.MustCompile(`(?i)</(?:[\w.-]+:)?` + name + `\s*>`)
	text = comments.ReplaceAllString(text, "")
	var found []string
	for _, part := range start.Split(text, -1)[1:] {
		found = append(found, end.Split(part, 2)[0])
	}
	return found
}

// wellFormed is the opinion of encoding/xml.
func wellFormed(data []byte) bool {
	d := xml.NewDecoder(strings.NewReader(string(data)))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	for {
		_, err := d.Token()
		if err == io.EOF {
			return true
		}
		if err != nil {
			return false
		}
	}
}

// nonEmpty are the different texts with something in them, sorted: the order in a file is another
// matter.
func nonEmpty(texts []string) []string {
	var kept []string
	for _, t := range texts {
		if t = squeezed(t); t != "" {
			kept = append(kept, t)
		}
	}
	slices.Sort(kept)
	return slices.Compact(kept)
}

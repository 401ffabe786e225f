package description

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxNotes     = 100 // lines of Notes kept for one document
	maxNoteQuote = 80  // bytes of a device's own text repeated in one line
)

// note appends a line to notes, once, within maxNotes.
func note(notes []string, format string, args ...any) []string {
	if len(notes) >= maxNotes {
		return notes
	}
	line := fmt.Sprintf(format, args...)
	if slices.Contains(notes, line) {
		return notes
	}
	return append(notes, line)
}

// quoted is s in quotes for a note, cut when it is long.
func quoted(s string) string {
	if len(s) <= maxNoteQuote {
		return strconv.Quote(s)
	}
	cut := maxNoteQuote
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strconv.Quote(s[:cut]) + "…"
}

// bare is quoted without the quotes, for what stands between other marks.
func bare(s string) string { return strings.ReplaceAll(quoted(s), `"`, "") }

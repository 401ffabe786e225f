package wire

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sanitize makes text from a device fit for one line of a terminal: blanks of every kind become a
// space, anything else that is not visible (control and format characters, those of the C1 set and
// of text direction, unassigned ones) becomes \u{…}, and bytes that are no UTF-8 become U+FFFD
// (SECURITY I1). More than limit runes are cut to limit with "…" at the end; 0 cuts nothing.
// Sanitizing again changes nothing.
func Sanitize(s string, limit int) string {
	if !isClean(s) {
		s = clean(s)
	}
	return cut(s, limit)
}

func isClean(s string) bool {
	for _, r := range s {
		if r == utf8.RuneError || !isVisible(r) {
			return false
		}
	}
	return true
}

func clean(s string) string {
	var b strings.Builder
	for _, r := range strings.ReplaceAll(s, "\r\n", "\n") {
		switch {
		case isVisible(r):
			b.WriteRune(r)
		case unicode.IsSpace(r) && r != 0x85 || unicode.Is(unicode.Zs, r):
			b.WriteByte(' ')
		default:
			b.WriteString(`\u{` + strconv.FormatInt(int64(r), 16) + `}`)
		}
	}
	return b.String()
}

// isVisible is what may be printed as it is. Fillers are letters that show nothing.
func isVisible(r rune) bool {
	switch r {
	case 0x115f, 0x1160, 0x3164, 0xffa0:
		return false
	}
	return unicode.IsPrint(r)
}

func cut(s string, limit int) string {
	if limit <= 0 || utf8.RuneCountInString(s) <= limit {
		return s
	}
	n := 0
	for i := range s {
		if n++; n == limit {
			return s[:i] + "…"
		}
	}
	return s
}

package cli

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"upnp/cmd/internal/notation"
	"upnp/igd/wire"
)

// clean makes a text harmless for a terminal, whoever wrote it (SECURITY I1).
func clean(s string) string { return wire.Sanitize(s, 0) }

// wide are the runes that take two columns (East Asian Width W and F, and emoji).
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, {Lo: 0x2e80, Hi: 0x303e, Stride: 1},
		{Lo: 0x3041, Hi: 0x33ff, Stride: 1}, {Lo: 0x3400, Hi: 0x4dbf, Stride: 1},
		{Lo: 0x4e00, Hi: 0xa4cf, Stride: 1}, {Lo: 0xa960, Hi: 0xa97c, Stride: 1},
		{Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, {Lo: 0xf900, Hi: 0xfaff, Stride: 1},
		{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1}, {Lo: 0xff01, Hi: 0xff60, Stride: 1},
		{Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x1f300, Hi: 0x1f64f, Stride: 1}, {Lo: 0x1f680, Hi: 0x1f6ff, Stride: 1},
		{Lo: 0x1f900, Hi: 0x1f9ff, Stride: 1}, {Lo: 0x20000, Hi: 0x3fffd, Stride: 1},
	},
}

// columns is the width of a rune on a terminal.
func columns(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}

// width is the number of columns a text takes.
func width(s string) int {
	n := 0
	for _, r := range s {
		n += columns(r)
	}
	return n
}

// cut shortens a text to at most limit columns, the last of them an ellipsis.
func cut(s string, limit int) string {
	if width(s) <= limit {
		return s
	}
	n := 0
	for i, r := range s {
		if n += columns(r); n >= limit {
			return s[:i] + "…"
		}
	}
	return s
}

// pad fills a text with blanks to a width, on its right or its left side.
func pad(s string, to int, right bool) string {
	blanks := strings.Repeat(" ", max(0, to-width(s)))
	if right {
		return blanks + s
	}
	return s + blanks
}

// leaseText is what is left of a lease: 59m12s, or permanent.
func leaseText(d time.Duration) string {
	if d == 0 {
		return "permanent"
	}
	return notation.ShortDuration(d)
}

// uptimeText is a long duration for reading: 9d 22h 18m.
func uptimeText(d time.Duration) string {
	if d < time.Hour {
		return notation.ShortDuration(d)
	}
	day := 24 * time.Hour
	s := strconv.Itoa(int(d%day/time.Hour)) + "h " + strconv.Itoa(int(d%time.Hour/time.Minute)) + "m"
	if d >= day {
		s = strconv.Itoa(int(d/day)) + "d " + s
	}
	return s
}

// elapsed is a short time for reading: 0.4 ms, 12 ms, 1.2 s.
func elapsed(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 1, 64) + " ms"
	case d < time.Second:
		return strconv.Itoa(int(d.Milliseconds())) + " ms"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
}

// byteText is an amount of traffic in powers of 1000.
func byteText(n uint64) string {
	if n < 1000 {
		return strconv.FormatUint(n, 10) + " B"
	}
	units, value := "kMGTPE", float64(n)/1000
	for value >= 1000 && len(units) > 1 {
		units, value = units[1:], value/1000
	}
	return strconv.FormatFloat(value, 'f', 1, 64) + " " + units[:1] + "B"
}

// rateText is a link's speed.
func rateText(bits uint64) string {
	if bits == 0 {
		return "unknown"
	}
	units, value := []string{"bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"}, float64(bits)
	for value >= 1000 && len(units) > 1 {
		units, value = units[1:], value/1000
	}
	return strconv.FormatFloat(value, 'g', 4, 64) + " " + units[0]
}

// plural is a count with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// fold breaks one line into lines of at most limit columns between words, the later ones
// indented; 0 is no limit.
func fold(s string, limit int) string {
	if limit < 20 {
		return s
	}
	const indent = "  "
	var b strings.Builder
	at := 0
	for i, word := range strings.Split(s, " ") {
		w := width(word)
		switch {
		case i > 0 && at+1+w > limit:
			b.WriteString("\n" + indent)
			at = len(indent)
		case i > 0:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += w
	}
	return b.String()
}

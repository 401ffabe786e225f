package xmldoc

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const replacement = "\uFFFD"

// forbiddenByte tells the control characters XML 1.0 has no place for.
func forbiddenByte(c byte) bool {
	return c < ' ' && c != '\t' && c != '\n' && c != '\r'
}

// inCharacterRange is the Char production of XML 1.0.
func inCharacterRange(r rune) bool {
	return r >= ' ' && r < 0xD800 || r > 0xDFFF && r < 0xFFFE || r > 0xFFFF && r <= utf8.MaxRune ||
		r == '\t' || r == '\n' || r == '\r'
}

type noteFunc func(format string, args ...any)

// decode turns a document in whatever encoding into UTF-8 that holds nothing XML forbids.
// The first return value shares no memory with data; note is called for each kind of repair.
func decode(data []byte, note noteFunc) string {
	switch {
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}):
		return decodeUTF16(data[2:], binary.LittleEndian, note)
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		return decodeUTF16(data[2:], binary.BigEndian, note)
	case bytes.HasPrefix(data, []byte("\uFEFF")):
		note("byte order mark removed")
		data = data[len("\uFEFF"):]
	}
	// Padding with NULs is a buffer sent whole, not damage to the text.
	if trimmed := bytes.Trim(data, "\x00"); len(trimmed) < len(data) {
		note("NUL bytes around the document removed")
		data = trimmed
	}
	if isClean(data) {
		return string(data)
	}
	if !utf8.Valid(data) && labelledLatin1(data) {
		note("decoded as windows-1252")
		data = appendWindows1252(nil, data)
	}
	return repairUTF8(data, note)
}

// isClean reports whether data can be taken as it is, which it nearly always can.
func isClean(data []byte) bool {
	for _, c := range data {
		if forbiddenByte(c) {
			return false
		}
	}
	// Valid UTF-8 can still hold U+FFFE and U+FFFF, both of which begin like this.
	return utf8.Valid(data) && !bytes.Contains(data, []byte("\xEF\xBF"))
}

func decodeUTF16(data []byte, order binary.ByteOrder, note noteFunc) string {
	note("decoded from UTF-16")
	units := make([]uint16, 0, len(data)/2)
	for len(data) >= 2 {
		units = append(units, order.Uint16(data))
		data = data[2:]
	}
	text := strings.Trim(string(utf16.Decode(units)), "\x00")
	if isClean([]byte(text)) {
		return text
	}
	return repairUTF8([]byte(text), note)
}

// labelledLatin1 reports whether the XML declaration names an encoding of one byte per
// character that Western devices mean when they say so.
func labelledLatin1(data []byte) bool {
	declaration, _, found := bytes.Cut(data[:min(len(data), DefaultTagSpan)], []byte("?>"))
	_, label, named := bytes.Cut(declaration, []byte("encoding"))
	if !found || !named {
		return false
	}
	label = bytes.ToLower(bytes.TrimLeft(label, " \t\r\n=\"'"))
	for _, name := range []string{"iso-8859-1", "iso_8859-1", "iso8859-1", "latin1", "latin-1", "windows-1252", "cp1252", "us-ascii", "ascii"} {
		if bytes.HasPrefix(label, []byte(name)) {
			return true
		}
	}
	return false
}

// windows1252 holds what the bytes 0x80 to 0x9F stand for; every other byte is the code point
// of its own number. Five are undefined.
var windows1252 = [32]rune{
	'€', utf8.RuneError, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', utf8.RuneError, 'Ž', utf8.RuneError,
	utf8.RuneError, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', utf8.RuneError, 'ž', 'Ÿ',
}

func appendWindows1252(dst, data []byte) []byte {
	for _, c := range data {
		if 0x80 <= c && c < 0xA0 {
			dst = utf8.AppendRune(dst, windows1252[c-0x80])
		} else {
			dst = utf8.AppendRune(dst, rune(c))
		}
	}
	return dst
}

func repairUTF8(data []byte, note noteFunc) string {
	out := make([]byte, 0, len(data)+16)
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && size == 1:
			note("bytes that are not UTF-8 replaced")
			out = append(out, replacement...)
		case !inCharacterRange(r):
			note("characters that XML forbids replaced")
			out = append(out, replacement...)
		default:
			out = append(out, data[:size]...)
		}
		data = data[size:]
	}
	return string(out)
}

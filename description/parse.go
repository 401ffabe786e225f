package description

import (
	"encoding/base64"
	"encoding/hex"
	"math"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Parse reads a value as the data type has it in Go:
//
//	ui1 ui2 ui4 ui8                          uint8 uint16 uint32 uint64
//	i1 i2 i4 i8 int                          int8 int16 int32 int64 int64
//	r4, r8 number float                      float32, float64
//	fixed.14.4                               Fixed
//	char, string                             rune, string
//	date dateTime dateTime.tz time time.tz   Moment
//	boolean                                  bool
//	bin.base64 bin.hex                       []byte
//	uri                                      *url.URL
//	uuid                                     [16]byte
//
// A type the architecture does not know is a string. White space around anything but a string or char
// is ignored; a boolean may be in any of its spellings. A float that no float64 holds is the nearest
// one, which may be an infinity. The error is a [*ValueError].
func (t DataType) Parse(text string) (any, error) {
	value, problem, reason := t.parse(text)
	if problem != 0 {
		return nil, &ValueError{Type: t, Text: text, Problem: problem, Reason: reason}
	}
	return value, nil
}

// parse gives a value, or the problem with it.
func (t DataType) parse(text string) (value any, problem Problem, reason string) {
	trimmed := trim(text)
	switch {
	case t.isInteger():
		return t.parseInteger(trimmed)
	case t.isReal():
		return t.parseReal(trimmed)
	case t.isMoment():
		m, ok := parseMoment(t, trimmed)
		return wellFormed(m, ok, "not a "+string(t)+" such as "+momentExample[t])
	}
	return t.parseOther(text, trimmed)
}

// parseOther reads what is neither a number nor a time.
func (t DataType) parseOther(text, trimmed string) (value any, problem Problem, reason string) {
	switch t {
	case Char:
		r, size := utf8.DecodeRuneInString(text)
		return wellFormed(r, size == len(text) && size > 0 && (r != utf8.RuneError || size > 1), "not one character")
	case Boolean:
		b, err := ParseBoolean(trimmed)
		return wellFormed(b, err == nil, "want 0 or 1")
	case BinBase64: // with the line breaks of MIME
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(trimmed), ""))
		return wellFormed(data, err == nil, "not base64")
	case BinHex:
		data, err := hex.DecodeString(trimmed)
		return wellFormed(data, err == nil, "not pairs of hexadecimal digits")
	case URI:
		u, err := url.Parse(trimmed)
		return wellFormed(u, err == nil && !strings.ContainsFunc(trimmed, isSpace), "not a URI")
	case UUID:
		id, ok := parseUUID(trimmed)
		return wellFormed(id, ok, "not 32 hexadecimal digits")
	}
	return text, 0, ""
}

// wellFormed is the value, or that it is malformed.
func wellFormed(value any, ok bool, reason string) (any, Problem, string) {
	if !ok {
		return nil, Malformed, reason
	}
	return value, 0, ""
}

// parseInteger gives the Go type of the same size.
func (t DataType) parseInteger(text string) (value any, problem Problem, reason string) {
	var err error
	switch t {
	case UI1, UI2, UI4, UI8:
		var n uint64
		n, err = strconv.ParseUint(text, 10, t.bits())
		value = unsigned(t, n)
	default:
		var n int64
		n, err = strconv.ParseInt(text, 10, t.bits())
		value = signed(t, n)
	}
	if err != nil {
		problem, reason = numberProblem(t, err)
		return nil, problem, reason
	}
	return value, 0, ""
}

func unsigned(t DataType, n uint64) any {
	switch t {
	case UI1:
		return uint8(n)
	case UI2:
		return uint16(n)
	case UI4:
		return uint32(n)
	}
	return n
}

func signed(t DataType, n int64) any {
	switch t {
	case I1:
		return int8(n)
	case I2:
		return int16(n)
	case I4:
		return int32(n)
	}
	return n
}

// parseReal reads a number with a fraction; the limits are those of the architecture.
func (t DataType) parseReal(text string) (value any, problem Problem, reason string) {
	if t == Fixed144 {
		return parseFixed(text)
	}
	if _, _, _, ok := splitReal(text); !ok {
		return nil, Malformed, "not a decimal number"
	}
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case t == Float:
		return n, 0, ""
	case err != nil, t == R4 && n != 0 && !isSingle(math.Abs(n)):
		return nil, OutOfRange, "does not fit " + string(t)
	case t == R4:
		return float32(n), 0, ""
	}
	return n, 0, ""
}

func parseUUID(s string) (id [16]byte, ok bool) {
	digits := strings.ReplaceAll(s, "-", "")
	if len(digits) != 32 {
		return id, false
	}
	_, err := hex.Decode(id[:], []byte(digits))
	return id, err == nil
}

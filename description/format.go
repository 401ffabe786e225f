package description

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
)

// Format writes a value of the type in the one spelling every device reads: integers without sign or
// zeros in front, booleans as 0 or 1, times and UUIDs whole. It takes what [DataType.Parse] gives, any
// Go integer for an integer, any number for a real one, and text, which is read first. The error is a
// [*ValueError].
func (t DataType) Format(value any) (string, error) {
	if text, ok := value.(string); ok {
		parsed, err := t.Parse(text)
		if n, ok := parsed.(float64); err != nil || ok && math.IsInf(n, 0) {
			return trim(text), err
		}
		value = parsed
	}
	text, ok := t.format(value)
	if !ok {
		return "", &ValueError{Type: t, Text: fmt.Sprint(value), Problem: Malformed, Reason: fmt.Sprintf("a Go %T cannot be written as %s", value, t)}
	}
	_, err := t.Parse(text) // a number of another size may be too large
	return text, err
}

func (t DataType) format(value any) (text string, ok bool) {
	switch {
	case t.isInteger():
		return formatInteger(value)
	case t == Fixed144:
		return formatFixed(value)
	case t.isReal():
		return t.formatReal(value)
	case t.isMoment():
		m, ok := value.(Moment)
		return m.String(), ok
	}
	return t.formatOther(value)
}

// formatOther writes what is neither a number nor a time.
func (t DataType) formatOther(value any) (text string, ok bool) {
	switch v := value.(type) {
	case string:
		return v, t.isText() || !t.known()
	case rune:
		return string(v), t == Char
	case bool:
		return FormatBoolean(v), t == Boolean
	case *url.URL:
		return v.String(), t == URI
	case [16]byte:
		return formatUUID(v), t == UUID
	case []byte:
		if t == BinHex {
			return hex.EncodeToString(v), true
		}
		return base64.StdEncoding.EncodeToString(v), t == BinBase64
	}
	return "", false
}

func (t DataType) isText() bool { return t == String || t == URI }

func formatInteger(value any) (text string, ok bool) {
	switch value.(type) {
	case int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
		return fmt.Sprint(value), true
	}
	return "", false
}

// formatReal writes a number plainly, unless it is so large or small that an exponent is shorter.
func (t DataType) formatReal(value any) (text string, ok bool) {
	bits := 64
	var n float64
	switch v := value.(type) {
	case float32:
		n, bits = float64(v), 32
	case float64:
		n = v
		if t == R4 {
			bits = 32
		}
	default:
		return formatInteger(value)
	}
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return "", false
	}
	if size := math.Abs(n); size != 0 && (size < 1e-5 || size >= 1e15) {
		return strconv.FormatFloat(n, 'E', -1, bits), true
	}
	return strconv.FormatFloat(n, 'f', -1, bits), true
}

// formatUUID writes the form of RFC 9562.
func formatUUID(id [16]byte) string {
	digits := hex.EncodeToString(id[:])
	return strings.Join([]string{digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]}, "-")
}

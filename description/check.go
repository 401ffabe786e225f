package description

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxDigits bounds the numbers that are compared and divided: far above what 64 bits hold,
// far below what makes arithmetic slow.
const maxDigits = 64

// Check reports whether text is a value of v: of the form its type prescribes, within
// its range and on its step, and in its list. White space around anything but a string
// or char is ignored. A type the architecture does not know is taken for a string. The
// error is a [*ValueError].
func (v *Variable) Check(text string) error {
	problem, reason := v.Type.check(text)
	if problem == 0 {
		problem, reason = v.checkRange(text)
	}
	if problem == 0 && len(v.Allowed) > 0 && !slices.Contains(v.Allowed, text) {
		problem, reason = NotAllowed, "not in the list of allowed values"
	}
	if problem == 0 {
		return nil
	}
	return &ValueError{Variable: v.Name, Type: v.Type, Text: text, Problem: problem, Reason: reason}
}

// check looks at the syntax of text and at what the type can hold.
func (t DataType) check(text string) (Problem, string) {
	value := trim(text)
	switch t {
	case UI1, UI2, UI4, UI8:
		return integerProblem(strconv.ParseUint(value, 10, t.bits()))
	case I1, I2, I4, I8, Int:
		return integerProblem(strconv.ParseInt(value, 10, t.bits()))
	case R4, R8, Number, Float, Fixed144:
		return t.checkReal(value)
	case Char:
		return malformedUnless(utf8.RuneCountInString(text) == 1, "not one character")
	case Date, DateTime, DateTimeTZ, Time, TimeTZ:
		return malformedUnless(isTime(t, value), "not a "+string(t))
	case Boolean:
		_, err := ParseBoolean(value)
		return malformedUnless(err == nil, "want 0 or 1")
	case BinBase64:
		return malformedUnless(isBase64(value), "not base64")
	case BinHex:
		_, err := hex.DecodeString(value)
		return malformedUnless(err == nil, "not pairs of hexadecimal digits")
	case URI:
		return malformedUnless(isURI(value), "not a URI")
	case UUID:
		return malformedUnless(isUUID(value), "not 32 hexadecimal digits")
	}
	return 0, ""
}

func malformedUnless(ok bool, reason string) (Problem, string) {
	if ok {
		return 0, ""
	}
	return Malformed, reason
}

// bits is the size of an integer type.
func (t DataType) bits() int {
	switch t {
	case UI1, I1:
		return 8
	case UI2, I2:
		return 16
	case UI4, I4:
		return 32
	}
	return 64
}

func (t DataType) isInteger() bool {
	switch t {
	case UI1, UI2, UI4, UI8, I1, I2, I4, I8, Int:
		return true
	}
	return false
}

func (t DataType) isReal() bool {
	switch t {
	case R4, R8, Number, Float, Fixed144:
		return true
	}
	return false
}

// known is true for the types of the architecture.
func (t DataType) known() bool { return slices.Contains(dataTypes[:], t) }

// dataTypes are all of them.
var dataTypes = [...]DataType{
	UI1, UI2, UI4, UI8, I1, I2, I4, I8, Int, R4, R8, Number, Fixed144, Float, Char, String,
	Date, DateTime, DateTimeTZ, Time, TimeTZ, Boolean, BinBase64, BinHex, URI, UUID,
}

func integerProblem[T int64 | uint64](_ T, err error) (Problem, string) {
	if err == nil {
		return 0, ""
	}
	if e, ok := err.(*strconv.NumError); ok && e.Err == strconv.ErrRange {
		return OutOfRange, "does not fit the type"
	}
	return Malformed, "not an integer of that type"
}

// checkReal looks at a number with a fraction. UPNP-FACTS 2.5 has the limits.
func (t DataType) checkReal(value string) (Problem, string) {
	whole, fraction, exponent, ok := splitReal(value)
	if !ok || t == Fixed144 && exponent {
		return Malformed, "not a decimal number"
	}
	if t == Fixed144 && (whole > 14 || fraction > 4) {
		return OutOfRange, "more than 14 digits before or 4 behind the point"
	}
	n, err := strconv.ParseFloat(value, 64)
	if t == Float {
		return 0, ""
	}
	if err != nil || t == R4 && n != 0 && !isSingle(math.Abs(n)) {
		return OutOfRange, "does not fit the type"
	}
	return 0, ""
}

// isSingle reports whether a magnitude is one that r4 has.
func isSingle(n float64) bool { return n >= 1.17549435e-38 && n <= 3.40282347e+38 }

// splitReal takes [sign] digits [. digits] [E [sign] digits] apart and counts the digits on
// both sides of the point. It refuses the forms strconv has beyond that: inf, nan, hex.
func splitReal(s string) (whole, fraction int, exponent, ok bool) {
	s = trimSign(s)
	whole = countDigits(s)
	s = s[whole:]
	if strings.HasPrefix(s, ".") {
		fraction = countDigits(s[1:])
		s = s[1+fraction:]
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		exponent = true
		power := trimSign(s[1:])
		s = power[countDigits(power):]
		ok = power != ""
	} else {
		ok = true
	}
	return whole, fraction, exponent, ok && s == "" && whole+fraction > 0
}

func trimSign(s string) string {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		return s[1:]
	}
	return s
}

// countDigits counts the decimal digits s starts with.
func countDigits(s string) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}

// isTime reports whether s is a value of one of the date and time types.
func isTime(t DataType, s string) bool {
	for _, layout := range timeLayouts(t) {
		if _, err := time.Parse(layout, s); err == nil && !strings.ContainsAny(s, ",") && hasTwoDigitHour(t, s) {
			return true
		}
	}
	return false
}

func timeLayouts(t DataType) []string {
	switch t {
	case Date:
		return []string{time.DateOnly}
	case DateTime:
		return []string{time.DateOnly, "2006-01-02T15:04:05"}
	case DateTimeTZ:
		return []string{time.DateOnly, "2006-01-02T15:04:05", "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700"}
	case Time:
		return []string{time.TimeOnly}
	}
	return []string{time.TimeOnly, "15:04:05Z07:00", "15:04:05Z0700"}
}

// hasTwoDigitHour makes up for time.Parse, which takes 7:00:00 too.
func hasTwoDigitHour(t DataType, s string) bool {
	if _, clock, ok := strings.Cut(s, "T"); ok {
		s = clock
	} else if t != Time && t != TimeTZ {
		return true
	}
	return strings.IndexByte(s, ':') == 2
}

// isBase64 allows for the line breaks of MIME.
func isBase64(s string) bool {
	_, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
	return err == nil
}

func isURI(s string) bool {
	_, err := url.Parse(s)
	return err == nil && !strings.ContainsAny(s, " \t\r\n")
}

func isUUID(s string) bool {
	digits := strings.ReplaceAll(s, "-", "")
	_, err := hex.DecodeString(digits)
	return err == nil && len(digits) == 32
}

// checkRange compares a number with the bounds of v. A bound that is no number bounds nothing.
func (v *Variable) checkRange(text string) (Problem, string) {
	if v.Range == nil {
		return 0, ""
	}
	value := trim(text)
	outside, offStep := false, false
	switch {
	case v.Type.isInteger():
		outside, offStep = v.Range.integer(value)
	case v.Type.isReal():
		outside = v.Range.real(value)
	}
	if outside {
		return OutOfRange, fmt.Sprintf("outside of %s to %s", quoted(v.Range.Min), quoted(v.Range.Max))
	}
	if offStep {
		return OutOfRange, fmt.Sprintf("not %s plus a multiple of %s", quoted(v.Range.Min), quoted(v.Range.Step))
	}
	return 0, ""
}

func (r *Range) integer(text string) (outside, offStep bool) {
	value, low, high, step := bigInt(text), bigInt(r.Min), bigInt(r.Max), bigInt(r.Step)
	if value == nil {
		return false, false
	}
	if low != nil && value.Cmp(low) < 0 || high != nil && value.Cmp(high) > 0 {
		return true, false
	}
	if low == nil || step == nil || step.Sign() <= 0 {
		return false, false
	}
	rest := new(big.Int).Sub(value, low)
	return false, rest.Rem(rest, step).Sign() != 0
}

// bigInt is nil for what is no integer.
func bigInt(s string) *big.Int {
	s = trim(s)
	if len(s) > maxDigits {
		return nil
	}
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return nil
	}
	return n
}

// real does not look at the step: 0.1 has no exact value to be a multiple of.
func (r *Range) real(text string) (outside bool) {
	value, ok := float(text)
	low, hasLow := float(r.Min)
	high, hasHigh := float(r.Max)
	return ok && (hasLow && value < low || hasHigh && value > high)
}

// float is an infinity for a number no float64 holds.
func float(s string) (n float64, ok bool) {
	s = trim(s)
	if _, _, _, ok := splitReal(s); !ok {
		return 0, false
	}
	n, _ = strconv.ParseFloat(s, 64)
	return n, true
}

package description

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// maxDigits bounds the numbers that are compared and divided: far above what 64 bits hold,
// far below what makes arithmetic slow.
const maxDigits = 64

// Check reports whether text is a value of v: of the form its type prescribes, within
// its range and on its step, and in its list. White space around anything but a string
// or char is ignored. A type the architecture does not know is taken for a string. The
// error is a [*ValueError].
func (v *Variable) Check(text string) error {
	_, err := v.Parse(text)
	return err
}

// Parse is [DataType.Parse] of the type of v, and checks the value as [Variable.Check] does. A value
// of the type that is out of range or not in the list is returned along with the error, for readers
// that take what a device says.
func (v *Variable) Parse(text string) (any, error) {
	value, problem, reason := v.Type.parse(text)
	if problem == 0 {
		problem, reason = v.checkRange(text)
	}
	if problem == 0 && len(v.Allowed) > 0 && !slices.Contains(v.Allowed, text) {
		problem, reason = NotAllowed, "not in the list of allowed values"
	}
	if problem == 0 {
		return value, nil
	}
	return value, &ValueError{Variable: v.Name, Type: v.Type, Text: text, Problem: problem, Reason: reason}
}

// Format is [DataType.Format] of the type of v, for values that pass [Variable.Check] alone.
func (v *Variable) Format(value any) (string, error) {
	text, ok := value.(string)
	if !ok {
		written, err := v.Type.Format(value)
		if err != nil {
			return "", err
		}
		text = written
	}
	if err := v.Check(text); err != nil {
		return "", err
	}
	return v.Type.Format(text)
}

// Domain says in words which values v may have: "ui2, 1 to 65535, in steps of 2", "string, one of TCP,
// UDP". Long lists are cut.
func (v *Variable) Domain() string {
	text := string(v.Type)
	if v.Range != nil {
		text += ", " + v.Range.words()
	}
	if len(v.Allowed) > 0 {
		text += ", one of " + strings.Join(v.Allowed[:min(len(v.Allowed), maxShown)], ", ")
	}
	if len(v.Allowed) > maxShown {
		text += ", …"
	}
	return text
}

// maxShown is how many allowed values are told.
const maxShown = 20

func (r *Range) words() string {
	var text string
	switch {
	case r.Min == "":
		text = "up to " + r.Max
	case r.Max == "":
		text = r.Min + " or more"
	default:
		text = r.Min + " to " + r.Max
	}
	if r.Step != "" && r.Step != "1" {
		text += ", in steps of " + r.Step
	}
	return text
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
		outside, offStep = v.Range.real(value)
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

// real counts steps in decimals, as they are written: 0.1 has no exact value in binary.
func (r *Range) real(text string) (outside, offStep bool) {
	value, ok := float(text)
	low, hasLow := float(r.Min)
	high, hasHigh := float(r.Max)
	if ok && (hasLow && value < low || hasHigh && value > high) {
		return true, false
	}
	exact, from, step := bigRat(text), bigRat(r.Min), bigRat(r.Step)
	if exact == nil || from == nil || step == nil || step.Sign() <= 0 {
		return false, false
	}
	return false, !exact.Sub(exact, from).Quo(exact, step).IsInt()
}

// bigRat is nil for what is no number, and for one so large, small or long that counting is of no use.
func bigRat(s string) *big.Rat {
	s = trim(s)
	n, ok := float(s)
	if size := math.Abs(n); !ok || len(s) > maxDigits || n != 0 && (size < 1e-30 || size > 1e30) {
		return nil
	}
	exact, ok := new(big.Rat).SetString(s)
	if !ok {
		return nil
	}
	return exact
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

// float is an infinity for a number no float64 holds.
func float(s string) (n float64, ok bool) {
	s = trim(s)
	if _, _, _, ok := splitReal(s); !ok {
		return 0, false
	}
	n, _ = strconv.ParseFloat(s, 64)
	return n, true
}

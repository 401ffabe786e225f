package description

import (
	"fmt"
	"strconv"
	"strings"
)

// A Fixed is a fixed.14.4, exactly: a number of ten-thousandths.
type Fixed int64

const (
	fixedOne = 10_000
	maxFixed = 1e18 - 1 // 14 digits and 4
)

// String writes it without zeros at the end.
func (f Fixed) String() string {
	sign, n := "", int64(f)
	if n < 0 {
		sign, n = "-", -n
	}
	text := sign + strconv.FormatInt(n/fixedOne, 10)
	if rest := n % fixedOne; rest != 0 {
		text += strings.TrimRight(fmt.Sprintf(".%04d", rest), "0")
	}
	return text
}

// Float64 is the number nearest to it.
func (f Fixed) Float64() float64 { return float64(f) / fixedOne }

// MarshalText is String.
func (f Fixed) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// parseFixed reads [sign] digits [. digits].
func parseFixed(text string) (value any, problem Problem, reason string) {
	whole, fraction, exponent, ok := splitReal(text)
	if !ok || exponent {
		return nil, Malformed, "not a decimal number"
	}
	if whole > 14 || fraction > 4 {
		return nil, OutOfRange, "more than 14 digits before or 4 behind the point"
	}
	digits := strings.Replace(trimSign(text), ".", "", 1) + strings.Repeat("0", 4-fraction)
	n, err := strconv.ParseInt(digits, 10, 64)
	if strings.HasPrefix(text, "-") {
		n = -n
	}
	return wellFormed(Fixed(n), err == nil, "not a decimal number")
}

// formatFixed takes whole numbers too.
func formatFixed(value any) (text string, ok bool) {
	switch v := value.(type) {
	case Fixed:
		return v.String(), v <= maxFixed && v >= -maxFixed
	case float32, float64:
		return strconv.FormatFloat(toFloat(v), 'f', -1, 64), true
	}
	return formatInteger(value)
}

func toFloat(v any) float64 {
	if single, ok := v.(float32); ok {
		return float64(single)
	}
	return v.(float64)
}

package description

import (
	"errors"
	"strconv"
	"strings"
)

// A DataType is the type of a state variable, by the name the architecture gives it.
type DataType string

// The data types of version 2.0 of the architecture, which are those of the versions
// before it and UI8 and I8.
const (
	UI1        DataType = "ui1"
	UI2        DataType = "ui2"
	UI4        DataType = "ui4"
	UI8        DataType = "ui8"
	I1         DataType = "i1"
	I2         DataType = "i2"
	I4         DataType = "i4"
	I8         DataType = "i8"
	Int        DataType = "int"
	R4         DataType = "r4"
	R8         DataType = "r8"
	Number     DataType = "number"
	Fixed144   DataType = "fixed.14.4"
	Float      DataType = "float"
	Char       DataType = "char"
	String     DataType = "string"
	Date       DataType = "date"
	DateTime   DataType = "dateTime"
	DateTimeTZ DataType = "dateTime.tz"
	Time       DataType = "time"
	TimeTZ     DataType = "time.tz"
	Boolean    DataType = "boolean"
	BinBase64  DataType = "bin.base64"
	BinHex     DataType = "bin.hex"
	URI        DataType = "uri"
	UUID       DataType = "uuid"
)

// ParseUI1 reads a ui1: decimal digits without a sign, white space around them ignored.
func ParseUI1(s string) (uint8, error) {
	n, err := parseUnsigned(UI1, s, 8)
	return uint8(n), err
}

// ParseUI2 reads a ui2: decimal digits without a sign, white space around them ignored.
func ParseUI2(s string) (uint16, error) {
	n, err := parseUnsigned(UI2, s, 16)
	return uint16(n), err
}

// ParseUI4 reads a ui4: decimal digits without a sign, white space around them ignored.
func ParseUI4(s string) (uint32, error) {
	n, err := parseUnsigned(UI4, s, 32)
	return uint32(n), err
}

func parseUnsigned(t DataType, s string, bits int) (uint64, error) {
	n, err := strconv.ParseUint(trim(s), 10, bits)
	if err != nil {
		return 0, numberError(t, s, err)
	}
	return n, nil
}

// FormatUI1 writes a ui1.
func FormatUI1(n uint8) string { return strconv.FormatUint(uint64(n), 10) }

// FormatUI2 writes a ui2.
func FormatUI2(n uint16) string { return strconv.FormatUint(uint64(n), 10) }

// FormatUI4 writes a ui4.
func FormatUI4(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// ParseBoolean reads a boolean in any of its spellings, 0 false no and 1 true yes,
// upper or lower case, white space around it ignored.
func ParseBoolean(s string) (bool, error) {
	switch strings.ToLower(trim(s)) {
	case "1", "true", "yes":
		return true, nil
	case "0", "false", "no":
		return false, nil
	}
	return false, &ValueError{Type: Boolean, Text: s, Problem: Malformed, Reason: "want 0 or 1"}
}

// FormatBoolean writes a boolean as 1 or 0, the spelling every device reads.
func FormatBoolean(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// trim takes XML's white space off both ends.
func trim(s string) string { return strings.Trim(s, " \t\r\n") }

// numberError is the error of an integer that strconv does not take.
func numberError(t DataType, s string, err error) error {
	problem, reason := numberProblem(t, err)
	return &ValueError{Type: t, Text: s, Problem: problem, Reason: reason}
}

// numberProblem tells a number that is too large from what is no number.
func numberProblem(t DataType, err error) (Problem, string) {
	if errors.Is(err, strconv.ErrRange) {
		return OutOfRange, "does not fit " + string(t)
	}
	return Malformed, "not an integer of that type"
}

package description

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestCheckTypes(t *testing.T) {
	tests := []struct {
		typ               DataType
		good, bad, beyond []string // bad is Malformed, beyond OutOfRange
	}{
		{UI1, []string{"0", "255", "007", " 1\n"}, []string{"", "-1", "+1", "1.0", "0x1", "1_0", "１"}, []string{"256", "99999999999999999999"}},
		{UI2, []string{"65535"}, []string{"a"}, []string{"65536", "70000"}},
		{UI4, []string{"4294967295"}, []string{"-1"}, []string{"4294967296"}},
		{UI8, []string{"18446744073709551615"}, []string{"1 2"}, []string{"18446744073709551616"}},
		{I1, []string{"-128", "127", "+5"}, []string{"", "-", "--1"}, []string{"128", "-129"}},
		{I2, []string{"-32768", "32767"}, []string{"1e2"}, []string{"32768"}},
		{I4, []string{"-2147483648"}, []string{"x"}, []string{"2147483648"}},
		{I8, []string{"-9223372036854775808"}, []string{"x"}, []string{"9223372036854775808"}},
		{Int, []string{"-0", "9223372036854775807"}, []string{"1."}, []string{"9223372036854775808"}},
		{R4, []string{"0", "-1.5", ".5", "5.", "3.4E+38", "1.2e-38", "+1"}, []string{"", ".", "1e", "e1", "inf", "NaN", "0x1p-2", "1,5", "1_0.0"},
			[]string{"3.5E38", "1e-39"}},
		{R8, []string{"1e308", "-1E-300"}, []string{"Infinity", "1e+"}, []string{"1e309"}},
		{Number, []string{"1"}, []string{"one"}, []string{"1e999999999"}},
		{Float, []string{"1", "1e999999999"}, []string{"nan"}, nil},
		{Fixed144, []string{"12345678901234.1234", "-1.5", "0"}, []string{"1e2", "x"}, []string{"123456789012345", "1.12345"}},
		{Char, []string{"a", "é", " ", "\n"}, []string{"", "ab"}, nil},
		{String, []string{"", " anything\n<&>", strings.Repeat("a", 9999)}, nil, nil},
		{Date, []string{"2024-02-29"}, []string{"", "2023-02-29", "2024-2-9", "24-02-29", "2024-02-29T00:00:00"}, nil},
		{DateTime, []string{"2024-02-29", "2024-02-29T23:59:59", "2024-02-29T23:59:59.5"}, []string{"2024-02-29T24:00:00",
			"2024-02-29 23:59:59", "2024-02-29T23:59:59Z", "2024-02-29T7:00:00", "2024-02-29T"}, nil},
		{DateTimeTZ, []string{"2024-02-29", "2024-02-29T23:59:59", "2024-02-29T23:59:59Z", "2024-02-29T23:59:59+01:00",
			"2024-02-29T23:59:59-0930"}, []string{"2024-02-29T23:59:59+1", "now"}, nil},
		{Time, []string{"00:00:00", "23:59:59"}, []string{"", "24:00:00", "7:00:00", "12:00", "12:00:00Z", "12:00:00,5"}, nil},
		{TimeTZ, []string{"12:00:00", "12:00:00Z", "12:00:00-08:00"}, []string{"12:00:00 PM", "12:00:00+99:00"}, nil},
		{Boolean, []string{"0", "1", "true", "FALSE", "Yes", "no"}, []string{"", "2", "on", "-1"}, nil},
		{BinBase64, []string{"", "aGk=", "aG\r\nk="}, []string{"aGk", "a b!"}, nil},
		{BinHex, []string{"", "00fF"}, []string{"0", "0g"}, nil},
		{URI, []string{"", "http://a/b?c#d", "urn:x:y", "/a"}, []string{"a b", "http://[", ":"}, nil},
		{UUID, []string{"00000000-0000-0000-0000-000000000abc", "000000000000000000000000000000AB"}, []string{"", "uuid:0", "00000000-0000-0000-0000-00000000000g"}, nil},
		{"X_vendor", []string{"", "anything"}, nil, nil},
	}
	for _, test := range tests {
		v := &Variable{Name: "V", Type: test.typ}
		for _, text := range test.good {
			if err := v.Check(text); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
		for _, text := range test.bad {
			checkProblem(t, v, text, Malformed)
		}
		for _, text := range test.beyond {
			checkProblem(t, v, text, OutOfRange)
		}
	}
	if len(tests) != len(dataTypes)+1 {
		t.Errorf("%d types are tested, there are %d and the unknown ones", len(tests), len(dataTypes))
	}
}

func checkProblem(t *testing.T, v *Variable, text string, want Problem) {
	t.Helper()
	err := v.Check(text)
	e, ok := errors.AsType[*ValueError](err)
	if want == 0 {
		if err != nil {
			t.Errorf("%q as %s: %v", text, v.Type, err)
		}
		return
	}
	if !ok || e.Problem != want || e.Variable != v.Name || e.Type != v.Type || e.Text != text {
		t.Errorf("%q as %s: %+v, want problem %d", text, v.Type, err, want)
	}
}

func TestCheckRangeAndList(t *testing.T) {
	tests := []struct {
		name string
		v    Variable
		want map[string]Problem
	}{
		{"range", Variable{Type: UI4, Range: &Range{Min: "1", Max: "604800"}},
			map[string]Problem{"0": OutOfRange, "1": 0, "604800": 0, "604801": OutOfRange, "x": Malformed}},
		{"step", Variable{Type: I4, Range: &Range{Min: "-10", Max: "100", Step: "7"}},
			map[string]Problem{"-10": 0, "-3": 0, "4": 0, "5": OutOfRange, "100": OutOfRange}},
		{"step of 0", Variable{Type: UI1, Range: &Range{Min: "1", Max: "3", Step: "0"}}, map[string]Problem{"2": 0, "4": OutOfRange}},
		{"bounds beyond the type", Variable{Type: UI8, Range: &Range{Min: "-5", Max: "99999999999999999999"}}, map[string]Problem{"0": 0, "18446744073709551615": 0}},
		{"endless bound", Variable{Type: UI1, Range: &Range{Min: strings.Repeat("9", 9999)}}, map[string]Problem{"0": 0}},
		{"only a maximum", Variable{Type: I1, Range: &Range{Max: "5"}}, map[string]Problem{"-128": 0, "6": OutOfRange}},
		{"no numbers", Variable{Type: I1, Range: &Range{Min: "a", Max: "b", Step: "c"}}, map[string]Problem{"5": 0}},
		{"fractions", Variable{Type: R8, Range: &Range{Min: "-0.5", Max: "1e3"}}, map[string]Problem{"-0.6": OutOfRange, "-0.5": 0, "1000": 0, "1000.1": OutOfRange}},
		{"steps of a fraction", Variable{Type: R4, Range: &Range{Min: "0.1", Max: "2", Step: "0.1"}}, map[string]Problem{"0.3": 0, "1.7": 0, "0.35": OutOfRange, "1E0": 0, "0.05": OutOfRange}},
		{"steps of fixed.14.4", Variable{Type: Fixed144, Range: &Range{Min: "-1", Step: "0.0025"}}, map[string]Problem{"12345678901234.0025": 0, "0.0001": OutOfRange}},
		{"steps too small to count", Variable{Type: R8, Range: &Range{Min: "0", Step: "1e-300"}}, map[string]Problem{"0.5": 0}},
		{"range of a string", Variable{Type: String, Range: &Range{Min: "5", Max: "6"}}, map[string]Problem{"1": 0}},
		{"list", Variable{Type: String, Allowed: []string{"TCP", "UDP"}}, map[string]Problem{"TCP": 0, "tcp": NotAllowed, "": NotAllowed}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for text, want := range test.want {
				checkProblem(t, &test.v, text, want)
			}
		})
	}
}

func TestValueErrorText(t *testing.T) {
	v := &Variable{Name: "Port", Type: UI2, Range: &Range{Min: "1", Max: "9"}}
	for text, want := range map[string]string{
		"x":     `description: Port (ui2) "x": not an integer of that type`,
		"70000": `description: Port (ui2) "70000": does not fit ui2`,
		"10":    `description: Port (ui2) "10": outside of "1" to "9"`,
	} {
		if err := v.Check(text); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if _, err := ParseUI2("70000"); err == nil || err.Error() != `description: ui2 "70000": does not fit ui2` {
		t.Errorf("ParseUI2: %v", err)
	}
}

func TestUnsigned(t *testing.T) {
	if n, err := ParseUI1(" 255 "); n != math.MaxUint8 || err != nil || FormatUI1(n) != "255" {
		t.Errorf("ui1 255 is %d, %v", n, err)
	}
	if n, err := ParseUI2("0065535"); n != math.MaxUint16 || err != nil || FormatUI2(n) != "65535" {
		t.Errorf("ui2 65535 is %d, %v", n, err)
	}
	if n, err := ParseUI4("4294967295"); n != math.MaxUint32 || err != nil || FormatUI4(n) != "4294967295" {
		t.Errorf("ui4 4294967295 is %d, %v", n, err)
	}
	for _, text := range []string{"", "-1", "+1", "1.0", "4294967296", "x"} {
		_, err1 := ParseUI1(text)
		_, err2 := ParseUI2(text)
		_, err4 := ParseUI4(text)
		if err1 == nil || err2 == nil || err4 == nil {
			t.Errorf("%q: %v, %v, %v", text, err1, err2, err4)
		}
	}
}

func TestBoolean(t *testing.T) {
	for text, want := range map[string]bool{"1": true, "true": true, "YES": true, "0": false, "False": false, " no ": false} {
		if got, err := ParseBoolean(text); got != want || err != nil {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	if _, err := ParseBoolean("enabled"); err == nil {
		t.Error("enabled is a boolean")
	}
	if FormatBoolean(true) != "1" || FormatBoolean(false) != "0" {
		t.Error("a boolean is not written as 0 or 1")
	}
}

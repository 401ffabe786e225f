package description

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

func moment(at time.Time, date, clock, zone bool) Moment { return Moment{at, date, clock, zone} }

// TestTyped: each type, from the wire to Go and back to the one form that is sent.
func TestTyped(t *testing.T) {
	zone := time.FixedZone("", -9*3600-1800)
	link, err := url.Parse("http://a/b?c#d")
	if err != nil {
		t.Fatal(err)
	}
	id := [16]byte{0x0a, 0xbc, 15: 0xff}
	for _, row := range []struct {
		t         DataType
		text      string
		value     any
		canonical string
	}{
		{UI1, " 007\n", uint8(7), "7"},
		{UI2, "65535", uint16(65535), "65535"},
		{UI4, "4294967295", uint32(math.MaxUint32), "4294967295"},
		{UI8, "18446744073709551615", uint64(math.MaxUint64), "18446744073709551615"},
		{I1, "-128", int8(-128), "-128"},
		{I2, "+32767", int16(32767), "32767"},
		{I4, "-0", int32(0), "0"},
		{I8, "-9223372036854775808", int64(math.MinInt64), "-9223372036854775808"},
		{Int, "0042", int64(42), "42"},
		{R4, "+1.50", float32(1.5), "1.5"},
		{R4, "0.1", float32(0.1), "0.1"},
		{R8, "1.7976931348623157E308", math.MaxFloat64, "1.7976931348623157E+308"},
		{R8, "-.5", -0.5, "-0.5"},
		{Number, "1e6", 1e6, "1000000"},
		{Float, "3.14159265358979", 3.14159265358979, "3.14159265358979"},
		{Float, "1e-7", 1e-7, "1E-07"},
		{Fixed144, "-12345678901234.5", Fixed(-123456789012345000), "-12345678901234.5"},
		{Fixed144, ".0001", Fixed(1), "0.0001"},
		{Fixed144, "5.", Fixed(50000), "5"},
		{Char, "é", 'é', "é"},
		{String, " as it is\n", " as it is\n", " as it is\n"},
		{Date, "2024-02-29", moment(time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), true, false, false), "2024-02-29"},
		{DateTime, "2024-02-29", moment(time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), true, false, false), "2024-02-29"},
		{DateTime, "2024-02-29T23:59:59", moment(time.Date(2024, 2, 29, 23, 59, 59, 0, time.UTC), true, true, false), "2024-02-29T23:59:59"},
		{DateTimeTZ, "2024-02-29T23:59:59-0930", moment(time.Date(2024, 2, 29, 23, 59, 59, 0, zone), true, true, true), "2024-02-29T23:59:59-09:30"},
		{DateTimeTZ, "2024-02-29T23:59:59Z", moment(time.Date(2024, 2, 29, 23, 59, 59, 0, time.UTC), true, true, true), "2024-02-29T23:59:59Z"},
		{DateTimeTZ, "2024-02-29T00:00:00", moment(time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), true, true, false), "2024-02-29T00:00:00"},
		{Time, "07:00:00", moment(time.Date(0, 1, 1, 7, 0, 0, 0, time.UTC), false, true, false), "07:00:00"},
		{TimeTZ, "07:00:00-09:30", moment(time.Date(0, 1, 1, 7, 0, 0, 0, zone), false, true, true), "07:00:00-09:30"},
		{TimeTZ, "07:00:00", moment(time.Date(0, 1, 1, 7, 0, 0, 0, time.UTC), false, true, false), "07:00:00"},
		{Boolean, "YES", true, "1"},
		{Boolean, "false", false, "0"},
		{BinBase64, "AGhp\r\n/w==", []byte("\x00hi\xff"), "AGhp/w=="},
		{BinHex, "00FF", []byte{0, 255}, "00ff"},
		{URI, " http://a/b?c#d ", link, "http://a/b?c#d"},
		{UUID, "0ABC00000000000000000000000000FF", id, "0abc0000-0000-0000-0000-0000000000ff"},
		{"X_vendor", " whatever ", " whatever ", " whatever "},
	} {
		t.Run(fmt.Sprintf("%s %q", row.t, row.text), func(t *testing.T) {
			got, err := row.t.Parse(row.text)
			if m, ok := got.(Moment); ok && err == nil {
				want := row.value.(Moment)
				same := m.Time.Equal(want.Time) && m.HasDate == want.HasDate && m.HasClock == want.HasClock && m.HasZone == want.HasZone
				if !same {
					t.Errorf("read as %+v, want %+v", m, want)
				}
			} else if err != nil || !reflect.DeepEqual(got, row.value) {
				t.Errorf("read as %T %v, %v; want %T %v", got, got, err, row.value, row.value)
			}
			for _, value := range []any{row.value, row.text} {
				if text, err := row.t.Format(value); err != nil || text != row.canonical {
					t.Errorf("%T %v is written %q, %v; want %q", value, value, text, err, row.canonical)
				}
			}
			if again, err := row.t.Parse(row.canonical); err != nil || !reflect.DeepEqual(fmt.Sprint(again), fmt.Sprint(got)) {
				t.Errorf("%q reads as %v, %v; want %v", row.canonical, again, err, got)
			}
		})
	}
}

// TestFormatOthers: numbers of other Go types are taken if they fit, everything else is refused.
func TestFormatOthers(t *testing.T) {
	for _, row := range []struct {
		t     DataType
		value any
		want  string // empty: refused
	}{
		{UI2, 8080, "8080"}, {UI2, int64(65535), "65535"}, {UI2, 65536, ""}, {UI1, -1, ""}, {I1, uint8(127), "127"}, {I1, uint8(128), ""},
		{UI2, 1.5, ""}, {UI2, true, ""}, {UI2, nil, ""}, {UI2, 'a', "97"},
		{R8, 3, "3"}, {R4, 1e300, ""}, {R4, 0.5, "0.5"}, {R8, math.NaN(), ""}, {R8, math.Inf(1), ""}, {Float, math.Inf(-1), ""}, {Float, "1e999", "1e999"},
		{Fixed144, 2.5, "2.5"}, {Fixed144, 7, "7"}, {Fixed144, 1.23456, ""}, {Fixed144, Fixed(math.MaxInt64), ""}, {Fixed144, Fixed(-1), "-0.0001"},
		{Boolean, 1, ""}, {Boolean, "maybe", ""}, {String, 5, ""}, {String, []byte("x"), ""}, {Char, "ab", ""}, {Char, int64(97), ""},
		{Date, time.Now(), ""}, {Date, moment(time.Date(12345, 1, 1, 0, 0, 0, 0, time.UTC), true, false, false), ""},
		{Time, moment(time.Date(0, 1, 1, 7, 0, 0, 0, time.UTC), true, true, false), ""},
		{URI, "a b", ""}, {UUID, "uuid:0", ""}, {BinHex, "0", ""}, {"X_vendor", 5, ""},
	} {
		text, err := row.t.Format(row.value)
		if text != row.want && row.want != "" || (err == nil) != (row.want != "") {
			t.Errorf("%s of %T %v: %q, %v; want %q", row.t, row.value, row.value, text, err, row.want)
		}
		if _, ok := errors.AsType[*ValueError](err); err != nil && !ok {
			t.Errorf("%s of %v: %T", row.t, row.value, err)
		}
	}
}

// TestVariableValues: ranges and lists hold for values as they do for text, and readers get what is
// beyond them.
func TestVariableValues(t *testing.T) {
	level := &Variable{Name: "Level", Type: UI1, Range: &Range{Min: "0", Max: "100", Step: "5"}}
	mode := &Variable{Name: "Mode", Type: String, Allowed: []string{"A", "B"}}
	if text, err := level.Format(95); text != "95" || err != nil {
		t.Errorf("95: %q, %v", text, err)
	}
	for value, v := range map[any]*Variable{96: level, "105": level, 300: level, "x": level, "C": mode, "a": mode} {
		text, err := v.Format(value)
		if e, ok := errors.AsType[*ValueError](err); text != "" || !ok || e.Type != v.Type {
			t.Errorf("%v: %q, %v", value, text, err)
		}
	}
	if value, err := level.Parse("101"); value != uint8(101) || err == nil {
		t.Errorf("101 reads as %v, %v", value, err)
	}
	if value, err := level.Parse("256"); value != nil || err == nil {
		t.Errorf("256 reads as %v, %v", value, err)
	}
	if value, err := mode.Parse("C"); value != "C" || err == nil {
		t.Errorf("C reads as %v, %v", value, err)
	}
}

func TestDomain(t *testing.T) {
	for want, v := range map[string]Variable{
		"ui2":                                {Type: UI2},
		"ui1, 0 to 100, in steps of 5":       {Type: UI1, Range: &Range{Min: "0", Max: "100", Step: "5"}},
		"i4, up to 3":                        {Type: I4, Range: &Range{Max: "3", Step: "1"}},
		"r8, 0.5 or more":                    {Type: R8, Range: &Range{Min: "0.5"}},
		"string, one of TCP, UDP":            {Type: String, Allowed: []string{"TCP", "UDP"}},
		"string, one of " + many(20) + ", …": {Type: String, Allowed: strings.Split(many(21), ", ")},
	} {
		if got := v.Domain(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func many(n int) string { return strings.TrimSuffix(strings.Repeat("x, ", n), ", ") }

// FuzzTyped: whatever reads as a value is written in a form that reads as the same, and that is
// written as it is.
func FuzzTyped(f *testing.F) {
	for i, text := range []string{"255", "-1.5", "a", "2024-02-29T23:59:59+01:00", "07:00:00Z", "yes", "aGk=", "00ff", "http://a", "00000000-0000-0000-0000-000000000abc", "1e999"} {
		f.Add(uint8(i), text)
	}
	f.Fuzz(func(t *testing.T, kind uint8, text string) {
		typ := dataTypes[int(kind)%len(dataTypes)]
		if _, err := typ.Parse(text); err != nil {
			return
		}
		once, err := typ.Format(text)
		if err != nil {
			t.Fatalf("%s %q cannot be written: %v", typ, text, err)
		}
		twice, err := typ.Format(once)
		if err != nil || once != twice {
			t.Errorf("%s %q is written %q, then %q, %v", typ, text, once, twice, err)
		}
	})
}

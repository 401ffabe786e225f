package description

import (
	"strings"
	"time"
)

// A Moment is a value of one of the date and time types: what was said of the date, the time of day
// and the zone. What was not said is not made up.
type Moment struct {
	Time     time.Time // UTC where no zone was said; in the year 0 where no date was
	HasDate  bool
	HasClock bool
	HasZone  bool
}

// Layouts of what a Moment may have.
const (
	clockLayout = "15:04:05"
	zoneLayout  = "Z07:00"
)

// String writes what there is: 2024-02-29, 2024-02-29T23:59:59+01:00, 23:59:59Z. Fractions of a second
// are left out.
func (m Moment) String() string {
	layout := ""
	if m.HasDate {
		layout = time.DateOnly
	}
	if m.HasDate && m.HasClock {
		layout += "T"
	}
	if m.HasClock {
		layout += clockLayout
	}
	if m.HasClock && m.HasZone {
		layout += zoneLayout
	}
	return m.Time.Format(layout)
}

// MarshalText is String.
func (m Moment) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

var momentExample = map[DataType]string{
	Date: "2024-02-29", DateTime: "2024-02-29T23:59:59", DateTimeTZ: "2024-02-29T23:59:59+01:00",
	Time: "23:59:59", TimeTZ: "23:59:59+01:00",
}

func (t DataType) isMoment() bool { return momentExample[t] != "" }

// parseMoment reads a value of one of the date and time types.
func parseMoment(t DataType, s string) (Moment, bool) {
	if strings.ContainsRune(s, ',') || !hasTwoDigitHour(t, s) { // which package time would take
		return Moment{}, false
	}
	for _, m := range momentForms(t) {
		for _, layout := range m.layouts() {
			if at, err := time.Parse(layout, s); err == nil {
				m.Time = at
				return m, true
			}
		}
	}
	return Moment{}, false
}

// momentForms are what a value of the type may say.
func momentForms(t DataType) []Moment {
	date, both := Moment{HasDate: true}, Moment{HasDate: true, HasClock: true}
	clock := Moment{HasClock: true}
	zoned := func(m Moment) Moment { m.HasZone = true; return m }
	switch t {
	case Date:
		return []Moment{date}
	case DateTime:
		return []Moment{date, both}
	case DateTimeTZ:
		return []Moment{date, both, zoned(both)}
	case Time:
		return []Moment{clock}
	}
	return []Moment{clock, zoned(clock)}
}

// layouts are the spellings of a form, zones with and without colon.
func (m Moment) layouts() []string {
	layout := clockLayout
	switch {
	case m.HasDate && m.HasClock:
		layout = time.DateOnly + "T" + clockLayout
	case m.HasDate:
		layout = time.DateOnly
	}
	if m.HasZone {
		return []string{layout + zoneLayout, layout + "Z0700"}
	}
	return []string{layout}
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

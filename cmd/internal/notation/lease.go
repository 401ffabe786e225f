package notation

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// DefaultLease is how long a mapping lives if nothing is said.
const DefaultLease = time.Hour

// maxLease is the largest value of NewLeaseDuration, an unsigned number of 32 bits.
const maxLease = (1<<32 - 1) * time.Second

// ParseLease reads a duration or a number of seconds; 0 and "permanent" are for ever.
func ParseLease(s string) (time.Duration, error) {
	if s == "permanent" {
		return 0, nil
	}
	d, err := time.ParseDuration(s)
	if seconds, e := strconv.ParseUint(s, 10, 32); e == nil {
		d, err = time.Duration(seconds)*time.Second, nil
	}
	switch {
	case err != nil:
		return 0, errors.New("want a duration such as 1h or 90m, or 0 for permanent")
	case d < 0 || d > maxLease:
		return 0, errors.New("a lease is at least 1s and at most 4294967295 seconds")
	case d%time.Second != 0:
		return 0, errors.New("a lease is a whole number of seconds")
	}
	return d, nil
}

// ShortDuration is a duration in whole seconds without zero units at its end: 1h, 59m12s.
func ShortDuration(d time.Duration) string {
	s := d.Truncate(time.Second).String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

package reach

import "time"

// A bucket is a rate: size at once, and rate a second after that. Its zero time is a full one.
type bucket struct {
	rate, size float64
	level      float64
	at         time.Time
}

// take takes one out, if there is one.
func (b *bucket) take(now time.Time) bool {
	b.fill(now)
	if b.level < 1 {
		return false
	}
	b.level--
	return true
}

func (b *bucket) fill(now time.Time) {
	if b.at.IsZero() {
		b.level = b.size
	} else {
		b.level = min(b.size, b.level+b.rate*now.Sub(b.at).Seconds())
	}
	b.at = now
}

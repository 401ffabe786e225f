package ssdp

import (
	"net/netip"
	"sync"
	"time"
)

// maxSources is how many sources a limiter tells apart. The others share one allowance.
const maxSources = 256

// A limiter keeps datagrams per second within bounds, for each source and for all together.
type limiter struct {
	source, total allowance

	mu     sync.Mutex
	all    bucket
	others bucket
	each   map[netip.Addr]*bucket
	swept  time.Time
}

// An allowance is what a bucket gives: so many each second, and so many at once.
type allowance struct{ rate, burst float64 }

func newLimiter(source, total allowance) *limiter {
	return &limiter{source: source, total: total, each: make(map[netip.Addr]*bucket)}
}

// allow takes one datagram of addr. Where trusted, the total does not count: a flood of others must not silence it.
func (l *limiter) allow(now time.Time, addr netip.Addr, trusted bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(now, addr)
	if !b.has(now, l.source) || !trusted && !l.all.has(now, l.total) {
		return false
	}
	b.spent++
	if !trusted {
		l.all.spent++
	}
	return true
}

func (l *limiter) bucket(now time.Time, addr netip.Addr) *bucket {
	if b := l.each[addr]; b != nil {
		return b
	}
	if len(l.each) >= maxSources && now.Sub(l.swept) > time.Second {
		l.sweep(now)
	}
	if len(l.each) >= maxSources {
		return &l.others
	}
	b := new(bucket)
	l.each[addr] = b
	return b
}

// sweep forgets the sources that have their whole allowance again.
func (l *limiter) sweep(now time.Time) {
	l.swept = now
	for addr, b := range l.each {
		if b.has(now, l.source); b.spent == 0 {
			delete(l.each, addr)
		}
	}
}

// A bucket counts what was spent and not yet earned back.
type bucket struct {
	spent float64
	last  time.Time
}

func (b *bucket) has(now time.Time, a allowance) bool {
	b.spent = max(0, b.spent-now.Sub(b.last).Seconds()*a.rate)
	b.last = now
	return b.spent+1 <= a.burst
}

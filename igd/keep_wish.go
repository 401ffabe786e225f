package igd

import (
	"math/rand/v2"
	"net/netip"
	"time"
)

// How a wish that fails is tried again, and how often a port may be lost (SECURITY D3).
const (
	firstRetry   = 30 * time.Second
	lastRetry    = 10 * time.Minute
	maxLosses    = 2 // to somebody else, within lossWindow; then nothing for as long
	lossWindow   = 10 * time.Minute
	maxVanished  = 2 // times that a mapping with a lease was gone long before its end
	minRenewal   = 4 * time.Second
	probeAtFirst = 5 * time.Second
)

// A kept is one wish and what is known of it.
type kept struct {
	wish  Wish
	entry owned // in the journal; ID 0: none
	live  bool  // the last look found it
	was   bool  // this router has taken it before
	last  KeepKind

	now     Mapping       // as it was found
	since   time.Time     // made or renewed
	lease   time.Duration // as told when it was made or renewed last
	ends    time.Time     // zero: never
	renewAt time.Time     // zero: never
	share   float64       // of the lease that may run before the next renewal
	stuck   int           // renewals in a row that did not extend it
	checked time.Time     // in a sweep
	freeAt  time.Time     // when a whole table did not have its port
	tryAt   time.Time     // of the next attempt to make it
	delay   time.Duration // before the one after that
	fails   int           // refusals in a row that may be a matter of pace

	losses   []time.Time // to somebody else
	vanished []time.Time // long before its lease was over
	repair   bool        // to be made anew, though it is there

	closed  int       // verdicts from outside in a row
	probeAt time.Time // zero: not
}

// wanting reports a wish that is to be made.
func (k *kept) wanting() bool { return !k.live }

// client is where the mapping points: the wish's host, or this one.
func (k *kept) client(local netip.Addr) netip.Addr {
	if k.wish.InternalClient.IsValid() {
		return k.wish.InternalClient
	}
	return local
}

// key is where the mapping is, or where it is wanted.
func (k *kept) key() MappingKey {
	if k.entry.ID != 0 {
		return k.entry.key()
	}
	return k.wish.MappingKey
}

// fulfils reports whether m does what is wished for.
func (k *kept) fulfils(m Mapping, local netip.Addr) bool {
	return m.Protocol == k.wish.Protocol && m.InternalPort == k.wish.InternalPort &&
		m.Client() == k.target(local).Client() && (m.ExternalPort == k.wish.ExternalPort || k.wish.AnyPort)
}

// target is the mapping as it would be asked for.
func (k *kept) target(local netip.Addr) Mapping {
	m := k.wish.Mapping
	if m.InternalName == "" {
		m.InternalClient = k.client(local)
	}
	return m
}

// seen takes in the lease as a look at the table found it.
func (k *kept) seen(m Mapping, now time.Time) {
	k.now, k.live = m, true
	if m.Lease == 0 {
		k.ends, k.renewAt, k.lease = time.Time{}, time.Time{}, 0
		return
	}
	if k.ends.IsZero() || k.lease == 0 {
		k.begin(m, now)
		return
	}
	k.lease = max(k.lease, m.Lease)
	k.ends = now.Add(m.Lease)
	k.schedule(now)
}

// begin takes in a lease that was just granted or extended.
func (k *kept) begin(m Mapping, now time.Time) {
	k.now, k.live, k.was = m, true, true
	k.since, k.lease, k.stuck, k.fails, k.delay = now, m.Lease, 0, 0, 0
	if m.Lease == 0 {
		k.ends, k.renewAt = time.Time{}, time.Time{}
		return
	}
	k.ends = now.Add(m.Lease)
	k.share = 0.5 + rand.Float64()/8
	k.schedule(now)
}

// schedule sets the time of the next renewal from what is left of the lease.
func (k *kept) schedule(now time.Time) {
	at := k.ends.Add(-time.Duration(float64(k.lease) * (1 - k.share)))
	if at.Before(now) {
		at = now
	}
	k.renewAt = at
}

// unmoved puts the next renewal off after one that did not extend the lease: to 3/4 of it, to
// 7/8, and then ever nearer to its end.
func (k *kept) unmoved(now time.Time) {
	k.stuck++
	switch k.stuck {
	case 1:
		k.share = 0.75
	case 2:
		k.share = 0.875
	default:
		k.renewAt = now.Add(max(minRenewal, k.ends.Sub(now)/4))
		return
	}
	k.schedule(now)
}

// late reports a lease so near to its end that a short gap is better than a long one.
func (k *kept) late() bool { return k.stuck >= 2 }

// putOff sets the next attempt after a refusal.
func (k *kept) putOff(now time.Time) {
	k.delay = min(max(2*k.delay, firstRetry), lastRetry)
	k.tryAt = now.Add(k.delay - time.Duration(rand.Int64N(int64(k.delay/8))))
}

// lose notes that somebody else has the port; too often, and it is left alone for a while.
func (k *kept) lose(now time.Time) {
	k.losses = append(recent(k.losses, now), now)
	k.tryAt = now.Add(firstRetry)
	if len(k.losses) >= maxLosses {
		k.tryAt = now.Add(lossWindow)
	}
}

// recent are the times within the last lossWindow.
func recent(times []time.Time, now time.Time) []time.Time {
	for len(times) > 0 && now.Sub(times[0]) > lossWindow {
		times = times[1:]
	}
	return times
}

// gone notes that the mapping is not there any more, on a router that has answered since a time.
func (k *kept) gone(now, answered time.Time) {
	if k.live && answered.Before(k.since) && !k.ends.IsZero() && k.ends.Sub(now) > k.lease/2 {
		k.vanished = append(recent(k.vanished, now), now)
	}
	k.live, k.renewAt, k.ends, k.tryAt = false, time.Time{}, time.Time{}, time.Time{}
}

// forget makes the wish one that no router was asked for yet.
func (k *kept) forget() {
	*k = kept{wish: k.wish, losses: k.losses, last: k.last}
}

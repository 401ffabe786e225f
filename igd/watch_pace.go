package igd

import "time"

// How often a gateway is read. A look that finds something is free, so that honest events are
// answered at once; for the others there are spare ones in reserve, and one more every refill,
// which makes no more than twelve in any minute (SECURITY F40).
const (
	spare  = 3
	refill = 7 * time.Second

	breath = 50 * time.Millisecond  // between two looks
	quiet  = 300 * time.Millisecond // without an event, after which a look sees the whole of it
	late   = 2 * time.Second        // after that, for routers that are slow to show what they did

	confirming = time.Second      // between the two readings of an address nobody announced
	livePoll   = 60 * time.Second // against events that were lost
	firstPoll  = 10 * time.Second // without events; grows to maxPoll while nothing happens
	maxPoll    = 30 * time.Second
	idleShare  = 20 // of the time, reading takes one part in so many
)

// A pace says when the next look is due. The zero value is due at once.
type pace struct {
	debt   time.Duration // that looks have cost; spare*refill is what they may
	paid   time.Time     // until when debt was reduced
	began  time.Time     // the last look
	ended  time.Time
	live   bool
	period time.Duration // of polling

	// When looks are due; zero: not.
	event, settled, last, confirm, poll time.Time
}

// hint is an event that came.
func (p *pace) hint(now time.Time) {
	if p.event.IsZero() {
		p.event = latest(now, p.ended.Add(breath))
	}
	p.settled, p.last = now.Add(quiet), now.Add(quiet+late)
}

// confirmSoon asks for a second reading.
func (p *pace) confirmSoon(now time.Time) { p.confirm = now.Add(confirming) }

// again asks for another look when it has become quiet.
func (p *pace) again(now time.Time) { p.last = now.Add(quiet + late) }

// setLive says whether there are events; without them polling is more frequent.
func (p *pace) setLive(live bool) {
	p.live, p.period = live, 0
	if !p.ended.IsZero() {
		p.schedule(p.ended, 0)
	}
}

// next is when the next look is due. Looks after an event are kept back while the reserve is
// spent, those after the first of them already while it would be.
func (p *pace) next() time.Time {
	due := p.poll
	for _, at := range []time.Time{
		p.after(p.confirm, spare-1),
		p.after(p.event, spare-1),
		p.after(p.settled, spare-2),
		p.after(p.last, spare-2),
	} {
		if !at.IsZero() && at.Before(due) {
			due = at
		}
	}
	return due
}

// after is at, or later, when no more than so many looks are unpaid.
func (p *pace) after(at time.Time, unpaid int) time.Time {
	if at.IsZero() {
		return at
	}
	return latest(at, p.paid.Add(p.debt-time.Duration(unpaid)*refill))
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// begin is the beginning of a look, for everything that is due. prompted tells that an event asked
// for it.
func (p *pace) begin(now time.Time) (prompted bool) {
	prompted = !p.event.IsZero() || !p.settled.IsZero() || !p.last.IsZero()
	p.pay(now)
	p.debt = min(p.debt+refill, (spare+1)*refill)
	p.began, p.event, p.confirm = now, time.Time{}, time.Time{}
	for _, due := range []*time.Time{&p.settled, &p.last} {
		if !due.After(now) {
			*due = time.Time{}
		}
	}
	return prompted
}

func (p *pace) pay(now time.Time) {
	p.debt = max(0, p.debt-now.Sub(p.paid))
	p.paid = now
}

// end is the end of a look that found something, or not.
func (p *pace) end(now time.Time, found bool) {
	p.pay(now)
	if p.ended = now; found {
		p.debt = max(0, p.debt-refill)
		p.period = 0
	}
	p.schedule(now, now.Sub(p.began))
}

// schedule sets the next poll after a look that took so long.
func (p *pace) schedule(now time.Time, took time.Duration) {
	switch {
	case p.live:
		p.period = livePoll
	case p.period == 0:
		p.period = firstPoll
	default:
		p.period = min(p.period*3/2, maxPoll)
	}
	p.poll = now.Add(max(p.period, idleShare*took))
}

package device

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"upnp/description"
	"upnp/ssdp"
)

// An entry is a device that was found, and the places it is described at, the one in use first.
type entry struct {
	key    string
	device *Device
	places []*place
	looked time.Time // when a description of it was last read
	parts  time.Time // when it is decided what a goodbye meant; zero without one
	shown  time.Time // when it is told of as found; zero if it was
}

// nextLook is when its description may be read again: anybody can make up a reason to.
func (e *entry) nextLook(now time.Time) time.Time {
	if at := e.looked.Add(doubtTime); at.After(now) {
		return at
	}
	return now
}

// publish makes a new Device of an entry, for those handed out do not change.
func (e *entry) publish() *Device {
	first := e.places[0]
	d := newDevice(first.way, first.root, first.notes)
	if e.device != nil && e.device.Root == first.root {
		*d = *e.device // with the service descriptions that were read
	}
	d.Locations, d.Expires = nil, time.Time{}
	for _, p := range e.places {
		d.Locations = append(d.Locations, p.location)
		if p.expires.After(d.Expires) {
			d.Expires = p.expires
		}
	}
	e.device = d
	return d
}

// learn takes in what came of reading a description.
func (r *roster) learn(a reading) {
	p := a.place
	p.reading = false
	switch {
	case r.places[p.location] != p: // forgotten meanwhile
	case a.err != nil && p.entry == nil:
		p.expires = time.Now().Add(failedAge)
		r.fail(&UnreadableError{UDN: p.udn, Location: p.location, Err: a.err})
	case a.err != nil:
		r.forget(p, "it does not answer any more")
	default:
		r.assign(p, a.root)
	}
}

// assign gives a place to the device whose description was read there.
func (r *roster) assign(p *place, root *description.Root) {
	key := identity(root)
	before := p.root
	p.root = root
	e := r.entries[key]
	if p.entry != nil && p.entry != e {
		r.withdraw(p, "another device has taken its place")
	}
	switch {
	case e == nil:
		e = &entry{key: key, places: []*place{p}, shown: time.Now().Add(r.patience)}
		r.entries[key] = e
		e.publish()
		r.hurry(e)
	case p.entry == nil:
		r.join(e, p)
	default:
		r.renew(e, p, before)
	}
	p.entry, e.looked = e, time.Now()
}

// identity tells devices apart: by UDN or, where a description has none, by where it is.
func identity(root *description.Root) string {
	return cmp.Or(strings.ToLower(root.Device.UDN), root.Location)
}

// join adds a place to a device that has others. One at the same address and of an earlier start is
// where the device was.
func (r *roster) join(e *entry, p *place) {
	reason := "is at " + p.location + " too"
	for _, old := range slices.Clone(e.places) {
		if old.way.host == p.way.host && old.boot.differs(p.boot) {
			reason = "has moved to " + p.location
			r.remove(old)
		}
	}
	if len(e.places) >= maxPerDevice {
		delete(r.places, p.location)
		return
	}
	e.places = append(e.places, p)
	if !e.shown.IsZero() {
		slices.SortStableFunc(e.places, func(a, b *place) int { return preference(a) - preference(b) })
	}
	e.publish()
	r.hurry(e)
	r.tell(Changed, e, reason)
}

// hurry has a device told of now if it was found where it is best reached.
func (r *roster) hurry(e *entry) {
	if r.eager && !e.shown.IsZero() && preference(e.places[0]) == 0 {
		e.shown = time.Now()
	}
}

// preference is the order in which addresses are used while nobody has seen another: IPv4, which most
// devices know best, and link-local ones last.
func preference(p *place) int {
	switch {
	case p.way.host.Is4():
		return 0
	case p.way.host.IsLinkLocalUnicast():
		return 2
	}
	return 1
}

// renew takes a description that was read again.
func (r *roster) renew(e *entry, p *place, before *description.Root) {
	restarted := p.restarts
	p.restarts = false
	switch e.publish(); {
	case restarted:
		r.tell(Changed, e, "has restarted")
	case !sameText(before, p.root):
		r.tell(Changed, e, "describes itself anew")
	}
}

// tell reports news of a device that was told of.
func (r *roster) tell(kind Kind, e *entry, reason string) {
	if e.shown.IsZero() {
		r.report(kind, e.device, reason)
	}
}

// show tells of a device that was found.
func (r *roster) show(e *entry) {
	e.shown = time.Time{}
	r.report(Found, e.device, "")
}

// sameText reports two descriptions that say the same.
func sameText(a, b *description.Root) bool {
	var left, right strings.Builder
	_, errLeft := a.WriteTo(&left)
	_, errRight := b.WriteTo(&right)
	return errLeft == nil && errRight == nil && left.String() == right.String()
}

// remove takes a place from wherever it is.
func (r *roster) remove(p *place) {
	delete(r.places, p.location)
	if p.entry != nil {
		p.entry.places = slices.DeleteFunc(p.entry.places, func(q *place) bool { return q == p })
		p.entry = nil
	}
}

// forget removes a place and, with its last one, a device.
func (r *roster) forget(p *place, reason string) {
	r.withdraw(p, reason)
	delete(r.places, p.location)
}

// withdraw takes a place from its device, if it has one, and with the last one the device.
func (r *roster) withdraw(p *place, reason string) {
	e := p.entry
	if e == nil {
		return
	}
	e.places = slices.DeleteFunc(e.places, func(q *place) bool { return q == p })
	p.entry = nil
	if len(e.places) > 0 {
		e.publish()
		r.tell(Changed, e, "is no longer at "+p.location)
		return
	}
	delete(r.entries, e.key)
	r.tell(Gone, e, reason)
}

// leave takes in a goodbye, believed if it comes from where the device is. Where it is elsewhere too,
// it has a moment to say goodbye there as well.
func (r *roster) leave(packet *ssdp.Packet) {
	e := r.entries[strings.ToLower(packet.USN().UDN)]
	if e == nil {
		return
	}
	from := packet.From.Addr().Unmap().WithZone("")
	for _, p := range e.places {
		if p.from.WithZone("") == from || p.way.host.WithZone("") == from {
			p.left = true
			e.parts = time.Now().Add(parting)
		}
	}
	if !slices.ContainsFunc(e.places, func(p *place) bool { return !p.left }) {
		r.part(e, time.Now())
	}
}

// part removes the places a device has left, and has a look at those it has not.
func (r *roster) part(e *entry, now time.Time) {
	e.parts = time.Time{}
	left := slices.DeleteFunc(slices.Clone(e.places), func(p *place) bool { return !p.left })
	if len(left) == len(e.places) {
		for _, p := range left {
			r.remove(p)
		}
		delete(r.entries, e.key)
		r.tell(Gone, e, "it said goodbye")
		return
	}
	for _, p := range left {
		r.forget(p, "")
	}
	for _, p := range e.places {
		p.due = now
	}
}

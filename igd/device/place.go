package device

import (
	"net/netip"
	"net/url"
	"time"

	"upnp/description"
	"upnp/ssdp"
)

// How many places are looked at (SECURITY 6). A device has one for each of its addresses.
const (
	maxPlaces       = 256
	maxPerInterface = 64
	maxPerSource    = 8
	maxPerDevice    = 4
	failedAge       = time.Minute // how long a description that could not be read is not tried again
)

// A place is where a description is said to be.
type place struct {
	location string
	udn      string     // of the device, or of one embedded in it, as it was announced
	from     netip.Addr // who said so
	ifi      ssdp.Interface
	way      *way
	root     *description.Root // as read last
	notes    []string
	boot     mark // as announced last
	config   mark
	expires  time.Time
	due      time.Time // when the description shall be read; zero for not now
	reading  bool
	asked    bool   // whether it is there, since it was last heard of
	restarts bool   // it is read because its boot mark has changed
	left     bool   // it said goodbye
	entry    *entry // whose description it has; nil until that is known
}

// A mark is a number that changes when a device starts anew, or with other documents.
type mark struct {
	number uint32
	known  bool
}

func (m mark) differs(other mark) bool { return m.known && other.known && m.number != other.number }

func marks(p *ssdp.Packet) (boot, config mark) {
	boot.number, boot.known = p.BootID()
	config.number, config.known = p.ConfigID()
	if next, ok := p.NextBootID(); ok && p.NTS() == ssdp.Update {
		boot = mark{next, true}
	}
	return boot, config
}

// locationHost is the literal address in a URL.
func locationHost(location string) netip.Addr {
	u, err := url.Parse(location)
	if err != nil {
		return netip.Addr{}
	}
	host, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return netip.Addr{}
	}
	return host.Unmap()
}

// confirm takes note of a place, new or known.
func (r *roster) confirm(packet *ssdp.Packet, at ssdp.Place) {
	now := time.Now()
	p := r.places[at.URL]
	if p == nil {
		if p = r.admit(packet, at); p == nil {
			return
		}
		p.due = now
	}
	boot, config := marks(packet)
	if p.entry != nil {
		p.expires, p.asked, p.left = now.Add(packet.MaxAge()), false, false
		restarts := packet.NTS() != ssdp.Update && p.boot.differs(boot)
		if restarts || p.config.differs(config) {
			p.due, p.restarts = p.entry.nextLook(now), p.restarts || restarts
		}
	}
	p.boot, p.config = newest(p.boot, boot), newest(p.config, config)
}

func newest(old, new mark) mark {
	if new.known {
		return new
	}
	return old
}

// admit makes a place of what a packet says, unless there are too many.
func (r *roster) admit(packet *ssdp.Packet, at ssdp.Place) *place {
	from := packet.From.Addr().Unmap()
	sameSource, sameInterface := 0, 0
	for _, p := range r.places {
		if p.from == from {
			sameSource++
		}
		if p.ifi.Index == packet.Interface.Index && !p.ifi.IsGateway(p.from) {
			sameInterface++
		}
	}
	if len(r.places) >= maxPlaces || sameSource >= maxPerSource ||
		sameInterface >= maxPerInterface && !packet.Interface.IsGateway(from) {
		return nil
	}
	p := &place{
		location: at.URL, udn: packet.USN().UDN, from: from, ifi: packet.Interface, notes: at.Notes,
		way: r.client.newWay(at.Host, packet.Interface, r.interfaces), expires: time.Now().Add(packet.MaxAge()),
	}
	r.places[at.URL] = p
	return p
}

// nextTask is when something is due without anything being heard.
func (r *roster) nextTask() time.Time {
	next := time.Now().Add(time.Hour)
	for _, p := range r.places {
		for _, t := range []time.Time{p.expires, p.due, p.question()} {
			if !t.IsZero() && t.Before(next) && !p.reading {
				next = t
			}
		}
	}
	for _, e := range r.entries {
		for _, t := range []time.Time{e.parts, e.shown} {
			if !t.IsZero() && t.Before(next) {
				next = t
			}
		}
	}
	return next
}

// question is when the device is asked whether it is still there; zero for not again.
func (p *place) question() time.Time {
	if p.asked || p.entry == nil {
		return time.Time{}
	}
	return p.expires.Add(-askAhead)
}

// tasks does what is due.
func (r *roster) tasks(now time.Time) {
	isDue := func(t time.Time) bool { return !t.IsZero() && !now.Before(t) }
	for _, e := range r.entries {
		if isDue(e.shown) {
			r.show(e)
		}
		if isDue(e.parts) {
			r.part(e, now)
		}
	}
	for _, p := range r.places {
		switch {
		case p.reading:
		case isDue(p.expires):
			r.forget(p, "nothing was heard of it for as long as it had promised to be there")
		case isDue(p.due):
			r.read(p)
		case isDue(p.question()):
			p.asked = true
			r.ask(p.inquiry())
		}
	}
}

// inquiry asks one device whether it is there.
func (p *place) inquiry() []ssdp.Wave {
	groups := []netip.AddrPort{ssdp.GroupIPv4()}
	if p.from.Is6() {
		groups = []netip.AddrPort{ssdp.GroupIPv6LinkLocal(), ssdp.GroupIPv6SiteLocal()}
	}
	targets := []ssdp.Target{ssdp.RootDevice}
	if udn := ssdp.Target(p.entry.device.UDN()); isToken(udn) {
		targets = []ssdp.Target{udn}
	}
	return []ssdp.Wave{
		{Targets: targets, MX: 1, Groups: groups},
		{After: 2 * time.Second, Targets: targets, MX: 2, Groups: groups},
	}
}

// isToken reports a target that can be written into a header.
func isToken(t ssdp.Target) bool {
	for i := range len(t) {
		if t[i] <= ' ' || t[i] >= 0x7f {
			return false
		}
	}
	return t != ""
}

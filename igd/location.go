package igd

import (
	"net/netip"

	"upnp/ssdp"
)

// An answer is where a device's description may be read.
type answer struct {
	location   string
	host       netip.Addr
	ifi        ssdp.Interface // heard on; zero if not heard
	from       netip.Addr     // the sender; zero if not heard
	notes      []string
	remembered bool
	boot       boot
}

// A boot is the number a device gives the time since its last start (UDA 1.1 section 1.2.2).
type boot struct {
	id    uint32
	known bool
}

// differs reports a start between two numbers.
func (b boot) differs(other boot) bool { return b.known && other.known && b.id != other.id }

func bootOf(p *ssdp.Packet) boot {
	id, ok := p.BootID()
	return boot{id, ok}
}

// locate is where the description may be read that an SSDP message names; false if nowhere.
func locate(p *ssdp.Packet, interfaces []ssdp.Interface) (answer, bool) {
	place, ok := ssdp.Locate(p, interfaces)
	return answer{
		location: place.URL, host: place.Host, notes: place.Notes,
		ifi: p.Interface, from: p.From.Addr().Unmap(), boot: bootOf(p),
	}, ok
}

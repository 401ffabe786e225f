package igd

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

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

// Locate is where to read the description that an SSDP message names, and what had to be
// repaired; see [Client.Search] for messages and interfaces for the host's own. It is false if
// nothing may be read.
func Locate(p *ssdp.Packet, interfaces []ssdp.Interface) (location string, notes []string, ok bool) {
	a, ok := locate(p, interfaces)
	return a.location, a.notes, ok
}

// locate decides where to read the description that an SSDP message names. Only hosts on the
// link of the interface that heard it are dialled (SECURITY B1); any other host, a name, or
// loopback is replaced by the sender, which makes misconfigured routers work.
func locate(p *ssdp.Packet, interfaces []ssdp.Interface) (answer, bool) {
	text := strings.TrimSpace(p.Location())
	u, err := url.Parse(text)
	if err != nil || len(text) > 2048 || u.Scheme != "http" || u.User != nil || u.Port() == "0" {
		return answer{}, false
	}
	a := answer{ifi: p.Interface, from: p.From.Addr().Unmap(), boot: bootOf(p)}
	host, err := netip.ParseAddr(u.Hostname())
	if err != nil || !mayDial(host, a, interfaces) {
		a.notes = append(a.notes, fmt.Sprintf("LOCATION has host %q; using the sender %v", u.Hostname(), a.from))
		host = a.from
	}
	if host = host.Unmap(); host.Is6() && host.IsLinkLocalUnicast() {
		host = host.WithZone(a.ifi.Name)
	}
	u.Host, u.Fragment = hostPort(host, u.Port()), ""
	a.host, a.location = host, u.String()
	return a, true
}

// mayDial is the on-link rule.
func mayDial(host netip.Addr, a answer, interfaces []ssdp.Interface) bool {
	host = host.Unmap().WithZone("")
	switch {
	case host == a.from.WithZone(""):
		return true
	case host.IsUnspecified(), host.IsLoopback(), host.IsMulticast(), isOwn(host, interfaces):
		return false
	case host.IsLinkLocalUnicast() && host.Is4():
		return false
	}
	return a.ifi.OnLink(host) || a.ifi.IsGateway(host)
}

func isOwn(host netip.Addr, interfaces []ssdp.Interface) bool {
	for _, ifi := range interfaces {
		for _, p := range ifi.Prefixes {
			if p.Addr() == host {
				return true
			}
		}
	}
	return false
}

func hostPort(host netip.Addr, port string) string {
	text := host.String()
	if host.Is6() {
		text = "[" + text + "]"
	}
	if port == "" {
		return text
	}
	return text + ":" + port
}

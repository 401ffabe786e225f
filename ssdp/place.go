package ssdp

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// maxLocation is how long a URL may be, in bytes.
const maxLocation = 2048

// A Place is where the description of a device may be read.
type Place struct {
	URL   string
	Host  netip.Addr // the address in URL, with its zone
	Notes []string   // what had to be repaired
}

// Locate decides where to read the description that a message names; interfaces are the host's own. Only
// hosts on the link of the interface that heard it are given (SECURITY B1); any other host, a name, or
// loopback is replaced by the sender, which makes misconfigured devices work. It is false if nothing may
// be read.
func Locate(p *Packet, interfaces []Interface) (Place, bool) {
	text := strings.TrimSpace(p.Location())
	u, err := url.Parse(text)
	if err != nil || len(text) > maxLocation || u.Scheme != "http" || u.User != nil || u.Port() == "0" {
		return Place{}, false
	}
	from := p.From.Addr().Unmap()
	place := Place{}
	host, err := netip.ParseAddr(u.Hostname())
	if err != nil || !p.mayName(host, interfaces) {
		place.Notes = append(place.Notes, fmt.Sprintf("LOCATION has host %q; using the sender %v", u.Hostname(), from))
		host = from
	}
	if host = host.Unmap(); host.Is6() && host.IsLinkLocalUnicast() {
		host = host.WithZone(p.Interface.Name)
	}
	place.Host, place.URL = host, AtHost(u, host)
	return place, true
}

// mayName is the on-link rule.
func (p *Packet) mayName(host netip.Addr, interfaces []Interface) bool {
	host = host.Unmap().WithZone("")
	isOwn := func(i Interface) bool {
		return slices.ContainsFunc(i.Prefixes, func(own netip.Prefix) bool { return own.Addr() == host })
	}
	switch {
	case host == p.From.Addr().Unmap().WithZone(""):
		return true
	case host.IsUnspecified(), host.IsLoopback(), host.IsMulticast(), slices.ContainsFunc(interfaces, isOwn):
		return false
	case host.IsLinkLocalUnicast() && host.Is4():
		return false
	}
	return p.Interface.OnLink(host) || p.Interface.IsGateway(host)
}

// AtHost is a URL with another host and without a fragment.
func AtHost(u *url.URL, host netip.Addr) string {
	at := *u
	at.Host, at.Fragment = host.String(), ""
	if host.Is6() {
		at.Host = "[" + at.Host + "]"
	}
	if port := u.Port(); port != "" {
		at.Host += ":" + port
	}
	return at.String()
}

package igd

import "net/netip"

// A Class says what an external address is worth to somebody outside.
type Class string

// The classes of an external address.
const (
	Public   Class = "public"   // globally routable: a mapping is useful
	Private  Class = "private"  // RFC 1918: a second router is in the way
	CGNAT    Class = "cgnat"    // 100.64.0.0/10: the provider shares its addresses (RFC 6598)
	DSLite   Class = "dslite"   // 192.0.0.0/29: IPv4 over IPv6, nothing comes in (RFC 6333)
	NoAddr   Class = "none"     // none, or link-local: the WAN is down, or the gateway hides it
	Reserved Class = "reserved" // any other block that is never a customer's
)

// blocks are the ranges an external IPv4 address must not be in (IANA special-purpose registry,
// and the AS112 and AMT blocks, which are routable but nobody's WAN address).
var blocks = []struct {
	prefix netip.Prefix
	class  Class
}{
	{netip.MustParsePrefix("0.0.0.0/8"), NoAddr},
	{netip.MustParsePrefix("10.0.0.0/8"), Private},
	{netip.MustParsePrefix("100.64.0.0/10"), CGNAT},
	{netip.MustParsePrefix("127.0.0.0/8"), Reserved},
	{netip.MustParsePrefix("169.254.0.0/16"), NoAddr},
	{netip.MustParsePrefix("172.16.0.0/12"), Private},
	{netip.MustParsePrefix("192.0.0.0/29"), DSLite},
	{netip.MustParsePrefix("192.0.0.0/24"), Reserved},
	{netip.MustParsePrefix("192.0.2.0/24"), Reserved},
	{netip.MustParsePrefix("192.31.196.0/24"), Reserved},
	{netip.MustParsePrefix("192.52.193.0/24"), Reserved},
	{netip.MustParsePrefix("192.88.99.0/24"), Reserved},
	{netip.MustParsePrefix("192.168.0.0/16"), Private},
	{netip.MustParsePrefix("192.175.48.0/24"), Reserved},
	{netip.MustParsePrefix("198.18.0.0/15"), Reserved},
	{netip.MustParsePrefix("198.51.100.0/24"), Reserved},
	{netip.MustParsePrefix("203.0.113.0/24"), Reserved},
	{netip.MustParsePrefix("224.0.0.0/4"), Reserved},
	{netip.MustParsePrefix("240.0.0.0/4"), Reserved},
}

// ClassOf classifies an external address. The zero Addr is NoAddr; an IPv6 address, which no
// port mapping has, is Reserved.
func ClassOf(addr netip.Addr) Class {
	switch addr = addr.Unmap(); {
	case !addr.IsValid():
		return NoAddr
	case !addr.Is4():
		return Reserved
	}
	for _, b := range blocks {
		if b.prefix.Contains(addr) {
			return b.class
		}
	}
	return Public
}

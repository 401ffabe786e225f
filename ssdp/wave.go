package ssdp

import (
	"net/netip"
	"slices"
	"time"
)

// A Wave is one volley of search requests: every target to every group and host.
type Wave struct {
	After   time.Duration // since the start of the search
	Jitter  time.Duration // up to this much later, at random
	Targets []Target
	MX      int // seconds an answer to a multicast may wait, 1 to 5; 0 is 1

	Groups   []netip.AddrPort // multicast groups, each asked on every interface that has an address for it
	Fallback []netip.AddrPort // groups for interfaces without an address for any of Groups
	Unicast  []netip.AddrPort // hosts asked directly, on every interface that has them on its link
	Gateways bool             // asks the default gateways of each interface directly, at port 1900
}

// DefaultWaves is how [Client.Search] asks. One multicast for the first target goes out at once; it finds the usual
// router in one round trip, alone, because a FRITZ!Box gives a broken answer when IPv4 and IPv6 requests arrive
// together and others do badly under many requests. Whatever that misses is asked for shortly after: the other
// targets, IPv6, and the default gateway directly, which also opens host firewalls that would drop its answer. The
// copies that follow are against loss and for slow devices; they grow rarer and more patient. The last one comes
// after a device that did not get through to this host's link address has given that up, which takes it three
// seconds and all answers that waited.
// Without targets it asks for everything.
func DefaultWaves(targets ...Target) []Wave {
	if len(targets) == 0 {
		targets = []Target{All}
	}
	v4 := []netip.AddrPort{GroupIPv4()}
	v6 := []netip.AddrPort{GroupIPv6LinkLocal(), GroupIPv6SiteLocal()}
	all := slices.Concat(v4, v6)
	return []Wave{
		{Targets: targets[:1], MX: 1, Groups: v4, Fallback: v6},
		{After: 80 * time.Millisecond, Jitter: 20 * time.Millisecond, Targets: targets[1:], MX: 1, Groups: v4},
		{After: 80 * time.Millisecond, Jitter: 20 * time.Millisecond, Targets: targets, MX: 1, Groups: v6, Gateways: true},
		{After: 300 * time.Millisecond, Jitter: 50 * time.Millisecond, Targets: targets, MX: 1, Groups: all, Gateways: true},
		{After: time.Second, Jitter: 100 * time.Millisecond, Targets: targets, MX: 2, Groups: all, Gateways: true},
		{After: 2500 * time.Millisecond, Jitter: 200 * time.Millisecond, Targets: targets, MX: 3, Groups: all, Gateways: true},
		{After: 4200 * time.Millisecond, Jitter: 200 * time.Millisecond, Targets: targets, MX: 1, Groups: all, Gateways: true},
	}
}

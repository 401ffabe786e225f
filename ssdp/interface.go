package ssdp

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
)

// An Interface is a network interface as SSDP needs it: what is on its link, and what is the way out.
// Addresses carry no zone; the zone of a link-local one is Name.
type Interface struct {
	Index    int
	Name     string
	Flags    net.Flags
	MTU      int
	Prefixes []netip.Prefix // own addresses, each with the length of its network
	Gateways []netip.Addr   // next hops of the default routes through it, best first
}

// OnLink reports whether addr is a neighbour: inside one of the prefixes, or link-local where the interface has such
// an address. An IPv6 address given alone (/128, from DHCPv6) speaks for its /64.
func (i Interface) OnLink(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	for _, p := range i.Prefixes {
		if p.Addr().Is6() && p.Bits() > 64 && !p.Addr().IsLoopback() {
			p = netip.PrefixFrom(p.Addr(), 64)
		}
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// IsGateway reports whether addr is a next hop of a default route through i.
func (i Interface) IsGateway(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	for _, g := range i.Gateways {
		if g == addr {
			return true
		}
	}
	return false
}

// Usable reports whether searching on i without being told to makes sense, and if not why.
func (i Interface) Usable() (ok bool, reason string) {
	idle := i.reasonIdle()
	switch {
	case idle != "":
		return false, idle
	case i.Flags&net.FlagLoopback != 0:
		return false, "loopback, used only when named"
	case i.Flags&net.FlagMulticast == 0 && i.Flags&net.FlagPointToPoint != 0:
		return false, "point-to-point without multicast"
	case i.Flags&net.FlagMulticast == 0:
		return false, "no multicast"
	}
	return true, ""
}

// reasonIdle is why nothing can be sent on i at all, "" if something can.
func (i Interface) reasonIdle() string {
	switch {
	case i.Flags&net.FlagUp == 0:
		return "down"
	case len(i.Prefixes) == 0:
		return "no address"
	}
	return ""
}

// Source is the own address to speak from to a group or host: of its family, and for IPv6 link-local towards
// link-local ones and a wider one towards all others (UDA 2.0, Annex A); of several, one on the same network. The
// IPv6 loopback address has no way to any group.
func (i Interface) Source(to netip.Addr) (own netip.Addr, ok bool) {
	to = to.Unmap().WithZone("")
	for _, p := range i.Prefixes {
		if p.Contains(to) {
			return p.Addr(), true
		}
		if !ok && canReach(p.Addr(), to) {
			own, ok = p.Addr(), true
		}
	}
	return own, ok
}

func canReach(own, to netip.Addr) bool {
	if own.Is4() != to.Is4() {
		return false
	}
	if own.IsLoopback() && own.Is6() {
		return !to.IsMulticast()
	}
	return to.Is4() || own.IsLinkLocalUnicast() == isLinkLocal(to)
}

func isLinkLocal(a netip.Addr) bool { return a.IsLinkLocalUnicast() || a.IsLinkLocalMulticast() }

func (i Interface) netInterface() *net.Interface {
	return &net.Interface{Index: i.Index, Name: i.Name, Flags: i.Flags, MTU: i.MTU}
}

// gateway is a default route: next hop, and the interface it leaves through by number or, where that is what the
// system tells, by name.
type gateway struct {
	index  int
	name   string
	addr   netip.Addr
	metric uint32
}

// SystemInterfaces lists the interfaces of this host, up or not: those with a default route first, the best route
// leading, then the others, loopback last. Default routes that cannot be read are left out.
func SystemInterfaces() ([]Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	prefixes, err := systemPrefixes()
	if err != nil {
		return nil, err
	}
	list := make([]Interface, len(all))
	for i, n := range all {
		list[i] = Interface{Index: n.Index, Name: n.Name, Flags: n.Flags, MTU: n.MTU, Prefixes: prefixes[n.Index]}
	}
	addGateways(list, systemGateways())
	return list, nil
}

// addGateways hands the routes to their interfaces and sorts those by them.
func addGateways(list []Interface, gateways []gateway) {
	slices.SortStableFunc(gateways, func(a, b gateway) int {
		return cmp.Or(cmp.Compare(a.addr.BitLen(), b.addr.BitLen()), cmp.Compare(a.metric, b.metric))
	})
	order := make(map[int]int)
	for rank, g := range gateways {
		for i := range list {
			if (list[i].Index == g.index || list[i].Name == g.name) && !list[i].IsGateway(g.addr) {
				list[i].Gateways = append(list[i].Gateways, g.addr.Unmap().WithZone(""))
				order[list[i].Index] = max(order[list[i].Index], len(gateways)-rank)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Interface) int {
		return cmp.Or(order[b.Index]-order[a.Index], int(a.Flags&net.FlagLoopback)-int(b.Flags&net.FlagLoopback))
	})
}

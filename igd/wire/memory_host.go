package wire

import (
	"net"
	"net/netip"
	"slices"
	"syscall"

	"upnp/ssdp"
)

const (
	firstEphemeral = 49152
	defaultBacklog = 128
)

// A Host is a machine of a [Memory], and the [Network] as that machine has it.
type Host struct {
	mem       *Memory
	name      string
	links     []*Link // the first is the loopback
	port      int     // the next ephemeral one to try
	backlog   int
	listeners []*memoryListener
	packets   []*memoryPacketConn
}

// Name is what the host was called when it was made.
func (h *Host) Name() string { return h.name }

// Attach adds an interface on a LAN: "eth1" is the second.
func (h *Host) Attach(lan *LAN, prefixes ...netip.Prefix) *Link {
	h.mem.mu.Lock()
	defer h.mem.mu.Unlock()
	return h.attach(lan, prefixes)
}

func (h *Host) attach(lan *LAN, prefixes []netip.Prefix) *Link {
	index := len(h.links) + 1
	l := &Link{
		host: h, lan: lan, index: index, name: linkName(index), prefixes: slices.Clone(prefixes),
		flags: net.FlagUp | net.FlagRunning | net.FlagBroadcast | net.FlagMulticast,
	}
	h.links = append(h.links, l)
	lan.links = append(lan.links, l)
	return l
}

// Link is the interface of that name, nil if there is none.
func (h *Host) Link(name string) *Link {
	h.mem.mu.Lock()
	defer h.mem.mu.Unlock()
	return h.link(name)
}

func (h *Host) link(name string) *Link {
	for _, l := range h.links {
		if l.name == name {
			return l
		}
	}
	return nil
}

// SetGateway gives the interface whose network holds addr, else "eth0", a default route to it.
func (h *Host) SetGateway(addr netip.Addr) {
	h.mem.mu.Lock()
	defer h.mem.mu.Unlock()
	to := h.links[1]
	for _, l := range h.links {
		if l.iface().OnLink(addr) {
			to = l
		}
	}
	to.gateways = []netip.Addr{addr}
}

// SetBacklog is how many connections may wait for Accept on each listener. Further attempts are
// dropped and tried again by the dialler after 1, 2, 4… seconds, as small routers are known for.
// It is 128 at first.
func (h *Host) SetBacklog(n int) {
	h.mem.mu.Lock()
	defer h.mem.mu.Unlock()
	h.backlog = n
}

// ResetConnections ends all connections of the host, for both sides, with a reset.
func (h *Host) ResetConnections() {
	h.mem.mu.Lock()
	defer h.mem.mu.Unlock()
	for p := range h.mem.pipes {
		if p.ends[0].link.host == h || p.ends[1].link.host == h {
			p.ends[0].in.reset()
			p.ends[1].in.reset()
		}
	}
}

// Interfaces implements [Network].
func (h *Host) Interfaces() ([]ssdp.Interface, error) {
	h.mem.mu.Lock()
	defer h.mem.mu.Unlock()
	list := make([]ssdp.Interface, len(h.links))
	for i, l := range h.links {
		list[i] = l.iface()
	}
	return list, nil
}

// A path is the way of packets from one address to another.
type path struct {
	from, to *Link // to is nil if it leads to nobody
	src, dst netip.Addr
}

// works reports whether packets arrive: both ends plugged in, and still owning their addresses.
func (p path) works() bool {
	return p.to != nil && p.from.works() && p.to.works() && p.from.hears(p.src) && p.to.hears(p.dst)
}

// back is the way of the answers.
func (p path) back() path { return path{p.to, p.from, p.dst, p.src} }

// route finds the way to addr. local, if valid, must be an address of the host and fixes the
// interface.
func (h *Host) route(local, addr netip.Addr) (path, error) {
	dst := addr.WithZone("")
	if h.linkOf(dst) != nil || dst.IsLoopback() {
		src := dst
		if local.IsValid() {
			src = local.WithZone("")
		}
		return path{h.links[0], h.links[0], src, dst}, nil
	}
	if dst.Is6() && dst.IsLinkLocalUnicast() && addr.Zone() == "" {
		return path{}, syscall.EINVAL
	}
	from, src := h.exit(local, addr)
	if from == nil {
		return path{}, syscall.ENETUNREACH
	}
	return path{from, from.neighbour(dst), src, dst}, nil
}

// exit chooses the interface for a foreign address, and the address to speak from.
func (h *Host) exit(local, addr netip.Addr) (*Link, netip.Addr) {
	for _, direct := range []bool{true, false} {
		for _, l := range h.links[1:] {
			source, ok := l.source(local, addr)
			usable := direct && l.iface().OnLink(addr) || !direct && l.hasGateway(addr)
			if zone := addr.Zone(); ok && usable && l.isUp() && (zone == "" || zone == l.name) {
				return l, source
			}
		}
	}
	return nil, netip.Addr{}
}

// source is the own address for speaking to addr: local, if given and owned, else the one whose
// network holds addr, else any of the family.
func (l *Link) source(local, addr netip.Addr) (netip.Addr, bool) {
	if local.IsValid() {
		local = local.WithZone("")
		return local, l.owns(local)
	}
	for _, p := range l.prefixes {
		if p.Contains(addr.WithZone("")) {
			return p.Addr(), true
		}
	}
	return l.iface().Source(addr)
}

func (l *Link) hasGateway(addr netip.Addr) bool {
	return slices.ContainsFunc(l.gateways, func(g netip.Addr) bool { return g.Is4() == addr.Is4() })
}

// neighbour is the link with addr: on the same LAN, or anywhere if there is a gateway.
func (l *Link) neighbour(addr netip.Addr) *Link {
	for _, other := range l.lan.links {
		if other.owns(addr) {
			return other
		}
	}
	if !l.hasGateway(addr) || addr.IsLinkLocalUnicast() {
		return nil
	}
	for _, host := range l.host.mem.hosts {
		for _, other := range host.links[1:] {
			if other.owns(addr) {
				return other
			}
		}
	}
	return nil
}

// freePort is an ephemeral port no socket of the host is bound to.
func (h *Host) freePort() uint16 {
	for {
		port := uint16(h.port)
		if h.port++; h.port > 65535 {
			h.port = firstEphemeral
		}
		if !h.isBound(port) {
			return port
		}
	}
}

func (h *Host) isBound(port uint16) bool {
	return slices.ContainsFunc(h.listeners, func(l *memoryListener) bool { return l.port == port }) ||
		slices.ContainsFunc(h.packets, func(c *memoryPacketConn) bool { return c.local.Port() == port })
}

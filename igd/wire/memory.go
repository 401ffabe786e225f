package wire

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"upnp/ssdp"
)

// Memory is a world of hosts and LANs in memory. Datagrams and connections behave as the system's
// do, errors included, and take no time but what [Conditions] say. It has no goroutines of its own
// and waits on conditions and timers only, so that all of it works in a testing/synctest bubble,
// where it must then be made too.
type Memory struct {
	mu    sync.Mutex // guards everything in the world
	lans  map[string]*LAN
	hosts []*Host
	pipes map[*pipe]struct{}
}

// NewMemory is a world with nobody in it.
func NewMemory() *Memory {
	return &Memory{lans: make(map[string]*LAN), pipes: make(map[*pipe]struct{})}
}

// LAN is the LAN of that name, made when first asked for. [Memory.Host] attaches to the one named "".
func (m *Memory) LAN(name string) *LAN {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lan(name)
}

func (m *Memory) lan(name string) *LAN {
	l := m.lans[name]
	if l == nil {
		l = &LAN{mem: m, random: rand.New(rand.NewPCG(0, 0))}
		m.lans[name] = l
	}
	return l
}

// Host adds a host with a loopback interface "lo" and an interface "eth0" on the LAN "". The
// prefixes are its own addresses with the length of their network, such as 192.168.1.7/24.
func (m *Memory) Host(name string, prefixes ...netip.Prefix) *Host {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := &Host{mem: m, name: name, backlog: defaultBacklog, port: firstEphemeral}
	lo := h.attach(&LAN{mem: m}, []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("::1/128")})
	lo.name, lo.flags = "lo", net.FlagUp|net.FlagRunning|net.FlagLoopback
	h.attach(m.lan(""), prefixes)
	m.hosts = append(m.hosts, h)
	return h
}

// Conditions are how well a LAN works. The zero value is a perfect one.
type Conditions struct {
	Seed      uint64        // of the chances below: the same sends in the same order fare the same
	Loss      float64       // share of packets lost, 0 to 1; TCP repeats a lost one after 200 ms
	Duplicate float64       // share of datagrams that come twice
	Refuse    float64       // share of connection attempts answered with a reset
	Delay     time.Duration // of each packet
	Jitter    time.Duration // at most this much more, so that datagrams overtake each other
	Cut       bool          // nothing passes; what TCP has sent arrives when the cut ends
}

// A LAN connects hosts.
type LAN struct {
	mem        *Memory
	conditions Conditions
	random     *rand.Rand
	links      []*Link
}

// SetConditions replaces the conditions from now on.
func (l *LAN) SetConditions(c Conditions) {
	l.mem.mu.Lock()
	defer l.mem.mu.Unlock()
	l.conditions, l.random = c, rand.New(rand.NewPCG(c.Seed, 0))
	l.mem.release()
}

func (l *LAN) chance(share float64) bool { return share > 0 && l.random.Float64() < share }

// delay is how long the next packet takes.
func (l *LAN) delay() time.Duration {
	d := l.conditions.Delay
	if l.conditions.Jitter > 0 {
		d += time.Duration(l.random.Int64N(int64(l.conditions.Jitter)))
	}
	return d
}

// A Link is the interface of a host on a LAN.
type Link struct {
	host     *Host
	lan      *LAN
	index    int
	name     string
	flags    net.Flags
	prefixes []netip.Prefix
	gateways []netip.Addr
}

// SetPrefixes changes the addresses, as a roaming host's do. Sockets at old ones stay open and
// hear nothing more.
func (l *Link) SetPrefixes(prefixes ...netip.Prefix) {
	l.host.mem.mu.Lock()
	defer l.host.mem.mu.Unlock()
	l.prefixes = slices.Clone(prefixes)
	l.host.mem.release()
}

// SetGateways sets the next hops of the default routes. Through a gateway the hosts of all LANs
// can be reached, but not by multicast.
func (l *Link) SetGateways(addrs ...netip.Addr) {
	l.host.mem.mu.Lock()
	defer l.host.mem.mu.Unlock()
	l.gateways = slices.Clone(addrs)
}

// SetUp plugs the cable in or out.
func (l *Link) SetUp(up bool) {
	l.host.mem.mu.Lock()
	defer l.host.mem.mu.Unlock()
	l.flags &^= net.FlagUp | net.FlagRunning
	if up {
		l.flags |= net.FlagUp | net.FlagRunning
	}
	l.host.mem.release()
}

// Interface is the link as the host's Interfaces lists it.
func (l *Link) Interface() ssdp.Interface {
	l.host.mem.mu.Lock()
	defer l.host.mem.mu.Unlock()
	return l.iface()
}

func (l *Link) iface() ssdp.Interface {
	return ssdp.Interface{
		Index: l.index, Name: l.name, Flags: l.flags, MTU: 1500,
		Prefixes: slices.Clone(l.prefixes), Gateways: slices.Clone(l.gateways),
	}
}

func (l *Link) isUp() bool { return l.flags&net.FlagUp != 0 }

// works reports whether anything passes this end.
func (l *Link) works() bool { return l.isUp() && !l.lan.conditions.Cut }

func (l *Link) isLoopback() bool { return l.flags&net.FlagLoopback != 0 }

func (l *Link) owns(addr netip.Addr) bool {
	return slices.ContainsFunc(l.prefixes, func(p netip.Prefix) bool { return p.Addr() == addr })
}

// zoned is addr as the link's host writes it.
func (l *Link) zoned(addr netip.Addr) netip.Addr {
	if addr.Is6() && (addr.IsLinkLocalUnicast() || addr.IsLinkLocalMulticast()) {
		return addr.WithZone(l.name)
	}
	return addr
}

func linkName(index int) string { return "eth" + strconv.Itoa(index-2) }

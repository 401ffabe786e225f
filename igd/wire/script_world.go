package wire

import (
	"math/bits"
	"net/netip"
	"slices"
)

// A world is the hosts of a recording in memory.
type world struct {
	self    *Host
	devices map[netip.Addr]*Host
}

// world gives the client the addresses that asked, and every device its own. Of the network itself nothing
// was recorded but addresses: masks are guessed, and the default gateway is the device asked most.
func (s *script) world() world {
	mem, devices := NewMemory(), s.devices()
	w := world{mem.Host("self"), make(map[netip.Addr]*Host)}
	own := s.networks(devices)
	w.self.Link("eth0").SetPrefixes(own...)
	for _, a := range devices {
		if a.IsLoopback() || slices.Contains(s.askers, a) {
			w.devices[a] = w.self
			continue
		}
		w.devices[a] = mem.Host("device", netip.PrefixFrom(a, maskFor(a, own)))
		if a.Is4() && len(w.self.Link("eth0").Interface().Gateways) == 0 && maskFor(a, own) < 32 {
			w.self.SetGateway(a)
		}
	}
	return w
}

// networks are the client's addresses with the length of their network: 64 bits for IPv6, and for IPv4 24
// or as few as the private addresses nearby make likely.
func (s *script) networks(devices []netip.Addr) []netip.Prefix {
	var own []netip.Prefix
	for _, a := range s.askers {
		length := 64
		if a.Is4() {
			length = 24
			for _, d := range devices {
				if n := common(a, d); d.Is4() && d.IsPrivate() && n >= 16 {
					length = min(length, n)
				}
			}
		}
		if !a.IsLoopback() {
			own = append(own, netip.PrefixFrom(a, length))
		}
	}
	if len(own) == 0 {
		own = append(own, netip.MustParsePrefix("192.168.1.2/24"))
	}
	return own
}

// common is how many bits two IPv4 addresses begin alike with.
func common(a, b netip.Addr) int {
	if !a.Is4() || !b.Is4() {
		return 0
	}
	x, y := a.As4(), b.As4()
	for i := range x {
		if x[i] != y[i] {
			return 8*i + bits.LeadingZeros8(x[i]^y[i])
		}
	}
	return 32
}

// maskFor is the length of the network of the client that holds a, or of a by itself.
func maskFor(a netip.Addr, own []netip.Prefix) int {
	for _, p := range own {
		if p.Contains(a) {
			return p.Bits()
		}
	}
	return a.BitLen()
}

// devices are the addresses that were asked or spoke, without loopback, the one asked most first.
func (s *script) devices() []netip.Addr {
	asked := make(map[netip.Addr]int)
	var all []netip.Addr
	add := func(a netip.Addr, n int) {
		a = a.Unmap().WithZone("")
		if asked[a] += n; !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	for _, sc := range s.scenes {
		add(sc.device.Addr(), 1)
	}
	for _, r := range s.searches {
		for _, a := range r.answers {
			add(a.device, 0)
		}
	}
	for _, a := range s.announcements {
		add(a.device, 0)
	}
	slices.SortStableFunc(all, func(a, b netip.Addr) int { return asked[b] - asked[a] })
	return all
}

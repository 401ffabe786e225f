package device

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"upnp/igd/wire"
	"upnp/ssdp"
)

// choose picks the interface and its addresses: one, IPv4 if there is one, and one of the other
// family.
func (s *Site) choose() ([]netip.Addr, error) {
	all, err := s.network.Interfaces()
	if err != nil {
		return nil, err
	}
	for _, ifi := range all {
		if s.wants(ifi) {
			s.ifi = ifi
			return s.addrs()
		}
	}
	if s.host.Interface == "" {
		return nil, errors.New("there is no loopback interface")
	}
	return nil, fmt.Errorf("there is no interface %q", s.host.Interface)
}

func (s *Site) wants(ifi ssdp.Interface) bool {
	if s.host.Interface == "" {
		return ifi.Flags&net.FlagLoopback != 0
	}
	return ifi.Name == s.host.Interface
}

func (s *Site) addrs() ([]netip.Addr, error) {
	first := firstAddr(s.ifi)
	if err := s.object(first); err != nil {
		return nil, err
	}
	addrs := []netip.Addr{s.zoned(first)}
	if second := s.secondAddr(); first.Is4() && second.IsValid() && !s.host.IPv4Only {
		addrs = append(addrs, s.zoned(second))
	}
	return addrs, nil
}

func firstAddr(ifi ssdp.Interface) (addr netip.Addr) {
	for _, p := range ifi.Prefixes {
		if p.Addr().Is4() {
			return p.Addr()
		}
		if !addr.IsValid() {
			addr = p.Addr()
		}
	}
	return addr
}

// secondAddr is the IPv6 address to serve on: one with a meaning beyond the link, if it may be.
func (s *Site) secondAddr() (addr netip.Addr) {
	for _, p := range s.ifi.Prefixes {
		if p.Addr().Is4() || s.object(p.Addr()) != nil {
			continue
		}
		if !addr.IsValid() || addr.IsLinkLocalUnicast() {
			addr = p.Addr()
		}
	}
	return addr
}

// documentation is routed nowhere (RFC 3849); networks to try things on are made of it.
var documentation = netip.MustParsePrefix("2001:db8::/32")

// object refuses to be a device for the Internet by accident.
func (s *Site) object(addr netip.Addr) error {
	private := addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast() || documentation.Contains(addr)
	switch {
	case !addr.IsValid():
		return fmt.Errorf("interface %s has no address", s.ifi.Name)
	case !private && !s.host.Public:
		return fmt.Errorf("%v of %s is a public address, which has to be allowed", addr, s.ifi.Name)
	}
	return nil
}

func (s *Site) zoned(addr netip.Addr) netip.Addr {
	if addr.Is6() && addr.IsLinkLocalUnicast() {
		return addr.WithZone(s.ifi.Name)
	}
	return addr
}

// Outward is the site's network as it is to be used for calling others, subscribers above all:
// spoken to from the addresses of the site.
func (s *Site) Outward() wire.Network { return outward{s.network, s} }

type outward struct {
	wire.Network
	site *Site
}

func (o outward) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if to, err := netip.ParseAddrPort(addr); err == nil {
		for _, e := range o.site.ends {
			if e.at.Addr().Is4() == to.Addr().Unmap().Is4() {
				ctx = wire.WithLocalAddr(ctx, e.at.Addr())
				break
			}
		}
	}
	return o.Network.Dial(ctx, network, addr)
}

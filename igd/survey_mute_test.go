package igd_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/igdtest"
	"upnp/igd/wire"
	"upnp/ssdp"
)

// A deaf network loses datagrams on their way in.
type deaf struct {
	wire.Network
	loses func(data []byte, from netip.AddrPort, asked map[netip.AddrPort]bool) bool
}

func (d deaf) ListenPacket(ctx context.Context, ifi ssdp.Interface, group netip.AddrPort) (ssdp.PacketConn, error) {
	c, err := d.Network.ListenPacket(ctx, ifi, group)
	return &deafConn{PacketConn: c, loses: d.loses, asked: map[netip.AddrPort]bool{}}, err
}

type deafConn struct {
	ssdp.PacketConn
	loses func([]byte, netip.AddrPort, map[netip.AddrPort]bool) bool
	mu    sync.Mutex
	asked map[netip.AddrPort]bool // whom this socket sent something
}

func (c *deafConn) lost(data []byte, from netip.AddrPort) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.loses(data, from, c.asked)
}

func (c *deafConn) WriteTo(b []byte, to netip.AddrPort) error {
	c.mu.Lock()
	c.asked[to] = true
	c.mu.Unlock()
	return c.PacketConn.WriteTo(b, to)
}

func (c *deafConn) ReadFrom(b []byte) (int, netip.AddrPort, error) {
	for {
		n, from, err := c.PacketConn.ReadFrom(b)
		if err != nil || !c.lost(b[:n], from) {
			return n, from, err
		}
	}
}

// TestSurveyMuteRouter: where others' answers arrive, it is not this host that loses the router's.
func TestSurveyMuteRouter(t *testing.T) {
	inHouse(t, func(h house) {
		router := netip.MustParseAddr("192.168.1.1")
		host := h.memory.Host("router", netip.PrefixFrom(router, 24))
		igdtest.Serve(h.T, emulator.New(emulator.Profile{}), igd.Server{Network: host, Interface: "eth0", Port: 5000})
		h.stranger("192.168.1.9", "ssdp:all", noGateway)
		c := h.client("192.168.1.1")
		c.Network = deaf{c.Network, func(_ []byte, from netip.AddrPort, _ map[netip.AddrPort]bool) bool { return from.Addr() == router }}
		r := c.Survey(h.Context())
		sickness{cause: igd.FindMuteRouter, says: "does not answer searches, while other devices do", also: igd.FindGateway}.check(h.T, r)
	})
}

// A mute network fails to send datagrams, or to join groups.
type mute struct {
	wire.Network
	sends, joins bool
}

var errPermission = errors.New("operation not permitted")

func (m mute) ListenPacket(ctx context.Context, ifi ssdp.Interface, group netip.AddrPort) (ssdp.PacketConn, error) {
	if group.Addr().IsMulticast() && group.Port() != 0 && !m.joins {
		return nil, errPermission
	}
	c, err := m.Network.ListenPacket(ctx, ifi, group)
	if err == nil && !m.sends {
		c = muteConn{c}
	}
	return c, err
}

type muteConn struct{ ssdp.PacketConn }

func (muteConn) WriteTo([]byte, netip.AddrPort) error { return errPermission }

func TestSurveyMute(t *testing.T) {
	inHouse(t, func(h house) {
		h.router("192.168.1.1", emulator.Profile{})
		c := h.client("192.168.1.1")
		whole := c.Network
		c.Network = mute{Network: whole, joins: true}
		r := c.Survey(h.Context())
		sickness{cause: igd.FindNotSent, says: "could not be sent anywhere"}.check(h.T, r)
		if i := r.Interfaces[1]; i.Sent || !i.Joined || !strings.Contains(strings.Join(i.Errors, " "), errPermission.Error()) {
			h.Errorf("%+v", i)
		}
		c.Network = mute{Network: whole, sends: true}
		r = c.Survey(h.Context())
		sickness{cause: igd.FindNotJoined, says: "cannot be heard on eth0", also: igd.FindGateway}.check(h.T, r)
	})
}

// TestSurveyInterfaces: which interfaces are searched, why others are not, and what they lack.
func TestSurveyInterfaces(t *testing.T) {
	up := net.FlagUp | net.FlagMulticast
	prefixes := func(texts ...string) (all []netip.Prefix) {
		for _, text := range texts {
			all = append(all, netip.MustParsePrefix(text))
		}
		return all
	}
	router := []netip.Addr{netip.MustParseAddr("192.168.1.1")}
	for _, s := range []struct {
		sickness
		list []ssdp.Interface
	}{
		{sickness{name: "down", cause: igd.FindNoNetwork, says: "not connected to a network", also: igd.FindSkipped}, []ssdp.Interface{{Name: "eth0"}}},
		{sickness{name: "no multicast", cause: igd.FindNoNetwork, says: "not connected to a network"}, []ssdp.Interface{{Name: "wg0", Flags: net.FlagUp | net.FlagPointToPoint, Prefixes: prefixes("10.0.0.2/32")}}},
		{sickness{name: "no DHCP", cause: igd.FindNoDHCP, says: "got no address from a router"}, []ssdp.Interface{{Name: "eth0", Flags: up, Prefixes: prefixes("169.254.7.7/16")}}},
		{sickness{name: "no IPv4", cause: igd.FindNoIPv4, says: "has no IPv4 address"}, []ssdp.Interface{{Name: "eth0", Flags: up, Prefixes: prefixes("fe80::1/64")}}},
		{sickness{name: "no DHCP beside", cause: igd.FindNotSent, says: "could not be sent", also: igd.FindNoDHCP}, []ssdp.Interface{
			{Name: "eth0", Flags: up, Prefixes: prefixes("192.168.1.7/24"), Gateways: router}, {Name: "eth1", Flags: up, Prefixes: prefixes("169.254.7.7/16")},
		}},
		{sickness{name: "bridge", cause: igd.FindNotSent, says: "could not be sent", also: igd.FindVirtual}, []ssdp.Interface{
			{Name: "eth0", Flags: up, Prefixes: prefixes("192.168.1.7/24"), Gateways: router}, {Name: "br0", Flags: up, Prefixes: prefixes("172.17.0.1/16")},
		}},
	} {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				survey := igd.Survey{Client: &igd.Client{Network: unplugged{s.list}}, Machine: machine{}}
				s.check(t, survey.Run(t.Context()))
			})
		})
	}
}

// An unplugged network has interfaces and nothing behind them.
type unplugged struct{ list []ssdp.Interface }

func (u unplugged) Interfaces() ([]ssdp.Interface, error) { return u.list, nil }

func (unplugged) Dial(context.Context, string, string) (net.Conn, error) {
	return nil, syscall.ENETUNREACH
}

func (unplugged) Listen(context.Context, string, string) (net.Listener, error) {
	return nil, syscall.EADDRNOTAVAIL
}

func (unplugged) ListenPacket(context.Context, ssdp.Interface, netip.AddrPort) (ssdp.PacketConn, error) {
	return nil, syscall.EADDRNOTAVAIL
}

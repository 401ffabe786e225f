package ssdp

import (
	"context"
	"net"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// Port is where SSDP is heard.
const Port = 1900

// How far multicasts go, UDA 2.0, 1.1 and Annex A.
const (
	multicastTTL      = 2
	multicastHopLimit = 10
)

// GroupIPv4 is 239.255.255.250:1900, which every IPv4 device has joined.
func GroupIPv4() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{239, 255, 255, 250}), Port)
}

// GroupIPv6LinkLocal is [ff02::c]:1900, whose traffic stays on its link and comes from link-local addresses.
func GroupIPv6LinkLocal() netip.AddrPort { return groupIPv6(0x02) }

// GroupIPv6SiteLocal is [ff05::c]:1900, spoken to from unique local and global addresses.
func GroupIPv6SiteLocal() netip.AddrPort { return groupIPv6(0x05) }

// groups is all of them, the most used first.
func groups() []netip.AddrPort {
	return []netip.AddrPort{GroupIPv4(), GroupIPv6LinkLocal(), GroupIPv6SiteLocal()}
}

func groupIPv6(scope byte) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16([16]byte{0: 0xff, 1: scope, 15: 0x0c}), Port)
}

// A PacketConn is a UDP socket of one interface. It is an interface of five methods so that a recorder or a network in
// memory can stand where the system's sockets do: x/net's connections cannot be wrapped from below.
type PacketConn interface {
	// ReadFrom waits for a datagram. One longer than b fills b and loses the rest. After Close the error is
	// net.ErrClosed.
	ReadFrom(b []byte) (n int, from netip.AddrPort, err error)
	WriteTo(b []byte, to netip.AddrPort) error
	LocalAddr() netip.AddrPort
	SetReadDeadline(time.Time) error
	Close() error
}

// A ListenFunc opens a socket on ifi. What kind is in group:
//
//   - with port 0, a socket on ifi's own address of the family (and, for IPv6, the scope) of group, with a port the
//     system picks, for searching and announcing;
//   - a multicast address: a socket that has joined group on ifi and hears what is sent to group and its port there;
//     others may have the same port;
//   - one of ifi's own addresses: a socket of exactly that address and port, which others may share.
//
// ctx covers the opening only.
type ListenFunc func(ctx context.Context, ifi Interface, group netip.AddrPort) (PacketConn, error)

// ListenMulticast is the [ListenFunc] of the system. Multicasts leave through ifi with TTL 2 (hop limit 10) and are
// heard on this host too.
func ListenMulticast(ctx context.Context, ifi Interface, group netip.AddrPort) (PacketConn, error) {
	local, err := bindAddr(ifi, group)
	if err != nil {
		return nil, err
	}
	pc, err := listenAt(ctx, ifi, local)
	if err != nil {
		return nil, err
	}
	c := &conn{UDPConn: pc.(*net.UDPConn), ifi: ifi, joined: local.Addr().IsMulticast()}
	if err := c.configure(group.Addr()); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// bindAddr is what a socket for group is bound to: the group itself, so that it hears nothing else, or an own address.
func bindAddr(ifi Interface, group netip.AddrPort) (netip.AddrPort, error) {
	addr := group.Addr()
	if group.Port() == 0 {
		own, ok := ifi.Source(addr)
		if !ok {
			return group, &net.AddrError{Err: "no address to reach it from on " + ifi.Name, Addr: addr.String()}
		}
		addr = own
	}
	if addr.Is6() && isLinkLocal(addr) {
		addr = addr.WithZone(ifi.Name)
	}
	return netip.AddrPortFrom(addr, group.Port()), nil
}

func listenAt(ctx context.Context, ifi Interface, local netip.AddrPort) (net.PacketConn, error) {
	if local.Port() != 0 {
		return listenShared(ctx, ifi, local)
	}
	var lc net.ListenConfig
	return lc.ListenPacket(ctx, networkOf(local), local.String())
}

func networkOf(local netip.AddrPort) string {
	if local.Addr().Is4() {
		return "udp4"
	}
	return "udp6"
}

// conn is a socket of the system. Reading does not go through x/net, which would allocate for each datagram.
type conn struct {
	*net.UDPConn
	ifi    Interface
	joined bool // hears a group, whose datagrams the system may deliver from other interfaces too
	is4    bool
}

func (c *conn) configure(to netip.Addr) error {
	c.is4 = to.Is4()
	if c.is4 {
		return c.configure4(to)
	}
	return c.configure6(to)
}

func (c *conn) configure4(to netip.Addr) error {
	p := ipv4.NewPacketConn(c.UDPConn)
	ifi := c.ifi.netInterface()
	if c.joined {
		if err := p.JoinGroup(ifi, &net.UDPAddr{IP: to.AsSlice()}); err != nil {
			return err
		}
		return unlessWindows(p.SetControlMessage(ipv4.FlagInterface, true))
	}
	if err := p.SetMulticastInterface(ifi); err != nil {
		return err
	}
	if err := p.SetMulticastTTL(multicastTTL); err != nil {
		return err
	}
	return p.SetMulticastLoopback(true)
}

func (c *conn) configure6(to netip.Addr) error {
	p := ipv6.NewPacketConn(c.UDPConn)
	ifi := c.ifi.netInterface()
	if c.joined {
		if err := p.JoinGroup(ifi, &net.UDPAddr{IP: to.AsSlice()}); err != nil {
			return err
		}
		return unlessWindows(p.SetControlMessage(ipv6.FlagInterface, true))
	}
	if err := p.SetMulticastInterface(ifi); err != nil {
		return err
	}
	if err := p.SetMulticastHopLimit(multicastHopLimit); err != nil {
		return err
	}
	return p.SetMulticastLoopback(true)
}

// unlessWindows forgives that x/net has no control messages there. Windows delivers only what the socket itself has
// joined, so nothing is lost.
func unlessWindows(err error) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	return err
}

func (c *conn) ReadFrom(b []byte) (int, netip.AddrPort, error) {
	if !c.joined || runtime.GOOS == "windows" {
		n, from, err := c.ReadFromUDPAddrPort(b)
		return n, unmap(from), err
	}
	var oob [128]byte
	for {
		n, oobn, _, from, err := c.ReadMsgUDPAddrPort(b, oob[:])
		if err != nil || c.heardHere(oob[:oobn]) {
			return n, unmap(from), err
		}
	}
}

// heardHere reports whether the datagram with these control messages came in on our interface: a socket bound to the
// group gets what any socket of the host has joined on any interface.
func (c *conn) heardHere(oob []byte) bool {
	index := 0
	if c.is4 {
		var cm ipv4.ControlMessage
		if cm.Parse(oob) == nil {
			index = cm.IfIndex
		}
	} else {
		var cm ipv6.ControlMessage
		if cm.Parse(oob) == nil {
			index = cm.IfIndex
		}
	}
	return index == 0 || index == c.ifi.Index
}

func (c *conn) WriteTo(b []byte, to netip.AddrPort) error {
	if a := to.Addr(); a.Is6() && isLinkLocal(a) && a.Zone() == "" {
		to = netip.AddrPortFrom(a.WithZone(c.ifi.Name), to.Port())
	}
	_, err := c.WriteToUDPAddrPort(b, to)
	return err
}

func (c *conn) LocalAddr() netip.AddrPort {
	return unmap(c.UDPConn.LocalAddr().(*net.UDPAddr).AddrPort())
}

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

package wire

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"time"

	"upnp/ssdp"
)

const (
	maxDatagram      = 65507
	maxDatagramQueue = 256 // further ones are lost, as in a kernel
)

// ListenPacket implements [Network].
func (h *Host) ListenPacket(ctx context.Context, ifi ssdp.Interface, group netip.AddrPort) (ssdp.PacketConn, error) {
	h.mem.mu.Lock()
	defer h.mem.mu.Unlock()
	c, err := h.listenPacket(ctx, ifi, group)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "udp", Addr: net.UDPAddrFromAddrPort(group), Err: err}
	}
	return c, nil
}

func (h *Host) listenPacket(ctx context.Context, ifi ssdp.Interface, group netip.AddrPort) (*memoryPacketConn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	link := h.link(ifi.Name)
	if link == nil {
		return nil, errors.New("no such network interface")
	}
	addr, port := group.Addr().Unmap().WithZone(""), group.Port()
	own, ok := link.iface().Source(addr)
	switch {
	case !ok, port != 0 && !addr.IsMulticast() && !link.owns(addr):
		return nil, os.NewSyscallError("bind", syscall.EADDRNOTAVAIL)
	case port == 0:
		addr, port = own, h.freePort()
	}
	c := &memoryPacketConn{host: h, link: link, local: netip.AddrPortFrom(addr, port), own: own, changed: h.mem.condition()}
	h.packets = append(h.packets, c)
	return c, nil
}

type datagram struct {
	data  []byte
	from  netip.AddrPort
	ready time.Time
}

// memoryPacketConn is a UDP socket. Its local address is the group it has joined, if it has.
type memoryPacketConn struct {
	host     *Host
	link     *Link
	local    netip.AddrPort // without zone
	own      netip.Addr     // what it sends from
	queue    []datagram     // by the time they arrive
	deadline time.Time
	closed   bool
	changed  *condition
}

func (c *memoryPacketConn) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: "udp", Source: net.UDPAddrFromAddrPort(c.LocalAddr()), Err: err}
}

func (c *memoryPacketConn) LocalAddr() netip.AddrPort {
	return netip.AddrPortFrom(c.link.zoned(c.local.Addr()), c.local.Port())
}

func (c *memoryPacketConn) ReadFrom(b []byte) (int, netip.AddrPort, error) {
	c.host.mem.mu.Lock()
	defer c.host.mem.mu.Unlock()
	for {
		if c.closed {
			return 0, netip.AddrPort{}, c.fail("read", net.ErrClosed)
		}
		if isOver(c.deadline) {
			return 0, netip.AddrPort{}, c.fail("read", os.ErrDeadlineExceeded)
		}
		until := c.deadline
		if len(c.queue) > 0 {
			if d := c.queue[0]; !d.ready.After(time.Now()) {
				c.queue = c.queue[1:]
				return copy(b, d.data), d.from, nil
			}
			until = earlier(until, c.queue[0].ready)
		}
		c.changed.waitUntil(until)
	}
}

func (c *memoryPacketConn) WriteTo(b []byte, to netip.AddrPort) error {
	c.host.mem.mu.Lock()
	defer c.host.mem.mu.Unlock()
	switch {
	case c.closed:
		return c.fail("write", net.ErrClosed)
	case len(b) > maxDatagram:
		return c.fail("write", os.NewSyscallError("sendto", syscall.EMSGSIZE))
	case !c.link.isUp():
		return c.fail("write", os.NewSyscallError("sendto", syscall.ENETUNREACH))
	}
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	if to.Addr().IsMulticast() {
		c.multicast(b, to)
		return nil
	}
	p, err := c.host.route(c.own, c.link.zoned(to.Addr()))
	if err != nil {
		return c.fail("write", os.NewSyscallError("sendto", err))
	}
	if p.to != nil {
		c.send(b, to, p.to)
	}
	return nil
}

// multicast reaches every link of the LAN, our own included.
func (c *memoryPacketConn) multicast(b []byte, to netip.AddrPort) {
	for _, link := range c.link.lan.links {
		c.send(b, to, link)
	}
}

// send delivers to the sockets of one link. A host hears itself whatever the LAN is like.
func (c *memoryPacketConn) send(b []byte, to netip.AddrPort, link *Link) {
	lan, copies, self := c.link.lan, 1, link.host == c.host
	if !self && (!(path{c.link, link, c.own, to.Addr().WithZone("")}).works() || lan.chance(lan.conditions.Loss)) {
		return
	}
	if !self && lan.chance(lan.conditions.Duplicate) {
		copies = 2
	}
	for range copies {
		d := datagram{data: slices.Clone(b), from: netip.AddrPortFrom(link.zoned(c.own), c.local.Port()), ready: time.Now()}
		if !self {
			d.ready = d.ready.Add(lan.delay())
		}
		link.deliver(d, netip.AddrPortFrom(to.Addr().WithZone(""), to.Port()))
	}
}

// deliver puts d into the queue of every socket of the link that is bound to where it goes.
func (l *Link) deliver(d datagram, to netip.AddrPort) {
	for _, c := range l.host.packets {
		here := c.link == l || l.isLoopback() && !to.Addr().IsMulticast()
		if !here || c.local != to || len(c.queue) >= maxDatagramQueue || !c.link.hears(to.Addr()) {
			continue
		}
		i, _ := slices.BinarySearchFunc(c.queue, d, func(have, d datagram) int {
			if have.ready.After(d.ready) {
				return 1
			}
			return -1
		})
		c.queue = slices.Insert(c.queue, i, d)
		c.changed.Broadcast()
	}
}

// hears reports whether an address still is one of the link's, or a group.
func (l *Link) hears(addr netip.Addr) bool {
	return addr.IsMulticast() || l.owns(addr) || l.isLoopback()
}

func (c *memoryPacketConn) SetReadDeadline(t time.Time) error {
	c.host.mem.mu.Lock()
	defer c.host.mem.mu.Unlock()
	if c.closed {
		return c.fail("set", net.ErrClosed)
	}
	c.deadline = t
	c.changed.Broadcast()
	return nil
}

func (c *memoryPacketConn) Close() error {
	c.host.mem.mu.Lock()
	defer c.host.mem.mu.Unlock()
	if c.closed {
		return c.fail("close", net.ErrClosed)
	}
	c.closed = true
	c.host.packets = slices.DeleteFunc(c.host.packets, func(o *memoryPacketConn) bool { return o == c })
	c.changed.Broadcast()
	return nil
}

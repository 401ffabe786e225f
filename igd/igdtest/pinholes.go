package igdtest

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"upnp/igd"
)

// firewalled gives the backend's firewall, or skips.
func (x *trial) firewalled() igd.PinholeBackend {
	b, ok := x.Backend.(igd.PinholeBackend)
	if !ok || !x.Client6.IsValid() {
		x.Skip("no IPv6 firewall to test")
	}
	return b
}

// hole is a pinhole of the nth port.
func (x *trial) hole(n uint16) igd.Pinhole {
	return igd.Pinhole{InternalClient: x.Client6, InternalPort: x.port(n), Protocol: igd.TCP, Lease: hour}
}

// open makes a pinhole that is gone when the test ends.
func (x *trial) open(b igd.PinholeBackend, p igd.Pinhole) uint16 {
	x.Helper()
	id, err := b.AddPinhole(x.ctx, p)
	x.must("AddPinhole "+p.String(), err)
	x.Cleanup(func() { _ = b.DeletePinhole(context.WithoutCancel(x.ctx), id) }) // it may be gone
	return id
}

func (x *trial) firewall() {
	b := x.firewalled()
	s, err := b.FirewallStatus(x.ctx)
	x.must("FirewallStatus", err)
	if !s.Enabled || !s.Allowed {
		x.Errorf("firewall is %+v, want it on and open to requests", s)
	}
	d, err := b.OutboundTimeout(x.ctx, x.hole(1))
	if x.Leeway.NoOutboundTimeout && errors.Is(err, igd.ErrActionFailed) {
		return
	}
	x.must("OutboundTimeout", err)
	if d <= 0 || d > 24*hour {
		x.Errorf("outbound timeout is %v", d)
	}
}

// pinhole is one's life.
func (x *trial) pinhole() {
	b := x.firewalled()
	id := x.open(b, x.hole(1))
	if other := x.open(b, x.hole(2)); other == id {
		x.Errorf("two pinholes have the ID %d", id)
	}
	if n, err := b.PinholePackets(x.ctx, id); err != nil || n != 0 {
		x.Errorf("%d packets through a new pinhole, %v", n, err)
	}
	if _, err := b.CheckPinhole(x.ctx, id); !errors.Is(err, igd.ErrNoTrafficReceived) {
		x.Errorf("check without traffic: %v, want %v", err, igd.ErrNoTrafficReceived)
	}
	x.must("UpdatePinhole", b.UpdatePinhole(x.ctx, id, 2*hour))
	x.must("DeletePinhole", b.DeletePinhole(x.ctx, id))
	x.noHole("a deleted one", b.DeletePinhole(x.ctx, id))
}

// pinholeAgain: the same one is extended and keeps its ID; another protocol or remote host is
// another one.
func (x *trial) pinholeAgain() {
	b := x.firewalled()
	p := x.hole(1)
	first := x.open(b, p)
	p.Lease /= 2
	if again := x.open(b, p); again != first {
		x.Errorf("the same pinhole got the ID %d, want %d", again, first)
	}
	p.Protocol = igd.UDP
	if udp := x.open(b, p); udp == first {
		x.Error("UDP has the ID of TCP")
	}
	p.Protocol, p.RemoteHost = igd.TCP, "2001:db8::9"
	if narrow := x.open(b, p); narrow == first {
		x.Error("one remote host has the ID of all")
	}
}

func (x *trial) pinholeEnds() {
	b := x.firewalled()
	p := x.hole(1)
	p.Lease = 2 * time.Second
	id := x.open(b, p)
	time.Sleep(p.Lease + slack)
	_, err := b.PinholePackets(x.ctx, id)
	x.noHole("one that has ended", err)
}

func (x *trial) noHole(what string, err error) {
	x.Helper()
	wants := []igd.Error{igd.ErrNoSuchPinhole}
	if x.Leeway.UnknownPinhole {
		wants = append(wants, igd.ErrInvalidArgs)
	}
	x.refused(what, err, wants...)
}

func (x *trial) pinholeMissing() {
	b := x.firewalled()
	const nobody = 65000
	x.noHole("deleting none", b.DeletePinhole(x.ctx, nobody))
	x.noHole("updating none", b.UpdatePinhole(x.ctx, nobody, hour))
	_, err := b.CheckPinhole(x.ctx, nobody)
	x.noHole("checking none", err)
}

func (x *trial) pinholeWildcards() {
	b := x.firewalled()
	for _, bad := range []struct {
		what  string
		spoil func(*igd.Pinhole)
		want  igd.Error
	}{
		{"any client", func(p *igd.Pinhole) { p.InternalClient = netip.Addr{} }, igd.ErrInternalClientWildcard},
		{"any port", func(p *igd.Pinhole) { p.InternalPort = 0 }, igd.ErrInternalPortWildcard},
		{"any protocol", func(p *igd.Pinhole) { p.Protocol = igd.AnyProtocol }, igd.ErrProtocolWildcard},
		{"ICMP", func(p *igd.Pinhole) { p.Protocol = "1" }, igd.ErrProtocolNotSupported},
		{"no lease", func(p *igd.Pinhole) { p.Lease = 0 }, igd.ErrInvalidArgs},
		{"two days", func(p *igd.Pinhole) { p.Lease = 48 * hour }, igd.ErrInvalidArgs},
	} {
		p := x.hole(1)
		bad.spoil(&p)
		_, err := b.AddPinhole(x.ctx, p)
		x.refused(bad.what, err, bad.want, igd.ErrArgumentOutOfRange)
	}
}

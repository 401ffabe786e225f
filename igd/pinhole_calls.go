package igd

import (
	"context"
	"net/netip"
	"time"

	"upnp/description"
	"upnp/soap"
)

const firewallControl = "WANIPv6FirewallControl"

var _ PinholeBackend = (*Gateway)(nil)

// FirewallStatus calls GetFirewallStatus; ErrInvalidAction is a gateway without an IPv6 firewall
// to control.
func (g *Gateway) FirewallStatus(ctx context.Context) (FirewallStatus, error) {
	const action = "GetFirewallStatus"
	out, err := g.firewall(ctx, netip.Addr{}, action, nil)
	if err != nil {
		return FirewallStatus{}, err
	}
	status, err := parseFirewall(out)
	if err != nil {
		return status, g.opError(action, err)
	}
	return status, nil
}

// AddPinhole calls AddPinhole, from p's client if that is this host: strict gateways open an
// address only to itself (606 otherwise; Q-70). They are called over IPv6 if they can be found
// there. A lease outside of 1 s to [MaxPinholeLease] is refused by most.
func (g *Gateway) AddPinhole(ctx context.Context, p Pinhole) (uint16, error) {
	const action = "AddPinhole"
	out, err := g.firewall(ctx, p.InternalClient, action, pinholeArgs(p))
	if err != nil {
		return 0, err
	}
	id, err := portArg(out, "UniqueID")
	if err != nil {
		return 0, g.opError(action, err)
	}
	g.KnowPinhole(id, p.InternalClient)
	return id, nil
}

// KnowPinhole says which host a pinhole is for that was not made by g but, for example, by an
// earlier run: what is asked about it is then asked from there, as strict gateways want it.
func (g *Gateway) KnowPinhole(id uint16, client netip.Addr) {
	g.inner.mu.Lock()
	defer g.inner.mu.Unlock()
	if g.inner.clients == nil {
		g.inner.clients = make(map[uint16]netip.Addr)
	}
	g.inner.clients[id] = client
}

// UpdatePinhole calls UpdatePinhole.
func (g *Gateway) UpdatePinhole(ctx context.Context, id uint16, lease time.Duration) error {
	in := append(idArgs(id), soap.Arg{Name: "NewLeaseTime", Value: formatSeconds(lease)})
	_, err := g.pinhole(ctx, id, "UpdatePinhole", in)
	return err
}

// DeletePinhole calls DeletePinhole.
func (g *Gateway) DeletePinhole(ctx context.Context, id uint16) error {
	_, err := g.pinhole(ctx, id, "DeletePinhole", idArgs(id))
	return err
}

// PinholePackets calls GetPinholePackets.
func (g *Gateway) PinholePackets(ctx context.Context, id uint16) (uint32, error) {
	const action = "GetPinholePackets"
	out, err := g.pinhole(ctx, id, action, idArgs(id))
	if err != nil {
		return 0, err
	}
	n, err := parseCounter(out.Value("PinholePackets"))
	if err != nil {
		return 0, g.opError(action, err)
	}
	return uint32(n), nil
}

// CheckPinhole calls CheckPinholeWorking.
func (g *Gateway) CheckPinhole(ctx context.Context, id uint16) (bool, error) {
	const action = "CheckPinholeWorking"
	out, err := g.pinhole(ctx, id, action, idArgs(id))
	if err != nil {
		return false, err
	}
	working, err := description.ParseBoolean(out.Value("IsWorking"))
	if err != nil {
		return false, g.opError(action, err)
	}
	return working, nil
}

// OutboundTimeout calls GetOutboundPinholeTimeout.
func (g *Gateway) OutboundTimeout(ctx context.Context, p Pinhole) (time.Duration, error) {
	const action = "GetOutboundPinholeTimeout"
	out, err := g.firewall(ctx, p.InternalClient, action, routeArgs(p))
	if err != nil {
		return 0, err
	}
	d, err := secondsArg(out, "OutboundPinholeTimeout")
	if err != nil {
		return 0, g.opError(action, err)
	}
	return d, nil
}

// pinhole calls an action about one pinhole. An ID that is not in use is 704 by the standard, and
// 402 to miniupnpd.
func (g *Gateway) pinhole(ctx context.Context, id uint16, action string, in soap.Args) (soap.Args, error) {
	g.inner.mu.Lock()
	client := g.inner.clients[id]
	g.inner.mu.Unlock()
	return g.firewall(ctx, client, action, in)
}

// firewall calls an action of the IPv6 firewall for a host inside.
func (g *Gateway) firewall(ctx context.Context, client netip.Addr, action string, in soap.Args) (soap.Args, error) {
	way := g.overIPv6(ctx)
	s := way.find(firewallControl)
	if s == nil {
		return nil, g.opError(action, ErrInvalidAction)
	}
	return way.invoke(way.speakFor(ctx, client), s, action, in)
}

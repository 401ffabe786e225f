package igd

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"upnp/ssdp"
)

// How long a gateway that is spoken to over IPv4 is looked for over IPv6, and not looked for after
// it was not found.
const (
	ipv6Patience = 3 * time.Second
	ipv6Again    = time.Minute
)

// An inner is what a Gateway knows of its IPv6 side.
type inner struct {
	mu      sync.Mutex
	clients map[uint16]netip.Addr // of pinholes

	finding sync.Mutex
	way     *Gateway  // the same gateway over IPv6; nil: not found
	looked  time.Time // when it was not found
}

// overIPv6 is the gateway as it is reached over IPv6: itself, or another description of the same
// box. It is itself too where none answers: some firewalls are controlled over IPv4.
func (g *Gateway) overIPv6(ctx context.Context) *Gateway {
	if host, err := netip.ParseAddr(g.host()); err == nil && host.Unmap().Is6() {
		return g
	}
	n := &g.inner
	n.finding.Lock()
	defer n.finding.Unlock()
	if n.way == nil && (n.looked.IsZero() || time.Since(n.looked) > ipv6Again) {
		n.way = g.findIPv6(ctx)
		n.looked = time.Now()
	}
	if n.way != nil {
		return n.way
	}
	return g
}

// findIPv6 asks over IPv6 for a gateway of the same name, or else one with a firewall at the
// default gateway's address: some have another name in each of their descriptions.
func (g *Gateway) findIPv6(ctx context.Context) (second *Gateway) {
	if !g.hasIPv6() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, ipv6Patience)
	defer cancel()
	h, err := g.client.startHunt(ctx, query{ipv6: true}, func(h *hunt, ctx context.Context) { h.ask(ctx, wavesIPv6()) })
	if err != nil {
		return nil
	}
	defer h.close()
	for f := range h.finds {
		if f.gateway == nil || f.gateway.find(firewallControl) == nil {
			continue
		}
		f.gateway.gate = g.gate // one box, one call at a time
		if f.gateway.UDN() == g.UDN() {
			return f.gateway
		}
		if second == nil && f.rank&atGateway != 0 {
			second = f.gateway
		}
	}
	return second
}

func (g *Gateway) hasIPv6() bool {
	all, err := g.client.network().Interfaces()
	return err == nil && slices.ContainsFunc(all, func(i ssdp.Interface) bool {
		return g.client.searches(i) && slices.ContainsFunc(i.Prefixes, isIPv6)
	})
}

func isIPv6(p netip.Prefix) bool { return p.Addr().Is6() && !p.Addr().IsLoopback() }

func wavesIPv6() []ssdp.Wave {
	w := ssdp.Wave{
		Targets: []ssdp.Target{WANIPv6FirewallControl1, InternetGatewayDevice2}, MX: 1,
		Groups: []netip.AddrPort{ssdp.GroupIPv6SiteLocal(), ssdp.GroupIPv6LinkLocal()},
	}
	again := w
	again.After = 500 * time.Millisecond
	return []ssdp.Wave{w, again}
}

type speakAs struct{}

// speakFor has calls come from a host inside, if that is this one.
func (g *Gateway) speakFor(ctx context.Context, client netip.Addr) context.Context {
	host, err := netip.ParseAddr(g.host())
	if err != nil || !client.IsValid() || host.Unmap().Is4() != client.Is4() {
		return ctx
	}
	all, err := g.client.network().Interfaces()
	if err != nil || !slices.ContainsFunc(all, func(i ssdp.Interface) bool { return hasAddr(i, client) }) {
		return ctx
	}
	return context.WithValue(ctx, speakAs{}, client)
}

func hasAddr(i ssdp.Interface, addr netip.Addr) bool {
	return slices.ContainsFunc(i.Prefixes, func(p netip.Prefix) bool { return p.Addr() == addr })
}

// spokenAs is the address that speakFor chose.
func spokenAs(ctx context.Context) (netip.Addr, bool) {
	addr, ok := ctx.Value(speakAs{}).(netip.Addr)
	return addr, ok
}

// IPv6Addr is the address of this host that a pinhole for it is to point at: on the gateway's
// network, known to the Internet before known to the house only, and in use before going out of
// use. It is not valid if there is none.
func (g *Gateway) IPv6Addr() netip.Addr {
	all, err := g.client.network().Interfaces()
	if err != nil {
		return netip.Addr{}
	}
	var local netip.Addr
	for _, i := range all {
		if !hasAddr(i, g.local) && !hasAddr(i, g.source) {
			continue
		}
		for _, p := range i.Prefixes {
			switch addr := p.Addr(); {
			case !isIPv6(p) || !addr.IsGlobalUnicast():
			case !addr.IsPrivate():
				return addr
			case !local.IsValid():
				local = addr
			}
		}
	}
	return local
}

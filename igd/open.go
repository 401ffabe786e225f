package igd

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"upnp/description"
	"upnp/igd/wire"
	"upnp/ssdp"
)

// ErrTarget is in the error of an Open whose target is neither URL, address nor UDN.
var ErrTarget = errors.New("neither a description URL, an IP address nor a UDN")

// Open goes straight to a gateway: to a description URL without any search, to an IP address by
// asking there, or to a UDN ("uuid:…") by searching for it. Nothing is asked of a gateway with a
// single WAN connection but its description.
func (c *Client) Open(ctx context.Context, target string) (*Gateway, error) {
	target = strings.TrimSpace(target)
	if addr, err := netip.ParseAddr(strings.Trim(target, "[]")); err == nil {
		return c.discover(ctx, query{host: addr.Unmap()})
	}
	if strings.HasPrefix(strings.ToLower(target), "uuid:") {
		return c.discover(ctx, query{udn: target})
	}
	a, err := parseLocation(target)
	if err != nil {
		return nil, err
	}
	network := &insistent{Network: c.network()}
	g, _, err := c.open(ctx, network, a, nil, false)
	if err != nil {
		return nil, err
	}
	return g, nil
}

// CheckTarget reports whether Open could make something of a target, without any traffic.
func CheckTarget(target string) error {
	target = strings.TrimSpace(target)
	if _, err := netip.ParseAddr(strings.Trim(target, "[]")); err == nil {
		return nil
	}
	if udn, ok := strings.CutPrefix(strings.ToLower(target), "uuid:"); ok && udn != "" {
		return nil
	}
	_, err := parseLocation(target)
	return err
}

// parseLocation reads a URL that a person gave: it is trusted to be meant, but dialled only if
// its host is an address.
func parseLocation(target string) (answer, error) {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "http" || u.User != nil {
		return answer{}, fmt.Errorf("igd: %q is %w", target, ErrTarget)
	}
	host, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return answer{}, fmt.Errorf("igd: host %q of the URL is no IP address: %w", u.Hostname(), ErrTarget)
	}
	return answer{location: u.String(), host: host.Unmap()}, nil
}

// A NotGatewayError is a device whose description has no WAN connection service.
type NotGatewayError struct {
	Location, Type, Name string
}

func (e *NotGatewayError) Error() string {
	kind := typeName(e.Type)
	if kind == "" {
		kind = "device of unknown type"
	}
	return "not an Internet gateway: " + kind + " without a WAN connection service"
}

// open reads a description and makes a gateway of it. With ask, or if there is a choice of WAN
// connections, they are asked how they are.
func (c *Client) open(ctx context.Context, network *insistent, a answer, interfaces []ssdp.Interface, ask bool) (*Gateway, rank, error) {
	g := &Gateway{client: c, http: wire.HTTPClient(network), memory: c.Memory, gate: &gate{}, boot: a.boot, notes: a.notes}
	ifi, ok := interfaceTo(a, interfaces)
	if ok {
		g.source, _ = ifi.Source(a.host)
	}
	root, err := g.read(ctx, a)
	if err != nil {
		return nil, 0, err
	}
	g.root = root
	if !g.source.IsValid() {
		g.source = network.source()
	}
	if g.local, err = c.mappingSource(ifi, g.source); err != nil {
		return nil, 0, err
	}
	all := Connections(root)
	if len(all) == 0 {
		return g, 0, &NotGatewayError{root.Location, root.Device.Type, root.Device.FriendlyName}
	}
	g.conn = all[0]
	if !ask && len(all) == 1 {
		return g, 0, nil
	}
	r, err := g.choose(ctx, all)
	if err != nil {
		return g, 0, err
	}
	return g, r | placeRank(a, ifi), nil
}

func placeRank(a answer, ifi ssdp.Interface) (r rank) {
	if ifi.IsGateway(a.host) {
		r |= atGateway
	}
	if a.host.Is4() {
		r |= speaksIPv4
	}
	return r
}

// read fetches the description: where the answer said, and where it came from if that is another
// host of the same link, as with floating gateway addresses (SECURITY A1, Q1).
func (g *Gateway) read(ctx context.Context, a answer) (*description.Root, error) {
	c := description.Client{HTTP: g.http}
	ctx = bound(ctx, g.source)
	root, err := c.Root(ctx, a.location)
	if err == nil || !a.from.IsValid() || a.from.WithZone("") == a.host.WithZone("") || ctx.Err() != nil {
		return root, err
	}
	u, parseErr := url.Parse(a.location)
	if parseErr != nil {
		return nil, err
	}
	if root, second := c.Root(ctx, ssdp.AtHost(u, a.from)); second == nil {
		root.Note("no description at LOCATION %s; read from the sender %v", a.location, a.from)
		return root, nil
	}
	return nil, err
}

// interfaceTo is the interface to a device: the one that heard it, one that has it on its link,
// or the one with the default route. It is false where no interfaces were listed: then the first
// connection tells the way.
func interfaceTo(a answer, interfaces []ssdp.Interface) (ssdp.Interface, bool) {
	if a.ifi.Name != "" {
		return a.ifi, true
	}
	for _, near := range []func(ssdp.Interface) bool{
		func(i ssdp.Interface) bool { return i.OnLink(a.host) },
		func(i ssdp.Interface) bool { return len(i.Gateways) > 0 },
	} {
		if i := slices.IndexFunc(interfaces, near); i >= 0 {
			return interfaces[i], true
		}
	}
	return ssdp.Interface{}, false
}

// mappingSource is the address mappings for this host point at: the source of the calls, or, where
// those go over IPv6, the IPv4 address of the same interface.
func (c *Client) mappingSource(ifi ssdp.Interface, source netip.Addr) (netip.Addr, error) {
	if source.Is4() {
		return source, nil
	}
	if ifi.Name == "" {
		all, err := c.network().Interfaces()
		if err != nil {
			return source, fmt.Errorf("igd: network interfaces: %w", err)
		}
		if i := slices.IndexFunc(all, func(i ssdp.Interface) bool { return i.OnLink(source) }); i >= 0 {
			ifi = all[i]
		}
	}
	for _, p := range ifi.Prefixes {
		if p.Addr().Is4() {
			return p.Addr(), nil
		}
	}
	return source, nil
}

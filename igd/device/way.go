package device

import (
	"context"
	"net/http"
	"net/netip"
	"slices"

	"upnp/description"
	"upnp/igd/wire"
	"upnp/ssdp"
)

// A way is how a device is reached. Requests take turns on it, because many devices lose the second
// of two at once.
type way struct {
	network wire.Network
	http    *http.Client
	host    netip.Addr // the only one that is dialled
	source  netip.Addr // own address to speak from; invalid where none is known to lead there
	turn    chan struct{}
}

// newWay leads to host through the interface that heard it, if one did.
func (c *Client) newWay(host netip.Addr, heard ssdp.Interface, interfaces []ssdp.Interface) *way {
	n := c.network()
	w := &way{network: n, http: wire.HTTPClient(n), host: host, turn: make(chan struct{}, 1)}
	if heard.Name == "" {
		heard = interfaceTo(host, interfaces)
	}
	w.source, _ = heard.Source(host)
	if w.source.IsLinkLocalUnicast() && w.source.Is6() {
		w.source = w.source.WithZone(heard.Name)
	}
	return w
}

// interfaceTo is the interface with host on its link, else the one with the default route.
func interfaceTo(host netip.Addr, interfaces []ssdp.Interface) ssdp.Interface {
	for _, near := range []func(ssdp.Interface) bool{
		func(i ssdp.Interface) bool { return host.Zone() == i.Name || host.Zone() == "" && i.OnLink(host) },
		func(i ssdp.Interface) bool { return len(i.Gateways) > 0 },
	} {
		if i := slices.IndexFunc(interfaces, near); i >= 0 {
			return interfaces[i]
		}
	}
	return ssdp.Interface{}
}

// enter waits for a turn, and binds ctx to the way: from the address that faces the device, to the
// device and nobody else.
func (w *way) enter(ctx context.Context) (bound context.Context, done func(), err error) {
	select {
	case w.turn <- struct{}{}:
		return w.bind(ctx), func() { <-w.turn }, nil
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
}

func (w *way) bind(ctx context.Context) context.Context {
	if w.source.IsValid() {
		ctx = wire.WithLocalAddr(ctx, w.source)
	}
	return wire.WithAllowed(ctx, func(addr netip.Addr) bool { return addr == w.host })
}

func (w *way) root(ctx context.Context, location string) (*description.Root, error) {
	ctx, done, err := w.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	c := description.Client{HTTP: w.http}
	return c.Root(ctx, location)
}

func (w *way) document(ctx context.Context, location string) ([]byte, error) {
	ctx, done, err := w.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	c := description.Client{HTTP: w.http}
	return c.Document(ctx, location)
}

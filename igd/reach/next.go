package reach

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"upnp/description"
	"upnp/igd"
	"upnp/igd/wire"
	"upnp/ssdp"
)

// nextTimeout is how long the router behind the router may take to tell its name.
const nextTimeout = time.Second

// next names the router that ours stands behind, where it can be found: nobody tells its address, so
// it is looked for at the usual ones of the network that our router's outside is in.
func (k *check) next(ctx context.Context) string {
	asked := k.likely(k.report.ExternalAddr)
	if len(asked) == 0 {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, nextTimeout)
	defer cancel()
	search := (&igd.Client{Network: k.network}).Search()
	waves := []ssdp.Wave{
		{Targets: nextTargets, MX: 1, Unicast: asked},
		{After: nextTimeout / 4, Targets: nextTargets, MX: 1, Unicast: asked},
	}
	for p, err := range search.SearchWaves(ctx, waves) {
		if err != nil {
			continue
		}
		if name := k.nameOf(ctx, p); name != "" {
			return fmt.Sprintf("; the next router is %s at %v", name, p.From.Addr())
		}
	}
	return ""
}

var nextTargets = []ssdp.Target{igd.InternetGatewayDevice1, ssdp.RootDevice}

// likely are the addresses that a router has as it comes out of the box: in the network of our router's
// outside or, if that is not known, anywhere. Those on this machine's own link are other devices.
func (k *check) likely(outside netip.Addr) (at []netip.AddrPort) {
	candidates := usual
	if outside.Is4() {
		first, last := outside.As4(), outside.As4()
		first[3], last[3] = 1, 254
		candidates = []netip.Addr{netip.AddrFrom4(first), netip.AddrFrom4(last)}
	}
	for _, addr := range candidates {
		if addr != outside && !k.isOnLink(addr) {
			at = append(at, netip.AddrPortFrom(addr, ssdp.Port))
		}
	}
	return at
}

// usual are the addresses of routers in homes, and the first of the carriers' block.
var usual = []netip.Addr{
	netip.AddrFrom4([4]byte{192, 168, 0, 1}), netip.AddrFrom4([4]byte{192, 168, 1, 1}), netip.AddrFrom4([4]byte{192, 168, 178, 1}),
	netip.AddrFrom4([4]byte{192, 168, 2, 1}), netip.AddrFrom4([4]byte{10, 0, 0, 1}), netip.AddrFrom4([4]byte{100, 64, 0, 1}),
}

func (k *check) isOnLink(addr netip.Addr) bool {
	for _, i := range k.interfaces {
		if i.OnLink(addr) {
			return true
		}
	}
	return false
}

// nameOf is how an answering device calls itself; empty if it does not.
func (k *check) nameOf(ctx context.Context, p *ssdp.Packet) string {
	place, ok := ssdp.Locate(p, k.interfaces)
	if !ok {
		return ""
	}
	client := description.Client{HTTP: wire.HTTPClient(k.network)}
	root, err := client.Root(ctx, place.URL)
	if err != nil {
		return ""
	}
	return wire.Sanitize(fmt.Sprintf("%q", root.Device.FriendlyName), maxWords)
}

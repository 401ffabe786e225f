package reach

import (
	"context"
	"fmt"
	"net/netip"

	"upnp/igd"
)

// readAddr asks the router for its outside address.
func (k *check) readAddr(ctx context.Context) {
	k.report.ExternalAddr, k.noAddr = k.gateway.ExternalAddr(ctx)
}

// public judges the router's outside address.
func (k *check) public(ctx context.Context) Finding {
	addr := k.report.ExternalAddr
	if k.noAddr != nil {
		return Finding{Unknown, "the router does not tell its outside address: " + words(k.noAddr)}
	}
	switch class := igd.ClassOf(addr); class {
	case igd.Public:
		return Finding{Pass, addr.String()}
	case igd.Private:
		return Finding{Fail, fmt.Sprintf("the router's own address %v is private: it stands behind another router, which has to let the port in too%s", addr, k.next(ctx))}
	case igd.CGNAT:
		return Finding{Fail, fmt.Sprintf("the router's own address %v is the carrier's, which shares one of the Internet among its customers (CGNAT): only the carrier can let the port in%s", addr, k.next(ctx))}
	case igd.DSLite:
		return Finding{Fail, fmt.Sprintf("the router's own address %v is that of a tunnel through IPv6 (DS-Lite): nothing comes in over IPv4", addr)}
	case igd.NoAddr:
		return Finding{Fail, "the router has no outside address: its connection is down, or it hides that it is behind another NAT" + k.next(ctx)}
	}
	return Finding{Fail, fmt.Sprintf("the router's own address %v is in a block that nobody on the Internet has%s", addr, k.next(ctx))}
}

// special are the parts of 2000::/3 that are nobody's (UPNP-FACTS section 7.3).
var special = []netip.Prefix{
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("3fff::/20"),
}

var globalUnicast = netip.MustParsePrefix("2000::/3")

// isPublic tells an address of either family that the Internet can have.
func isPublic(addr netip.Addr) bool {
	addr = addr.Unmap()
	if addr.Is4() {
		return igd.ClassOf(addr) == igd.Public
	}
	for _, p := range special {
		if p.Contains(addr) {
			return false
		}
	}
	return globalUnicast.Contains(addr)
}

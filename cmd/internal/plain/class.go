package plain

import (
	"cmp"
	"net/netip"
	"strings"

	"upnp/igd"
)

// ClassWords is what an external address that is not public means for mappings; empty for one
// that is.
func ClassWords(addr netip.Addr) string {
	switch class := igd.ClassOf(addr); class {
	case igd.Public:
		return ""
	case igd.Private:
		return "the router's outside address " + addr.String() + " is private: the router is itself behind another NAT, and the Internet cannot reach ports opened on it alone"
	case igd.CGNAT, igd.DSLite:
		return "the router's outside address " + addr.String() + " is shared by the carrier (" + string(class) + "): the Internet cannot reach ports opened on it"
	case igd.NoAddr:
		return "the router has no outside address: its Internet connection may be down"
	}
	return "the router's outside address " + addr.String() + " is in a reserved block: the Internet cannot reach it"
}

// KindOf shortens a device or service type: IGD:2, MediaServer:1. An empty one is a dash.
func KindOf(urn string) string {
	parts := strings.Split(urn, ":")
	if len(parts) < 5 {
		return cmp.Or(urn, "-")
	}
	kind := parts[len(parts)-2] + ":" + parts[len(parts)-1]
	return strings.Replace(kind, "InternetGatewayDevice:", "IGD:", 1)
}

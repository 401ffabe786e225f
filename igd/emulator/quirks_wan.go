package emulator

import (
	"context"
	"net/netip"

	"upnp/igd"
)

// wan are the ways of lying about the Internet.
func wan() []kind {
	return []kind{
		{"status-lies", "says Disconnected while all works (TP-Link AX1500)", status("Disconnected")},
		{"status-up", "says Up for Connected (BBox with miniupnpd 1.4)", status("Up")},
		{"odd-uptime", "tells the time up as \"9 Days, 22:18:59\" (TP-Link)", replacing("GetStatusInfo", oddUptime)},
		{"private-external", "has a private external address, being behind another router; =ADDR which, 192.168.100.2 if not given (any double NAT; 100.64.0.2 for a carrier's)",
			func(p *parameter) Quirk { return external(p.addr("192.168.100.2")) }},
		{"zero-external", "tells 0.0.0.0 as its external address while all works (TP-Link AX1500, Archer C54)",
			func(*parameter) Quirk { return external(netip.IPv4Unspecified()) }},
		{"empty-external", "tells no external address while all works (miniupnpd on a reserved address)",
			func(*parameter) Quirk { return external(netip.Addr{}) }},
	}
}

type liar struct {
	Backend
	connection string
}

func (l liar) Status(ctx context.Context) (igd.Status, error) {
	s, err := l.Backend.Status(ctx)
	s.Connection = l.connection
	return s, err
}

func status(connection string) func(*parameter) Quirk {
	return func(*parameter) Quirk {
		return Quirk{Backend: func(b Backend) Backend { return liar{b, connection} }}
	}
}

type elsewhere struct {
	Backend
	addr netip.Addr
}

func (e elsewhere) ExternalAddr(context.Context) (netip.Addr, error) { return e.addr, nil }

func external(addr netip.Addr) Quirk {
	return Quirk{Backend: func(b Backend) Backend { return elsewhere{b, addr} }}
}

package cli

import (
	"context"
	"net/netip"

	"upnp/cmd/internal/plain"
	"upnp/igd"
)

func ipCommand() *Command {
	return &Command{
		Usage: "ip",
		Short: "the external address",
		Long: `Prints the address the Internet sees, as the gateway tells it, and nothing else.

If that address is private or a carrier's, the gateway is itself behind another NAT, and a remark
on stderr says so: ports mapped on it alone are not reachable from the Internet.`,
		Examples: [2]string{"upnp ip", "upnp ip --json"},
		Run:      runIP,
	}
}

type ipResult struct {
	ExternalAddress string    `json:"externalAddress"`
	Class           igd.Class `json:"class"`
	Gateway         string    `json:"gateway"`
}

func runIP(ctx context.Context, s *session, args []string) error {
	if err := noArguments(args); err != nil {
		return err
	}
	gw, err := s.open(ctx)
	if err != nil {
		return err
	}
	addr, err := s.external(ctx)
	if err != nil {
		return err
	}
	if !addr.IsValid() || addr.IsUnspecified() {
		return failf("the gateway tells no external address; its Internet connection may be down, or it is itself behind another NAT: `upnp info` shows its state")
	}
	if s.options.json {
		return s.emit(ipResult{addr.String(), igd.ClassOf(addr), gw.Location()})
	}
	s.stdout.linef("%s", addr)
	if words := plain.ClassWords(addr); words != "" {
		s.note("%s", words)
	}
	return nil
}

// external is the gateway's external address: as discovery learnt it a moment ago, or asked for,
// once.
func (s *session) external(ctx context.Context) (netip.Addr, error) {
	if addr, known := s.gateway.External(); known {
		return addr, nil
	}
	if s.outside == nil {
		addr, err := s.gateway.ExternalAddr(ctx)
		if err != nil {
			return addr, err
		}
		s.outside = &addr
	}
	return *s.outside, nil
}

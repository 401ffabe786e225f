package machine

import (
	"context"
	"net/netip"
	"strings"

	"upnp/igd"
)

// socketFilter tells of the application firewall.
const socketFilter = "/usr/libexec/ApplicationFirewall/socketfilterfw"

// Firewalls asks for the application firewall. It lets answers in for programs that are allowed, so
// that it is on says little.
func (System) Firewalls(ctx context.Context) []igd.Firewall {
	text := strings.TrimSpace(string(output(ctx, socketFilter, "--getglobalstate")))
	if text == "" {
		return nil
	}
	return []igd.Firewall{{Name: "The application firewall", Blocks: strings.Contains(text, "block all"), Detail: []string{text}}}
}

// Virtual is not known here.
func (System) Virtual(string) string { return "" }

// Undelivered is not counted here.
func (System) Undelivered() (uint64, bool) { return 0, false }

// LetIn says what lets answers in.
func (System) LetIn(netip.Addr) string {
	return "Allow this program, or the terminal it runs in, under System Settings > Privacy & Security > Local Network, and under Network > Firewall if that is on."
}

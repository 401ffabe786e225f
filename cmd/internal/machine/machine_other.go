//go:build !linux && !darwin

package machine

import (
	"context"
	"net/netip"
	"runtime"

	"upnp/igd"
)

// Firewalls cannot be seen here.
func (System) Firewalls(context.Context) []igd.Firewall { return nil }

// Virtual is not known here.
func (System) Virtual(string) string { return "" }

// Undelivered is not counted here.
func (System) Undelivered() (uint64, bool) { return 0, false }

// LetIn says what lets answers in.
func (System) LetIn(netip.Addr) string {
	if runtime.GOOS == "windows" {
		return "Set the network's profile to Private (Settings > Network & Internet), and allow this program in Windows Defender Firewall."
	}
	return "Let answers of the router in through this machine's firewall: UDP from its port 1900."
}

package notation

import (
	"net/netip"
	"slices"
	"testing"

	"upnp/igd"
)

func TestParsePinhole(t *testing.T) {
	host := netip.MustParseAddr("fd00::20")
	for text, want := range map[string][]igd.Pinhole{
		"8080":               {{InternalPort: 8080, Protocol: igd.TCP}},
		"8080/UDP":           {{InternalPort: 8080, Protocol: igd.UDP}},
		"[fd00::20]:22/both": {{InternalClient: host, InternalPort: 22, Protocol: igd.TCP}, {InternalClient: host, InternalPort: 22, Protocol: igd.UDP}},
	} {
		if got, err := ParsePinhole(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "x", "0", "65536", "80-81", "80/sctp", "fd00::20:80", "[fd00::20]", "[::1]:80", "[fe80::1%eth0]:80", "192.168.1.2:80", "80:80"} {
		if got, err := ParsePinhole(bad); err == nil {
			t.Errorf("%q was read as %v", bad, got)
		}
	}
}

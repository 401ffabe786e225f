//go:build linux

package lab_test

import (
	"testing"

	"upnp/testdata/lab"
)

// TestEmulatorUpnpcPinhole: miniupnpc's program opens, looks at and closes a pinhole of an emulated
// router.
func TestEmulatorUpnpcPinhole(t *testing.T) {
	t.Parallel()
	lab.Need(t, "upnpc")
	l := emulatedIn(t, lab.Options{IPv6: true})
	c := l.Clients[0]
	want(t, upnpc(t, c, "-6", "-S"), "Firewall Enabled: Yes", "Inbound Pinhole Allowed: Yes")
	want(t, upnpc(t, c, "-6", "-A", "::", "0", c.IPv6, "8080", "TCP", "600"), "Pinhole ID = 1")
	want(t, upnpc(t, c, "-6", "-K", "1"), "PinholePackets = 0")
	want(t, upnpc(t, c, "-6", "-C", "1"), "failed with code 709")
	want(t, upnpc(t, c, "-6", "-D", "1"), "UPNP_DeletePinhole() returned : 0")
	want(t, upnpc(t, c, "-6", "-D", "1"), "UPNP_DeletePinhole() returned : 704")
}

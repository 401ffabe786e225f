//go:build linux

package lab_test

import (
	"net/netip"
	"os"
	"testing"

	"upnp/igd"
	"upnp/igd/igdtest"
	"upnp/testdata/lab"
)

// insideEnv holds, in the copy of this test that runs on a host of the lab, the router's URL.
const insideEnv = "UPNP_LAB_INSIDE"

// TestConformance has igdtest.TestBackend run on a client of the lab, against the real daemon.
func TestConformance(t *testing.T) {
	if url := os.Getenv(insideEnv); url != "" {
		igdtest.TestBackend(t, func(t *testing.T) igdtest.Peer { return daemon(t, url) })
		return
	}
	bothModes(t, func(t *testing.T, l *lab.Lab) {
		c := l.Clients[0]
		args := []string{"/proc/self/exe", "-test.run=^TestConformance$", "-test.v", "-test.timeout=80s"}
		r := c.RunEnv(t, []string{insideEnv + "=" + l.Router.URL}, args...)
		if r.Code != 0 {
			t.Fatalf("on %s: %s", c.Name, told(args, r))
		}
		t.Logf("on %s:\n%s", c.Name, r.Stdout)
	})
}

// daemon is miniupnpd at url, with what it does in ways of its own (QUIRKS of 2.3.1 on nftables).
func daemon(t *testing.T, url string) igdtest.Peer {
	t.Helper()
	gw, err := (&igd.Client{}).Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return igdtest.Peer{
		Backend: gw,
		Client:  gw.LocalAddr(),
		Client6: gw.IPv6Addr(),
		Other:   netip.MustParseAddr("192.168.7.3"),
		Leeway: igdtest.Leeway{
			DeleteMissing:       true,
			WeekAtMost:          true,
			EnabledIgnored:      true,
			RemoteHostForgotten: true,
			EmptyRange:          true,
			UnknownPinhole:      true,
			NoOutboundTimeout:   true,
		},
	}
}

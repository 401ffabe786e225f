//go:build linux

package lab_test

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"upnp/igd"
	"upnp/testdata/lab"
)

// python is Debian's, which is the one that has its modules.
const python = "/usr/bin/python3"

// needGUPnP skips or fails the test like lab.Need where GNOME's UPnP library is not to be had.
func needGUPnP(t *testing.T) {
	t.Helper()
	lab.Need(t)
	err := exec.Command(python, "-c", `import gi; gi.require_version("GUPnP", "1.6"); from gi.repository import GUPnP`).Run()
	switch {
	case err == nil:
	case os.Getenv("UPNP_LAB") == "require":
		t.Fatalf("UPNP_LAB=require, and this needs python3-gi and gir1.2-gupnp-1.6: %v", err)
	default:
		t.Skip("needs python3-gi and gir1.2-gupnp-1.6")
	}
}

// TestEmulatorGUPnP: GNOME's library subscribes to an emulated router and hears of changes.
func TestEmulatorGUPnP(t *testing.T) {
	t.Parallel()
	needGUPnP(t)
	lab.Need(t, "upnpc")
	for profile, service := range map[string]string{
		"igd1": igd.WANIPConnection1, "igd2": igd.WANIPConnection2, "ppp": igd.WANPPPConnection1,
	} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			l := emulated(t, "--profile", profile)
			c := l.Clients[0]
			heard := c.Follow(t, nil, python, "gupnp.py", "lan0", service,
				"ConnectionStatus", "ExternalIPAddress", "PossibleConnectionTypes", "PortMappingNumberOfEntries", "SystemUpdateID")
			heard.Wait(t, "ConnectionStatus Connected", 20*time.Second)
			heard.Wait(t, "ExternalIPAddress 11.22.33.44", time.Second)
			heard.Wait(t, "PossibleConnectionTypes IP_Routed", time.Second)
			heard.Wait(t, "PortMappingNumberOfEntries 0", time.Second)
			upnpc(t, c, "-a", c.Addr, "8080", "18080", "TCP", "600")
			heard.Wait(t, "PortMappingNumberOfEntries 1", 2*time.Second)
			upnpc(t, c, "-a", c.Addr, "8080", "18081", "TCP", "600")
			heard.Wait(t, "PortMappingNumberOfEntries 2", 2*time.Second)
			if profile == "igd2" {
				heard.Wait(t, "SystemUpdateID 2", time.Second)
			}
		})
	}
}

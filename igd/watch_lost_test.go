package igd_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/ssdp"
)

// restart is a router that is off the network for a while, and comes back with an empty table.
func (h *home) restart(port uint16, off time.Duration) {
	h.Helper()
	h.off()
	time.Sleep(off)
	h.router.Reboot()
	h.on(port)
}

// since is what was told in the time that something took and a while after it.
func (r *reader) since(while time.Duration) string {
	time.Sleep(while)
	return strings.Join(r.told(), ", ")
}

func TestChangesOfTheGateway(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(h *home)
		want string
	}{
		{"restart", func(h *home) { h.restart(5000, time.Minute) }, "gone, rebooted, 0 -1"},
		{"quick restart", func(h *home) { h.restart(5000, 0) }, "rebooted, 0 -1"},
		{"restart at another port", func(h *home) { h.restart(5001, time.Minute) }, "gone, moved, 0 -1"},
		{"off and on", func(h *home) { h.off(); time.Sleep(time.Hour); h.on(5000) }, "gone, back"},
		{"power cut", func(h *home) { h.router.Reboot() }, "rebooted, 0 -1"},
		{"replaced", func(h *home) {
			h.off()
			time.Sleep(time.Minute)
			h.router = emulator.New(emulator.Profile{Name: "another", Device: igd.V2})
			h.on(5000)
		}, "gone, replaced, 0 -1"},
		{"replaced at another port", func(h *home) {
			h.off()
			h.router = emulator.New(emulator.Profile{Name: "another", Device: igd.PPP})
			time.Sleep(30 * time.Second)
			h.on(6000)
		}, "gone, replaced, 0 -1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			atHome(t, emulator.Profile{}, func(h *home) {
				h.router.Put(entry(1, 0))
				r := h.watch("live", "11.22.33.44", "Connected", "1 +1")
				test.do(h)
				got := r.since(10 * time.Second)
				if got == "0 -1, rebooted" {
					got = "rebooted, 0 -1" // the last event of the old days came first
				}
				if got != test.want {
					h.Errorf("told %q, want %q", got, test.want)
				}
				if r.last == nil || r.last.Location() == "" {
					h.Error("no gateway to go on with")
				} else if _, err := r.last.ExternalAddr(h.Context()); err != nil {
					h.Errorf("the gateway from here on: %v", err)
				}
				time.Sleep(time.Minute)
				r.nothing()
				h.router.Put(entry(2, 0))
				if got := r.since(atOnce); !strings.HasSuffix(got, "+2") {
					h.Errorf("afterwards told %q of a mapping", got)
				}
			})
		})
	}
}

// TestChangesUnheard: without any multicast, and no events since, a router is found again.
func TestChangesUnheard(t *testing.T) {
	atHome(t, emulator.Profile{}, func(h *home) {
		h.router.Put(entry(1, 0))
		r := h.watch("live", "11.22.33.44", "Connected", "1 +1")
		h.router.SetQuirks(quirksNamed(h.T, "drop-datagrams=100")...)
		h.restart(5000, time.Second)
		if got := r.since(61 * time.Second); got != "rebooted, 0 -1" && got != "gone, rebooted, 0 -1" && got != "0 -1" {
			h.Errorf("told %q", got)
		}
	})
}

// announce sends an announcement from the host of somebody else, or the router's.
func (h *home) announce(fromRouter bool, nts, usn, location string, boot uint32) {
	h.Helper()
	from := h.other
	if fromRouter {
		from = h.routerHost
	}
	all, err := from.Interfaces()
	if err != nil {
		h.Fatal(err)
	}
	for _, ifi := range all {
		if ifi.Name != "eth0" {
			continue
		}
		c, err := from.ListenPacket(h.Context(), ifi, netip.AddrPortFrom(ssdp.GroupIPv4().Addr(), 0))
		if err != nil {
			h.Fatal(err)
		}
		text := fmt.Sprintf("NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nCACHE-CONTROL: max-age=1800\r\nLOCATION: %s\r\nNT: upnp:rootdevice\r\nNTS: %s\r\nUSN: %s::upnp:rootdevice\r\nBOOTID.UPNP.ORG: %d\r\n\r\n", location, nts, usn, boot)
		if err := c.WriteTo([]byte(text), ssdp.GroupIPv4()); err != nil {
			h.Fatal(err)
		}
		c.Close()
	}
}

// TestChangesForgedAnnouncements: SECURITY A4.
func TestChangesForgedAnnouncements(t *testing.T) {
	for _, nts := range []string{ssdp.ByeBye, ssdp.Alive} {
		t.Run(nts, func(t *testing.T) {
			atHome(t, emulator.Profile{}, func(h *home) {
				r := h.watch(present...)
				begin := time.Now()
				for i := range 3000 {
					h.announce(i%2 == 0, nts, h.gateway.UDN(), "http://192.168.1.66:80/root.xml", uint32(i))
					time.Sleep(100 * time.Millisecond)
				}
				r.nothing()
				if n := h.looks(begin); n > 60 {
					h.Errorf("the router was asked %d times in five minutes", n)
				}
			})
		})
	}
}

// TestChangesRogue: who has the name of a gateway that is away is not taken for it.
func TestChangesRogue(t *testing.T) {
	atHome(t, emulator.Profile{}, func(h *home) {
		r := h.watch(present...)
		h.off()
		stop := h.serve(h.other, emulator.New(emulator.Profile{}), 5000)
		defer stop()
		if got := r.since(2 * time.Minute); got != "gone" {
			h.Errorf("told %q", got)
		}
		h.on(5000)
		if got := r.since(10 * time.Second); got != "back" {
			h.Errorf("told %q", got)
		}
	})
}

package emulator_test

import (
	"context"
	"net/http"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"upnp/description"
	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/igdtest"
	"upnp/igd/wire"
	"upnp/ssdp"
)

// A reboot is a power cut: nothing is said, nothing answers, and what comes back is younger.
func TestRebootWhileServing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, emulator.Profile{BootTime: 30 * time.Second})
		l.want("add", l.add(5000), 0)
		before, _ := l.one().BootID()

		heard, stop := context.WithCancel(t.Context())
		defer stop()
		goodbyes := make(chan int, 1)
		go func() { goodbyes <- countGoodbyes(heard, l.host) }()
		synctest.Wait()
		l.router.Reboot()
		time.Sleep(10 * time.Second)
		stop()
		l.want("goodbyes", <-goodbyes, 0)
		if _, err := l.call("GetStatusInfo"); err == nil {
			t.Error("answers while it boots")
		}

		time.Sleep(30 * time.Second)
		found := l.one()
		if after, _ := found.BootID(); after <= before {
			t.Errorf("BOOTID %d after %d", after, before)
		}
		g, err := (&igd.Client{Network: l.host}).Open(t.Context(), found.Location())
		if err != nil {
			t.Fatal(err)
		}
		for m := range igd.Mappings(t.Context(), g) {
			t.Errorf("%v outlived the reboot", m)
		}
	})
}

func countGoodbyes(ctx context.Context, n wire.Network) (count int) {
	c := ssdp.Client{Listen: n.ListenPacket, Interfaces: n.Interfaces}
	for p, err := range c.Monitor(ctx) {
		if err == nil && p.NTS() == "ssdp:byebye" {
			count++
		}
	}
	return count
}

// A reboot of a router nobody serves does not keep it from being served.
func TestServeAfterReboot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := emulator.New(emulator.Profile{})
		r.Reboot()
		world := wire.NewMemory()
		igdtest.Serve(t, r, igd.Server{Network: world.Host("router", netip.MustParsePrefix("192.168.1.1/24")), Interface: "eth0"})
		client := igd.Client{Network: world.Host("client", netip.PrefixFrom(clientAddr, 24))}
		if _, err := client.Discover(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Whoever serves a router can watch and change what its quirks made of it.
func TestServeHooksComeLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var answers, requests atomic.Int32
		world := wire.NewMemory()
		location := igdtest.Serve(t, emulator.New(emulator.Profile{Quirks: quirks(t, "nul-padding", "bare-ampersand")}), igd.Server{
			Network: world.Host("router", netip.MustParsePrefix("192.168.1.1/24")), Interface: "eth0",
			Describe: func(r *description.Root) { r.Device.FriendlyName += "!" },
			Answer: func(_ *ssdp.Packet, r ssdp.Reply) []ssdp.Reply {
				answers.Add(1)
				return []ssdp.Reply{r}
			},
			WrapHTTP: func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					requests.Add(1)
					next.ServeHTTP(w, r)
				})
			},
		})
		client := igd.Client{Network: world.Host("client", netip.PrefixFrom(clientAddr, 24))}
		g, err := client.Discover(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if want := "R&N gateway!"; g.Root().Device.FriendlyName != want || g.Location() != location {
			t.Errorf("%q at %s, want %q at %s", g.Root().Device.FriendlyName, g.Location(), want, location)
		}
		if answers.Load() == 0 || requests.Load() == 0 {
			t.Errorf("%d answers, %d requests seen", answers.Load(), requests.Load())
		}
	})
}

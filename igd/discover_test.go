package igd_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/igdtest"
	"upnp/igd/wire"
	"upnp/ssdp"
)

// A house is a LAN in memory with routers on it.
type house struct {
	*testing.T
	memory *wire.Memory
}

// router puts a router at an address.
func (h house) router(addr string, p emulator.Profile) *emulator.Router {
	r := emulator.New(p)
	host := h.memory.Host(addr, netip.MustParsePrefix(addr+"/24"))
	igdtest.Serve(h.T, r, igd.Server{Network: host, Interface: "eth0"})
	return r
}

// client is a host whose default gateway is at an address, "" for none.
func (h house) client(gateway string) *igd.Client {
	host := h.memory.Host("client", netip.MustParsePrefix("192.168.1.7/24"))
	if gateway != "" {
		host.SetGateway(netip.MustParseAddr(gateway))
	}
	return &igd.Client{Network: igdtest.Tapped(h.T, host)}
}

func inHouse(t *testing.T, f func(house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(house{t, wire.NewMemory()}) })
}

// after makes a router answer searches so long after they were heard, and not at random.
func after(d time.Duration) []emulator.Quirk {
	return []emulator.Quirk{{Answer: func(_ *ssdp.Packet, r ssdp.Reply) []ssdp.Reply {
		r.After = d
		return []ssdp.Reply{r}
	}}}
}

// TestDefaultGatewayWins: a router that is not the default gateway may answer first and offer
// more; it is named, and not used.
func TestDefaultGatewayWins(t *testing.T) {
	for _, late := range []time.Duration{0, time.Millisecond, 50 * time.Millisecond, 140 * time.Millisecond} {
		inHouse(t, func(h house) {
			h.router("192.168.1.66", emulator.Profile{Name: "rogue", Device: igd.V2, Quirks: after(time.Millisecond)})
			h.router("192.168.1.1", emulator.Profile{Name: "home", Device: igd.V1, Quirks: after(late)})
			g, err := h.client("192.168.1.1").Discover(h.Context())
			if err != nil {
				h.Fatal(err)
			}
			if !strings.HasPrefix(g.Location(), "http://192.168.1.1:") {
				h.Errorf("chose %s", g.Location())
			}
			others := g.Others()
			if len(others) != 1 || !strings.HasPrefix(others[0].Location, "http://192.168.1.66:") || others[0].Reason != "not the default gateway" {
				h.Errorf("others: %+v", others)
			}
		})
	}
}

// TestTwoRoutersAtOnce: the default gateway answers at once, and the other router is named all
// the same.
func TestTwoRoutersAtOnce(t *testing.T) {
	inHouse(t, func(h house) {
		h.router("192.168.1.1", emulator.Profile{Name: "home", Quirks: after(50 * time.Millisecond)})
		h.router("192.168.1.254", emulator.Profile{Name: "second", Quirks: after(51 * time.Millisecond)})
		g, err := h.client("192.168.1.1").Discover(h.Context())
		if err != nil || !strings.HasPrefix(g.Location(), "http://192.168.1.1:") || len(g.Others()) != 1 {
			h.Errorf("%v, others %+v", err, g.Others())
		}
	})
}

// TestOnlyRouterIsNotTheGateway: with nobody at the default gateway's address, whoever is there
// is used (a floating address, a router behind a switch).
func TestOnlyRouterIsNotTheGateway(t *testing.T) {
	inHouse(t, func(h house) {
		h.router("192.168.1.2", emulator.Profile{})
		began := time.Now()
		if _, err := h.client("192.168.1.1").Discover(h.Context()); err != nil {
			h.Fatal(err)
		}
		if took := time.Since(began); took > 2*time.Second {
			h.Errorf("took %v", took)
		}
	})
}

func TestSlowRouterIsFound(t *testing.T) {
	inHouse(t, func(h house) {
		h.router("192.168.1.1", emulator.Profile{Quirks: after(4 * time.Second)})
		if _, err := h.client("192.168.1.1").Discover(h.Context()); err != nil {
			h.Fatal(err)
		}
	})
}

func TestNoGateway(t *testing.T) {
	inHouse(t, func(h house) {
		began := time.Now()
		_, err := h.client("192.168.1.1").Discover(h.Context())
		none, ok := errors.AsType[*igd.NoGatewayError](err)
		if !ok || !errors.Is(err, igd.ErrNoGateway) || len(none.Interfaces) != 1 {
			h.Errorf("%v", err)
		}
		if took := time.Since(began); took > 10*time.Second {
			h.Errorf("took %v to say so", took)
		}
	})
}

func TestNoNetwork(t *testing.T) {
	inHouse(t, func(h house) {
		c := &igd.Client{Network: h.memory.Host("lonely")}
		began := time.Now()
		if _, err := c.Discover(h.Context()); !errors.Is(err, igd.ErrNoGateway) || !strings.Contains(err.Error(), "no usable network interface") {
			h.Errorf("%v", err)
		}
		if took := time.Since(began); took > time.Second {
			h.Errorf("waited %v for nobody", took)
		}
	})
}

func TestDiscoverHeedsContext(t *testing.T) {
	inHouse(t, func(h house) {
		ctx, cancel := context.WithCancel(h.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		began := time.Now()
		if _, err := h.client("192.168.1.1").Discover(ctx); !errors.Is(err, context.Canceled) {
			h.Errorf("%v", err)
		}
		if took := time.Since(began); took > 100*time.Millisecond {
			h.Errorf("went on until %v", took)
		}
	})
}

// TestStaleMemory: a remembered location where nobody answers any more costs nothing.
func TestStaleMemory(t *testing.T) {
	inHouse(t, func(h house) {
		h.router("192.168.1.1", emulator.Profile{})
		c := h.client("192.168.1.1")
		m := &memory{kept: map[string]igd.Remembered{}}
		c.Memory = m
		first, err := c.Discover(h.Context())
		if err != nil {
			h.Fatal(err)
		}
		for key, r := range m.kept {
			r.Location = "http://192.168.1.1:1/gone.xml"
			m.kept[key] = r
		}
		began := time.Now()
		again, err := c.Discover(h.Context())
		if err != nil || again.Location() != first.Location() || time.Since(began) > time.Second {
			h.Errorf("%v after %v", err, time.Since(began))
		}
		for _, r := range m.kept {
			if r.Location != first.Location() {
				h.Errorf("remembered %s", r.Location)
			}
		}
	})
}

func TestAll(t *testing.T) {
	inHouse(t, func(h house) {
		h.router("192.168.1.1", emulator.Profile{Name: "home"})
		h.router("192.168.1.254", emulator.Profile{Name: "second"})
		var found []string
		for g, err := range h.client("192.168.1.1").All(h.Context()) {
			if err != nil {
				h.Error(err)
				continue
			}
			found = append(found, g.UDN())
		}
		if len(found) != 2 || found[0] == found[1] {
			h.Errorf("found %v", found)
		}
	})
}

func TestOpen(t *testing.T) {
	inHouse(t, func(h house) {
		h.router("192.168.1.1", emulator.Profile{Name: "home"})
		h.router("192.168.1.254", emulator.Profile{Name: "second", Device: igd.PPP})
		c := h.client("192.168.1.1")
		second, err := c.Open(h.Context(), "192.168.1.254")
		if err != nil {
			h.Fatal(err)
		}
		for _, target := range []string{second.Location(), second.UDN()} {
			g, err := c.Open(h.Context(), target)
			if err != nil || g.UDN() != second.UDN() || g.LocalAddr() != netip.MustParseAddr("192.168.1.7") {
				h.Errorf("%s: %v", target, err)
			}
		}
		for _, target := range []string{"garbage", "http://router.lan/root.xml", "ftp://192.168.1.1/"} {
			if _, err := c.Open(h.Context(), target); !errors.Is(err, igd.ErrTarget) {
				h.Errorf("%s: %v", target, err)
			}
		}
	})
}

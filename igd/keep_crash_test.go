package igd_test

import (
	"context"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/wire"
	"upnp/ssdp"
)

// A moment is what a crash would leave: a journal, and a router's table.
type moment struct {
	journal []byte
	table   []igd.Mapping
}

// moments runs a keeper from its start to its end and notes every moment before and after a call.
func moments(t *testing.T, p emulator.Profile, wishes []igd.Wish) (all []moment) {
	synctest.Test(t, func(t *testing.T) {
		w := newKeepWorld(t, false, wishes...)
		var mu sync.Mutex
		b := w.boot(p, homeRouter)
		note := func() {
			mu.Lock()
			defer mu.Unlock()
			data, _ := os.ReadFile(w.journal)
			all = append(all, moment{data, b.Table()})
		}
		b.SetQuirks(b.seen.quirk(), emulator.Quirk{Name: "moments", HTTP: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				note()
				next.ServeHTTP(rw, r)
				note()
			})
		}})
		w.start()
		w.within(10*time.Second, "open", w.allOpen)
		w.step(40 * time.Minute) // a renewal is in it
		w.end()
		note()
	})
	return all
}

// TestKeepCrash (F45): whenever a keeper is killed, the next one leaves no orphan and makes no
// second mapping, whether it wants the same or something else.
func TestKeepCrash(t *testing.T) {
	for name, device := range map[string]igd.Device{"IGD1": igd.V1, "IGD2, any port": igd.V2} {
		wishes, others := wished(9542, 9543), wished(9600)
		if device == igd.V2 {
			wishes = anyPort(9542, 9543)
		}
		all := moments(t, emulator.Profile{Device: device}, wishes)
		seen := map[string]bool{}
		for i, m := range all {
			for what, next := range map[string][]igd.Wish{"the same": wishes, "something else": others} {
				key := what + string(m.journal)
				for _, entry := range m.table {
					key += entry.String()
				}
				if seen[key] {
					continue
				}
				seen[key] = true
				t.Run(name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { afterCrash(t, device, m, i, what, next) })
				})
			}
		}
		if len(seen) < 10 {
			t.Errorf("%s: only %d moments", name, len(seen))
		}
	}
}

func afterCrash(t *testing.T, device igd.Device, m moment, i int, what string, next []igd.Wish) {
	w := newKeepWorld(t, false, next...)
	w.boot(emulator.Profile{Device: device}, homeRouter)
	if err := w.boxes[0].Put(m.table...); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.journal, m.journal, 0o600); err != nil {
		t.Fatal(err)
	}
	w.start()
	w.within(10*time.Second, "open", w.allOpen)
	w.step(5 * time.Second)
	if n := len(w.boxes[0].Table()); n != len(next) {
		t.Errorf("moment %d, then %s: the router has %v", i, what, w.boxes[0].Table())
	}
	removedAtEnd(w)
}

// TestKeepEndsInOutage (F49): a keeper that ends while the router is away does so in time, and the
// next one removes what it left.
func TestKeepEndsInOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newKeepWorld(t, false, wished(9542, 9543)...)
		w.boot(emulator.Profile{}, homeRouter)
		w.start()
		w.within(10*time.Second, "open", w.allOpen)
		w.mem.LAN("").SetConditions(wire.Conditions{Cut: true})
		began := time.Now()
		w.end()
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("it took %v to end", took)
		}
		if n := igd.JournalSize(w.journal); n != 2 || w.told(igd.KeepLeft, "") != 2 {
			t.Errorf("%d entries are left in the journal", n)
		}
		w.mem.LAN("").SetConditions(wire.Conditions{})
		w.wishes = wished(9600)
		w.start()
		w.within(10*time.Second, "open", w.allOpen)
		if n := len(w.boxes[0].Table()); n != 1 {
			t.Errorf("the router has %v", w.boxes[0].Table())
		}
	})
}

// TestKeepOldRouterBack: what was left on a router that was replaced is removed when it returns.
func TestKeepOldRouterBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newKeepWorld(t, false, wished(9542)...)
		w.boot(emulator.Profile{}, homeRouter)
		w.start()
		w.within(10*time.Second, "open", w.allOpen)
		old := w.off()
		w.boot(emulator.Profile{Name: "other"}, homeRouter)
		w.within(15*time.Second, "open on the other", w.allOpen)
		w.end()
		if n := igd.JournalSize(w.journal); n != 1 {
			t.Errorf("%d entries in the journal, want that of the old router", n)
		}
		w.off()
		old.network.Link("eth0").SetPrefixes(homeRouter)
		w.serve(old)
		w.boxes = append(w.boxes, old)
		w.wishes = wished(9600)
		w.start()
		w.within(15*time.Second, "open on the old one", w.allOpen)
		if n := len(old.Table()); n != 1 {
			t.Errorf("the old router has %v", old.Table())
		}
		removedAtEnd(w)
	})
}

// TestKeepWaits (F52): without a router, next to nothing is sent; one that appears is found soon.
func TestKeepWaits(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newKeepWorld(t, deaf, wished(9542)...)
			c := &counted{Network: w.host}
			ctx, cancel := context.WithCancel(t.Context())
			k := igd.Keeper{Client: &igd.Client{Network: c}, Journal: w.journal, Events: w.heard}
			done := make(chan error)
			go func() { done <- k.Run(ctx, w.wishes...) }()
			time.Sleep(20 * time.Minute)
			before := c.count()
			time.Sleep(time.Hour)
			if n := c.count() - before; n > 125 {
				t.Errorf("%d packets in an hour", n)
			}
			w.boot(emulator.Profile{}, homeRouter)
			limit := 10 * time.Second
			if deaf {
				limit = 35 * time.Second
			}
			t.Logf("found after %v", w.within(limit, "open", w.allOpen))
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// A counted network counts the datagrams that are sent.
type counted struct {
	wire.Network
	mu sync.Mutex
	n  int
}

func (c *counted) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func (c *counted) ListenPacket(ctx context.Context, ifi ssdp.Interface, group netip.AddrPort) (ssdp.PacketConn, error) {
	conn, err := c.Network.ListenPacket(ctx, ifi, group)
	return countedConn{conn, c}, err
}

type countedConn struct {
	ssdp.PacketConn
	c *counted
}

func (c countedConn) WriteTo(b []byte, to netip.AddrPort) error {
	c.c.mu.Lock()
	c.c.n++
	c.c.mu.Unlock()
	return c.PacketConn.WriteTo(b, to)
}

package igd_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/wire"
)

// A watchman keeps pinholes on a street and writes down what it is told.
type watchman struct {
	*street
	host   *wire.Host
	ledger igd.Ledger

	mu   sync.Mutex
	told []string
}

// watch runs a keeper of pinholes until the function it returns is called.
func (v *street) watch(holes ...igd.Pinhole) (w *watchman, stop func()) {
	w = &watchman{street: v, host: v.host("client", "7")}
	k := igd.Keeper{Client: &igd.Client{Network: w.host}, Pinholes: holes, Ledger: &w.ledger, Events: func(e igd.KeepEvent) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if e.Pinhole != nil {
			w.told = append(w.told, string(e.Kind)+" "+e.Pinhole.InternalClient.String())
		}
	}}
	ctx, cancel := context.WithCancel(v.Context())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	return w, func() {
		cancel()
		if err := <-done; err != nil {
			v.Error(err)
		}
	}
}

func (w *watchman) saw(kinds ...string) {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if got := strings.Join(w.told, ", "); got != strings.Join(kinds, ", ") {
		w.Errorf("told %s, want %s", got, strings.Join(kinds, ", "))
	}
	w.told = nil
}

// clients are the addresses that the firewall is open for.
func (v *street) clients() (all []string) {
	for _, p := range v.router.Pinholes() {
		all = append(all, p.InternalClient.String())
	}
	slices.Sort(all)
	return all
}

func wantHole() igd.Pinhole { return igd.Pinhole{InternalPort: 8080} }

func TestKeepPinhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newStreet(t, igd.Server{})
		w, stop := v.watch(wantHole())
		time.Sleep(10 * time.Second)
		w.saw("open fd00::7")
		time.Sleep(30 * time.Minute)
		w.saw("renewed fd00::7")
		if r := w.ledger.Records(); len(r) != 1 || time.Until(r[0].Ends) < 55*time.Minute {
			t.Errorf("the ledger holds %+v", r)
		}
		time.Sleep(5 * time.Hour)
		if got := v.clients(); !slices.Equal(got, []string{"fd00::7"}) {
			t.Errorf("open for %v", got)
		}
		stop()
		if len(v.clients()) != 0 || len(w.ledger.Records()) != 0 {
			t.Errorf("after the end open for %v, the ledger holds %v", v.clients(), w.ledger.Records())
		}
	})
}

// A pinhole that vanishes, alone or with the router, is made again.
func TestKeepPinholeThroughLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newStreet(t, igd.Server{})
		w, stop := v.watch(wantHole())
		defer stop()
		time.Sleep(10 * time.Second)
		for id := range v.router.Pinholes() {
			_ = v.router.DeletePinhole(t.Context(), id)
		}
		time.Sleep(40 * time.Second)
		w.saw("open fd00::7", "lost fd00::7", "open fd00::7")
		v.router.Reboot()
		time.Sleep(40 * time.Second)
		if got := v.clients(); !slices.Equal(got, []string{"fd00::7"}) {
			t.Errorf("after a reboot open for %v", got)
		}
	})
}

// A host whose IPv6 address changes gets a pinhole for the new one within ten seconds, and the old
// one is closed.
func TestKeepPinholeFollowsTheAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newStreet(t, igd.Server{})
		w, stop := v.watch(wantHole())
		defer stop()
		time.Sleep(10 * time.Second)
		fresh := netip.MustParsePrefix("fd00::abcd/64")
		w.host.Link("eth0").SetPrefixes(netip.MustParsePrefix("192.168.1.7/24"), netip.MustParsePrefix("fe80::7/64"), fresh, netip.MustParsePrefix("fd00::7/64"))
		time.Sleep(10 * time.Second)
		if got := v.clients(); !slices.Equal(got, []string{"fd00::abcd"}) {
			t.Errorf("open for %v", got)
		}
		w.saw("open fd00::7", "open fd00::abcd", "removed fd00::7")
	})
}

func TestKeepPinholeRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, err := emulator.Lookup("pinholes-off")
		if err != nil {
			t.Fatal(err)
		}
		v := newStreet(t, igd.Server{}, q)
		w, stop := v.watch(wantHole())
		time.Sleep(time.Minute)
		w.saw("refused fd00::7")
		v.router.SetQuirks()
		time.Sleep(10 * time.Minute)
		w.saw("open fd00::7")
		stop()
		w.saw("removed fd00::7")
	})
}

func TestKeepPinholesChecked(t *testing.T) {
	for name, holes := range map[string][]igd.Pinhole{
		"twice": {wantHole(), wantHole()}, "no port": {{}}, "two days": {{InternalPort: 80, Lease: 48 * time.Hour}},
	} {
		k := igd.Keeper{Client: &igd.Client{Network: wire.NewMemory().Host("alone")}, Pinholes: holes}
		if err := k.Run(t.Context()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

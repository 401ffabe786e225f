package igd_test

import (
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/igdtest"
)

// inBubble runs a test with a router that has the named quirks, in virtual time.
func inBubble(t *testing.T, device igd.Device, quirks []string, f func(*testing.T, *emulator.Router, *igd.Gateway)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := emulator.Profile{Device: device}
		for _, name := range quirks {
			q, err := emulator.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			p.Quirks = append(p.Quirks, q)
		}
		router, gateway := igdtest.Start(t, p)
		f(t, router, gateway)
	})
}

func whats(g igd.Grant) (tried []string) {
	for _, r := range g.Tried {
		tried = append(tried, r.What+": "+r.Answer)
	}
	return tried
}

// TestLadder holds which rungs a wish climbs, and what the grant says of what the router made
// of it.
func TestLadder(t *testing.T) {
	for _, row := range []struct {
		name   string
		quirks []string
		change func(*igd.Wish)
		tried  []string
		notes  []string
	}{
		{"by the book", nil, nil, []string{"as asked: accepted"}, []string{}},
		{"725", []string{"only-permanent-leases"}, nil,
			[]string{"as asked: 725 OnlyPermanentLeasesSupported", "permanent, without a lease: accepted"},
			[]string{"permanent: the gateway keeps no lease; remove the mapping when done"}},
		{"402 to a lease", []string{"lease-402"}, func(w *igd.Wish) { w.Lease = 2 * time.Hour },
			[]string{"as asked: 402 Invalid Args", "lease 1h: 402 Invalid Args", "permanent, without a lease: accepted"},
			[]string{"permanent: the gateway keeps no lease; remove the mapping when done"}},
		{"402 to no lease", []string{"no-permanent-leases"}, func(w *igd.Wish) { w.Lease = 0 },
			[]string{"as asked: 402 Invalid Args", "lease 1h: accepted"},
			[]string{"not permanent: the gateway gives a lease of 1h"}},
		{"no description", []string{"empty-description-402"}, func(w *igd.Wish) { w.Description, w.Lease = "", 0 },
			[]string{"as asked: 402 Invalid Args", "lease 1h: 402 Invalid Args", "lease 168h: 402 Invalid Args", `description "upnp": accepted`},
			[]string{`description changed to "upnp"`}},
		{"cut description", []string{"description-cut"}, nil, []string{"as asked: accepted"}, []string{`description cut to "a game's se"`}},
		{"a day, whatever is asked", []string{"lease-always-86400"}, nil, []string{"as asked: accepted"},
			[]string{"lease of 24h instead of 1h"}},
		{"disabled ignored", []string{"enabled-ignored"}, func(w *igd.Wish) { w.Disabled = true },
			[]string{"as asked: accepted"}, []string{"asked for disabled, told back as enabled"}},
		{"cut off after the work", []string{"eof-after-work"}, nil, nil, []string{}},
		{"another port will do", []string{"first-port-718"}, func(w *igd.Wish) { w.AnyPort = true },
			[]string{"as asked: 718 ConflictInMappingEntry", "external port 9543: accepted"},
			[]string{"external port 9543 instead of 9542"}},
		{"same port, another will do", []string{"same-port-required"}, func(w *igd.Wish) { w.AnyPort, w.InternalPort = true, 8080 },
			[]string{"as asked: 724 SamePortValuesRequired", "external port 8080: accepted"},
			[]string{"external port 8080 instead of 9542"}},
		{"remote host not limited", []string{"remote-host-wildcard-only"}, func(w *igd.Wish) { w.RemoteHost = "8.8.8.8" },
			[]string{"as asked: 726 RemoteHostOnlySupportsWildcard", "open to every remote host: accepted"},
			[]string{"the gateway cannot limit a mapping to 8.8.8.8; it is open to everybody", `remote host told back as "" instead of "8.8.8.8"`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			inBubble(t, igd.V1, row.quirks, func(t *testing.T, r *emulator.Router, g *igd.Gateway) {
				w := wish(9542)
				if row.change != nil {
					row.change(&w)
				}
				grant, err := g.Map(t.Context(), w)
				if wider := w.RemoteHost != ""; err != nil || grant.Verified == wider {
					t.Fatalf("%+v, %v", grant, err)
				}
				if diff := cmp.Diff(row.tried, whats(grant)); row.tried != nil && diff != "" {
					t.Error("tried", diff)
				}
				if diff := cmp.Diff(row.notes, grant.Notes); diff != "" {
					t.Error("notes", diff)
				}
				if table := r.Table(); len(table) != 1 {
					t.Errorf("the router has %v", table)
				}
			})
		})
	}
}

// memory is an igd.Memory for one test.
type memory struct {
	mu   sync.Mutex
	kept map[string]igd.Remembered
}

func (m *memory) Load(key string) (igd.Remembered, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.kept[key]
	return r, ok
}

func (m *memory) Store(key string, r igd.Remembered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept[key] = r
}

// TestMemory: what a router took is asked for at once the next time, by another client too, and
// the router is found without a search.
func TestMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, _ := emulator.Lookup("only-permanent-leases")
		_, client := igdtest.Router(t, emulator.Profile{Quirks: []emulator.Quirk{q}})
		client.Memory = &memory{kept: map[string]igd.Remembered{}}
		for i, want := range []int{2, 1} {
			began := time.Now()
			g, err := client.Discover(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); i == 1 && took != 0 {
				t.Errorf("a remembered router was found after %v", took)
			}
			grant, err := g.Map(t.Context(), wish(uint16(9542+i)))
			if err != nil || len(grant.Tried) != want || grant.Mapping.Lease != 0 {
				t.Errorf("client %d: %+v, %v; want %d rungs", i, grant, err, want)
			}
		}
	})
}

func TestForeignMappingIsNotTouched(t *testing.T) {
	inBubble(t, igd.V1, []string{"anyone"}, func(t *testing.T, r *emulator.Router, g *igd.Gateway) {
		theirs := igd.Mapping{MappingKey: wish(9542).MappingKey, InternalClient: netip.MustParseAddr("192.168.1.99"), InternalPort: 80}
		if err := r.AddMapping(t.Context(), theirs); err != nil {
			t.Fatal(err)
		}
		grant, err := g.Map(t.Context(), wish(9542))
		held, ok := errors.AsType[*igd.HeldError](err)
		if !ok || !errors.Is(err, igd.ErrConflict) || held.Holder.InternalClient != theirs.InternalClient {
			t.Errorf("%+v, %v", grant, err)
		}
		w := wish(9542)
		w.AnyPort = true
		if grant, err = g.Map(t.Context(), w); err != nil || grant.Mapping.ExternalPort != 9543 {
			t.Errorf("%+v, %v", grant, err)
		}
		if now, err := r.Mapping(t.Context(), theirs.MappingKey); err != nil || now != theirs {
			t.Errorf("their mapping is %v, %v", now, err)
		}
	})
}

// TestOverwriteIgnored: a router that accepts a change of a mapping and keeps the old one is made
// to change it, and if it cannot be, the old one is still there.
func TestOverwriteIgnored(t *testing.T) {
	inBubble(t, igd.V1, []string{"renewal-ignored"}, func(t *testing.T, r *emulator.Router, g *igd.Gateway) {
		for _, internal := range []uint16{8080, 9090} {
			w := wish(9542)
			w.InternalPort = internal
			grant, err := g.Map(t.Context(), w)
			if err != nil || !grant.Verified || grant.Mapping.InternalPort != internal {
				t.Errorf("to %d: %+v, %v", internal, grant, err)
			}
		}
		if len(r.Table()) != 1 {
			t.Errorf("the router has %v", r.Table())
		}
	})
}

func TestAnyPortOnVersion2(t *testing.T) {
	inBubble(t, igd.V2, []string{"anyone"}, func(t *testing.T, r *emulator.Router, g *igd.Gateway) {
		w := wish(9542)
		w.AnyPort = true
		grant, err := g.Map(t.Context(), w)
		if err != nil || !grant.Verified || grant.Mapping.ExternalPort != 9542 || len(r.Table()) != 1 {
			t.Errorf("%+v, %v", grant, err)
		}
	})
}

func TestWishesNotSent(t *testing.T) {
	inBubble(t, igd.V1, nil, func(t *testing.T, r *emulator.Router, g *igd.Gateway) {
		if _, err := g.Map(t.Context(), wish(0)); !errors.Is(err, igd.ErrWildcardPort) {
			t.Errorf("port 0: %v", err)
		}
		w := wish(9542)
		w.InternalClient = netip.MustParseAddr("192.168.1.99")
		if _, err := g.Map(t.Context(), w); !errors.Is(err, igd.ErrForeignClient) {
			t.Errorf("another host: %v", err)
		}
		if len(r.Table()) != 0 {
			t.Errorf("the router has %v", r.Table())
		}
	})
}

// TestDoubleNAT: a router that maps nothing for want of a public address is told from one that
// refuses.
func TestDoubleNAT(t *testing.T) {
	inBubble(t, igd.V1, []string{"private-external"}, func(t *testing.T, r *emulator.Router, g *igd.Gateway) {
		// This router maps all the same: no error, and the address tells.
		if grant, err := g.Map(t.Context(), wish(9542)); err != nil || !grant.Verified {
			t.Errorf("%+v, %v", grant, err)
		}
		if addr, ok := g.External(); !ok || igd.ClassOf(addr) != igd.Private {
			t.Errorf("external address %v, %v", addr, ok)
		}
	})
}

func TestEdit(t *testing.T) {
	inBubble(t, igd.V1, nil, func(t *testing.T, r *emulator.Router, g *igd.Gateway) {
		if _, err := g.Map(t.Context(), wish(9542)); err != nil {
			t.Fatal(err)
		}
		internal, text, off := uint16(8080), "renamed", true
		before, grant, err := g.Edit(t.Context(), wish(9542).MappingKey, igd.Revision{InternalPort: &internal, Description: &text, Disabled: &off})
		now := grant.Mapping
		if err != nil || before.InternalPort != 9542 || now.InternalPort != 8080 || now.Description != text || !now.Disabled || now.ExternalPort != 9542 {
			t.Errorf("before %v, %+v, %v", before, grant, err)
		}
		if len(r.Table()) != 1 {
			t.Errorf("the router has %v", r.Table())
		}
	})
}

// TestEditNeverLoses: whatever is refused, the mapping that was there is there afterwards.
func TestEditNeverLoses(t *testing.T) {
	taken := igd.Mapping{MappingKey: wish(9600).MappingKey, InternalClient: netip.MustParseAddr("192.168.1.99"), InternalPort: 9600}
	neighbour := netip.MustParseAddr("192.168.1.98")
	to, privileged, internal := uint16(9600), uint16(80), uint16(8080)
	for _, row := range []struct {
		name   string
		quirks []string
		r      igd.Revision
	}{
		{"port of another host", []string{"anyone"}, igd.Revision{ExternalPort: &to}},
		{"port that is refused", []string{"privileged-606"}, igd.Revision{ExternalPort: &privileged}},
		{"client that is refused", []string{"foreign-606"}, igd.Revision{InternalClient: &neighbour, Foreign: true}},
		{"client that is ignored", []string{"foreign-silent"}, igd.Revision{InternalClient: &neighbour, Foreign: true}},
		{"same port required", []string{"same-port-required"}, igd.Revision{InternalPort: &internal}},
		{"same port forced", []string{"same-port-forced"}, igd.Revision{InternalPort: &internal}},
		{"another client without leave", nil, igd.Revision{InternalClient: &neighbour}},
	} {
		t.Run(row.name, func(t *testing.T) {
			inBubble(t, igd.V1, row.quirks, func(t *testing.T, r *emulator.Router, g *igd.Gateway) {
				if err := r.AddMapping(t.Context(), taken); err != nil {
					t.Fatal(err)
				}
				if _, err := g.Map(t.Context(), wish(9542)); err != nil {
					t.Fatal(err)
				}
				_, grant, err := g.Edit(t.Context(), wish(9542).MappingKey, row.r)
				if err == nil && grant.Verified {
					t.Fatalf("the edit went through: %+v", grant)
				}
				now, missing := r.Mapping(t.Context(), wish(9542).MappingKey)
				if missing != nil || now.InternalPort != 9542 || now.InternalClient != g.LocalAddr() {
					t.Errorf("after %v the mapping is %v, %v; %+v", err, now, missing, grant)
				}
				if held, err := r.Mapping(t.Context(), taken.MappingKey); err != nil || held != taken {
					t.Errorf("the other host's is %v, %v", held, err)
				}
			})
		})
	}
}

// TestEditTakesNoOwnPort: moving a mapping onto another one of this host would leave one less.
func TestEditTakesNoOwnPort(t *testing.T) {
	for _, v := range []igd.Device{igd.V1, igd.V2} {
		inBubble(t, v, nil, func(t *testing.T, r *emulator.Router, g *igd.Gateway) {
			for _, port := range []uint16{9542, 9600} {
				if _, err := g.Map(t.Context(), wish(port)); err != nil {
					t.Fatal(err)
				}
			}
			to := uint16(9600)
			_, _, err := g.Edit(t.Context(), wish(9542).MappingKey, igd.Revision{ExternalPort: &to})
			if held, ok := errors.AsType[*igd.HeldError](err); !ok || held.Holder.ExternalPort != to || len(r.Table()) != 2 {
				t.Errorf("%v; the router has %v", err, r.Table())
			}
		})
	}
}

func TestRemove(t *testing.T) {
	inBubble(t, igd.V2, []string{"anyone"}, func(t *testing.T, r *emulator.Router, g *igd.Gateway) {
		limited := igd.Mapping{MappingKey: igd.MappingKey{RemoteHost: "8.8.8.8", ExternalPort: 9542, Protocol: igd.TCP}, InternalClient: g.LocalAddr(), InternalPort: 80, Lease: time.Hour}
		if err := g.AddMapping(t.Context(), limited); err != nil {
			t.Fatal(err)
		}
		before, err := g.Remove(t.Context(), wish(9542).MappingKey)
		if err != nil || before.RemoteHost != "8.8.8.8" || len(r.Table()) != 0 {
			t.Errorf("removed %+v, %v; the router has %v", before, err, r.Table())
		}
		if _, err := g.Remove(t.Context(), wish(9542).MappingKey); !errors.Is(err, igd.ErrNoSuchEntry) {
			t.Errorf("nothing to remove: %v", err)
		}
	})
}

// TestOpError: errors of a gateway always say what was called where.
func TestOpError(t *testing.T) {
	inBubble(t, igd.V1, nil, func(t *testing.T, r *emulator.Router, g *igd.Gateway) {
		_, err := g.Mapping(t.Context(), wish(1).MappingKey)
		op, ok := errors.AsType[*igd.OpError](err)
		if !ok || op.Op != "GetSpecificPortMappingEntry" || op.Gateway != "192.168.1.1" || !errors.Is(err, igd.ErrNoSuchEntry) {
			t.Errorf("%#v", err)
		}
		if !strings.HasPrefix(err.Error(), "igd: GetSpecificPortMappingEntry at 192.168.1.1: 714") {
			t.Error(err)
		}
	})
}

package igd_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/igdtest"
)

// verdict is what the four verbs came to on one router.
type verdict struct {
	found   error
	add     error
	shown   bool // verified after add
	listed  bool
	edit    error
	moved   bool // listed at the new port only
	remove  error
	removed bool
}

// wish is what the verbs are tried with.
func wish(port uint16) igd.Wish {
	m := igd.Mapping{Description: "a game's server", Lease: time.Hour}
	m.ExternalPort, m.Protocol = port, igd.TCP
	return igd.Wish{Mapping: m}
}

func exercise(t *testing.T, client *igd.Client) (v verdict) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var g *igd.Gateway
	if g, v.found = client.Discover(ctx); v.found != nil {
		t.Log(v.found)
		return v
	}
	w := wish(9542)
	grant, err := g.Map(ctx, w)
	v.add, v.shown = err, grant.Verified
	v.listed = lists(t, g, 9542)
	to := uint16(9600)
	_, _, v.edit = g.Edit(ctx, w.MappingKey, igd.Revision{ExternalPort: &to})
	v.moved = lists(t, g, to) && !lists(t, g, 9542)
	w.ExternalPort = to
	_, v.remove = g.Remove(ctx, w.MappingKey)
	v.removed = !lists(t, g, to)
	return v
}

func lists(t *testing.T, g *igd.Gateway, port uint16) (found bool) {
	for m, err := range igd.Mappings(t.Context(), g) {
		if err != nil {
			t.Errorf("list: %v", err)
		}
		found = found || m.ExternalPort == port && m.InternalClient == g.LocalAddr()
	}
	return found
}

// refused are the quirks that make a verb impossible, with what has to come instead. With every
// other quirk all verbs do what they are asked.
var refused = map[string]func(verdict) bool{
	"ok-but-nothing-done": func(v verdict) bool {
		return v.add == nil && !v.shown && !v.listed && errors.Is(v.edit, igd.ErrNoSuchEntry)
	},
	"same-port-required": func(v verdict) bool {
		return v.shown && errors.Is(v.edit, igd.ErrSamePortRequired) && !v.moved
	},
	"same-port-forced": func(v verdict) bool {
		return v.shown && errors.Is(v.edit, igd.ErrSamePortRequired) && !v.moved && v.removed
	},
	"first-port-718": func(v verdict) bool { return errors.Is(v.add, igd.ErrConflict) && !v.listed },
	"html-login-page": func(v verdict) bool {
		return errors.Is(v.found, igd.ErrNoGateway) && strings.Contains(v.found.Error(), "HTML")
	},
}

func TestVerbsWithQuirks(t *testing.T) {
	for _, q := range emulator.Quirks() {
		t.Run(q.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, client := igdtest.Router(t, emulator.Profile{Device: igd.V1, Quirks: []emulator.Quirk{q}})
				v := exercise(t, client)
				if expected, ok := refused[q.Name]; ok {
					if !expected(v) {
						t.Errorf("%+v", v)
					}
					return
				}
				if v != (verdict{shown: true, listed: true, moved: true, removed: true}) {
					t.Errorf("%+v", v)
				}
			})
		})
	}
}

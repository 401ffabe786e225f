package web

import (
	"net/http"
	"slices"
	"time"

	"upnp/igd"
)

// Drift is the difference between what was made here and what the gateway still has.
type drift struct {
	hub  *hub
	kept func(id string) bool // mappings that are kept come back by themselves

	// Under the hub's lock:
	made    map[string]made
	missing []adrift
}

// made is a mapping made here.
type made struct {
	asked   igd.Mapping // what was wished for
	granted row
}

// adrift is one that the gateway has no more.
type adrift struct {
	row
	Reason string    `json:"reason"` // expired, missing, changed
	Since  time.Time `json:"since"`
}

type driftLine struct {
	Type     string   `json:"type"`
	Mappings []adrift `json:"mappings"`
}

func newDrift(h *hub, kept func(string) bool) *drift {
	return &drift{hub: h, kept: kept, made: map[string]made{}}
}

func (d *drift) present() []any { return []any{d.line()} }

func (d *drift) line() any { return driftLine{"drift", list(d.missing)} }

// compare finds what is missing from the table; it reports whether that is other than before.
// The hub's lock is held.
func (d *drift) compare(t *table) bool {
	if t.state != "ready" {
		return false
	}
	var now []adrift
	for id, m := range d.made {
		have, there := t.rows[id]
		switch {
		case !there && d.kept(id):
		case !there && m.granted.Expires != nil && time.Until(*m.granted.Expires) <= time.Second:
			now = append(now, adrift{m.granted, "expired", *m.granted.Expires})
		case !there:
			now = append(now, adrift{m.granted, "missing", time.Now()})
		case have.InternalClient != m.granted.InternalClient || have.InternalPort != m.granted.InternalPort:
			now = append(now, adrift{m.granted, "changed", time.Now()})
		default:
			m.granted = have // whoever renewed it
			d.made[id] = m
		}
	}
	slices.SortFunc(now, func(a, b adrift) int { return int(a.ExternalPort) - int(b.ExternalPort) })
	same := slices.EqualFunc(d.missing, now, func(a, b adrift) bool { return a.ID == b.ID && a.Reason == b.Reason })
	if !same {
		d.missing = now
	}
	return !same
}

// learn remembers what was made. The hub's lock is held.
func (d *drift) learn(asked igd.Mapping, granted row) { d.made[granted.ID] = made{asked, granted} }

// lose forgets what was removed on purpose. The hub's lock is held.
func (d *drift) lose(id string) { delete(d.made, id) }

// chosen are the drifting mappings of those ids, or all.
func (d *drift) chosen(ids []string) []adrift {
	d.hub.mu.Lock()
	defer d.hub.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(d.missing), func(a adrift) bool {
		return len(ids) > 0 && !slices.Contains(ids, a.ID)
	})
}

// forget is POST /api/drift/forget.
func (d *drift) forget(r *http.Request) (any, error) {
	q, err := read[chosenIDs](r)
	if err != nil {
		return nil, err
	}
	gone := d.chosen(q.IDs)
	d.hub.update(func() []any {
		for _, a := range gone {
			d.lose(a.ID)
			d.missing = slices.DeleteFunc(slices.Clone(d.missing), func(o adrift) bool { return o.ID == a.ID })
		}
		return []any{d.line()}
	})
	return done{}, nil
}

type chosenIDs struct {
	IDs []string `json:"ids"`
}

// wishes ask again for what is adrift, as it was granted: it worked then.
func (d *drift) wishes(ids []string) []igd.Wish {
	var all []igd.Wish
	for _, a := range d.chosen(ids) {
		d.hub.mu.Lock()
		m := d.made[a.ID]
		d.hub.mu.Unlock()
		w := igd.Wish{Mapping: m.granted.mapping, Foreign: !a.Mine}
		w.Lease = m.asked.Lease
		all = append(all, w)
	}
	return all
}

// leaseOf is the lease a mapping was asked for, or the usual one if it was made elsewhere.
func (d *drift) leaseOf(r row) time.Duration {
	d.hub.mu.Lock()
	defer d.hub.mu.Unlock()
	if m, here := d.made[r.ID]; here && m.asked.Lease > 0 {
		return m.asked.Lease
	}
	if r.mapping.Lease == 0 {
		return 0
	}
	return defaultLease
}

package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"

	"upnp/igd"
)

// A gatewayWork is work of a job that needs the gateway.
type gatewayWork func(ctx context.Context, gw *igd.Gateway, j *job) error

// atGateway begins a job of the router's lane with the gateway there is.
func (p *page) atGateway(verb, what string, total int, work gatewayWork) (any, error) {
	if p.finder.gateway() == nil {
		return nil, errNoGateway
	}
	return p.jobs.start(routerLane, verb, what, total, func(ctx context.Context, j *job) error {
		gw := p.finder.gateway()
		if gw == nil {
			return errNoGateway
		}
		return work(ctx, gw, j)
	})
}

func (p *page) refresh(*http.Request) (any, error) {
	return p.atGateway("refresh", "the table", 2, func(ctx context.Context, _ *igd.Gateway, j *job) error {
		p.hub.mu.Lock()
		v := p.finder.visit
		p.hub.mu.Unlock()
		return v.refresh(ctx, j)
	})
}

// add is POST /api/mappings/add.
func (p *page) add(r *http.Request) (any, error) {
	orders, err := readOrders(r)
	if err != nil {
		return nil, err
	}
	groups := make([][]igd.Wish, len(orders))
	for i, o := range orders {
		if groups[i], err = p.wishes(o); err != nil {
			return nil, err
		}
	}
	all := slices.Concat(groups...)
	if err := distinct(all); err != nil {
		return nil, err
	}
	return p.atGateway("add", whatOf(all), len(all), func(ctx context.Context, gw *igd.Gateway, j *job) error {
		for i, wishes := range groups {
			if err := p.open(ctx, gw, j, wishes); err != nil {
				return err
			}
			if orders[i].Keep {
				p.holding.add(ctx, j.open(wishes)...)
			}
		}
		return nil
	})
}

// readOrders reads one order, or several.
func readOrders(r *http.Request) ([]order, error) {
	q, err := read[struct {
		order
		Mappings []order `json:"mappings"`
	}](r)
	if err != nil || len(q.Mappings) > 0 {
		return q.Mappings, err
	}
	return []order{q.order}, nil
}

// open are those of the wishes that were granted, as they were.
func (j *job) open(wishes []igd.Wish) []igd.Wish {
	var all []igd.Wish
	for _, r := range j.results {
		for _, w := range wishes {
			if r.Error == nil && r.Outcome != "unverified" && r.Grant.Asked.MappingKey == w.MappingKey {
				w.MappingKey = r.Grant.Mapping.MappingKey
				all = append(all, w)
			}
		}
	}
	return all
}

func distinct(wishes []igd.Wish) error {
	seen := map[igd.MappingKey]bool{}
	for _, w := range wishes {
		if seen[w.MappingKey] {
			return usage("mappings", "%s is asked for twice", w.MappingKey)
		}
		seen[w.MappingKey] = true
	}
	if len(wishes) > maxWishes {
		return usage("mappings", "%d mappings at once; %d at most", len(wishes), maxWishes)
	}
	return nil
}

// whatOf names some mappings in a word or two.
func whatOf(wishes []igd.Wish) string {
	if len(wishes) == 1 {
		return wishes[0].MappingKey.String()
	}
	return count(len(wishes), "mapping")
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// open grants wishes one by one. A refusal of one keeps none of the others from being tried.
func (p *page) open(ctx context.Context, gw *igd.Gateway, j *job, wishes []igd.Wish) error {
	for _, w := range wishes {
		j.step(len(j.results), "opening "+w.MappingKey.String())
		grant, err := gw.Map(ctx, w)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		j.add(p.granted(w.Mapping, nil, grant, err))
	}
	return nil
}

// granted shows what came of a wish, in the table too.
func (p *page) granted(asked igd.Mapping, before *igd.Mapping, grant igd.Grant, err error) result {
	r := result{ID: idOf(asked.MappingKey), Before: before, Grant: &grant, Outcome: "open", Error: explain(err)}
	switch {
	case err != nil && r.Error.Kind == "refused":
		r.Outcome = "refused"
		return r
	case err != nil:
		r.Outcome = "failed"
		return r
	case !grant.Verified:
		r.Outcome = "unverified"
		return r
	case before != nil:
		r.Outcome = "changed"
	}
	r.ID = idOf(grant.Mapping.MappingKey)
	p.noteGrant(asked, before, grant)
	return r
}

// noteGrant puts what was granted into the table and remembers it as made here.
func (p *page) noteGrant(asked igd.Mapping, before *igd.Mapping, grant igd.Grant) {
	c := igd.Change{Added: []igd.Mapping{grant.Mapping}}
	if before != nil && before.MappingKey != grant.Mapping.MappingKey {
		c.Removed = []igd.Mapping{*before}
	}
	own := p.own()
	p.hub.update(func() []any {
		if before != nil {
			p.drift.lose(idOf(before.MappingKey))
		}
		p.drift.learn(asked, newRow(grant.Mapping, own))
		return p.ownChange(c, own)
	})
}

// ownChange applies what a job did. The hub's lock is held.
func (p *page) ownChange(c igd.Change, addrs []netip.Addr) []any {
	t := p.table
	if t.reading > 0 {
		t.missed = append(t.missed, c)
	}
	var own []any
	added, removed := t.apply(c, addrs)
	if len(added)+len(removed) > 0 {
		own = append(own, t.mappingsLine(added, removed, "own"))
	}
	if p.drift.compare(t) {
		own = append(own, p.drift.line())
	}
	return own
}

// remove is POST /api/mappings/delete.
func (p *page) remove(r *http.Request) (any, error) {
	rows, _, err := p.chosen(r)
	if err != nil {
		return nil, err
	}
	return p.atGateway("delete", whatRows(rows), len(rows), func(ctx context.Context, gw *igd.Gateway, j *job) error {
		for _, row := range rows {
			if err := p.closeRow(ctx, gw, j, row); err != nil {
				return err
			}
		}
		return nil
	})
}

// closeRow removes one mapping, and stops keeping it first. The error is that of ctx.
func (p *page) closeRow(ctx context.Context, gw *igd.Gateway, j *job, row row) error {
	j.step(len(j.results), "closing "+row.ID)
	p.holding.drop(ctx, row.ID)
	before, err := gw.Remove(ctx, row.mapping.MappingKey)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	j.add(p.removed(row, before, err))
	return nil
}

func (p *page) removed(r row, before igd.Mapping, err error) result {
	res := result{ID: r.ID, Outcome: "removed", Before: &before}
	switch {
	case errors.Is(err, igd.ErrNoSuchEntry): // it ended by itself in between
		res.Before = &r.mapping
	case err != nil:
		res.Outcome, res.Error, res.Before = "failed", explain(err), &r.mapping
		if res.Error.Kind == "refused" {
			res.Outcome = "refused"
		}
		return res
	}
	p.hub.update(func() []any {
		p.drift.lose(r.ID)
		return p.ownChange(igd.Change{Removed: []igd.Mapping{r.mapping}}, nil)
	})
	return res
}

func whatRows(rows []row) string {
	if len(rows) == 1 {
		return rows[0].ID
	}
	return count(len(rows), "mapping")
}

// restore is POST /api/drift/restore.
func (p *page) restore(r *http.Request) (any, error) {
	q, err := read[chosenIDs](r)
	if err != nil {
		return nil, err
	}
	lost := p.drift.wishes(q.IDs)
	if len(lost) == 0 {
		return nil, notFound("nothing to restore")
	}
	return p.atGateway("restore", whatOf(lost), len(lost), func(ctx context.Context, gw *igd.Gateway, j *job) error {
		return p.open(ctx, gw, j, slices.Clone(lost))
	})
}

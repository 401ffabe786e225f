package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"time"

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
	q, err := read[struct {
		order
		Mappings []order `json:"mappings"`
	}](r)
	if err != nil {
		return nil, err
	}
	if len(q.Mappings) == 0 {
		q.Mappings = []order{q.order}
	}
	var groups [][]igd.Wish
	var all []igd.Wish
	for _, o := range q.Mappings {
		wishes, err := p.wishes(o)
		if err != nil {
			return nil, err
		}
		groups, all = append(groups, wishes), append(all, wishes...)
	}
	if err := distinct(all); err != nil {
		return nil, err
	}
	return p.atGateway("add", whatOf(all), len(all), func(ctx context.Context, gw *igd.Gateway, j *job) error {
		for i, wishes := range groups {
			if err := p.open(ctx, gw, j, wishes); err != nil {
				return err
			}
			if q.Mappings[i].Keep {
				p.holding.add(ctx, j.open(wishes)...)
			}
		}
		return nil
	})
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

type selection struct {
	IDs          []string `json:"ids"`
	Foreign      bool     `json:"foreign"`
	LeaseSeconds int64    `json:"leaseSeconds"`
}

// chosen are the rows a call is about. Those of other machines are refused unless they are meant.
func (p *page) chosen(r *http.Request) ([]row, selection, error) {
	q, err := read[selection](r)
	if err != nil {
		return nil, q, err
	}
	if len(q.IDs) == 0 {
		return nil, q, usage("ids", "no mapping is named")
	}
	rows, missing := p.table.find(q.IDs)
	if len(missing) > 0 {
		return nil, q, notFound("there is no mapping " + missing[0] + " any more")
	}
	for _, r := range rows {
		if !r.Mine && !q.Foreign {
			return nil, q, usage("foreign", "%s leads to another machine, %s", r.ID, r.InternalClient)
		}
	}
	return rows, q, nil
}

func (p *page) enable(r *http.Request) (any, error)  { return p.switchAll(r, "enable", false) }
func (p *page) disable(r *http.Request) (any, error) { return p.switchAll(r, "disable", true) }

// switchAll is POST /api/mappings/enable and disable.
func (p *page) switchAll(r *http.Request, verb string, disabled bool) (any, error) {
	rows, q, err := p.chosen(r)
	if err != nil {
		return nil, err
	}
	return p.revise(verb, rows, func(row) igd.Revision { return igd.Revision{Disabled: &disabled, Foreign: q.Foreign} })
}

// renew is POST /api/mappings/renew.
func (p *page) renew(r *http.Request) (any, error) {
	rows, q, err := p.chosen(r)
	if err != nil {
		return nil, err
	}
	if _, err := leaseOf(&q.LeaseSeconds); err != nil {
		return nil, err
	}
	return p.revise("renew", rows, func(row row) igd.Revision {
		lease := time.Duration(q.LeaseSeconds) * time.Second
		if lease == 0 {
			lease = p.drift.leaseOf(row)
		}
		return igd.Revision{Lease: &lease, Foreign: q.Foreign}
	})
}

// revise changes rows one by one.
func (p *page) revise(verb string, rows []row, revision func(row) igd.Revision) (any, error) {
	return p.atGateway(verb, whatRows(rows), len(rows), func(ctx context.Context, gw *igd.Gateway, j *job) error {
		for _, row := range rows {
			j.step(len(j.results), "changing "+row.ID)
			kept := p.holding.drop(ctx, row.ID)
			before, grant, err := gw.Edit(ctx, row.mapping.MappingKey, revision(row))
			if err == nil && len(kept) > 0 {
				kept[0].Mapping = grant.Mapping
				kept[0].Lease = grant.Asked.Lease
			}
			p.holding.add(ctx, kept...)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				before = row.left()
			}
			j.add(p.granted(grant.Asked, &before, grant, err).named(row.ID, err))
		}
		return nil
	})
}

// named gives a result that failed the name of the row it is about.
func (r result) named(id string, err error) result {
	if err != nil {
		r.ID = id
	}
	return r
}

// edit is POST /api/mappings/edit.
func (p *page) edit(r *http.Request) (any, error) {
	q, err := read[revisionOrder](r)
	if err != nil {
		return nil, err
	}
	rows, _ := p.table.find([]string{q.ID})
	if len(rows) == 0 {
		return nil, notFound("there is no mapping " + q.ID + " any more")
	}
	revision, err := p.revision(q)
	if err != nil {
		return nil, err
	}
	if !rows[0].Mine && !q.Foreign {
		return nil, usage("foreign", "%s leads to another machine, %s", q.ID, rows[0].InternalClient)
	}
	return p.revise("edit", rows, func(row) igd.Revision { return revision })
}

// A revisionOrder is what the page wants changed; what is not named stays.
type revisionOrder struct {
	ID             string  `json:"id"`
	ExternalPort   *int    `json:"externalPort"`
	InternalClient *string `json:"internalClient"`
	InternalPort   *int    `json:"internalPort"`
	Description    *string `json:"description"`
	LeaseSeconds   *int64  `json:"leaseSeconds"`
	Enabled        *bool   `json:"enabled"`
	Foreign        bool    `json:"foreign"`
	IKnow          bool    `json:"iKnow"`
}

func (p *page) revision(q revisionOrder) (igd.Revision, error) {
	v := igd.Revision{Description: q.Description, Foreign: q.Foreign}
	var err error
	if v.ExternalPort, err = portOf("externalPort", q.ExternalPort); err != nil {
		return v, err
	}
	if v.InternalPort, err = portOf("internalPort", q.InternalPort); err != nil {
		return v, err
	}
	if v.InternalPort != nil {
		if err := safe(*v.InternalPort, q.IKnow); err != nil {
			return v, err
		}
	}
	if q.InternalClient != nil {
		client, err := p.clientOf(*q.InternalClient, q.Foreign)
		if err != nil {
			return v, err
		}
		v.InternalClient = &client
	}
	if q.LeaseSeconds != nil {
		lease, err := leaseOf(q.LeaseSeconds)
		if err != nil {
			return v, err
		}
		v.Lease = &lease
	}
	if q.Enabled != nil {
		disabled := !*q.Enabled
		v.Disabled = &disabled
	}
	return v, nil
}

func portOf(field string, n *int) (*uint16, error) {
	if n == nil {
		return nil, nil
	}
	if *n < 1 || *n > 65535 {
		return nil, usage(field, "a port is a number from 1 to 65535")
	}
	port := uint16(*n)
	return &port, nil
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

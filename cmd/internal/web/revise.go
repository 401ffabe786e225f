package web

import (
	"context"
	"net/http"
	"time"

	"upnp/igd"
)

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
		return nil, q, goneMapping(missing[0])
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
		return nil, goneMapping(q.ID)
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
	if err := p.ports(q, &v); err != nil {
		return v, err
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

// ports takes over the ports of a revision.
func (p *page) ports(q revisionOrder, v *igd.Revision) (err error) {
	if v.ExternalPort, err = portOf("externalPort", q.ExternalPort); err != nil {
		return err
	}
	if v.InternalPort, err = portOf("internalPort", q.InternalPort); err != nil || v.InternalPort == nil {
		return err
	}
	return p.safe(*v.InternalPort, q.IKnow)
}

// portOf is a port from 1 to 65535, nil if it is not named.
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

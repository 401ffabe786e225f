package igd

import (
	"context"

	"upnp/soap"
)

// asked reads the range of an action and the backend that can do it; any other refuses with 602.
func (a *actor) asked(in soap.Args) (Range, RangeBackend, error) {
	r, err := readRange(in)
	if err != nil {
		return r, nil, err
	}
	b, ok := a.backend.(RangeBackend)
	if !ok {
		return r, nil, ErrOptionalActionNotImplemented
	}
	return r, b, nil
}

func (a *actor) list(ctx context.Context, in soap.Args) (soap.Args, error) {
	r, b, err := a.asked(in)
	if err != nil {
		return nil, err
	}
	found, err := a.inRange(ctx, b, r)
	if err == nil && len(found) == 0 {
		err = ErrPortMappingNotFound
	}
	return one("NewPortListing", portListing(found)), err
}

// inRange lists all of r and picks what the caller asked for: the backend does not know
// who calls. Without NewManage that is the caller's own (WANIPConnection:2 section 2.4.21).
func (a *actor) inRange(ctx context.Context, b RangeBackend, r Range) ([]Mapping, error) {
	limit := r.Max
	own := !r.All
	r.All, r.Max = true, 0
	all, err := b.ListMappings(ctx, r)
	if err != nil {
		return nil, err
	}
	var found []Mapping
	for _, m := range all {
		if limit > 0 && len(found) == limit {
			break
		}
		if !own || m.InternalClient == caller(ctx) {
			found = append(found, m)
		}
	}
	return found, nil
}

// deleteRange removes what the caller may remove and skips the rest; it is one deletion where
// all may go.
func (a *actor) deleteRange(ctx context.Context, in soap.Args) (soap.Args, error) {
	r, b, err := a.asked(in)
	if err != nil {
		return nil, err
	}
	r.Max = 0
	all, err := a.inRange(ctx, b, Range{From: r.From, To: r.To, Protocol: r.Protocol, All: true})
	if err != nil {
		return nil, err
	}
	mine := a.removable(ctx, all, r.All)
	switch {
	case len(mine) == 0:
		return nil, ErrPortMappingNotFound
	case len(mine) == len(all):
		r.All = true
		return nil, b.DeleteMappings(ctx, r)
	}
	return nil, a.deleteEach(ctx, mine)
}

func (a *actor) removable(ctx context.Context, all []Mapping, foreign bool) []Mapping {
	var mine []Mapping
	for _, m := range all {
		own := m.InternalClient == caller(ctx)
		if (own || foreign) && a.server.allow(caller(ctx), m) == nil {
			mine = append(mine, m)
		}
	}
	return mine
}

func (a *actor) deleteEach(ctx context.Context, mappings []Mapping) error {
	for _, m := range mappings {
		if err := a.backend.DeleteMapping(ctx, m.MappingKey); err != nil {
			return err
		}
	}
	return nil
}

func readRange(in soap.Args) (Range, error) {
	r, err := parseRange(in)
	switch {
	case err != nil:
		return r, badArgs(err)
	case r.From > r.To:
		return r, ErrInconsistent
	}
	return r, nil
}

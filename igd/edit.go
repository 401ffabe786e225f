package igd

import (
	"context"
	"fmt"
	"net/netip"
	"time"
)

// A Revision is a change of one mapping. Nil fields stay as they are.
type Revision struct {
	ExternalPort   *uint16
	InternalClient *netip.Addr // the zero Addr is this host
	InternalPort   *uint16
	Description    *string
	Lease          *time.Duration // nil keeps what is left
	Disabled       *bool
	Foreign        bool // allows a client other than this host
}

// apply is m after the revision.
func (r Revision) apply(m Mapping) Mapping {
	set(&m.ExternalPort, r.ExternalPort)
	set(&m.InternalPort, r.InternalPort)
	set(&m.Description, r.Description)
	set(&m.Lease, r.Lease)
	set(&m.Disabled, r.Disabled)
	if r.InternalClient != nil {
		m.InternalClient, m.InternalName = *r.InternalClient, ""
	}
	return m
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// Edit changes the mapping with key k and tells what was there before. It never ends with fewer
// open ports than it began with: under the same key the mapping is overwritten in place; under
// another the new one is made and verified before the old one goes; and where a gateway refuses
// to change what it has, the old mapping is put back if the new one cannot be made.
func (g *Gateway) Edit(ctx context.Context, k MappingKey, r Revision) (before Mapping, grant Grant, err error) {
	if before, err = g.Find(ctx, k); err != nil {
		return before, grant, err
	}
	wish := Wish{Mapping: r.apply(before), Foreign: r.Foreign || r.InternalClient == nil}
	want, err := g.complete(wish)
	if err != nil {
		return before, Grant{Asked: want}, err
	}
	wish.Mapping = want
	change := g.overwrite
	switch {
	case want.MappingKey != before.MappingKey:
		change = g.move
	case want.Client() != before.Client():
		change = g.replace
	}
	grant, err = change(ctx, before, wish)
	return before, grant, err
}

// move makes the new mapping, and only then removes the old one. It takes no port that this host
// uses already, unless an earlier move made that mapping and got no further.
func (g *Gateway) move(ctx context.Context, before Mapping, wish Wish) (Grant, error) {
	want := wish.Mapping
	if m, err := g.Mapping(ctx, want.MappingKey); err == nil && !isHole(m) && !(m.serves(want) && m.Description == want.Description) {
		return Grant{Asked: want, Mapping: before}, &HeldError{Holder: m}
	}
	grant, err := g.Map(ctx, wish)
	if err != nil || !grant.Verified {
		return grant, err
	}
	if _, err := g.Remove(ctx, before.MappingKey); err != nil {
		return grant, fmt.Errorf("the new mapping is made, but the old one could not be removed: %w", err)
	}
	return grant, nil
}

// overwrite changes a mapping in place.
func (g *Gateway) overwrite(ctx context.Context, before Mapping, wish Wish) (Grant, error) {
	grant, err := g.Map(ctx, wish)
	if err == nil && !grant.Verified {
		err = g.opError("AddPortMapping", ErrIneffective)
	}
	if err != nil {
		return grant, g.restore(ctx, before, &grant, err)
	}
	return grant, nil
}

// replace gives a port to another client. No gateway overwrites a mapping of one client with
// that of another, so the old one has to go first.
func (g *Gateway) replace(ctx context.Context, before Mapping, wish Wish) (Grant, error) {
	if _, err := g.Remove(ctx, before.MappingKey); err != nil {
		return Grant{Asked: wish.Mapping, Mapping: before}, err
	}
	return g.overwrite(ctx, before, wish)
}

// restore puts a mapping back that a failed edit may have removed, also when the edit was
// interrupted.
func (g *Gateway) restore(ctx context.Context, before Mapping, grant *Grant, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	if m, err := g.Mapping(ctx, before.MappingKey); err == nil && m.serves(before) {
		grant.Mapping = m
		return cause
	}
	back, err := g.Map(ctx, Wish{Mapping: before, Foreign: true})
	grant.Tried = append(grant.Tried, back.Tried...)
	if err != nil {
		return fmt.Errorf("%w (and the old mapping could not be put back: %v)", cause, err)
	}
	grant.Mapping = back.Mapping
	grant.note("the old mapping was put back")
	return cause
}

package igd

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Reasons not to send a wish at all.
var (
	ErrWildcardPort  = errors.New("external port 0 means all ports on many routers and is never asked for")
	ErrForeignClient = errors.New("the internal client is another host, which the wish does not allow")
	ErrNoLocalAddr   = errors.New("this host has no address on the gateway's network")
)

// ErrIneffective is a call that the gateway accepted and its table does not show. It is also
// how a lease fails where a router keeps only permanent mappings.
var ErrIneffective = errors.New("accepted, but not in the table")

// A Wish is a port wanted open.
type Wish struct {
	Mapping
	// AnyPort lets the gateway or Map pick another external port when the wanted one is taken.
	AnyPort bool
	// Foreign allows an internal client other than this host.
	Foreign bool
}

// A Grant is what came of a wish. It is returned with an error too, and then tells what was tried.
type Grant struct {
	Asked    Mapping  `json:"asked"`
	Mapping  Mapping  `json:"mapping"`  // what is true now, read back
	Verified bool     `json:"verified"` // the table shows it
	Tried    []Rung   `json:"tried"`
	Notes    []string `json:"notes"` // what the router changed, and what that means
}

func (g *Grant) note(format string, args ...any) {
	g.Notes = append(g.Notes, fmt.Sprintf(format, args...))
}

// A Rung is one attempt of a wish: what was different this time, and what the gateway said.
type Rung struct {
	What   string `json:"what"`
	Answer string `json:"answer"`
	Err    error  `json:"-"` // nil when it was accepted
}

// A HeldError is a port that another host has, or, to Edit, another mapping of this one. It is ErrConflict to errors.Is.
type HeldError struct {
	Holder Mapping
	Err    error // the gateway's refusal; nil if it was not even asked
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("%v: %v is mapped to %s:%d", ErrConflict, e.Holder.MappingKey, e.Holder.Client(), e.Holder.InternalPort)
}

func (e *HeldError) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrConflict}
	}
	return []error{ErrConflict, e.Err}
}

// A DoubleNATError is a refusal by a gateway that has no public address itself: another NAT, of
// the provider or of a second router, stands before it, and no mapping here can help.
type DoubleNATError struct {
	External netip.Addr // zero if the gateway tells none although it is connected
	Class    Class
	Err      error
}

func (e *DoubleNATError) Error() string {
	if !e.External.IsValid() {
		return fmt.Sprintf("the gateway is connected but tells no external address, as gateways do that are behind another NAT: %v", e.Err)
	}
	return fmt.Sprintf("the gateway's external address %v is %s: it is itself behind another NAT: %v", e.External, e.Class, e.Err)
}

func (e *DoubleNATError) Unwrap() error { return e.Err }

// Map gets a port open on a router that exists. It asks for what is wanted and, if that is
// refused, climbs a finite ladder: the lease asked for, then 3600 s, permanent, a week; the
// description whole, then plain; the remote host empty, "*", "0.0.0.0"; and, where the wish
// allows it, other external ports. Every rung is told in the Grant. After success the mapping is
// read back, with patience for tables that lag by seconds, and every field is compared.
//
// A mapping of another host is never overwritten (HeldError). Without an error but with Verified
// false, the gateway said yes and its table does not show it.
func (g *Gateway) Map(ctx context.Context, w Wish) (Grant, error) {
	return g.mapAs(ctx, w, manner{})
}

// A manner is how a wish is pursued. The zero value is that of Map.
type manner struct {
	polite bool // a mapping of this host to another port is somebody's too
	once   bool // no other words after a refusal that says nothing
	free   bool // nobody has the port, as was just seen
}

func (g *Gateway) mapAs(ctx context.Context, w Wish, how manner) (Grant, error) {
	want, err := g.complete(w)
	grant := Grant{Asked: want, Mapping: want, Tried: []Rung{}, Notes: []string{}}
	if err != nil {
		return grant, err
	}
	c := climb{gateway: g, wish: w, grant: &grant, now: want, tried: map[string]bool{}, manner: how}
	if err = c.run(ctx); err == nil && grant.Verified {
		g.noteLease(grant.Mapping)
	}
	return grant, err
}

// complete fills in what a wish leaves open and refuses what must not be asked.
func (g *Gateway) complete(w Wish) (Mapping, error) {
	m := w.Mapping
	if m.ExternalPort == 0 {
		return m, ErrWildcardPort
	}
	if m.Protocol == "" {
		m.Protocol = TCP
	}
	if m.InternalPort == 0 {
		m.InternalPort = m.ExternalPort
	}
	if !m.InternalClient.IsValid() && m.InternalName == "" {
		m.InternalClient = g.local
	}
	m.Lease = min(m.Lease.Round(time.Second), maxLease)
	switch {
	case !m.InternalClient.IsValid() && m.InternalName == "":
		return m, ErrNoLocalAddr
	case !w.Foreign && m.InternalClient != g.local:
		return m, fmt.Errorf("%w: %s", ErrForeignClient, m.Client())
	}
	return m, nil
}

// serves reports whether m sends to the same place as want.
func (m Mapping) serves(want Mapping) bool {
	return m.Client() == want.Client() && m.InternalPort == want.InternalPort
}

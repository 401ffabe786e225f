package igd

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// maxRungs ends a climb on a router that always has another objection.
const maxRungs = 16

// A climb is one Map under way.
type climb struct {
	manner
	gateway *Gateway
	wish    Wish
	grant   *Grant
	now     Mapping         // to be sent next
	what    string          // what is different about it
	kind    string          // kind of the rung, "" for the first
	tried   map[string]bool // variations sent
	ports   int             // other ports tried
	chosen  bool            // the last attempt left the port to the gateway
	held    *Mapping        // what we have at this key already
	remake  bool            // held is to be removed before the next attempt
	removed *Mapping        // and was
	first   error           // the first refusal
	telling error           // the last refusal that says what is wrong
}

func (c *climb) run(ctx context.Context) error {
	c.what = "as asked"
	c.recall()
	for range maxRungs {
		holder, err := c.look(ctx)
		if err != nil {
			return err
		}
		if holder == nil {
			err = c.attempt(ctx)
		} else {
			err = &HeldError{Holder: *holder}
			c.told("free port", err)
		}
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || !c.next(err) {
			return c.failure(ctx, err)
		}
	}
	return c.failure(ctx, c.first)
}

// recall starts with what this router took before.
func (c *climb) recall() {
	if value, ok := c.gateway.worked(kindLease); ok && c.now.Lease != 0 {
		if seconds, err := strconv.Atoi(value); err == nil {
			c.now.Lease = time.Duration(seconds) * time.Second
			c.what = "with the lease this router took before"
		}
	}
	if value, ok := c.gateway.worked(kindRemoteHost); ok && c.now.RemoteHost == "" {
		c.now.RemoteHost = value
	}
	if _, ok := c.gateway.worked(kindDescription); ok {
		c.now.Description = plain(c.now.Description)
	}
	c.mark()
}

// look reads who has the port before it is asked for: some routers overwrite what another host
// has (D2). An error only says that nothing could be read.
func (c *climb) look(ctx context.Context) (holder *Mapping, _ error) {
	if c.free && c.first == nil {
		return nil, nil
	}
	m, err := c.gateway.Mapping(ctx, c.now.MappingKey)
	if ctx.Err() != nil {
		return nil, err
	}
	if c.held = nil; err != nil || isHole(m) {
		return nil, nil
	}
	if m.Client() != c.now.Client() || c.polite && !m.serves(c.now) {
		return &m, nil
	}
	c.held = &m
	return nil, nil
}

// attempt sends the mapping and sees what came of it.
func (c *climb) attempt(ctx context.Context) error {
	err := c.send(ctx)
	c.told(c.what, err)
	if isTaken(err) && c.suffices() {
		c.grant.note("the gateway refuses to renew a mapping it has; this one is as wanted")
		c.granted(*c.held)
		return nil
	}
	if err != nil && !isCut(err) {
		return err
	}
	waits := patience
	if err != nil && !c.chosen { // it is asked for again, which changes nothing if it was made
		waits = patience[:2]
	}
	truth, found := c.gateway.readBack(ctx, c.now, waits)
	if !found && err != nil && c.chosen {
		truth, found = c.gateway.lastMade(ctx, c.now)
	}
	switch {
	case found:
		c.granted(truth)
		return nil
	case truth.InternalPort != 0 && c.held != nil && truth.serves(*c.held):
		return ErrIneffective
	case truth.InternalPort != 0:
		return c.undo(ctx, truth)
	case err != nil:
		return err
	case c.now.Lease != 0 && !c.tried[c.variation(kindLease, 0)]:
		return ErrIneffective
	}
	c.grant.Mapping = c.now
	c.grant.note("the gateway accepted the mapping, but its table does not show it")
	return nil
}

// undo removes a mapping that goes to another port than asked for, where something may listen
// that nobody wanted to open. Routers that force both ports to be the same do this (G-43).
func (c *climb) undo(ctx context.Context, truth Mapping) error {
	err := fmt.Errorf("made as %v: %w", truth, ErrSamePortRequired)
	if _, failed := c.gateway.Remove(ctx, truth.MappingKey); failed != nil {
		return fmt.Errorf("%w, and it could not be removed: %v", err, failed)
	}
	return err
}

// suffices reports whether what we have already is what is wanted, for long enough.
func (c *climb) suffices() bool {
	return c.held != nil && c.held.serves(c.now) && c.held.Disabled == c.now.Disabled &&
		(c.held.Lease == 0 || c.now.Lease > 0 && c.held.Lease >= c.now.Lease/2)
}

// send asks for the mapping; where the wish and the service document allow it, the gateway picks
// the port. That is not safe to repeat, so it is never done twice.
func (c *climb) send(ctx context.Context) error {
	g := c.gateway
	c.chosen = false
	if c.remake {
		if err := g.DeleteMapping(ctx, c.now.MappingKey); err != nil {
			return err
		}
		c.remake, c.removed = false, c.held
	}
	const anyPort = "any port"
	if !c.wish.AnyPort || c.held != nil || c.tried[anyPort] || !g.Offers(ctx, "AddAnyPortMapping") {
		return g.AddMapping(ctx, c.now)
	}
	c.tried[anyPort], c.chosen = true, true
	port, err := g.AddAnyMapping(ctx, c.now)
	if err == nil && port != 0 {
		c.now.ExternalPort = port
	}
	return err
}

// granted ends a climb that got somewhere.
func (c *climb) granted(truth Mapping) {
	c.grant.Mapping, c.grant.Verified = truth, c.grant.Asked.RemoteHost == "" || c.now.RemoteHost != ""
	c.grant.compare(c.grant.Asked, truth)
	switch c.kind {
	case kindLease:
		c.gateway.learn(kindLease, formatSeconds(c.now.Lease))
	case kindRemoteHost:
		if c.wish.RemoteHost == "" {
			c.gateway.learn(kindRemoteHost, c.now.RemoteHost)
		}
	case kindDescription:
		c.gateway.learn(kindDescription, "plain")
	}
}

func (c *climb) told(what string, err error) {
	rung := Rung{What: what, Answer: "accepted", Err: err}
	if err != nil {
		rung.Answer = reason(err)
	}
	c.grant.Tried = append(c.grant.Tried, rung)
}

// reason is an error without the operation it belongs to.
func reason(err error) string {
	if op, ok := errors.AsType[*OpError](err); ok {
		return op.Err.Error()
	}
	return err.Error()
}

// failure is the error of a climb that ends: the refusal that says most, in the light of the
// gateway's own address.
func (c *climb) failure(ctx context.Context, last error) error {
	if c.removed != nil {
		c.told("the old mapping again", c.gateway.AddMapping(ctx, *c.removed))
	}
	err := c.telling
	if err == nil {
		err = c.first
	}
	if err == nil {
		err = last
	}
	if errors.Is(err, ErrActionFailed) {
		return c.gateway.explain(ctx, err)
	}
	return err
}

// explain tells a refusal for want of a public address from others.
func (g *Gateway) explain(ctx context.Context, refusal error) error {
	addr, known := g.External()
	if !known {
		var err error
		if addr, err = g.ExternalAddr(ctx); err != nil {
			return refusal
		}
	}
	class := ClassOf(addr)
	if class == Public {
		return refusal
	}
	if class == NoAddr {
		if status, err := g.Status(ctx); err != nil || !isUp(status) {
			return refusal
		}
	}
	return &DoubleNATError{External: addr, Class: class, Err: refusal}
}

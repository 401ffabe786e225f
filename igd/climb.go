package igd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxRungs    = 16
	maxPorts    = 8  // other external ports tried
	plainLength = 31 // of a description that routers with small buffers take
	firstFree   = 1024
)

// leases are the rungs below the lease asked for: what most take, what the rest insists on
// (725), and what some take for the longest there is.
var leases = []time.Duration{time.Hour, 0, maxLease}

// anybody are the spellings of a remote host that is not limited.
var anybody = []string{"", "*", "0.0.0.0"}

// Kinds of rung, as remembered per router.
const (
	kindLease       = "lease"
	kindRemoteHost  = "remoteHost"
	kindDescription = "description"
)

// A climb is one Map under way.
type climb struct {
	gateway *Gateway
	wish    Wish
	grant   *Grant
	now     Mapping         // to be sent next
	what    string          // what is different about it
	kind    string          // kind of the rung, "" for the first
	tried   map[string]bool // variations sent
	ports   int             // other ports tried
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
	m, err := c.gateway.Mapping(ctx, c.now.MappingKey)
	if ctx.Err() != nil {
		return nil, err
	}
	if c.held = nil; err != nil || isHole(m) {
		return nil, nil
	}
	if m.Client() != c.now.Client() {
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
	truth, found := c.gateway.readBack(ctx, c.now)
	switch {
	case found:
		c.granted(truth)
		return nil
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
	c.tried[anyPort] = true
	port, err := g.AddAnyMapping(ctx, c.now)
	if err == nil && port != 0 {
		c.now.ExternalPort = port
	}
	return err
}

// granted ends a climb that got somewhere.
func (c *climb) granted(truth Mapping) {
	c.grant.Mapping, c.grant.Verified = truth, true
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

// next changes c.now to the rung that an error calls for. It is false if there is none.
func (c *climb) next(err error) bool {
	if c.first == nil {
		c.first = err
	}
	if !isOpaque(err) {
		c.telling = err
	}
	switch {
	case errors.Is(err, ErrOnlyPermanentLeases):
		return c.lease(0)
	case errors.Is(err, ErrRemoteHostWildcardOnly):
		return c.widen()
	case errors.Is(err, ErrSamePortRequired):
		return c.wish.AnyPort && c.port(c.now.InternalPort)
	case isTaken(err):
		return c.renewal() || c.neighbour()
	case isCut(err) && !c.tried[again]:
		c.tried[again], c.what = true, again
		return true
	case errors.Is(err, ErrNotAuthorized):
		return c.now.ExternalPort < firstFree && c.neighbour()
	case isOpaque(err):
		return c.nextLease() || c.plainer() || c.spelling() || c.neighbour()
	}
	return false
}

// again is the rung after a call that was cut off and had no effect.
const again = "again, the connection was cut"

// isTaken reports refusals that another external port may not meet.
func isTaken(err error) bool {
	return errors.Is(err, ErrConflict) || errors.Is(err, ErrConflictOther) || errors.Is(err, ErrNoPortsAvailable)
}

// isOpaque reports refusals that say nothing: 402 and 501 mean anything in the field, and codes
// outside the standard are firmware that lost its way.
func isOpaque(err error) bool {
	if errors.Is(err, ErrIneffective) {
		return true
	}
	e, ok := errors.AsType[Error](err)
	if !ok {
		return isAnswer(err) || isCut(err)
	}
	return e.Name() == "" || slices.Contains([]Error{ErrInvalidArgs, ErrActionFailed, ErrArgumentValueInvalid, ErrArgumentOutOfRange, ErrWildcardSource}, e)
}

// variation names a rung; each is tried once.
func (c *climb) variation(kind string, value any) string { return fmt.Sprint(kind, " ", value) }

func (c *climb) mark() {
	c.tried[c.variation(kindLease, c.now.Lease)] = true
	c.tried[c.variation(kindRemoteHost, c.now.RemoteHost)] = true
	c.tried[c.variation(kindDescription, c.now.Description)] = true
	c.tried[c.variation("port", c.now.ExternalPort)] = true
}

// vary sets the next rung. What was varied before goes back to what was asked for, except the
// port: only one thing is different at a time.
func (c *climb) vary(kind, what string, change func(*Mapping)) bool {
	port := c.now.ExternalPort
	c.now = c.grant.Asked
	c.now.ExternalPort = port
	change(&c.now)
	c.kind, c.what = kind, what
	c.mark()
	return true
}

func (c *climb) lease(d time.Duration) bool {
	if c.tried[c.variation(kindLease, d)] {
		return false
	}
	what := "lease " + d.String()
	if d == 0 {
		what = "permanent, without a lease"
	}
	return c.vary(kindLease, what, func(m *Mapping) { m.Lease = d })
}

func (c *climb) nextLease() bool {
	return slices.ContainsFunc(leases, c.lease)
}

// widen gives up a limit on the remote host that the gateway does not know. The grant says so.
func (c *climb) widen() bool {
	if c.now.RemoteHost == "" {
		return false
	}
	c.grant.note("the gateway cannot limit a mapping to %s; it is open to everybody", c.now.RemoteHost)
	return c.vary(kindRemoteHost, "open to every remote host", func(m *Mapping) { m.RemoteHost = "" })
}

func (c *climb) spelling() bool {
	if c.wish.RemoteHost != "" {
		return false
	}
	for _, host := range anybody {
		if !c.tried[c.variation(kindRemoteHost, host)] {
			return c.vary(kindRemoteHost, fmt.Sprintf("remote host written as %q", host), func(m *Mapping) { m.RemoteHost = host })
		}
	}
	return false
}

func (c *climb) plainer() bool {
	short := plain(c.grant.Asked.Description)
	if c.tried[c.variation(kindDescription, short)] {
		return false
	}
	return c.vary(kindDescription, fmt.Sprintf("description %q", short), func(m *Mapping) { m.Description = short })
}

// plain is a description that every router takes: some ASCII letters, digits and blanks, and
// never empty, which some refuse.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x80 && (r == ' ' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
			return r
		}
		return -1
	}, s)
	if s = strings.TrimSpace(s[:min(len(s), plainLength)]); s == "" {
		return "upnp"
	}
	return s
}

// neighbour moves on to another external port, in a sequence that begins near the one asked for.
func (c *climb) neighbour() bool {
	if !c.wish.AnyPort || c.ports >= maxPorts {
		return false
	}
	c.ports++
	next := uint32(c.grant.Asked.ExternalPort) + uint32(c.ports*c.ports)
	if next = next % (1 << 16); next < firstFree {
		next += firstFree
	}
	return c.port(uint16(next))
}

func (c *climb) port(p uint16) bool {
	if c.tried[c.variation("port", p)] {
		return false
	}
	c.now.ExternalPort = p
	c.what = fmt.Sprintf("external port %d", p)
	c.mark()
	return true
}

// renewal copes with routers that refuse to refresh a mapping we have (Q-47, G-42): it is
// removed, once, so that the next attempt makes it new.
func (c *climb) renewal() bool {
	if c.held == nil || c.removed != nil {
		return false
	}
	c.remake, c.kind, c.what = true, "", "again, our old mapping removed first"
	return true
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

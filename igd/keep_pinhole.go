package igd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

const (
	holeLease  = time.Hour // where none is asked for
	leaveHoles = 2 * time.Second
)

// A keptHole is a pinhole that is wanted and what is known of it.
type keptHole struct {
	wish    Pinhole
	now     Pinhole // as it was made
	id      uint16
	live    bool
	on      *Gateway // where it was made; another one, or the same after a restart, knows nothing of it
	renewAt time.Time
	checkAt time.Time
	tryAt   time.Time // of the next attempt to make it
	delay   time.Duration
}

// checkHoles is what is wrong with the pinholes that are wanted.
func checkHoles(holes []Pinhole) error {
	for i, p := range holes {
		switch {
		case p.InternalPort == 0:
			return fmt.Errorf("igd: pinhole %v: %w", p, ErrInternalPortWildcard)
		case p.Lease < 0 || p.Lease > MaxPinholeLease:
			return fmt.Errorf("igd: pinhole %v: a lease is at most %v", p, MaxPinholeLease)
		}
		for _, other := range holes[:i] {
			if p.Same(other) {
				return fmt.Errorf("igd: pinhole %v is wanted twice", p)
			}
		}
	}
	return nil
}

func keptHoles(holes []Pinhole) []*keptHole {
	var all []*keptHole
	for _, p := range holes {
		p.Lease = cmp.Or(p.Lease, holeLease)
		p.Protocol = cmp.Or(p.Protocol, TCP)
		all = append(all, &keptHole{wish: p})
	}
	return all
}

// at is when there is something to do about it.
func (h *keptHole) at() time.Time {
	if !h.live {
		return h.tryAt
	}
	if h.renewAt.Before(h.checkAt) {
		return h.renewAt
	}
	return h.checkAt
}

// keepHoles does what is due about pinholes. They come after the mappings: many a router has no
// firewall, and takes seconds not to say so.
func (r *keeping) keepHoles(ctx context.Context) error {
	for _, h := range r.holes {
		if err := r.keepHole(ctx, h); err != nil {
			return err
		}
	}
	return nil
}

func (r *keeping) keepHole(ctx context.Context, h *keptHole) error {
	g, now := r.router.gateway, time.Now()
	want := h.wish
	if !want.InternalClient.IsValid() {
		want.InternalClient = g.IPv6Addr()
	}
	switch {
	case !h.live && now.Before(h.tryAt):
		return nil
	case !want.InternalClient.IsValid():
		r.loseHole(h, want, "this host has no IPv6 address on the router's network")
		h.putOff(now)
		return nil
	case h.live && !h.now.Same(want):
		return r.moveHole(ctx, h, want)
	case !h.live, h.on != g:
		return r.openHole(ctx, h, want)
	case !now.Before(h.renewAt):
		return r.renewHole(ctx, h)
	case !now.Before(h.checkAt):
		return r.checkHole(ctx, h)
	}
	return nil
}

// putOff sets the next attempt after one that failed.
func (h *keptHole) putOff(now time.Time) {
	h.delay = min(max(2*h.delay, firstRetry), lastRetry)
	h.tryAt = now.Add(h.delay)
}

// openHole makes a pinhole; one that is there is extended by that.
func (r *keeping) openHole(ctx context.Context, h *keptHole, want Pinhole) error {
	id, err := r.router.gateway.AddPinhole(ctx, want)
	now := time.Now()
	switch {
	case isAway(err), ctx.Err() != nil:
		return cmp.Or(ctx.Err(), err)
	case err != nil:
		was := h.live
		h.live = false
		h.putOff(now)
		if was || h.delay == firstRetry || h.delay == lastRetry {
			r.tellHole(KeepRefused, want, err, holeReason(err))
		}
		return nil
	}
	known := h.live && h.id == id && h.now.Same(want)
	h.id, h.now, h.live, h.on, h.delay = id, want, true, r.router.gateway, 0
	r.holeHeld(h, now)
	if !known {
		r.tellHole(KeepOpen, want, nil, fmt.Sprintf("pinhole %d", id))
	}
	return nil
}

func holeReason(err error) string {
	if errors.Is(err, ErrInvalidAction) {
		return "the router has no IPv6 firewall that it lets be controlled"
	}
	return reason(err)
}

// holeHeld notes that the lease of a pinhole begins.
func (r *keeping) holeHeld(h *keptHole, now time.Time) {
	h.renewAt, h.checkAt = now.Add(h.now.Lease/2), now.Add(canaryEvery)
	if r.keeper.Ledger == nil {
		return
	}
	g := r.router.gateway
	r.note(r.keeper.Ledger.Put(PinholeRecord{
		Router: g.UDN(), Host: g.host(), ID: h.id, Pinhole: h.now, Made: now, Ends: now.Add(h.now.Lease),
	}))
}

// moveHole follows this host to another address: the new pinhole first, then the old one goes. That
// it is not another's by now, after a restart, is told by its number: routers count upwards.
func (r *keeping) moveHole(ctx context.Context, h *keptHole, want Pinhole) error {
	old := *h
	if err := r.openHole(ctx, h, want); err != nil {
		return err
	}
	switch {
	case !h.live:
	case old.on.UDN() != r.router.gateway.UDN() || h.id <= old.id:
		r.tellHole(KeepLeft, old.now, nil, "it ends by itself")
	default:
		r.router.gateway.KnowPinhole(old.id, old.now.InternalClient)
		return r.closeHole(ctx, &old)
	}
	return nil
}

func (r *keeping) renewHole(ctx context.Context, h *keptHole) error {
	err := r.router.gateway.UpdatePinhole(ctx, h.id, h.now.Lease)
	switch {
	case err == nil:
		r.holeHeld(h, time.Now())
		r.tellHole(KeepRenewed, h.now, nil, "")
		return nil
	case isAway(err), ctx.Err() != nil:
		return cmp.Or(ctx.Err(), err)
	}
	return r.reopenHole(ctx, h, reason(err))
}

// checkHole looks whether the router still has it.
func (r *keeping) checkHole(ctx context.Context, h *keptHole) error {
	h.checkAt = time.Now().Add(canaryEvery)
	_, err := r.router.gateway.PinholePackets(ctx, h.id)
	switch {
	case isAway(err), ctx.Err() != nil:
		return cmp.Or(ctx.Err(), err)
	case IsNoPinhole(err):
		return r.reopenHole(ctx, h, "the router does not know it any more")
	}
	return nil
}

// IsNoPinhole reports the refusal of a pinhole that is not there: 704 by the standard, 402 to
// miniupnpd.
func IsNoPinhole(err error) bool {
	return errors.Is(err, ErrNoSuchPinhole) || errors.Is(err, ErrInvalidArgs)
}

func (r *keeping) reopenHole(ctx context.Context, h *keptHole, why string) error {
	want := h.now
	r.loseHole(h, want, why)
	h.tryAt = time.Time{}
	return r.openHole(ctx, h, want)
}

// loseHole notes that a pinhole is not there.
func (r *keeping) loseHole(h *keptHole, p Pinhole, why string) {
	if h.live || h.delay == 0 {
		r.tellHole(KeepLost, p, nil, why)
	}
	h.live = false
}

// closeHole removes a pinhole. What cannot be removed ends by itself.
func (r *keeping) closeHole(ctx context.Context, h *keptHole) error {
	err := r.router.gateway.DeletePinhole(ctx, h.id)
	if isAway(err) {
		return err
	}
	if err != nil && !IsNoPinhole(err) {
		r.tellHole(KeepLeft, h.now, err, reason(err)+"; it ends by itself")
		return nil
	}
	if r.keeper.Ledger != nil {
		r.note(r.keeper.Ledger.Remove(r.router.gateway.UDN(), h.id))
	}
	r.tellHole(KeepRemoved, h.now, nil, "")
	return nil
}

// leaveHoles removes what is open, in little time.
func (r *keeping) leaveHoles(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveHoles)
	defer cancel()
	for _, h := range r.holes {
		if !h.live {
			continue
		}
		if r.router.state == routerOK && r.closeHole(ctx, h) == nil {
			continue
		}
		r.tellHole(KeepLeft, h.now, nil, "the router does not answer; it ends by itself")
	}
}

func (r *keeping) tellHole(kind KeepKind, p Pinhole, err error, why string) {
	if p.InternalClient == (netip.Addr{}) {
		p.InternalClient = netip.IPv6Unspecified()
	}
	r.tell(KeepEvent{Kind: kind, Pinhole: &p, Err: err, Reason: why})
}

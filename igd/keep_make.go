package igd

import (
	"context"
	"errors"
	"slices"
	"time"
)

// A router that took mappings a while ago and refuses the next one without a reason may have a
// limit per minute: it is asked more slowly, and only then in other words.
const (
	justNow     = 2 * time.Minute
	freeFor     = 3 * time.Minute // a port that was seen to be free, on a router that takes seconds to say so
	slowPace    = 13 * time.Second
	maxPatience = 8 // refusals of one wish at the slow pace
)

// An addPace is how fast mappings are made.
type addPace struct {
	at  time.Time // none before
	gap time.Duration
}

// makeAll makes what is wanted and is not there, in the order of the wishes.
func (r *keeping) makeAll(ctx context.Context) error {
	for _, k := range r.kept {
		now := time.Now()
		if !k.wanting() || now.Before(k.tryAt) || now.Before(r.adds.at) && r.adds.gap > 0 {
			continue
		}
		if again, err := r.outranked(ctx, k); err != nil || again {
			return err
		}
		if err := sleep(ctx, r.adds.at.Sub(now)); err != nil {
			return err
		}
		if err := r.make(ctx, k, "made"); err != nil {
			return err
		}
	}
	return nil
}

// outranked looks, before a refused wish is tried again, whether one before it is still there: the
// room in a table that was emptied is not for the last first.
func (r *keeping) outranked(ctx context.Context, k *kept) (again bool, _ error) {
	if k.last != KeepRefused && k.last != KeepUnverified {
		return false, nil
	}
	for _, first := range r.kept {
		if first == k {
			break
		}
		if first.live {
			err := r.check(ctx, first, nil)
			return !first.live, err
		}
	}
	return false, nil
}

// make has the router make a mapping, in whatever form it takes.
func (r *keeping) make(ctx context.Context, k *kept, why string) error {
	g, now := r.router.gateway, time.Now()
	w := r.order(k)
	r.intend(k, w)
	m := manner{polite: true, once: now.Sub(r.router.accepted) < justNow && k.fails < maxPatience, free: r.router.slow && now.Sub(k.freeAt) < freeFor}
	grant, err := g.mapAs(ctx, w, m)
	r.adds.at = time.Now().Add(max(writeGap, r.adds.gap))
	switch {
	case err == nil && grant.Verified:
		r.made(k, grant, why)
		return nil
	case isAway(err) && !isRefusal(err):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	}
	r.failed(k, grant, err, m.once)
	if k.was && (errors.Is(err, ErrNoPortsAvailable) || isOpaque(err)) {
		return r.makeRoom(ctx, k)
	}
	return nil
}

// makeRoom takes the last of the wishes after k away, when the router has taken k before and now
// does not: the table is full, and k comes first. Then k is made.
func (r *keeping) makeRoom(ctx context.Context, k *kept) error {
	k.was = false
	for _, last := range slices.Backward(r.kept) {
		if last == k {
			return nil
		}
		if !last.live {
			continue
		}
		o := last.entry
		last.gone(time.Now(), time.Now())
		last.entry = owned{}
		last.putOff(time.Now())
		r.state(last, KeepRefused, nil, nil, "there is no room for it in the router's table")
		if err := r.remove(ctx, o); err != nil {
			return err
		}
		return r.make(ctx, k, "made")
	}
	return nil
}

// order is the wish as it is sent: at the port it had, and for ever where leases are not honoured.
func (r *keeping) order(k *kept) Wish {
	w := k.wish
	w.Mapping = k.target(r.router.gateway.LocalAddr())
	if w.InternalClient != r.router.gateway.LocalAddr() {
		w.Foreign = true
	}
	if len(recent(k.vanished, time.Now())) >= maxVanished {
		w.Lease = 0
	}
	return w
}

// intend notes what is about to be made.
func (r *keeping) intend(k *kept, w Wish) {
	g := r.router.gateway
	o := k.entry
	o.State, o.Router, o.Host, o.Any = stateIntent, g.UDN(), g.host(), w.AnyPort
	o.set(w.Mapping)
	var err error
	if o.ID == 0 {
		o, err = r.journal.add(o)
	} else {
		err = r.journal.put(o)
	}
	k.entry = o
	r.note(err)
}

// made takes in a grant.
func (r *keeping) made(k *kept, grant Grant, why string) {
	now := time.Now()
	r.router.accepted, r.router.strikes = now, 0
	k.begin(grant.Mapping, now)
	r.own(k, grant.Mapping)
	if r.keeper.Probe != nil {
		k.probeAt = now.Add(probeAtFirst)
	}
	for _, n := range grant.Notes {
		why += "; " + n
	}
	r.state(k, KeepOpen, &grant.Mapping, nil, why)
}

// failed takes in a refusal, or a yes without effect.
func (r *keeping) failed(k *kept, grant Grant, err error, once bool) {
	now := time.Now()
	held, isHeld := errors.AsType[*HeldError](err)
	switch {
	case isHeld:
		r.withdraw(k)
		k.tryAt = later(now.Add(firstRetry), k.tryAt)
		r.state(k, KeepConflict, &held.Holder, err, reason(err))
		return
	case err == nil || errors.Is(err, ErrIneffective):
		k.putOff(now)
		r.state(k, KeepUnverified, &grant.Mapping, err, "the router accepted it, and its table does not show it")
		return
	case once && isOpaque(err):
		k.fails++
		r.withdraw(k)
		r.adds = addPace{now.Add(slowPace), slowPace}
		r.state(k, KeepRefused, nil, err, reason(err)+"; trying again, more slowly")
		return
	}
	r.withdraw(k)
	k.putOff(now)
	r.state(k, KeepRefused, nil, err, reason(err))
}

// withdraw ends an intent that came to nothing.
func (r *keeping) withdraw(k *kept) {
	if k.entry.ID != 0 {
		r.note(r.journal.end(k.entry))
		k.entry = owned{}
	}
}

// isRefusal reports an answer that says no, also through an error that says more.
func isRefusal(err error) bool {
	_, ok := errors.AsType[Error](err)
	_, held := errors.AsType[*HeldError](err)
	return ok || held
}

package igd

import (
	"context"
	"net/netip"
	"time"
)

const (
	probeEvery   = time.Minute
	probeTimeout = 10 * time.Second
	probeRarest  = time.Hour // for what stays closed
)

// A probing is the look from outside: one at a time, beside everything else.
type probing struct {
	results chan verdict
	under   bool // way
	nextAt  time.Time
}

type verdict struct {
	key  MappingKey
	open bool
	err  error
}

// probeAt is when the next look from outside is due; the zero time is never.
func (r *keeping) probeAt() (at time.Time) {
	if r.keeper.Probe == nil || r.probing.under {
		return time.Time{}
	}
	for _, k := range r.kept {
		if k.live && !k.probeAt.IsZero() && (at.IsZero() || k.probeAt.Before(at)) {
			at = k.probeAt
		}
	}
	if at.IsZero() {
		return at
	}
	return later(at, r.probing.nextAt)
}

// startProbe has somebody look from outside at the mapping whose turn it is.
func (r *keeping) startProbe(ctx context.Context) {
	at, now := r.probeAt(), time.Now()
	if at.IsZero() || now.Before(at) {
		return
	}
	var k *kept
	for _, other := range r.kept {
		if other.live && !other.probeAt.IsZero() && (k == nil || other.probeAt.Before(k.probeAt)) {
			k = other
		}
	}
	k.probeAt = now.Add(probeEvery)
	r.probing.under, r.probing.nextAt = true, now.Add(probeAtFirst)
	m, outside := k.now, r.external.addr
	r.ears.Go(func() { r.probing.results <- r.probe(ctx, m, outside) })
}

func (r *keeping) probe(ctx context.Context, m Mapping, outside netip.Addr) verdict {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	open, err := r.keeper.Probe(ctx, m, outside)
	return verdict{m.MappingKey, open, err}
}

// judgeProbe acts on what was seen from outside. A mapping that is listed and closed is made anew,
// once; if that does not help, the reason is elsewhere.
func (r *keeping) judgeProbe(ctx context.Context, v verdict) error {
	r.probing.under = false
	k := r.keptAt(v.key)
	if k == nil || !k.live || r.router.state != routerOK {
		return nil
	}
	now := time.Now()
	if v.err != nil || v.open {
		if v.err == nil && k.closed > 0 {
			r.tellProbe(k, "open from outside again")
			k.closed = 0
		}
		return nil
	}
	if err := r.check(ctx, k, nil); err != nil || !k.live {
		return err // not there: that is another matter
	}
	k.closed++
	if k.closed == 1 {
		r.tellProbe(k, "closed from outside although the router lists it")
		err := r.anew(ctx, k, "made anew, because it was closed from outside")
		k.probeAt = now.Add(probeAtFirst)
		return err
	}
	if k.closed == 2 {
		r.tellProbe(k, "closed from outside after it was made anew: nothing may be listening, or something else is in the way")
	}
	k.probeAt = now.Add(min(probeEvery<<min(k.closed, 6), probeRarest))
	return nil
}

func (r *keeping) keptAt(key MappingKey) *kept {
	for _, k := range r.kept {
		if k.live && k.now.MappingKey == key {
			return k
		}
	}
	return nil
}

func (r *keeping) tellProbe(k *kept, why string) {
	asked, now := k.target(r.router.gateway.LocalAddr()), k.now
	r.tell(KeepEvent{Kind: KeepProbed, Asked: &asked, Mapping: &now, Reason: why})
}

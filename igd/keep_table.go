package igd

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	walkFrom   = 8           // wishes; for fewer, each is asked for by name
	walkSpare  = 64          // entries of others that a walk puts up with before it asks by name
	slowAnswer = time.Second // from here on, no call is made twice for safety
	walkMost   = 512         // entries looked at for a mapping that cannot be asked for by name
)

// sweep looks at everything: what is to be removed, and whether each wish is fulfilled.
func (r *keeping) sweep(ctx context.Context) error {
	now := time.Now()
	due := r.dirty != "" && !now.Before(r.sweepAt) || !r.nextSweep.IsZero() && !now.Before(r.nextSweep)
	if !due {
		return nil
	}
	if r.sweeping.IsZero() {
		r.sweeping, r.byName = now, false
	}
	why := r.dirty
	if err := r.clean(ctx); err != nil {
		return err
	}
	table, err := r.table(ctx)
	if err != nil {
		r.byName = true // a few calls at a time get further
		return err
	}
	for _, k := range r.kept {
		if !k.checked.Before(r.sweeping) {
			continue
		}
		if err := r.check(ctx, k, table); err != nil {
			return err
		}
		k.checked, r.router.strikes = time.Now(), 0
	}
	if r.dirty == why {
		r.dirty = ""
	}
	now = time.Now()
	r.sweeping = time.Time{}
	r.sweepAt, r.nextSweep, r.canaryAt = now.Add(sweepGap), now.Add(sweepEvery), now.Add(canaryEvery)
	if r.external.known {
		r.external.at = now
	}
	return nil
}

// table is the router's whole table, if that is cheaper than to ask for each mapping; else nil.
func (r *keeping) table(ctx context.Context) (map[MappingKey]Mapping, error) {
	if !r.router.walkOnly && (len(r.kept) < walkFrom || r.byName) {
		return nil, nil
	}
	table, began := map[MappingKey]Mapping{}, time.Now()
	most := len(r.kept) + walkSpare
	if r.router.walkOnly {
		most = maxEntries
	}
	for m, err := range mappingsInTurn(ctx, r.router.gateway) {
		if isAway(err) {
			return nil, err
		}
		if err != nil || len(table) >= most {
			return nil, nil // it is asked for one by one
		}
		m.RemoteHost = parseRemoteHost(m.RemoteHost)
		table[m.MappingKey] = m
	}
	r.router.slow = time.Since(began)/time.Duration(len(table)+1) > slowAnswer
	return table, nil
}

// check looks at one wish, in a table or by asking, and takes in what is found.
func (r *keeping) check(ctx context.Context, k *kept, table map[MappingKey]Mapping) error {
	m, found := table[k.key()]
	if table != nil && !found {
		k.freeAt = time.Now()
	}
	if table == nil || !found && k.wish.RemoteHost != "" {
		var err error
		if m, found, err = r.find(ctx, k.key(), k); err != nil {
			return err
		}
	}
	return r.judge(ctx, k, m, found)
}

// find reads the mapping with a key. What a router does not find by name is looked for in its
// table, before it is believed.
func (r *keeping) find(ctx context.Context, key MappingKey, k *kept) (m Mapping, found bool, err error) {
	g := r.router.gateway
	if !r.router.walkOnly {
		if m, err = g.Mapping(ctx, key); err == nil {
			return m, !isHole(m), nil
		}
		if isAway(err) {
			return m, false, err
		}
		if k == nil || !k.live {
			return m, false, nil
		}
	}
	n := 0
	for m, err := range mappingsInTurn(ctx, g) {
		switch {
		case isAway(err):
			return m, false, err
		case err != nil:
		case m.ExternalPort == key.ExternalPort && m.Protocol == key.Protocol && (key.RemoteHost == "" || m.RemoteHost == key.RemoteHost):
			r.router.walkOnly = true
			return m, true, nil
		}
		if n++; n > walkMost && !r.router.walkOnly {
			break
		}
	}
	return Mapping{}, false, nil
}

// judge takes in what a look at the table found where a wish is, or is to be.
func (r *keeping) judge(ctx context.Context, k *kept, m Mapping, found bool) error {
	now := time.Now()
	g := r.router.gateway
	switch {
	case found && k.fulfils(m, g.LocalAddr()):
		return r.isThere(ctx, k, m)
	case found:
		r.isTaken(k, m)
	case k.live:
		k.gone(now, r.router.since)
		r.release(k)
		r.state(k, KeepLost, nil, nil, "it was no longer in the router's table")
		r.mark("a mapping was gone")
	default:
		r.release(k)
	}
	return nil
}

// isThere is for a wish that the table fulfils.
func (r *keeping) isThere(ctx context.Context, k *kept, m Mapping) error {
	now, fresh := time.Now(), !k.live
	k.seen(m, now)
	switch {
	case k.repair:
		return r.anew(ctx, k, "made anew, in case it was not forwarded")
	case m.Disabled && !k.wish.Disabled && !now.Before(k.tryAt):
		k.putOff(now)
		k.renewAt = now
	}
	if k.entry.ID == 0 || k.entry.State != stateLive || k.entry.Router != r.router.gateway.UDN() {
		r.own(k, m)
	}
	if fresh {
		r.state(k, KeepOpen, &m, nil, "it was there already")
	}
	return nil
}

// isTaken is for a port that somebody else has: another host, or another program here. It is
// left alone.
func (r *keeping) isTaken(k *kept, m Mapping) {
	now := time.Now()
	if k.live {
		k.lose(now)
		k.live, k.renewAt, k.ends = false, time.Time{}, time.Time{}
	} else if k.last != KeepConflict || now.After(k.tryAt) {
		k.tryAt = later(k.tryAt, now.Add(firstRetry))
	}
	if k.entry.ID != 0 {
		r.note(r.journal.end(k.entry))
		k.entry = owned{}
	}
	why := fmt.Sprintf("it is mapped to %s:%d", m.Client(), m.InternalPort)
	if k.wish.AnyPort { // there are other ports
		k.tryAt = now
		if k.last == KeepOpen || k.last == KeepRenewed {
			r.state(k, KeepLost, &m, nil, why)
		}
		return
	}
	r.state(k, KeepConflict, &m, &HeldError{Holder: m}, why)
}

// release separates a wish from an entry whose mapping is not on this router. It may still be on
// the one it was made on, if that is another.
func (r *keeping) release(k *kept) {
	o := k.entry
	if o.ID == 0 {
		return
	}
	k.entry = owned{}
	if o.Router == r.router.gateway.UDN() {
		r.note(r.journal.end(o))
		return
	}
	o.State, o.Host = stateLeaving, ""
	r.note(r.journal.put(o))
}

// own notes that the mapping of a wish is there.
func (r *keeping) own(k *kept, m Mapping) {
	g := r.router.gateway
	o := k.entry
	o.State, o.Router, o.Host, o.Any = stateLive, g.UDN(), g.host(), false
	o.set(m)
	var err error
	if o.ID == 0 {
		o, err = r.journal.add(o)
	} else {
		err = r.journal.put(o)
	}
	k.entry = o
	r.note(err)
}

// state tells how a wish is, if it is not as it was.
func (r *keeping) state(k *kept, kind KeepKind, m *Mapping, err error, why string) {
	if kind == k.last && kind != KeepRenewed && kind != KeepOpen {
		return
	}
	k.last = kind
	asked := k.wish.Mapping
	if g := r.router.gateway; g != nil {
		asked = k.target(g.LocalAddr())
	}
	r.tell(KeepEvent{Kind: kind, Asked: &asked, Mapping: m, Err: err, Reason: why})
}

// readCanaries reads back one mapping, or a few of many, to notice what nobody tells of.
func (r *keeping) readCanaries(ctx context.Context) error {
	now := time.Now()
	if now.Before(r.canaryAt) {
		return nil
	}
	r.canaryAt = now.Add(canaryEvery)
	n := 1
	if len(r.kept) > canaryMany {
		n = canaryBatch
	}
	for range len(r.kept) {
		k := r.kept[r.canary%len(r.kept)]
		r.canary++
		if !k.live {
			continue
		}
		asking, cancel := context.WithTimeout(ctx, callTimeout)
		err := r.check(asking, k, nil)
		cancel()
		if err != nil {
			return err
		}
		if n--; n == 0 {
			return nil
		}
	}
	if n == 0 || len(r.kept) == 0 || r.anyLive() {
		return nil
	}
	_, err := r.router.gateway.ExternalAddr(ctx) // nothing to read back: is it there at all?
	if isAway(err) {
		return err
	}
	return nil
}

func (r *keeping) anyLive() bool {
	for _, k := range r.kept {
		if k.live {
			return true
		}
	}
	return false
}

// renewAll extends the leases that are due.
func (r *keeping) renewAll(ctx context.Context) error {
	for _, k := range r.kept {
		if !k.live || k.renewAt.IsZero() || time.Now().Before(k.renewAt) {
			continue
		}
		if err := r.renew(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

// renew asks for a mapping again and looks whether its lease has really moved.
func (r *keeping) renew(ctx context.Context, k *kept) error {
	if k.late() {
		return r.anew(ctx, k, "made anew, because the router does not extend it")
	}
	before := k.now
	err := r.router.gateway.AddMapping(ctx, r.resend(k))
	if isAway(err) && !isCut(err) {
		return err
	}
	m, found, readErr := r.find(ctx, k.key(), k)
	if readErr != nil {
		return readErr
	}
	now := time.Now()
	if !found || !k.fulfils(m, r.router.gateway.LocalAddr()) {
		return r.judge(ctx, k, m, found)
	}
	if (err == nil || isCut(err)) && (m.Lease == 0 || m.Lease > k.lease*3/4 && m.Lease > k.ends.Sub(now)) {
		why := "its lease was extended"
		if before.Disabled != m.Disabled {
			why = "it was enabled again"
		}
		k.begin(m, now)
		r.own(k, m)
		r.state(k, KeepRenewed, &m, nil, why)
		return nil
	}
	if m.Lease > 0 {
		k.ends = now.Add(m.Lease)
		k.unmoved(now)
		return nil
	}
	k.seen(m, now) // permanent: nothing to extend
	return nil
}

// resend is what to send to have a mapping again: what worked before.
func (r *keeping) resend(k *kept) Mapping {
	m := k.target(r.router.gateway.LocalAddr())
	m.ExternalPort = k.now.ExternalPort
	if _, ok := r.router.gateway.worked(kindDescription); ok {
		m.Description = plain(m.Description)
	}
	if k.now.Lease == 0 {
		m.Lease = 0
	}
	if host, ok := r.router.gateway.worked(kindRemoteHost); ok && m.RemoteHost == "" {
		m.RemoteHost = host
	}
	return m
}

// anew removes a mapping and makes it again at once.
func (r *keeping) anew(ctx context.Context, k *kept, why string) error {
	k.repair = false
	k.entry.State = stateIntent
	r.note(r.journal.put(k.entry))
	if _, err := r.router.gateway.Remove(ctx, k.key()); err != nil && !errors.Is(err, ErrNoSuchEntry) {
		if isAway(err) {
			return err
		}
		k.unmoved(time.Now())
		return nil
	}
	k.live = false
	return r.make(ctx, k, why)
}

package igd

import (
	"context"
	"errors"
	"time"
)

// clean removes from the router what is in the journal and fulfils no wish: what an earlier run
// left behind, and what points at an address that this host no longer has.
func (r *keeping) clean(ctx context.Context) error {
	wanted := map[uint64]bool{}
	for _, k := range r.kept {
		wanted[k.entry.ID] = true
	}
	for _, o := range r.journal.all() {
		if wanted[o.ID] || !r.isHere(o) {
			continue
		}
		if err := r.remove(ctx, o); err != nil && isAway(err) {
			return err
		}
	}
	return nil
}

// remove takes away the mapping of an entry, if it is there and still what the entry says, and
// ends the entry once it is not.
func (r *keeping) remove(ctx context.Context, o owned) error {
	m, found, err := r.whereIs(ctx, o)
	if err != nil {
		return err
	}
	if !found {
		r.ended(o)
		return nil
	}
	if _, err = r.router.gateway.Remove(ctx, m.MappingKey); err != nil && !errors.Is(err, ErrNoSuchEntry) {
		if o.State != stateLeaving {
			o.State = stateLeaving
			r.note(r.journal.put(o))
		}
		if !r.left[o.ID] {
			r.left[o.ID] = true
			r.tellEntry(KeepLeft, o, err, reason(err))
		}
		return err
	}
	r.ended(o)
	r.tellEntry(KeepRemoved, o, nil, "")
	return nil
}

// ended notes that an entry is not on this router. If it was made on another, it may be there.
func (r *keeping) ended(o owned) {
	if o.Router == r.router.gateway.UDN() {
		r.note(r.journal.end(o))
		return
	}
	o.State, o.Host = stateLeaving, ""
	r.note(r.journal.put(o))
}

// whereIs looks for the mapping of an entry. One whose port the router may have chosen is looked
// for in its table, by everything else that is known of it.
func (r *keeping) whereIs(ctx context.Context, o owned) (m Mapping, found bool, err error) {
	if !o.Any || o.State != stateIntent {
		m, found, err = r.find(ctx, o.key(), nil)
		return m, found && o.matches(m), err
	}
	for m, err := range mappingsInTurn(ctx, r.router.gateway) {
		if isAway(err) {
			return m, false, err
		}
		if err == nil && m.Protocol == o.Protocol && m.InternalPort == o.Internal && m.InternalClient == o.Client && m.Description == o.Tag && !r.isOwned(m) {
			return m, true, nil
		}
	}
	return Mapping{}, false, nil
}

// isOwned reports a mapping that another entry knows by its port.
func (r *keeping) isOwned(m Mapping) bool {
	for _, o := range r.journal.all() {
		if o.State != stateIntent && r.isHere(o) && o.matches(m) {
			return true
		}
	}
	return false
}

func (r *keeping) tellEntry(kind KeepKind, o owned, err error, why string) {
	m := Mapping{MappingKey: o.key(), InternalClient: o.Client, InternalPort: o.Internal, Description: o.Tag, Lease: o.Lease}
	for _, k := range r.kept {
		if k.entry.ID == o.ID {
			k.live, k.last = false, kind
			r.tell(KeepEvent{Kind: kind, Asked: new(k.target(o.Client)), Mapping: &m, Err: err, Reason: why})
			return
		}
	}
	r.tell(KeepEvent{Kind: kind, Asked: &m, Err: err, Reason: why})
}

// leave removes what is ours on the router, in two attempts and little time. What stays is in the
// journal for the next run.
func (r *keeping) leave(ctx context.Context) {
	g := r.router.gateway
	var leaving []owned
	for _, o := range r.journal.all() {
		if g == nil || r.isHere(o) {
			o.State = leavingState(o)
			leaving = append(leaving, o)
		}
	}
	r.note(r.journal.put(leaving...))
	if g == nil || len(leaving) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveBudget)
	defer cancel()
	if r.knock(ctx, g.Location()) != nil && sleep(ctx, retries[0]) == nil && r.knock(ctx, g.Location()) != nil {
		for _, o := range leaving {
			r.tellEntry(KeepLeft, o, nil, "the router does not answer")
		}
		return
	}
	r.removeAll(ctx, leaving)
}

// leavingState keeps an intent with an unknown port one, so that it is looked for.
func leavingState(o owned) string {
	if o.State == stateIntent && o.Any {
		return stateIntent
	}
	return stateLeaving
}

func (r *keeping) removeAll(ctx context.Context, leaving []owned) {
	var again []owned
	for _, o := range leaving {
		if err := r.remove(ctx, o); err != nil && isAway(err) {
			again = append(again, o)
		}
	}
	if len(again) == 0 || sleep(ctx, 200*time.Millisecond) != nil {
		return
	}
	for _, o := range again {
		r.remove(ctx, o)
	}
}

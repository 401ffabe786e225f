package igd

import (
	"context"
	"errors"
	"iter"
	"time"

	"upnp/description"
	"upnp/soap"
)

// ErrTableChanged ends a listing whose table did not stand still for three walks: entries may
// be missing.
var ErrTableChanged = errors.New("the mapping table changed while it was read; entries may be missing")

// Mappings yields the port mappings of b as they are read: each key once, placeholders skipped,
// any of the field's end-of-list spellings accepted. An entry that cannot be read is
// yielded as an error and the listing goes on; any other error ends it, as does ErrTableChanged.
//
// A [Gateway] is asked for one entry at a time. Only a long table on a router that has answered
// dozens of calls quickly and cleanly is read faster: by port windows where the service document
// offers GetListOfPortMappings, else over four connections. Either way the table is looked at
// again at the end, and read again if it moved under the walk.
func Mappings(ctx context.Context, b Backend) iter.Seq2[Mapping, error] {
	return func(yield func(Mapping, error) bool) {
		w := &walk{backend: b, yield: yield, seen: map[MappingKey]bool{}}
		w.gateway, _ = b.(*Gateway)
		w.run(ctx)
	}
}

// mappingsInTurn is Mappings with never more than one call under way, for those who read a table
// again and again, and have time.
func mappingsInTurn(ctx context.Context, g *Gateway) iter.Seq2[Mapping, error] {
	return func(yield func(Mapping, error) bool) {
		w := &walk{backend: g, gateway: g, yield: yield, inTurn: true, seen: map[MappingKey]bool{}}
		w.run(ctx)
	}
}

const (
	maxEntries  = 1 << 16               // there are no more ports; ends a table that never ends (D6)
	maxSame     = 3                     // an entry told so often in a row is a table that repeats its last
	maxHoles    = 64                    // placeholders in a row
	maxWalks    = 3                     // of a table that moves
	trusted     = 24                    // clean answers that earn a router more speed
	trustedPace = 40 * time.Millisecond // and how quick they must be, on average
	quietWalk   = 20 * time.Millisecond // a walk this short is not checked for movement
	maxProbes   = 8
)

// A walk reads a table once or, if it moves, a few times.
type walk struct {
	backend Backend
	gateway *Gateway // nil if backend is none: then nothing is accelerated
	yield   func(Mapping, error) bool
	stopped bool // the consumer has enough
	slow    bool // trouble was met: one call at a time from here
	inTurn  bool // one call at a time in any case

	seen  map[MappingKey]bool // yielded
	met   map[MappingKey]bool // found in this walk
	at    map[int]MappingKey  // what stood at an index when it was read in this walk
	first int                 // 0, or 1 on routers that count from 1
	same  int                 // repeats in a row
	holes int
	last  MappingKey
}

func (w *walk) run(ctx context.Context) {
	for range maxWalks {
		began := time.Now()
		w.met, w.at = map[MappingKey]bool{}, map[int]MappingKey{}
		err := w.once(ctx)
		if w.stopped {
			return
		}
		if err != nil {
			w.yield(Mapping{}, err)
			return
		}
		if time.Since(began) < quietWalk || !w.moved(ctx) {
			return
		}
	}
	w.yield(Mapping{}, ErrTableChanged)
}

// once walks the table from its start to its end.
func (w *walk) once(ctx context.Context) error {
	began := time.Now()
	w.same, w.holes, w.last = 0, 0, MappingKey{}
	index, more, err := w.sequence(ctx, w.first, w.first+trusted)
	if err != nil || !more || w.stopped {
		return err
	}
	if w.gateway == nil || w.slow || time.Since(began) > trusted*trustedPace {
		_, _, err = w.sequence(ctx, index, w.first+maxEntries)
		return err
	}
	return w.quickly(ctx, index)
}

// quickly reads the rest of a long table on a trusted router.
func (w *walk) quickly(ctx context.Context, index int) error {
	if w.gateway.Offers(ctx, getList) {
		complete, err := w.windows(ctx, index)
		if complete || err != nil || w.stopped {
			return err
		}
	}
	if w.inTurn {
		_, _, err := w.sequence(ctx, index, w.first+maxEntries)
		return err
	}
	return w.parallel(ctx, index)
}

// sequence reads entries one after another. more is false at the end of the table.
func (w *walk) sequence(ctx context.Context, from, to int) (next int, more bool, err error) {
	for i := from; i < to && !w.stopped; i++ {
		m, err := w.backend.MappingAt(ctx, i)
		if err == nil && !w.take(i, m) {
			return i, false, nil
		}
		if err != nil {
			if again, err := w.after(ctx, i, err); !again {
				return i, false, err
			}
		}
	}
	return to, !w.stopped, nil
}

// take yields an entry once. It is false if the table has begun to repeat itself.
func (w *walk) take(index int, m Mapping) bool {
	w.at[index] = m.MappingKey
	if isHole(m) {
		w.holes++
		return w.holes < maxHoles
	}
	if w.holes = 0; m.MappingKey == w.last {
		w.same++
	} else {
		w.same, w.last = 1, m.MappingKey
	}
	w.give(m)
	return w.same < maxSame
}

func (w *walk) give(m Mapping) {
	w.met[m.MappingKey] = true
	if w.stopped || w.seen[m.MappingKey] {
		return
	}
	w.seen[m.MappingKey] = true
	w.stopped = !w.yield(m, nil)
}

// isHole reports a placeholder: an entry without port and client.
func isHole(m Mapping) bool {
	return m.ExternalPort == 0 && m.InternalPort == 0 && (!m.InternalClient.IsValid() || m.InternalClient.IsUnspecified())
}

// after decides what a failure at an index means: the end of the table, an entry that cannot be
// read, a table that counts from 1, or a real failure.
func (w *walk) after(ctx context.Context, index int, err error) (again bool, _ error) {
	switch {
	case isEnd(err) && index > w.first:
		return false, nil
	case !isAnswer(err) && !isCut(err), ctx.Err() != nil, isDenied(err):
		return false, err
	}
	w.slow = w.slow || isCut(err)
	if next, nextErr := w.backend.MappingAt(ctx, index+1); nextErr == nil && !isHole(next) {
		return w.stepOver(ctx, index, err), nil
	}
	if (isCut(err) || len(w.seen) == 0 && !isFault(err)) && !w.alive(ctx) {
		return false, err
	}
	return false, nil
}

// stepOver goes on behind an index that failed although the next one is there; one whose
// connection was cut is asked for once more first.
func (w *walk) stepOver(ctx context.Context, index int, err error) bool {
	if index == 0 && isAnswer(err) {
		w.first = 1
		return true
	}
	if isCut(err) {
		var m Mapping
		if m, err = w.backend.MappingAt(ctx, index); err == nil {
			return w.take(index, m)
		}
	}
	w.stopped = !w.yield(Mapping{}, err)
	return !w.stopped
}

// alive tells a router that ends its list in a way of its own from one that is gone, or that
// answers everything with a page to log in.
func (w *walk) alive(ctx context.Context) bool {
	_, err := w.backend.ExternalAddr(ctx)
	return err == nil || isFault(err)
}

// isEnd reports the standard's end of a list.
func isEnd(err error) bool {
	return errors.Is(err, ErrNoSuchIndex) || errors.Is(err, ErrNoSuchEntry)
}

// isDenied reports refusals that are none of the end-of-list spellings.
func isDenied(err error) bool {
	return errors.Is(err, ErrInvalidAction) || errors.Is(err, ErrNotAuthorized) || errors.Is(err, ErrOptionalActionNotImplemented)
}

// isAnswer reports an error that came from a living router: a fault, a status, or text that
// makes no sense.
func isAnswer(err error) bool {
	_, status := errors.AsType[*description.StatusError](err)
	return status || isFault(err) || isNonsense(err)
}

// isFault reports a refusal in the terms of the standard.
func isFault(err error) bool {
	_, fault := errors.AsType[*soap.Fault](err)
	_, meaning := errors.AsType[Error](err)
	return fault || meaning
}

// moved reads a few entries again and reports whether one is no longer where it was.
func (w *walk) moved(ctx context.Context) bool {
	for _, index := range spread(w.at, maxProbes) {
		m, err := w.backend.MappingAt(ctx, index)
		if err == nil && m.MappingKey != w.at[index] || isEnd(err) {
			return true
		}
	}
	return false
}

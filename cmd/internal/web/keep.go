package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"upnp/igd"
)

// A holding keeps mappings open for as long as the page runs.
type holding struct {
	page    *page
	changed chan chan struct{} // carries what to close when the change has been taken over

	held []held // under the hub's lock
}

// A held mapping is one that is kept.
type held struct {
	ID      string       `json:"id"`
	Asked   igd.Mapping  `json:"asked"`
	State   string       `json:"state"`
	Reason  string       `json:"reason"`
	Since   time.Time    `json:"since"`
	Mapping *igd.Mapping `json:"mapping"`
	Error   *failure     `json:"error"`

	wish igd.Wish
}

type keptLine struct {
	Type     string `json:"type"`
	Mappings []held `json:"mappings"`
}

func newHolding(p *page) *holding { return &holding{page: p, changed: make(chan chan struct{})} }

func (h *holding) present() []any { return []any{h.line()} }

func (h *holding) line() any { return keptLine{"kept", list(h.held)} }

// has reports whether a mapping is kept. The hub's lock is held.
func (h *holding) has(id string) bool {
	return slices.ContainsFunc(h.held, func(k held) bool { return k.ID == id })
}

// add keeps what the wishes ask for.
func (h *holding) add(ctx context.Context, wishes ...igd.Wish) {
	h.page.hub.update(func() []any {
		for _, w := range wishes {
			id := idOf(w.MappingKey)
			h.held = slices.DeleteFunc(slices.Clone(h.held), func(k held) bool { return k.ID == id })
			h.held = append(h.held, held{ID: id, Asked: w.Mapping, State: "asking", Since: time.Now(), wish: w})
		}
		return []any{h.line()}
	})
	h.apply(ctx)
}

// drop stops keeping mappings and returns the wishes for them. When it returns, none of them will
// be made again.
func (h *holding) drop(ctx context.Context, ids ...string) (dropped []igd.Wish) {
	h.page.hub.update(func() []any {
		h.held = slices.DeleteFunc(slices.Clone(h.held), func(k held) bool {
			if !slices.Contains(ids, k.ID) {
				return false
			}
			dropped = append(dropped, k.wish)
			return true
		})
		if len(dropped) == 0 {
			return nil
		}
		return []any{h.line()}
	})
	if len(dropped) > 0 {
		h.apply(ctx)
	}
	return dropped
}

// apply has the keeper take the wishes over, and waits until it has.
func (h *holding) apply(ctx context.Context) {
	taken := make(chan struct{})
	select {
	case h.changed <- taken:
	case <-ctx.Done():
		return
	}
	select {
	case <-taken:
	case <-ctx.Done():
	}
}

func (h *holding) wishes() []igd.Wish {
	h.page.hub.mu.Lock()
	defer h.page.hub.mu.Unlock()
	var all []igd.Wish
	for _, k := range h.held {
		all = append(all, k.wish)
	}
	return all
}

// run has a keeper run while there is something to keep.
func (h *holding) run(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case taken := <-h.changed:
			close(taken)
		case <-ctx.Done():
			return
		}
		if wishes := h.wishes(); len(wishes) > 0 {
			h.keep(ctx, wishes)
		}
	}
}

// keep runs a keeper until nothing is to be kept any more.
func (h *holding) keep(ctx context.Context, wishes []igd.Wish) {
	var running sync.WaitGroup
	defer running.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	news := make(chan []igd.Wish)
	client := h.page.client
	k := &igd.Keeper{Client: &client, Target: h.target(), Journal: h.page.server.Journal, Events: h.heard, Wishes: news}
	ended := make(chan error, 1)
	running.Go(func() { ended <- h.runKeeper(ctx, k, wishes) })
	for {
		select {
		case err := <-ended:
			h.failed(err)
			return
		case taken := <-h.changed:
			wishes := h.wishes()
			select {
			case news <- wishes:
			case err := <-ended:
				ended <- err
			}
			if close(taken); len(wishes) == 0 {
				return
			}
		}
	}
}

// runKeeper does without the journal if another page has it.
func (h *holding) runKeeper(ctx context.Context, k *igd.Keeper, wishes []igd.Wish) error {
	err := k.Run(ctx, wishes...)
	if errors.Is(err, igd.ErrJournalInUse) {
		h.page.log.write("bad", "another page keeps ports open too: after a crash, those of this one stay until their leases end")
		k.Journal = ""
		err = k.Run(ctx, wishes...)
	}
	return err
}

// target is the gateway that was chosen, empty if it was found.
func (h *holding) target() string {
	h.page.hub.mu.Lock()
	defer h.page.hub.mu.Unlock()
	return h.page.finder.line.Target
}

// failed tells that a keeper could not run.
func (h *holding) failed(err error) {
	if err == nil {
		return
	}
	h.page.hub.update(func() []any {
		h.held = slices.Clone(h.held)
		for i := range h.held {
			k := &h.held[i]
			k.State, k.Reason, k.Error, k.Since = string(igd.KeepRefused), err.Error(), explain(err), time.Now()
		}
		return []any{h.line()}
	})
}

// heard takes what the keeper tells.
func (h *holding) heard(e igd.KeepEvent) {
	if e.Asked == nil {
		if e.Reason != "" {
			h.page.log.info("keeping: " + e.Reason)
		}
		return
	}
	own := h.page.own()
	h.page.hub.update(func() []any {
		i := slices.IndexFunc(h.held, func(k held) bool { return k.wish.MappingKey == e.Asked.MappingKey })
		if i < 0 || e.Kind == igd.KeepProbed {
			return nil
		}
		h.held = slices.Clone(h.held)
		k := &h.held[i]
		k.State, k.Reason, k.Since, k.Mapping, k.Error = string(e.Kind), e.Reason, e.Time, e.Mapping, explain(e.Err)
		lines := []any{h.line()}
		if e.IsOpen() && e.Mapping != nil {
			lines = append(lines, h.page.ownChange(igd.Change{Added: []igd.Mapping{*e.Mapping}}, own)...)
		}
		return lines
	})
}

// toggle is POST /api/mappings/keep.
func (h *holding) toggle(r *http.Request) (any, error) {
	q, err := read[struct {
		IDs []string `json:"ids"`
		On  bool     `json:"on"`
	}](r)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), askTime)
	defer cancel()
	if !q.On {
		h.drop(ctx, q.IDs...)
		return done{}, nil
	}
	wishes, err := h.wishesFor(q.IDs)
	if err != nil {
		return nil, err
	}
	h.add(ctx, wishes...)
	return done{}, nil
}

// wishesFor are wishes for what is in the table.
func (h *holding) wishesFor(ids []string) ([]igd.Wish, error) {
	rows, missing := h.page.table.find(ids)
	if len(missing) > 0 {
		return nil, goneMapping(missing[0])
	}
	var wishes []igd.Wish
	for _, row := range rows {
		if !row.Mine {
			return nil, usage("ids", "%s leads to another machine, which had better keep it itself", row.ID)
		}
		w := igd.Wish{Mapping: row.mapping}
		w.Lease = h.page.drift.leaseOf(row)
		wishes = append(wishes, w)
	}
	return wishes, nil
}

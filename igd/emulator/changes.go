package emulator

import (
	"context"
	"iter"
	"net/netip"
	"time"

	"upnp/igd"
)

// Changes tells what the router tells its subscribers, leases that end included, beginning with
// the present. A slow reader gets several changes of the table as one. The address and the status
// are as its quirks show them, the table is the real one.
func (r *Router) Changes(ctx context.Context) iter.Seq2[igd.Change, error] {
	return func(yield func(igd.Change, error) bool) {
		t := &teller{router: r, yield: yield, more: true}
		for ctx.Err() == nil {
			table, changed, end := r.plain.present()
			t.tellAll(ctx, table)
			if !t.more {
				return
			}
			wait(ctx, changed, end)
		}
	}
}

// A teller finds out what changed since it looked last.
type teller struct {
	router *Router
	yield  func(igd.Change, error) bool
	more   bool // are wanted
	begun  bool

	addr   netip.Addr
	status string
	table  map[igd.MappingKey]igd.Mapping
}

// tellAll tells the address, the status and the table, each if it differs.
func (t *teller) tellAll(ctx context.Context, table []igd.Mapping) {
	addr, err := t.router.ExternalAddr(ctx)
	if err == nil && (!t.begun || addr != t.addr) {
		t.addr = addr
		t.tell(igd.Change{Kind: igd.ExternalAddressChanged, ExternalAddr: addr})
	}
	status, err := t.router.Status(ctx)
	if err == nil && (!t.begun || status.Connection != t.status) {
		t.status = status.Connection
		t.tell(igd.Change{Kind: igd.StatusChanged, Status: status.Connection})
	}
	t.tellTable(table)
	t.begun = true
}

func (t *teller) tellTable(table []igd.Mapping) {
	c := igd.Change{Kind: igd.MappingsChanged, NumberOfEntries: len(table)}
	now := make(map[igd.MappingKey]igd.Mapping, len(table))
	for _, m := range table {
		now[m.MappingKey] = m
		old, known := t.table[m.MappingKey]
		if known && sameButLease(old, m) {
			continue
		}
		if c.Added = append(c.Added, m); known {
			c.Removed = append(c.Removed, old)
		}
	}
	for k, old := range t.table {
		if _, there := now[k]; !there {
			c.Removed = append(c.Removed, old)
		}
	}
	t.table = now
	if !t.begun || len(c.Added)+len(c.Removed) > 0 {
		t.tell(c)
	}
}

func sameButLease(a, b igd.Mapping) bool {
	a.Lease, b.Lease = 0, 0
	return a == b
}

func (t *teller) tell(c igd.Change) {
	c.Time = time.Now()
	if t.more && (!t.begun || t.router.tells(c)) {
		t.more = t.yield(c, nil)
	}
}

// tells asks the quirks whether a change is told.
func (r *Router) tells(c igd.Change) bool {
	for _, q := range r.Quirks() {
		if q.Tell != nil && !q.Tell(c) {
			return false
		}
	}
	return true
}

// present is the table, the channel closed at the next change and how long until a lease ends,
// 0 for never.
func (p *plain) present() (table []igd.Mapping, changed <-chan struct{}, end time.Duration) {
	now := p.lock()
	defer p.mu.Unlock()
	for _, e := range p.table.entries {
		table = append(table, e.told(now))
	}
	if next, ok := p.table.nextEnd(); ok {
		end = next.Sub(now)
	}
	return table, p.changed, end
}

func wait(ctx context.Context, changed <-chan struct{}, end time.Duration) {
	var expired <-chan time.Time
	if end > 0 {
		timer := time.NewTimer(end)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-ctx.Done():
	case <-changed:
	case <-expired:
	}
}

// sleep is over after d or with ctx; not at all for 0.
func sleep(ctx context.Context, d time.Duration) {
	if d > 0 {
		wait(ctx, nil, d)
	}
}

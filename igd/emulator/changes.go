package emulator

import (
	"context"
	"iter"
	"net/netip"
	"time"
)

// A State is what a router tells its subscribers (WANIPConnection:2 section 2.3).
type State struct {
	UpdateID     uint32 // SystemUpdateID: counts the changes
	Mappings     int    // PortMappingNumberOfEntries
	ExternalAddr netip.Addr
	Connection   string // ConnectionStatus
}

// Changes yields the state as it is and again after every change, leases that end included,
// until ctx ends. A slow reader misses states in between and never the last one.
func (r *Router) Changes(ctx context.Context) iter.Seq[State] {
	return func(yield func(State) bool) {
		for ctx.Err() == nil {
			state, changed, end := r.plain.state()
			if !yield(state) {
				return
			}
			wait(ctx, changed, end)
		}
	}
}

// state is the state, the channel closed at the next change and how long until a lease ends,
// 0 for never.
func (p *plain) state() (s State, changed <-chan struct{}, end time.Duration) {
	now := p.lock()
	defer p.mu.Unlock()
	s = State{UpdateID: p.update, Mappings: len(p.table.entries), Connection: p.status.Connection}
	if p.connected() {
		s.ExternalAddr = p.external
	}
	if next, ok := p.table.nextEnd(); ok {
		end = next.Sub(now)
	}
	return s, p.changed, end
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

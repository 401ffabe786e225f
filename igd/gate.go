package igd

import (
	"context"
	"sync"
	"time"
)

// The gap between two calls is nothing until a router cuts one off; then it starts at minGap,
// doubles with every further cut and halves with every answer (ZTE F660 wants 200 ms: G-34).
const (
	minGap = 100 * time.Millisecond
	maxGap = time.Second
)

// A gate lets calls to one router through one at a time. Its zero value is open.
type gate struct {
	once sync.Once
	slot chan struct{} // holds a token while a call is in flight

	gap  time.Duration // guarded by slot
	last time.Time     // end of the last call; guarded by slot
}

// enter waits for the turn and the gap. If it returns nil, leave must follow.
func (g *gate) enter(ctx context.Context) error {
	g.once.Do(func() { g.slot = make(chan struct{}, 1) })
	select {
	case g.slot <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := sleep(ctx, time.Until(g.last.Add(g.gap))); err != nil {
		<-g.slot
		return err
	}
	return nil
}

func (g *gate) leave(err error) {
	if g.last = time.Now(); isCut(err) {
		g.gap = min(max(2*g.gap, minGap), maxGap)
	} else if g.gap /= 2; g.gap < minGap/4 {
		g.gap = 0
	}
	<-g.slot
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

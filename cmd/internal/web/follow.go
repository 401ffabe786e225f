package web

import (
	"context"
	"net/http"
	"time"
)

// Following is whether the table follows what happens at the gateway by itself.
type following struct {
	hub *hub

	// Under the hub's lock:
	now    followingLine
	turned chan struct{}      // closed when on changes
	cancel context.CancelFunc // ends the following under way; may be nil
}

type followingLine struct {
	Type   string    `json:"type"`
	On     bool      `json:"on"`
	Source string    `json:"source"`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
}

func newFollowing(h *hub) *following {
	return &following{hub: h, turned: make(chan struct{}), now: followingLine{Type: "following", On: true, Since: time.Now()}}
}

func (f *following) present() []any { return []any{f.now} }

// wait returns a context for following, as soon as it is on; false when ctx ended first, or the
// switch was turned.
func (f *following) wait(ctx context.Context) (context.Context, bool) {
	f.hub.mu.Lock()
	on, turned := f.now.On, f.turned
	if on {
		ctx, f.cancel = context.WithCancel(ctx)
	}
	f.hub.mu.Unlock()
	if on {
		return ctx, true
	}
	select {
	case <-turned:
	case <-ctx.Done():
	}
	return nil, false
}

// tell says where changes come from.
func (f *following) tell(source, reason string) {
	f.hub.update(func() []any {
		if f.now.Source == source && f.now.Reason == reason {
			return nil
		}
		f.now.Source, f.now.Reason, f.now.Since = source, reason, time.Now()
		return []any{f.now}
	})
}

func (f *following) source() string {
	f.hub.mu.Lock()
	defer f.hub.mu.Unlock()
	return f.now.Source
}

// toggle is POST /api/following.
func (f *following) toggle(r *http.Request) (any, error) {
	q, err := read[struct {
		On bool `json:"on"`
	}](r)
	if err != nil {
		return nil, err
	}
	f.hub.update(func() []any {
		if f.now.On == q.On {
			return nil
		}
		close(f.turned)
		f.turned = make(chan struct{})
		if f.now = (followingLine{Type: "following", On: q.On, Since: time.Now()}); !q.On && f.cancel != nil {
			f.cancel()
		}
		return []any{f.now}
	})
	return done{}, nil
}

package igd

import (
	"context"
	"sync"
)

// A place is where the router is, for those who listen.
type place struct {
	mu        sync.Mutex
	answers   bool
	host, udn string
	location  string
	boot      uint32
	bootKnown bool
}

// is notes which router is in use, or that none answers.
func (p *place) is(g *Gateway, answers bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers = answers
	if g == nil {
		return
	}
	if p.udn != g.UDN() || p.host != g.host() {
		p.bootKnown = false
	}
	p.host, p.udn, p.location = g.host(), g.UDN(), g.Location()
}

// watch has the gateway tell of changes. Where it cannot tell by itself, nobody asks it on our
// behalf: the keeper looks often enough.
func (r *keeping) watch(ctx context.Context, g *Gateway) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			r.follow(ctx, g)
			if sleep(ctx, reopenEvery) != nil {
				return
			}
		}
	}()
	r.router.stopEvents = func() { cancel(); <-done }
}

// follow passes on what a gateway tells live. What it begins with is the present, not a change.
func (r *keeping) follow(ctx context.Context, g *Gateway) {
	began := map[ChangeKind]bool{}
	for c, err := range g.Changes(ctx) {
		switch {
		case err != nil, c.Kind == SourceChanged && c.Source == SourcePolling:
			return
		case c.Kind == GatewayChanged:
			r.hear(hint{why: "the router is " + c.Gateway, search: true, repair: c.Gateway == GatewayRebooted})
			return
		case began[c.Kind]:
			r.hear(hint{why: "the router tells of a change"})
		}
		began[c.Kind] = true
	}
}

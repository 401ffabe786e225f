package igd

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"upnp/ssdp"
)

// An ear listens to the announcements of a gateway. It keeps only the latest of what matters, for
// announcements come in dozens.
type ear struct {
	gateway *Gateway
	signal  chan struct{} // holds a token when there is something to take
	cancel  context.CancelFunc
	work    sync.WaitGroup

	mu   sync.Mutex
	boot boot // the latest that is no news
	news rumour
}

// A rumour is what announcements suggest. None of it is true before it was checked: anybody can
// send them (SECURITY A4).
type rumour struct {
	byebye  bool    // the gateway is about to go
	alive   *answer // it has started anew, or is somewhere else
	near    bool    // alive came from where the gateway is known to be
	restart bool    // alive has the number of another boot
}

func newEar(ctx context.Context, g *Gateway) *ear {
	ctx, cancel := context.WithCancel(ctx)
	e := &ear{gateway: g, signal: make(chan struct{}, 1), cancel: cancel, boot: g.boot}
	e.work.Go(func() {
		for p, err := range g.client.Search().Monitor(ctx) {
			if err == nil {
				e.hear(p)
			}
		}
	})
	return e
}

func (e *ear) close() {
	e.cancel()
	e.work.Wait()
}

// take hands over the news. A number of a boot is news once.
func (e *ear) take() rumour {
	e.mu.Lock()
	defer e.mu.Unlock()
	news := e.news
	e.news = rumour{}
	if news.alive != nil && news.alive.boot.known {
		news.restart = e.boot.differs(news.alive.boot)
		e.boot = news.alive.boot
	}
	return news
}

// differs reports another boot than the latest known.
func (e *ear) differs(b boot) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.boot.differs(b)
}

func (e *ear) hear(p *ssdp.Packet) {
	near := p.From.Addr().Unmap().WithZone("").String() == e.gateway.host()
	if !hasUDN(e.gateway.root, p.USN().UDN) && !(near && isGatewayTarget(p.Target())) {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case strings.EqualFold(p.NTS(), ssdp.ByeBye):
		e.news.byebye = true
	case !strings.EqualFold(p.NTS(), ssdp.Alive) || !e.hearAlive(p, near):
		return
	}
	select {
	case e.signal <- struct{}{}:
	default:
	}
}

// isGatewayTarget reports what other devices at the gateway's address do not announce.
func isGatewayTarget(t ssdp.Target) bool {
	return t != ssdp.RootDevice && slices.ContainsFunc(targets, func(of ssdp.Target) bool { return of.Matches(t) })
}

// hearAlive tells an announcement with news from the ones repeated every few minutes. What others
// say does not replace what came from where the gateway is.
func (e *ear) hearAlive(p *ssdp.Packet, near bool) bool {
	a, ok := locate(p, []ssdp.Interface{p.Interface})
	if !ok || e.news.near && !near {
		return false
	}
	if !e.boot.known {
		e.boot = a.boot
	}
	if !e.boot.differs(a.boot) && a.location == e.gateway.Location() {
		return false
	}
	e.news.alive, e.news.near = &a, near
	return true
}

// A doubt limits how often announcements make a watch check its gateway: each check that finds
// nothing doubles the pause, and a quiet time forgives.
type doubt struct {
	pause time.Duration
	last  time.Time
}

const (
	firstDoubt = 5 * time.Second
	maxDoubt   = 10 * time.Second
)

// next is when the next check may be.
func (d *doubt) next() time.Time { return d.last.Add(d.pause) }

func (d *doubt) checked(now time.Time) {
	if now.Sub(d.last) > 2*maxDoubt {
		d.pause = 0
	}
	d.last, d.pause = now, min(max(2*d.pause, firstDoubt), maxDoubt)
}

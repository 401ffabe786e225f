package igd

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"upnp/description"
	"upnp/gena"
)

const (
	firstEvent = 2 * time.Second  // for the initial event, which is due at once
	tryAgain   = 10 * time.Minute // to subscribe, where that was refused or is of no use
)

// A notice is news from a line: the source of changes, and whether an event came.
type notice struct {
	source, reason string
	event          bool
	silent         bool // the gateway accepted the subscription, and no event came
}

// A line is the subscription to the events of a gateway's WAN connection.
type line struct {
	gateway *Gateway
	notices chan notice
	over    chan struct{} // holds a token when the subscription shall start over
	cancel  context.CancelFunc
	work    sync.WaitGroup

	mu   sync.Mutex
	held *gena.Subscription // nil without one
}

func newLine(ctx context.Context, g *Gateway) *line {
	ctx, cancel := context.WithCancel(ctx)
	l := &line{gateway: g, notices: make(chan notice), over: make(chan struct{}, 1), cancel: cancel}
	l.work.Go(func() { l.run(ctx) })
	return l
}

// close unsubscribes and waits for everything.
func (l *line) close() {
	l.cancel()
	l.work.Wait()
}

// startOver makes the line subscribe anew, to see whether events still come.
func (l *line) startOver() {
	select {
	case l.over <- struct{}{}:
	default:
	}
}

// renew asks the gateway whether it knows of the subscription; if not, there will be a new one.
func (l *line) renew() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held != nil {
		l.held.Renew()
	}
}

func (l *line) hand(s *gena.Subscription) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = s
}

func (l *line) run(ctx context.Context) {
	for ctx.Err() == nil {
		l.try(ctx)
	}
}

// try holds a subscription until it shall start over. One that brings no event is given up for
// polling, but kept: events may come yet.
func (l *line) try(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	retry := time.NewTimer(tryAgain)
	var holding sync.WaitGroup
	holding.Go(func() {
		if err := l.hold(ctx, retry); err != nil {
			l.say(ctx, notice{source: SourcePolling, reason: lineReason(err)})
		}
	})
	select {
	case <-ctx.Done():
	case <-l.over:
	case <-retry.C:
	}
	retry.Stop()
	cancel()
	holding.Wait()
}

func (l *line) say(ctx context.Context, n notice) {
	select {
	case l.notices <- n:
	case <-ctx.Done():
	}
}

// hold subscribes and passes on what comes until ctx ends. The error is why there are no events.
func (l *line) hold(ctx context.Context, retry *time.Timer) error {
	if !l.gateway.source.IsValid() {
		return errors.New("this host has no address on the gateway's network")
	}
	at := netip.AddrPortFrom(l.gateway.source, 0).String()
	listener, err := l.gateway.client.network().Listen(ctx, "tcp", at)
	if err != nil {
		return fmt.Errorf("events cannot be received: %w", err)
	}
	ctx, cancel := context.WithCancel(l.gateway.bind(ctx))
	s := &gena.Subscriber{HTTP: l.gateway.http, Listener: listener}
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.Serve(ctx) }) // without it no events come, which is noticed
	defer func() { cancel(); serving.Wait() }()
	subscription, err := l.subscribe(ctx, s)
	if err != nil {
		return err
	}
	l.hand(subscription)
	defer l.hand(nil)
	l.relay(ctx, subscription, retry)
	return nil
}

// subscribe tries the event URLs until one is there.
func (l *line) subscribe(ctx context.Context, s *gena.Subscriber) (*gena.Subscription, error) {
	err := errors.New("the gateway offers no events")
	for _, u := range l.gateway.root.URLs(l.gateway.conn.EventSubURL) {
		var subscription *gena.Subscription
		if subscription, err = s.Subscribe(ctx, u, l.gateway.addrs()...); err == nil {
			return subscription, nil
		}
		if !description.WrongURL(err) {
			break
		}
	}
	return nil, err
}

// addrs are the addresses the gateway is known by.
func (g *Gateway) addrs() []netip.Addr {
	var all []netip.Addr
	for _, text := range append(g.root.URLs(g.conn.ControlURL), g.root.Location) {
		if u, err := url.Parse(text); err == nil {
			if addr, err := netip.ParseAddr(u.Hostname()); err == nil {
				all = append(all, addr)
			}
		}
	}
	return all
}

// relay passes on events. While there are events, the line is not tried again.
func (l *line) relay(ctx context.Context, s *gena.Subscription, retry *time.Timer) {
	first, cancel := context.WithTimeout(ctx, firstEvent)
	heard := l.relayUntil(first, s, retry, true)
	cancel()
	if !heard {
		l.say(ctx, notice{source: SourcePolling, reason: "the gateway accepted the subscription, and sends no events", silent: true})
	}
	l.relayUntil(ctx, s, retry, false)
}

// relayUntil passes on events until ctx ends, or only one.
func (l *line) relayUntil(ctx context.Context, s *gena.Subscription, retry *time.Timer, one bool) (heard bool) {
	for event, err := range s.Events(ctx) {
		if event == nil {
			retry.Reset(tryAgain)
			l.say(ctx, notice{source: SourcePolling, reason: lineReason(err)})
			continue
		}
		retry.Stop()
		l.say(ctx, notice{source: SourceLive, event: true})
		if heard = true; one {
			return true
		}
	}
	return heard
}

// lineReason says in words for people why there are no events.
func lineReason(err error) string {
	if status, ok := errors.AsType[*description.StatusError](err); ok {
		return "the gateway refused the subscription: " + status.Status
	}
	return err.Error()
}

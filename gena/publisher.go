package gena

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"upnp/description"
)

// Limits of a [Publisher] that says nothing else.
const (
	DefaultSubscriptions = 64
	DefaultPerSource     = 8
)

// A Publisher takes subscriptions to one service and tells the subscribers of changes. As an
// http.Handler it answers SUBSCRIBE and UNSUBSCRIBE; Serve sends the events. It talks to nobody
// but the subscribers themselves: a CALLBACK has to be at the literal address the request came
// from (CallStranger, CVE-2020-12695).
//
// Its fields are not to be changed once it is in use.
type Publisher struct {
	// SCPD names the evented variables, with the values they have until something is published
	// in Default. Nil takes every variable that is published for evented.
	SCPD *description.SCPD

	// HTTP sends the events. Nil is a client without proxy, compression, cookies and kept
	// connections, with limits on time and header size. Redirects are not followed, whichever
	// client it is.
	HTTP *http.Client

	// Allowed are networks in which a CALLBACK may be wherever the request came from: for
	// subscribers behind a router.
	Allowed []netip.Prefix

	MaxSubscriptions int // at a time; 0 is DefaultSubscriptions
	MaxPerSource     int // at a time from one address; 0 is DefaultPerSource

	// Delay is how long after the answer to SUBSCRIBE the first event is sent. The SID is to be
	// known before (UPnP Device Architecture 1.1, section 4.1.2), and a subscriber may read the two
	// connections in any order: GUPnP 1.6 loses an event that it reads first. 0 is no delay.
	Delay time.Duration

	// Server is the SERVER header, "OS/version UPnP/1.1 product/version". Empty sends none.
	Server string

	// Logger is told of refused subscriptions and events that did not arrive. Nil is silent.
	Logger *slog.Logger

	mu    sync.Mutex
	state []Property            // the evented variables, their values once published
	known bool                  // state has been set up
	subs  map[string]*recipient // by SID
	run   *run                  // nil unless Serve is at work
	over  bool                  // Serve has been at work
}

var errServing = errors.New("gena: the publisher serves already")

// A run is one call of Serve.
type run struct {
	ctx     context.Context
	client  *http.Client
	sending sync.WaitGroup
}

// Serve sends events until ctx ends. Then it forgets all subscriptions, which are taken no more,
// waits for what it started and returns nil. Subscriptions may be made before; their events wait.
// One Serve may follow another.
func (p *Publisher) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &run{ctx: ctx, client: description.DeviceHTTP(p.HTTP, netip.Addr{})}
	if !p.setRun(r) {
		return errServing
	}
	<-ctx.Done()
	p.stop()
	r.sending.Wait()
	return nil
}

func (p *Publisher) setRun(r *run) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run != nil {
		return false
	}
	p.run = r
	for _, sub := range p.subs {
		p.start(sub)
	}
	return true
}

func (p *Publisher) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.run, p.subs, p.over = nil, nil, true
}

// Publish sets variables and sends them, changed or not, to all subscribers as one event. It does
// not wait for them. While an event to a subscriber is under way, what is published joins into
// one event with the latest value of each variable, so that a slow one costs no more than a fast
// one. Before Serve it sets the values new subscribers get.
//
// The error is a [*NameError] or [ErrNotEvented]; nothing is published then.
func (p *Publisher) Publish(properties ...Property) error {
	body, err := AppendProperties(nil, properties...)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.set(properties); err != nil {
		return err
	}
	p.expire()
	for _, r := range p.subs {
		r.add(&change{properties, body})
		p.start(r)
	}
	return nil
}

// set makes properties part of the state, all or none.
func (p *Publisher) set(properties []Property) error {
	p.setUp()
	for _, one := range properties {
		if p.SCPD != nil && !has(p.state, one.Name) {
			return fmt.Errorf("%w: %s", ErrNotEvented, one.Name)
		}
	}
	p.state = merge(p.state, properties)
	return nil
}

// setUp gives the state its first values.
func (p *Publisher) setUp() {
	if p.known || p.SCPD == nil {
		return
	}
	p.known = true
	for _, v := range p.SCPD.Variables {
		if v.Evented {
			p.state = append(p.state, Property{v.Name, v.Default})
		}
	}
}

func has(state []Property, name string) bool {
	return slices.ContainsFunc(state, func(p Property) bool { return p.Name == name })
}

// Subscriptions is how many there are at the moment.
func (p *Publisher) Subscriptions() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expire()
	return len(p.subs)
}

// expire forgets who did not renew in time.
func (p *Publisher) expire() {
	now := time.Now()
	for sid, r := range p.subs {
		if !now.Before(r.expires) {
			p.end(sid)
		}
	}
}

func (p *Publisher) end(sid string) {
	if r := p.subs[sid]; r != nil {
		r.ended = true
		delete(p.subs, sid)
	}
}

func (p *Publisher) logger() *slog.Logger {
	if p.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return p.Logger
}

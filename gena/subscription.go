package gena

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// A Subscription receives the events of one service until it is closed.
type Subscription struct {
	subscriber *Subscriber
	url        string
	sources    []netip.Addr
	box        *mailbox
	hurry      chan errand   // something to do before it is time
	ended      chan struct{} // closed by Close
	kept       sync.WaitGroup

	// The Subscriber's mutex guards these. Only one goroutine changes door and expires: the
	// caller of Subscribe, then the keeper, and Close when that is gone.
	closed  bool
	values  context.Context    // of Subscribe, without its end
	cancel  context.CancelFunc // ends the keeper
	door    *door              // nil when there is no subscription at the moment
	expires time.Time
	doubted time.Time // when the order of events last led to a request

	granted  time.Duration // by the latest answer
	failures int           // attempts since the last success
}

func newSubscription(ctx context.Context, s *Subscriber, target string, sources []netip.Addr) *Subscription {
	sub := &Subscription{
		subscriber: s, url: target, box: newMailbox(), hurry: make(chan errand, 1), ended: make(chan struct{}),
		values: context.WithoutCancel(ctx), cancel: func() {},
	}
	for _, addr := range sources {
		sub.sources = append(sub.sources, bare(addr))
	}
	return sub
}

func (s *Subscription) accepts(from netip.Addr) bool { return slices.Contains(s.sources, bare(from)) }

// URL is the event URL subscribed to.
func (s *Subscription) URL() string { return s.url }

// SID is what the device calls the subscription at present; "" while there is none.
func (s *Subscription) SID() string {
	s.subscriber.mu.Lock()
	defer s.subscriber.mu.Unlock()
	if s.door == nil {
		return ""
	}
	return s.door.sid
}

// Expires is when the device may forget the subscription unless it is renewed; the zero time
// while there is none.
func (s *Subscription) Expires() time.Time {
	s.subscriber.mu.Lock()
	defer s.subscriber.mu.Unlock()
	return s.expires
}

// Events yields what the device sends, in its order, until ctx ends, the subscription is closed
// or the loop is left; a later call goes on where this one stopped. Each event was answered
// before it is seen here, and when reading is slow, events are merged: the latest value of each
// variable is never lost to a full queue, other than [Event.Lost] says.
//
// An error, with a nil event, tells that the subscription could not be renewed or made anew. That
// is no end: it is tried again, after growing pauses of up to ten minutes.
//
// Only one loop at a time gets every event.
func (s *Subscription) Events(ctx context.Context) iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		for {
			event, order, err := s.box.next(ctx, s.ended)
			if event == nil && err == nil {
				return
			}
			s.look(order)
			if !yield(event, err) {
				return
			}
		}
	}
}

// look asks for what the order of events suggests, though not often: anybody can make it up.
func (s *Subscription) look(o order) {
	switch o {
	case early, late:
		s.doubt(resync)
	case restarted:
		s.doubt(renew)
	}
}

func (s *Subscription) doubt(e errand) {
	s.subscriber.mu.Lock()
	defer s.subscriber.mu.Unlock()
	if now := time.Now(); now.Sub(s.doubted) >= doubtPause {
		s.doubted = now
		s.send(e)
	}
}

// Renew renews the subscription at once, for callers with reason to think that the device has
// restarted. It does not wait.
func (s *Subscription) Renew() { s.send(renew) }

func (s *Subscription) send(e errand) {
	select {
	case s.hurry <- e:
	default: // something is about to be done anyway
	}
}

// subscribe asks for a new subscription behind a new door.
func (s *Subscription) subscribe(ctx context.Context) error {
	d, err := s.subscriber.openDoor(s)
	if err != nil {
		return err
	}
	err = s.enter(ctx, d)
	if err != nil {
		s.subscriber.closeDoor(d)
	}
	return err
}

func (s *Subscription) enter(ctx context.Context, d *door) error {
	callback, err := s.subscriber.callback(d)
	if err != nil {
		return err
	}
	answer, err := s.subscriber.ask(ctx, methodSubscribe, s.url, http.Header{
		"CALLBACK": {"<" + callback + ">"},
		"NT":       {eventType},
		"TIMEOUT":  {formatTimeout(s.subscriber.timeout())},
	})
	if err != nil {
		return err
	}
	sid := answer.Get("SID")
	if bareSID(sid) == "" {
		return errNoSID
	}
	s.subscriber.settle(d, sid)
	s.granting(d, answer)
	return nil
}

var errNoSID = errors.New("gena: SUBSCRIBE: the answer has no SID")

// granting takes note of what the device has agreed to.
func (s *Subscription) granting(d *door, answer http.Header) {
	s.subscriber.mu.Lock()
	defer s.subscriber.mu.Unlock()
	s.door = d
	s.granted = parseTimeout(answer.Get("TIMEOUT"))
	s.expires = time.Now().Add(s.granted)
}

// drop forgets the subscription the device no longer has.
func (s *Subscription) drop() {
	s.subscriber.mu.Lock()
	defer s.subscriber.mu.Unlock()
	if s.door != nil {
		delete(s.subscriber.doors, s.door.token)
	}
	s.door, s.expires = nil, time.Time{}
}

// renew asks for more time. The request has nothing but the SID, since devices take one with a
// CALLBACK for a new subscription. An answer without SID is about the old one.
func (s *Subscription) renew(ctx context.Context) error {
	answer, err := s.subscriber.ask(ctx, methodSubscribe, s.url, http.Header{
		"SID":     {s.SID()},
		"TIMEOUT": {formatTimeout(s.subscriber.timeout())},
	})
	if err != nil {
		return err
	}
	if sid := answer.Get("SID"); bareSID(sid) != "" && !sameSID(sid, s.SID()) {
		s.subscriber.settle(s.door, sid)
	}
	s.granting(s.door, answer)
	return nil
}

// unsubscribe ends the subscription at the device. That it does not know it is fine.
func (s *Subscription) unsubscribe(ctx context.Context) error {
	sid := s.SID()
	s.drop()
	if sid == "" {
		return nil
	}
	_, err := s.subscriber.ask(ctx, methodUnsubscribe, s.url, http.Header{"SID": {sid}})
	if isRefused(err) {
		return nil
	}
	return err
}

// Close ends the subscription, tells the device, and waits for all that was started. Loops over
// Events end. The error is that of telling the device; the subscription is closed all the same.
func (s *Subscription) Close(ctx context.Context) error {
	if !s.end() {
		return nil
	}
	s.kept.Wait()
	s.subscriber.remove(s)
	return s.unsubscribe(borrowed{ctx, s.values})
}

// A borrowed context ends like one and has the values of another.
type borrowed struct {
	context.Context
	values context.Context
}

func (b borrowed) Value(key any) any { return b.values.Value(key) }

// end makes the keeper stop. It is false if that was done before.
func (s *Subscription) end() bool {
	s.subscriber.mu.Lock()
	defer s.subscriber.mu.Unlock()
	if s.closed {
		return false
	}
	s.closed = true
	close(s.ended)
	s.cancel()
	return true
}

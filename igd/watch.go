package igd

import (
	"context"
	"iter"
	"time"
)

var _ Watcher = (*Gateway)(nil)

// Changes tells what changes at the gateway, as [Watcher] says. It subscribes to the gateway's
// events, and asks every now and then where it gets none; which of the two it does is a Change
// itself. An event is only a hint: everything told was read from the gateway. After an event the
// gateway is read at once, and again when it has become quiet, because common daemons lose events
// that happen while they deliver one.
//
// A gateway that does not answer any more is looked for, and what it has become is a Change: the
// Now of that is the gateway to use from then on. Meanwhile g may be used as ever.
func (g *Gateway) Changes(ctx context.Context) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		w := &watch{ctx: ctx, cancel: cancel, gateway: g, yield: yield}
		w.run(ctx)
	}
}

// subscribing is how long the first change waits for the outcome of the subscription.
const subscribing = 3 * time.Second

// A watch is one loop over the changes of a gateway. All but the line and the ear is used by one
// goroutine, that of the loop.
type watch struct {
	ctx     context.Context // what line and ear live for
	cancel  context.CancelFunc
	gateway *Gateway
	yield   func(Change, error) bool // nil when the caller has enough

	line  *line // of events
	ear   *ear  // for announcements
	pace  pace
	doubt doubt
	seen  picture // what was told

	source   string
	fell     time.Time // when the uptime was seen to be shorter than before
	stranger *stranger // an external address that was read once, and not told yet
}

func (w *watch) run(ctx context.Context) {
	defer func() { w.cancel(); w.line.close(); w.ear.close() }()
	w.line, w.ear = newLine(ctx, w.gateway), newEar(ctx, w.gateway)
	if !w.begin(ctx) {
		return
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		rumours, due := w.agenda(time.Now())
		timer.Reset(time.Until(due))
		select {
		case <-ctx.Done():
		case n := <-w.line.notices:
			w.notice(n)
		case <-rumours:
			w.heed(ctx)
		case <-timer.C:
			if !w.pace.next().After(time.Now()) {
				w.look(ctx)
			}
		}
	}
}

// agenda is when to wake up, and the signal of announcements if it is time to heed one.
func (w *watch) agenda(now time.Time) (rumours <-chan struct{}, due time.Time) {
	due, heed := w.pace.next(), w.doubt.next()
	switch {
	case !heed.After(now):
		rumours = w.ear.signal
	case heed.Before(due):
		due = heed
	}
	return rumours, due
}

// begin tells the source as soon as it is known, and then the present.
func (w *watch) begin(ctx context.Context) bool {
	timer := time.NewTimer(subscribing)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case n := <-w.line.notices:
		w.turn(n.source, n.reason)
	case <-timer.C:
		w.turn(SourcePolling, "the gateway has not answered the subscription")
	}
	w.look(ctx)
	return ctx.Err() == nil
}

// tell hands a change to the caller, who may have enough.
func (w *watch) tell(c Change) {
	if c.Time = time.Now(); !w.ended() && !w.yield(c, nil) {
		w.cancel()
		w.yield = nil
	}
}

func (w *watch) ended() bool { return w.yield == nil }

// notice takes what the line has to say.
func (w *watch) notice(n notice) {
	w.turn(n.source, n.reason)
	if n.event {
		w.pace.hint(time.Now())
	}
}

// turn changes the source, if it is another.
func (w *watch) turn(source, reason string) {
	if source == w.source {
		return
	}
	w.source = source
	w.pace.setLive(source == SourceLive)
	w.tell(Change{Kind: SourceChanged, Source: source, Reason: reason})
}

// look reads the gateway and tells what is new.
func (w *watch) look(ctx context.Context) {
	prompted := w.pace.begin(time.Now())
	now, err := w.read(ctx)
	if err != nil {
		w.pace.end(time.Now(), false)
		w.lost(ctx, err, nil)
		return
	}
	changed := w.compare(now, prompted)
	w.pace.end(time.Now(), changed)
	if changed && !prompted && w.source == SourceLive && !w.seen.at.IsZero() {
		w.line.startOver() // an event should have told this
	}
	w.seen.at = now.at
}

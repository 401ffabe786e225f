package igd

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"upnp/ssdp"
)

const (
	attemptTime  = 4 * time.Second        // for one attempt to find a gateway
	attemptRest  = 300 * time.Millisecond // for a better find
	wideInterval = 30 * time.Second       // between searches that everybody hears
	firstHurry   = 250 * time.Millisecond // between attempts brought about by announcements;
	maxHurry     = 5 * time.Second        // doubles up to here
)

// attemptPauses come before the first attempts; later ones are five seconds apart for ten minutes,
// then half a minute, then a minute (SECURITY 8.7).
var attemptPauses = [...]time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second}

func attemptPause(failed int, lost time.Duration) time.Duration {
	switch {
	case failed < len(attemptPauses):
		return attemptPauses[failed]
	case lost < 10*time.Minute:
		return 5 * time.Second
	case lost < time.Hour:
		return 30 * time.Second
	}
	return time.Minute
}

// heed checks what announcements suggest: whether the gateway still answers, and after a restart
// everything.
func (w *watch) heed(ctx context.Context) {
	news := w.ear.take()
	w.doubt.checked(time.Now())
	if news.restart {
		w.recheck(ctx, news)
		return
	}
	if _, err := w.ask(ctx); err != nil && isLost(err) {
		w.lost(ctx, err, news.alive)
	}
}

// recheck reads a gateway again that is said to have started anew. It was, if it says so itself.
func (w *watch) recheck(ctx context.Context, news rumour) {
	now, err := w.read(ctx)
	if err != nil {
		w.lost(ctx, err, news.alive)
		return
	}
	w.line.renew() // a restart forgets subscriptions
	if w.restarted(now) {
		w.doubt = doubt{}
		w.tell(Change{Kind: GatewayChanged, Gateway: GatewayRebooted, Now: w.gateway, Reason: "it announced a restart, and has been up for a shorter time than before"})
	}
	w.compare(now, true)
	w.fell = time.Time{}
}

// A recovery is the search for a gateway that does not answer.
type recovery struct {
	watch  *watch
	began  time.Time
	cause  error
	failed int       // attempts
	wide   time.Time // when everybody may be asked again
	hint   *answer   // of an announcement
	told   bool      // that the gateway is gone

	next  time.Time // attempt
	hurry time.Duration
	after time.Time // when an announcement may bring about the next attempt

	found  chan *find // of the attempt under way; nil without one
	cancel context.CancelFunc
}

// lost looks for the gateway until it is found, and tells what has become of it.
func (w *watch) lost(ctx context.Context, cause error, hint *answer) {
	now := time.Now()
	r := &recovery{watch: w, began: now, cause: cause, hint: hint, next: now, hurry: firstHurry, cancel: func() {}}
	if hint == nil {
		r.next = now.Add(attemptPause(0, 0))
	}
	defer r.stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		timer.Reset(time.Until(r.next))
		select {
		case <-ctx.Done():
		case f := <-r.found:
			r.found = nil
			if r.outcome(ctx, f) {
				return
			}
		case <-w.line.notices: // its end, or a sign of life
			r.hasten(nil)
		case <-w.ear.signal:
			r.hasten(w.ear.take().alive)
		case <-timer.C:
			r.attempt(ctx)
		}
	}
}

// hasten brings the next attempt forward.
func (r *recovery) hasten(hint *answer) {
	if hint != nil {
		r.hint = hint
	}
	if at := latest(time.Now(), r.after); at.Before(r.next) {
		r.next = at
		r.hurry = min(2*r.hurry, maxHurry)
	}
}

// attempt starts an attempt, in place of one that is under way.
func (r *recovery) attempt(ctx context.Context) {
	r.stop()
	now := time.Now()
	r.next, r.after = now.Add(2*attemptTime), now.Add(r.hurry)
	wide := !now.Before(r.wide)
	if wide {
		r.wide = now.Add(wideInterval)
	}
	ctx, r.cancel = context.WithTimeout(ctx, attemptTime)
	found, hint := make(chan *find, 1), r.hint
	r.found = found
	go func() { found <- r.watch.rediscover(ctx, hint, wide) }()
}

// stop ends an attempt that is under way.
func (r *recovery) stop() {
	r.cancel()
	if r.found != nil {
		<-r.found
		r.found = nil
	}
}

// outcome takes the result of an attempt.
func (r *recovery) outcome(ctx context.Context, f *find) (done bool) {
	r.cancel()
	w := r.watch
	if f != nil && w.adopt(ctx, f, r.told) {
		return true
	}
	if !r.told && ctx.Err() == nil {
		r.told = true
		w.line.cancel() // what it holds is void, and not worth an UNSUBSCRIBE
		w.tell(Change{Kind: GatewayChanged, Gateway: GatewayGone, Reason: goneReason(r.cause)})
	}
	r.failed++
	now := time.Now()
	r.next = now.Add(attemptPause(r.failed, now.Sub(r.began)))
	return false
}

// goneReason leaves the caller's own time limit out of the words.
func goneReason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("no answer for %v", answerTime)
	}
	return err.Error()
}

// rediscover looks for the gateway where it was, where an announcement has it, and around. Nil is
// nothing.
func (w *watch) rediscover(ctx context.Context, hint *answer, wide bool) *find {
	g := w.gateway
	h, err := g.client.startHunt(ctx, query{}, func(h *hunt, ctx context.Context) {
		if hint != nil {
			h.consider(ctx, *hint)
		}
		if a, err := parseLocation(g.Location()); err == nil {
			h.consider(ctx, a)
		}
		if wide {
			h.ask(ctx, waves())
		} else {
			h.ask(ctx, g.knock())
		}
	})
	if err != nil {
		return nil
	}
	defer h.close()
	return w.pick(ctx, h)
}

// knock asks only where the gateway was.
func (g *Gateway) knock() []ssdp.Wave {
	host, err := netip.ParseAddr(g.host())
	if err != nil {
		return nil
	}
	at := []netip.AddrPort{netip.AddrPortFrom(host, ssdp.GroupIPv4().Port())}
	return []ssdp.Wave{
		{Targets: targets, MX: 1, Unicast: at},
		{After: attemptRest, Targets: targets, MX: 1, Unicast: at},
	}
}

// pick takes the first find that is the gateway for certain, or the best of those that may be.
func (w *watch) pick(ctx context.Context, h *hunt) (best *find) {
	var enough <-chan time.Time
	for {
		select {
		case f, more := <-h.finds:
			if !more {
				return best
			}
			fit := w.fits(h, f)
			if fit == certain {
				return f
			}
			if fit > w.fits(h, best) {
				best, enough = f, time.After(attemptRest)
			}
		case <-enough:
			return best
		case <-ctx.Done():
			return best
		}
	}
}

// How well a find fits the gateway that was lost.
const (
	unfit    = iota
	instead  // another device in its place
	elsewise // the same device elsewhere
	certain  // the same device at its address
)

// fits compares. Who was the default gateway can be followed only to where the default gateway is
// now: others can answer under any name (SECURITY A1).
func (w *watch) fits(h *hunt, f *find) int {
	if f == nil || f.gateway == nil {
		return unfit
	}
	same, near := sameDevice(f.gateway, w.gateway), f.gateway.host() == w.gateway.host()
	switch {
	case same && near:
		return certain
	case same && (f.rank&atGateway != 0 || !h.isGateway(w.gateway.host())):
		return elsewise
	case near || f.rank&atGateway != 0:
		return instead
	}
	return unfit
}

func sameDevice(a, b *Gateway) bool { return hasUDN(a.root, b.UDN()) }

// isGateway reports a host that is a default gateway of this one.
func (h *hunt) isGateway(host string) bool {
	addr, err := netip.ParseAddr(host)
	for _, ifi := range h.interfaces {
		if err == nil && ifi.IsGateway(addr) {
			return true
		}
	}
	return false
}

// adopt goes on with what was found, if it can be read.
func (w *watch) adopt(ctx context.Context, f *find, gone bool) bool {
	old := w.gateway
	c := Change{Kind: GatewayChanged, Now: old}
	if gone || !samePlace(f.gateway, old) {
		c.Now = f.gateway
		c.Now.gate = old.gate
	}
	w.gateway = c.Now
	w.pace.begin(time.Now())
	now, err := w.read(ctx)
	if err != nil {
		w.gateway = old
		return false
	}
	c.Gateway, c.Reason = w.fate(f, now, gone)
	if w.doubt = (doubt{}); c.Gateway != "" {
		w.tell(c)
	}
	w.settle(old)
	w.compare(now, false)
	w.fell = time.Time{}
	w.pace.end(time.Now(), true)
	return true
}

// settle listens to the gateway of now.
func (w *watch) settle(old *Gateway) {
	if w.gateway == old {
		w.line.renew() // it may have restarted
		return
	}
	w.line.close()
	w.ear.close()
	w.line, w.ear = newLine(w.ctx, w.gateway), newEar(w.ctx, w.gateway)
}

// fate names what happened to the gateway; nothing, if it only missed a question.
func (w *watch) fate(f *find, now picture, gone bool) (fate, reason string) {
	old := w.ear.gateway
	restarted := w.ear.differs(f.gateway.boot) || w.restarted(now)
	switch {
	case !sameDevice(f.gateway, old):
		return GatewayReplaced, fmt.Sprintf("at %s is %s now, %s", f.gateway.Location(), f.gateway.root.Device.FriendlyName, f.gateway.UDN())
	case !samePlace(f.gateway, old) && f.gateway.local != old.local:
		return GatewayMoved, fmt.Sprintf("this host is %v now", f.gateway.local)
	case !samePlace(f.gateway, old):
		return GatewayMoved, "it is at " + f.gateway.Location()
	case restarted:
		return GatewayRebooted, "it has started anew"
	case gone:
		return GatewayBack, ""
	}
	return "", ""
}

// samePlace compares the ways to two gateways.
func samePlace(a, b *Gateway) bool {
	return a.Location() == b.Location() && a.conn.ControlURL == b.conn.ControlURL &&
		a.conn.EventSubURL == b.conn.EventSubURL && a.local == b.local &&
		a.source.WithZone("") == b.source.WithZone("")
}

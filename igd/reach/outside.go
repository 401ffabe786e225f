package reach

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"upnp/igd"
)

const (
	// headStart is what a probe has before the next one is asked as well.
	headStart = 2 * time.Second
	// acceptDelay is how long a connection that a probe tells of may take to reach our server's notice.
	acceptDelay = 200 * time.Millisecond
)

// A sighting is what came of asking one probe.
type sighting struct {
	verdict Verdict
	reason  string
	blames  bool // a failure whose cause the other findings may tell
}

// outside asks the probes until one has proven that the port is open.
func (k *check) outside(ctx context.Context) sighting {
	if len(k.Probes) == 0 {
		return sighting{verdict: Skipped, reason: "nobody was asked to look from outside"}
	}
	ctx, cancel := context.WithCancel(ctx)
	results := make(chan sighting, len(k.Probes))
	var looks sync.WaitGroup
	defer looks.Wait()
	defer cancel()
	var all []sighting
	next := time.NewTimer(0)
	defer next.Stop()
	for asked := 0; len(all) < len(k.Probes); {
		select {
		case <-next.C:
			p := k.Probes[asked]
			looks.Go(func() { results <- k.look(ctx, p) })
			if asked++; asked < len(k.Probes) {
				next.Reset(headStart)
			}
		case s := <-results:
			if all = append(all, s); s.verdict == Pass {
				return s
			}
			if len(all) == asked && asked < len(k.Probes) {
				next.Reset(0)
			}
		}
	}
	return worst(all)
}

// worst is what failures come to: one that looked and did not get through, or all that was no help.
func worst(all []sighting) sighting {
	if i := slices.IndexFunc(all, func(s sighting) bool { return s.verdict == Fail }); i >= 0 {
		return all[i]
	}
	var reasons []string
	for _, s := range all {
		if !slices.Contains(reasons, s.reason) {
			reasons = append(reasons, s.reason)
		}
	}
	return sighting{verdict: Unknown, reason: strings.Join(reasons, "; ")}
}

// An asking is one probe being asked.
type asking struct {
	*check
	probe Probe
	q     Question
	began time.Time
	reply Reply
	err   error
}

// look asks one probe and watches who comes.
func (k *check) look(ctx context.Context, p Probe) sighting {
	a := &asking{check: k, probe: p, began: time.Now(), q: Question{
		Protocol: k.want.Protocol, Addr: k.report.ExternalAddr, Port: k.want.ExternalPort,
	}}
	if k.server == nil {
		a.ask(ctx)
		return a.hearsay()
	}
	a.q.Nonce, a.err = k.server.Nonce()
	if a.err != nil {
		return a.unknown("%s", words(a.err))
	}
	answered := make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	defer func() { cancel(); <-answered }()
	go func() { defer close(answered); a.ask(ctx) }()
	select {
	case in := <-k.server.arrived(a.q.Nonce):
		if k.isElsewhere(in.from) {
			return a.arrived(in)
		}
		<-answered // it matters who was asked
		return a.arrived(in)
	case <-answered:
		return a.afterwards(ctx)
	}
}

func (a *asking) ask(ctx context.Context) { a.reply, a.err = a.probe.Ask(ctx, a.q) }

// arrived judges a nonce that came in. A router may put its own address in the place of the caller's;
// then it matters where the nonce had been sent.
func (a *asking) arrived(in arrival) sighting {
	took := in.at.Sub(a.began).Round(time.Millisecond)
	switch {
	case a.isElsewhere(in.from):
		return a.pass("the nonce told to %s arrived from %v after %v", a.probe.Host(), in.from, took)
	case a.isElsewhere(a.reply.Probe):
		return a.pass("the nonce told to %s arrived after %v, by way of %v", a.who(), took, in.from)
	}
	return a.unknown("the nonce arrived from %v, which is not on the Internet", in.from)
}

// afterwards judges what has come when the probe has answered, the nonce before all else.
func (a *asking) afterwards(ctx context.Context) sighting {
	timer := time.NewTimer(acceptDelay)
	defer timer.Stop()
	for {
		callers, more := a.server.calls()
		select {
		case in := <-a.server.arrived(a.q.Nonce):
			return a.arrived(in)
		default:
		}
		if s, ok := a.called(callers); ok {
			return s
		}
		select {
		case in := <-a.server.arrived(a.q.Nonce):
			return a.arrived(in)
		case <-more:
		case <-ctx.Done():
			return a.silence()
		case <-timer.C:
			return a.silence()
		}
	}
}

// called looks for a connection without a nonce, as an echoip server makes it. That it came is not the
// probe's word, and from where is certain over TCP.
func (a *asking) called(callers []netip.Addr) (sighting, bool) {
	if a.q.Protocol != igd.TCP {
		return sighting{}, false
	}
	for _, from := range callers {
		if a.isElsewhere(from) && (from == a.reply.Probe || a.reply.Reachable) {
			return a.pass("when %s was asked, a connection from %v arrived (without a nonce)", a.probe.Host(), from), true
		}
	}
	return sighting{}, false
}

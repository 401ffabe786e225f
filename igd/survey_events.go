package igd

import (
	"context"
	"time"
)

// SeenEvents is whether a gateway tells of changes by itself.
type SeenEvents struct {
	Offered  bool   `json:"offered"`  // the description has a URL for it
	Accepted bool   `json:"accepted"` // the subscription was
	First    bool   `json:"first"`    // the event due at once came: the gateway can connect to this host
	Changed  bool   `json:"changed"`  // so did one about the mapping of our own
	Reason   string `json:"reason,omitempty"`
}

const (
	subscribeTime = 6 * time.Second // for the outcome of a subscription
	eventTime     = 3 * time.Second // for the event of a change
)

// subscribe asks for events and waits for the first.
func (v *surveying) subscribe(ctx context.Context) {
	if v.gateway == nil || v.gateway.conn.EventSubURL == "" {
		return
	}
	v.doing("asking the router for events")
	v.line = newLine(ctx, v.gateway)
	timer := time.NewTimer(subscribeTime)
	defer timer.Stop()
	select {
	case v.first = <-v.line.notices:
	case <-timer.C:
		v.first = notice{source: SourcePolling, reason: "the gateway has not answered the subscription"}
	case <-ctx.Done():
	}
}

func (v *surveying) unsubscribe() {
	if v.line != nil {
		v.line.close()
	}
}

// another reports whether one more event comes.
func (v *surveying) another(ctx context.Context) bool {
	timer := time.NewTimer(eventTime)
	defer timer.Stop()
	for {
		select {
		case n := <-v.line.notices:
			if n.event {
				return true
			}
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// events tells what came of the subscription.
func (v *surveying) events(ctx context.Context) {
	if v.gateway == nil {
		return
	}
	e := &SeenEvents{Offered: v.line != nil, Accepted: v.first.event || v.first.silent, First: v.first.event, Reason: v.first.reason}
	v.report.Events = e
	tried := v.report.Trial != nil && v.report.Trial.Verified
	if e.First && tried {
		e.Changed = v.another(ctx)
	}
	asks := "Programs have to ask every now and then, and notice changes late."
	switch {
	case ctx.Err() != nil:
	case !e.Offered:
		v.found(FindNoEvents, Note, Advice{What: "The router offers no events. " + asks})
	case e.First && tried && !e.Changed:
		v.found(FindEventsIncomplete, Note, Advice{What: "The router accepts a subscription to its events, and did not tell of a change. " + asks})
	case e.First:
		v.found(FindEvents, OK, Advice{What: "The router tells of changes by itself, and can connect to this machine to do so."})
	case e.Accepted:
		v.found(FindEventsSilent, Warning, Advice{"The router accepts a subscription to its events, and no event arrives. " + asks, v.letConnect()}, v.wallEvidence()...)
	default:
		v.found(FindEventsRefused, Warning, Advice{What: "The router does not let this machine subscribe to its events. " + asks}, e.Reason)
	}
}

// letConnect is what to do about events that do not arrive.
func (v *surveying) letConnect() string {
	if v.blocking() != nil {
		return "Let the router connect to this machine through its firewall (TCP)."
	}
	return ""
}

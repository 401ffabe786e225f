package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"upnp/igd/device"
)

// maxListening bounds the subscriptions under way.
const maxListening = 32

// A listening is one subscription to a service.
type listening struct {
	ID      string    `json:"id"`
	Device  string    `json:"device"`
	Service string    `json:"service"`
	Name    string    `json:"name"`
	Since   time.Time `json:"since"`
	State   string    `json:"state"` // open, lost, ended
	Reason  string    `json:"reason"`

	cancel context.CancelFunc
}

type subscriptionsLine struct {
	Type          string      `json:"type"`
	Subscriptions []listening `json:"subscriptions"`
}

type eventLine struct {
	Type         string     `json:"type"`
	Time         time.Time  `json:"time"`
	Subscription string     `json:"subscription"`
	Device       string     `json:"device"`
	Service      string     `json:"service"`
	Name         string     `json:"name"`
	Seq          uint32     `json:"seq"`
	Properties   []property `json:"properties"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func (x *explorer) listeningLine() any {
	l := subscriptionsLine{Type: "subscriptions", Subscriptions: []listening{}}
	for _, o := range x.listening {
		l.Subscriptions = append(l.Subscriptions, *o)
	}
	return l
}

// subscribe is POST /api/services/{id}/subscribe.
func (x *explorer) subscribe(r *http.Request) (any, error) {
	s, k, err := x.service(r)
	if err != nil {
		return nil, err
	}
	if s.EventSubURL == "" {
		return nil, usage("", "this service has no events")
	}
	l := &listening{Device: k.id, Service: r.PathValue("id"), Name: s.Short(), Since: time.Now(), State: "open"}
	ctx, cancel := context.WithCancel(x.page.jobs.ctx)
	l.cancel = cancel
	if !x.enlist(l) {
		cancel()
		return nil, errBusy
	}
	go func() {
		defer x.page.subscribing.Done()
		defer cancel()
		x.listen(ctx, l, s)
	}()
	return struct {
		Subscription string `json:"subscription"`
	}{l.ID}, nil
}

// enlist adds a subscription in the place of one that has ended, if there is room.
func (x *explorer) enlist(l *listening) bool {
	room := true
	x.page.hub.update(func() []any {
		x.listening = slices.DeleteFunc(slices.Clone(x.listening), func(o *listening) bool { return o.State == "ended" && o.Service == l.Service })
		if room = len(x.listening) < maxListening && !x.page.hub.ended; !room {
			return nil
		}
		x.page.subscribing.Add(1)
		x.heard++
		l.ID = strconv.Itoa(x.heard)
		x.listening = append(x.listening, l)
		return []any{x.listeningLine()}
	})
	return room
}

// listen tells the events of a service until it is to end.
func (x *explorer) listen(ctx context.Context, l *listening, s *device.Service) {
	reason := ""
	for e, err := range s.Subscribe(ctx) {
		if err != nil {
			reason = explain(err).Error
			x.turn(l, "lost", reason)
			continue
		}
		reason = ""
		x.turn(l, "open", "")
		x.tell(l, e)
	}
	x.turn(l, "ended", reason)
}

// turn tells the state of a subscription if it is another.
func (x *explorer) turn(l *listening, state, reason string) {
	x.page.hub.update(func() []any {
		if l.State == state && l.Reason == reason {
			return nil
		}
		l.State, l.Reason = state, reason
		return []any{x.listeningLine()}
	})
}

func (x *explorer) tell(l *listening, e *device.Event) {
	line := eventLine{
		Type: "event", Time: e.Time, Subscription: l.ID, Device: l.Device, Service: l.Service, Name: l.Name,
		Seq: e.Seq, Properties: []property{},
	}
	for _, v := range e.Values {
		line.Properties = append(line.Properties, property{v.Name, v.Text})
	}
	x.page.hub.update(func() []any { return []any{line} })
}

// unsubscribe is POST /api/subscriptions/{id}/close.
func (x *explorer) unsubscribe(r *http.Request) (any, error) {
	x.page.hub.mu.Lock()
	defer x.page.hub.mu.Unlock()
	for _, l := range x.listening {
		if l.ID == r.PathValue("id") {
			l.cancel()
			return done{}, nil
		}
	}
	return nil, notFound("no such subscription")
}

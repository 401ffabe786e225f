package device

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"sync"
	"time"

	"upnp/description"
	"upnp/gena"
)

// An Event is what a service told of by itself. It is a hint and no proof, see [gena.Event].
type Event struct {
	Time    time.Time
	Seq     uint32  // 0 for the first event of a subscription
	Initial bool    // the values of all evented variables, which a new subscription begins with
	Lost    bool    // events before this one may be missing
	Values  []Value // typed by the service description, where there is one
	Notes   []string
}

// Get is the value of the variable of that name, in any case.
func (e *Event) Get(name string) (Value, bool) { return get(e.Values, name) }

// Subscribe yields the events of the service until ctx ends or the loop is left; then the device is
// told that nobody listens any more. The subscription is renewed meanwhile, and made anew where the
// device has forgotten it.
//
// An error with a nil event ends the loop if it is the first that is yielded: there is no
// subscription. A later one is of a renewal, which is tried again.
func (s *Service) Subscribe(ctx context.Context) iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		if err := s.listen(ctx, yield); err != nil {
			yield(nil, err)
		}
	}
}

// listen fails only before anything was yielded.
func (s *Service) listen(ctx context.Context, yield func(*Event, error) bool) error {
	scpd, _ := s.SCPD(ctx) // without it, values have no types
	if !s.way.source.IsValid() {
		return fmt.Errorf("device: events of %s: %w", s.label(), ErrNoAddress)
	}
	l, err := s.way.network.Listen(ctx, "tcp", netip.AddrPortFrom(s.way.source, 0).String())
	if err != nil {
		return fmt.Errorf("device: events of %s: %w", s.label(), err)
	}
	bound, cancel := context.WithCancel(s.way.bind(ctx))
	subscriber := &gena.Subscriber{HTTP: s.way.http, Listener: l}
	var serving sync.WaitGroup
	serving.Go(func() { _ = subscriber.Serve(bound) }) // without it no events come, which is noticed
	defer func() { cancel(); serving.Wait() }()
	subscription, err := s.subscribe(bound, subscriber)
	if err != nil {
		return err
	}
	for event, err := range subscription.Events(bound) {
		if event != nil && !yield(typed(scpd, event), nil) || event == nil && !yield(nil, err) {
			break
		}
	}
	return nil
}

// subscribe tries the event URLs until one is there.
func (s *Service) subscribe(ctx context.Context, subscriber *gena.Subscriber) (*gena.Subscription, error) {
	err := fmt.Errorf("device: events of %s: %w", s.label(), ErrNoURL)
	for _, u := range s.Root.URLs(s.EventSubURL) {
		var subscription *gena.Subscription
		if subscription, err = subscriber.Subscribe(ctx, u); err == nil || !description.WrongURL(err) {
			return subscription, err
		}
	}
	return nil, err
}

func typed(scpd *description.SCPD, e *gena.Event) *Event {
	event := &Event{Time: time.Now(), Seq: e.Seq, Initial: e.Initial, Lost: e.Lost, Notes: e.Notes}
	for _, p := range e.Properties {
		var v *description.Variable
		if scpd != nil {
			v = scpd.Variable(p.Name)
		}
		value, note := read(v, p.Name, p.Value)
		event.Values = append(event.Values, value)
		if note != "" {
			event.Notes = append(event.Notes, note)
		}
	}
	return event
}

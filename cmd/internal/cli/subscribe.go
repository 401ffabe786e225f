package cli

import (
	"context"
	"time"

	"upnp/cmd/internal/plain"
	"upnp/igd/device"
)

func subscribeCommand() *Command {
	return &Command{
		Usage: "subscribe TARGET SERVICE",
		Short: "what a service tells of by itself",
		Long: `Subscribes to the events of a service and prints a line for each variable that it tells of: first all that
it has, then each change, until interrupted or --timeout ends it. The subscription is renewed meanwhile,
made anew where the device has forgotten it, and ended at the device in the end.

` + targetHelp + `

With --json each event is an object on a line of its own.`,
		Examples: [2]string{
			"upnp subscribe 192.168.1.1 WANIPConnection --timeout 10s",
			"upnp subscribe 192.168.1.1 WANCommonInterfaceConfig --timeout 10s --json",
		},
		Run: runSubscribe,
	}
}

func runSubscribe(ctx context.Context, s *session, args []string) error {
	if len(args) != 2 {
		return usagef("to what? upnp subscribe TARGET SERVICE")
	}
	_, service, err := s.targetService(ctx, args[0], args[1])
	if err != nil {
		return err
	}
	done := s.progress("waiting for events")
	defer done()
	begun := false
	for event, err := range service.Subscribe(ctx) {
		done()
		switch {
		case err != nil && !begun:
			return err
		case err != nil:
			s.note("the subscription is interrupted, and tried again: %s", s.explain(err).Error())
			continue
		}
		begun = true
		if err := s.showEvent(service, event); err != nil {
			return err
		}
	}
	return interrupted(ctx)
}

// serviceEvent is a line of subscribe --json.
type serviceEvent struct {
	Time    time.Time      `json:"time"`
	Service string         `json:"service"`
	Seq     uint32         `json:"seq"`
	Initial bool           `json:"initial"`
	Lost    bool           `json:"lost"`
	Values  map[string]any `json:"values"`
	Notes   []string       `json:"notes,omitempty"`
}

func (s *session) showEvent(service *device.Service, e *device.Event) error {
	if s.options.json {
		return s.emitLine(serviceEvent{e.Time, service.Type, e.Seq, e.Initial, e.Lost, plain.Values(e.Values), e.Notes})
	}
	if e.Lost {
		s.note("events before this one may be missing")
	}
	s.noteAll(e.Notes)
	for _, v := range e.Values {
		s.stdout.linef("%s  %s  %s", s.stdout.style(dim, e.Time.Format("15:04:05")), v.Name, plainValue(v))
	}
	return s.stdout.w.Flush()
}

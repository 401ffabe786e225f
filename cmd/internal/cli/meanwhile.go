package cli

import (
	"context"
	"errors"

	"upnp/cmd/internal/notation"
	"upnp/igd"
	"upnp/igd/reach"
)

// openMeanwhile opens a port unless it is in the router's table, and returns what closes it again.
// It is noted in a journal first, so that after a crash the next check closes it.
func (s *session) openMeanwhile(ctx context.Context, gw *igd.Gateway, want igd.Mapping) (closePort func(), err error) {
	if _, err := gw.Find(ctx, want.MappingKey); err == nil {
		s.note("the router's table has %s already", want.MappingKey)
		return func() {}, nil
	}
	client, err := s.client(ctx)
	if err != nil {
		return nil, err
	}
	if want.InternalClient.IsValid() && !s.isOwn(want.InternalClient) {
		return nil, usagef("--map opens ports for this machine only, not for %s", want.InternalClient)
	}
	if risk := notation.RiskOf(portInside(want)); risk != "" {
		return nil, usagef("port %d is %s, which attackers look for first: --map does not open it", portInside(want), risk)
	}
	want.Description, want.Lease = "upnp check", reach.MaxLifetime
	o := &opening{first: make(chan error, 1), ended: make(chan struct{})}
	k := igd.Keeper{Client: client, Target: gw.Location(), Journal: s.statePath("check.journal"), Events: o.hear}
	return o.start(ctx, k, igd.Wish{Mapping: want})
}

func portInside(m igd.Mapping) uint16 {
	if m.InternalPort == 0 {
		return m.ExternalPort
	}
	return m.InternalPort
}

// An opening is a keeper that has one port open for a while.
type opening struct {
	first chan error
	ended chan struct{}
	err   error
}

// start returns when the port is open, or is not to be opened.
func (o *opening) start(ctx context.Context, k igd.Keeper, w igd.Wish) (closePort func(), err error) {
	ctx, stop := context.WithCancel(ctx)
	closePort = func() { stop(); <-o.ended }
	go func() {
		defer close(o.ended)
		o.err = k.Run(ctx, w)
	}()
	select {
	case err = <-o.first:
	case <-o.ended:
		if err = o.err; err == nil {
			err = context.Cause(ctx)
		}
	}
	if err == nil {
		return closePort, nil
	}
	closePort()
	if errors.Is(err, igd.ErrJournalInUse) {
		err = failf("another check --map is under way")
	}
	return nil, err
}

// hear waits for what comes of the port.
func (o *opening) hear(e igd.KeepEvent) {
	err := e.Err
	switch {
	case e.IsOpen():
	case (e.Kind == igd.KeepRefused || e.Kind == igd.KeepConflict) && err != nil:
	case e.Kind == igd.KeepUnverified:
		err = failf("the router said yes to %s, but its table does not show it", e.Asked.MappingKey)
	case e.Kind == igd.KeepGateway && e.Gateway == igd.GatewayGone:
		err = failf("the gateway is gone: %s", e.Reason)
	default:
		return
	}
	select {
	case o.first <- err:
	default:
	}
}

package emulator

import (
	"context"
	"time"

	"upnp/igd"
)

// RequestConnection connects a router that may be disconnected; any other is connected or is not.
func (p *plain) RequestConnection(context.Context) error {
	p.lock()
	defer p.mu.Unlock()
	switch {
	case p.connected():
		return nil
	case !p.dialUp:
		return igd.ErrConnectionSetupFailed
	}
	p.status, p.up, p.link.Physical = igd.Status{Connection: "Connected", LastError: "ERROR_NONE"}, time.Now(), "Up"
	p.touch()
	return nil
}

func (p *plain) Terminate(context.Context, bool) error {
	p.lock()
	defer p.mu.Unlock()
	switch {
	case !p.dialUp:
		return igd.ErrNotAuthorized
	case !p.connected():
		return igd.ErrConnectionAlreadyTerminated
	}
	p.status = igd.Status{Connection: "Disconnected", LastError: "ERROR_USER_DISCONNECT"}
	p.touch()
	return nil
}

func (f face) RequestConnection(ctx context.Context) error { return f.now().RequestConnection(ctx) }

func (f face) Terminate(ctx context.Context, force bool) error { return f.now().Terminate(ctx, force) }

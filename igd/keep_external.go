package igd

import (
	"context"
	"net/netip"
	"time"
)

// An external is the router's address outside, as far as it was told.
type external struct {
	at    time.Time // of the next look; zero: none
	known bool
	addr  netip.Addr
	next  netip.Addr // read once, to be seen again
	once  bool
}

// readExternal looks at the external address. One that changed is believed when it was read twice.
func (r *keeping) readExternal(ctx context.Context) error {
	e, now := &r.external, time.Now()
	if e.at.IsZero() || now.Before(e.at) {
		return nil
	}
	e.at = now.Add(externalEvery)
	addr, err := r.router.gateway.ExternalAddr(ctx)
	switch {
	case isAway(err):
		return err
	case err != nil:
		if !e.known {
			e.known = true
			r.tell(KeepEvent{Kind: KeepExternal, Class: NoAddr, Reason: "the router does not tell: " + reason(err)})
		}
		return nil
	case e.known && addr == e.addr:
		e.once = false
		return nil
	case e.known && !(e.once && e.next == addr):
		e.next, e.once, e.at = addr, true, now.Add(externalAgain)
		return nil
	}
	old := *e
	e.known, e.addr, e.once = true, addr, false
	why := r.connection(ctx)
	if old.known {
		why = "was " + addrText(old.addr) + why
	}
	r.tell(KeepEvent{Kind: KeepExternal, ExternalAddr: addr, Class: ClassOf(addr), Reason: why})
	return nil
}

// connection says that the WAN connection is down, if it says so.
func (r *keeping) connection(ctx context.Context) string {
	if r.external.addr.IsValid() {
		return ""
	}
	status, err := r.router.gateway.Status(ctx)
	if err != nil || isUp(status) {
		return ""
	}
	return "; the connection is " + status.Connection
}

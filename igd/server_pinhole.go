package igd

import (
	"context"
	"sync"

	"upnp/description"
	"upnp/soap"
)

// A registry remembers who is behind the pinholes that were made through a Server, because a
// backend does not tell.
type registry struct {
	mu   sync.Mutex
	made map[uint16]Pinhole
}

func (r *registry) put(id uint16, p Pinhole) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.made == nil {
		r.made = make(map[uint16]Pinhole)
	}
	r.made[id] = p
}

func (r *registry) get(id uint16) Pinhole {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.made[id]
}

// A doorman takes the actions of the IPv6 firewall. Also those that only ask are for the owner of
// a pinhole (WANIPv6FirewallControl:1 section 2.5).
type doorman struct {
	server  *Server
	backend PinholeBackend
	known   registry
}

// firewallActions are those of a backend that has a firewall; nil of any other.
func (a *actor) firewallActions() map[string]soap.ActionFunc {
	b, ok := a.backend.(PinholeBackend)
	if !ok {
		return nil
	}
	d := &doorman{server: a.server, backend: b}
	return map[string]soap.ActionFunc{
		"GetFirewallStatus":         d.status,
		"GetOutboundPinholeTimeout": d.timeout,
		"AddPinhole":                d.add,
		"UpdatePinhole":             d.about(d.update),
		"DeletePinhole":             d.about(d.delete),
		"GetPinholePackets":         d.about(d.packets),
		"CheckPinholeWorking":       d.about(d.check),
	}
}

func (d *doorman) status(ctx context.Context, _ soap.Args) (soap.Args, error) {
	s, err := d.backend.FirewallStatus(ctx)
	return firewallArgs(s), err
}

func (d *doorman) add(ctx context.Context, in soap.Args) (soap.Args, error) {
	p, err := parsePinhole(in)
	if err != nil {
		return nil, badArgs(err)
	}
	if err := d.wanting(p); err != nil {
		return nil, err
	}
	if err := d.server.allow(caller(ctx), p.mapping()); err != nil {
		return nil, err
	}
	id, err := d.backend.AddPinhole(ctx, p)
	if err == nil {
		d.known.put(id, p)
	}
	return idArgs(id), err
}

// wanting refuses the wildcards that mean more than one host or service.
func (d *doorman) wanting(p Pinhole) error {
	switch {
	case !p.InternalClient.IsValid() || p.InternalClient.IsUnspecified():
		return ErrInternalClientWildcard
	case !p.InternalClient.Is6():
		return ErrInvalidArgs
	case p.InternalPort == 0:
		return ErrInternalPortWildcard
	case p.Protocol == AnyProtocol:
		return ErrProtocolWildcard
	}
	return nil
}

func (d *doorman) timeout(ctx context.Context, in soap.Args) (soap.Args, error) {
	p, err := parsePinhole(in)
	if err != nil {
		return nil, badArgs(err)
	}
	t, err := d.backend.OutboundTimeout(ctx, p)
	return one("OutboundPinholeTimeout", formatSeconds(t)), err
}

// about is an action about one pinhole, for those who might have made it. What is not there is
// nobody's; the backend has its own answer to that.
func (d *doorman) about(do func(context.Context, uint16, soap.Args) (soap.Args, error)) soap.ActionFunc {
	return func(ctx context.Context, in soap.Args) (soap.Args, error) {
		id, err := portArg(in, "UniqueID")
		if err != nil {
			return nil, badArgs(err)
		}
		if _, err := d.backend.PinholePackets(ctx, id); err != nil {
			return nil, err
		}
		if err := d.server.allow(caller(ctx), d.known.get(id).mapping()); err != nil {
			return nil, err
		}
		return do(ctx, id, in)
	}
}

func (d *doorman) update(ctx context.Context, id uint16, in soap.Args) (soap.Args, error) {
	lease, err := secondsArg(in, "NewLeaseTime")
	if err != nil {
		return nil, badArgs(err)
	}
	return nil, d.backend.UpdatePinhole(ctx, id, lease)
}

func (d *doorman) delete(ctx context.Context, id uint16, _ soap.Args) (soap.Args, error) {
	return nil, d.backend.DeletePinhole(ctx, id)
}

func (d *doorman) packets(ctx context.Context, id uint16, _ soap.Args) (soap.Args, error) {
	n, err := d.backend.PinholePackets(ctx, id)
	return one("PinholePackets", description.FormatUI4(n)), err
}

func (d *doorman) check(ctx context.Context, id uint16, _ soap.Args) (soap.Args, error) {
	working, err := d.backend.CheckPinhole(ctx, id)
	return one("IsWorking", description.FormatBoolean(working)), err
}

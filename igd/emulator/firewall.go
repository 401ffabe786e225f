package emulator

import (
	"context"
	"time"

	"upnp/igd"
)

// A hole is a pinhole and what became of it.
type hole struct {
	igd.Pinhole
	until   time.Time
	packets uint32
}

// A firewall is the IPv6 firewall of a router of version 2. It is not safe for concurrent use.
type firewall struct {
	device igd.Device
	status igd.FirewallStatus
	size   int
	last   uint16 // ID given out
	holes  map[uint16]hole
}

// outboundTimeout is how long answers are let in: common for UDP.
const outboundTimeout = 180 * time.Second

func newFirewall(p Profile) firewall {
	return firewall{
		device: p.Device, size: p.size(), holes: map[uint16]hole{},
		status: igd.FirewallStatus{Enabled: true, Allowed: true},
	}
}

func (f *firewall) expire(now time.Time) {
	for id, h := range f.holes {
		if !now.Before(h.until) {
			delete(f.holes, id)
		}
	}
}

// usable is why nothing can be opened.
func (f *firewall) usable() error {
	switch {
	case f.device != igd.V2:
		return igd.ErrInvalidAction
	case !f.status.Enabled:
		return igd.ErrFirewallDisabled
	case !f.status.Allowed:
		return igd.ErrPinholeNotAllowed
	}
	return nil
}

func (f *firewall) check(p igd.Pinhole) error {
	switch {
	case p.Protocol == igd.AnyProtocol:
		return igd.ErrProtocolWildcard
	case p.Protocol != igd.TCP && p.Protocol != igd.UDP:
		return igd.ErrProtocolNotSupported
	case !p.InternalClient.IsValid():
		return igd.ErrInternalClientWildcard
	case p.InternalPort == 0:
		return igd.ErrInternalPortWildcard
	case !p.InternalClient.Is6(), p.Lease <= 0, p.Lease > igd.MaxPinholeLease:
		return igd.ErrInvalidArgs
	}
	return nil
}

// put opens a pinhole, or extends the one that differs in nothing but the lease.
func (f *firewall) put(p igd.Pinhole, now time.Time) (uint16, error) {
	for id, h := range f.holes {
		if h.Same(p) {
			h.until = now.Add(p.Lease)
			f.holes[id] = h
			return id, nil
		}
	}
	if len(f.holes) >= f.size {
		return 0, igd.ErrPinholeSpaceExhausted
	}
	for f.last++; f.last == 0 || f.holes[f.last].until != (time.Time{}); f.last++ {
	}
	f.holes[f.last] = hole{Pinhole: p, until: now.Add(p.Lease)}
	return f.last, nil
}

func (p *plain) FirewallStatus(context.Context) (igd.FirewallStatus, error) {
	p.lock()
	defer p.mu.Unlock()
	if p.firewall.device != igd.V2 {
		return igd.FirewallStatus{}, igd.ErrInvalidAction
	}
	return p.firewall.status, nil
}

func (p *plain) AddPinhole(_ context.Context, asked igd.Pinhole) (uint16, error) {
	now := p.lock()
	defer p.mu.Unlock()
	f := &p.firewall
	f.expire(now)
	if err := f.usable(); err != nil {
		return 0, err
	}
	if err := f.check(asked); err != nil {
		return 0, err
	}
	return f.put(asked, now)
}

func (p *plain) UpdatePinhole(_ context.Context, id uint16, lease time.Duration) error {
	if lease <= 0 || lease > igd.MaxPinholeLease {
		return igd.ErrInvalidArgs
	}
	return p.withHole(id, func(h *hole, now time.Time) error {
		h.until = now.Add(lease)
		return nil
	})
}

func (p *plain) DeletePinhole(_ context.Context, id uint16) error {
	return p.withHole(id, func(h *hole, now time.Time) error {
		h.until = now
		return nil
	})
}

func (p *plain) PinholePackets(_ context.Context, id uint16) (n uint32, err error) {
	err = p.withHole(id, func(h *hole, _ time.Time) error {
		n = h.packets
		return nil
	})
	return n, err
}

func (p *plain) CheckPinhole(_ context.Context, id uint16) (working bool, err error) {
	err = p.withHole(id, func(h *hole, _ time.Time) error {
		if working = h.packets > 0; !working {
			return igd.ErrNoTrafficReceived
		}
		return nil
	})
	return working, err
}

func (p *plain) OutboundTimeout(_ context.Context, asked igd.Pinhole) (time.Duration, error) {
	p.lock()
	defer p.mu.Unlock()
	if err := p.firewall.usable(); err != nil {
		return 0, err
	}
	if asked.Protocol != igd.TCP && asked.Protocol != igd.UDP {
		return 0, igd.ErrProtocolNotSupported
	}
	return outboundTimeout, nil
}

// withHole does something with a pinhole, if there is one.
func (p *plain) withHole(id uint16, do func(*hole, time.Time) error) error {
	now := p.lock()
	defer p.mu.Unlock()
	f := &p.firewall
	f.expire(now)
	if err := f.usable(); err != nil {
		return err
	}
	h, ok := f.holes[id]
	if !ok {
		return igd.ErrNoSuchPinhole
	}
	err := do(&h, now)
	f.holes[id] = h
	return err
}

// Pinholes are what the router's IPv6 firewall really lets in, by ID, with what is left of the
// leases.
func (r *Router) Pinholes() map[uint16]igd.Pinhole {
	now := r.plain.lock()
	defer r.plain.mu.Unlock()
	r.plain.firewall.expire(now)
	all := map[uint16]igd.Pinhole{}
	for id, h := range r.plain.firewall.holes {
		h.Lease = (h.until.Sub(now) + time.Second - 1).Truncate(time.Second)
		all[id] = h.Pinhole
	}
	return all
}

// SetFirewall switches the IPv6 firewall, or the permission to make pinholes.
func (r *Router) SetFirewall(s igd.FirewallStatus) {
	r.change(func(p *plain) { p.firewall.status = s })
}

// PassPinhole counts packets that came in through a pinhole.
func (r *Router) PassPinhole(id uint16, packets uint32) {
	_ = r.plain.withHole(id, func(h *hole, _ time.Time) error { // one that is gone lets nothing in
		h.packets += packets
		return nil
	})
}

func (f face) FirewallStatus(ctx context.Context) (igd.FirewallStatus, error) {
	return f.now().FirewallStatus(ctx)
}

func (f face) AddPinhole(ctx context.Context, p igd.Pinhole) (uint16, error) {
	return f.now().AddPinhole(ctx, p)
}

func (f face) UpdatePinhole(ctx context.Context, id uint16, lease time.Duration) error {
	return f.now().UpdatePinhole(ctx, id, lease)
}

func (f face) DeletePinhole(ctx context.Context, id uint16) error {
	return f.now().DeletePinhole(ctx, id)
}

func (f face) PinholePackets(ctx context.Context, id uint16) (uint32, error) {
	return f.now().PinholePackets(ctx, id)
}

func (f face) CheckPinhole(ctx context.Context, id uint16) (bool, error) {
	return f.now().CheckPinhole(ctx, id)
}

func (f face) OutboundTimeout(ctx context.Context, p igd.Pinhole) (time.Duration, error) {
	return f.now().OutboundTimeout(ctx, p)
}

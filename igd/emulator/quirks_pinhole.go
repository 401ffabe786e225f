package emulator

import (
	"context"
	"errors"
	"time"

	"upnp/igd"
)

// pinholes are the quirks of IPv6 firewalls.
func pinholes() []kind {
	return []kind{
		{"pinhole-unknown-402", "answers 402, not 704, of a pinhole that is not there (miniupnpd)", holes(unknown402)},
		{"pinhole-low-ports", "refuses pinholes to ports below 1024 with 606 (miniupnpd #692)",
			opening(igd.ErrNotAuthorized, func(p igd.Pinhole) bool { return p.InternalPort > 0 && p.InternalPort < 1024 })},
		{"pinholes-refused", "refuses every pinhole with 606 (FRITZ!Box without the permission for independent port sharing)",
			opening(igd.ErrNotAuthorized, func(igd.Pinhole) bool { return true })},
		{"firewall-off", "has its IPv6 firewall switched off and refuses pinholes with 702 (any router set up so)",
			firewallIs(igd.FirewallStatus{Allowed: true}, igd.ErrFirewallDisabled)},
		{"pinholes-off", "does not let control points make pinholes, 703 (any router set up so)",
			firewallIs(igd.FirewallStatus{Enabled: true}, igd.ErrPinholeNotAllowed)},
	}
}

// A keyhole answers for the pinholes of a backend in its own way.
type keyhole struct {
	Backend
	open   func(igd.Pinhole) error // may refuse
	error  func(error) error       // of what is asked about one
	status *igd.FirewallStatus     // nil: the backend's
}

func (k keyhole) FirewallStatus(ctx context.Context) (igd.FirewallStatus, error) {
	if k.status != nil {
		return *k.status, nil
	}
	return k.Backend.FirewallStatus(ctx)
}

func (k keyhole) AddPinhole(ctx context.Context, p igd.Pinhole) (uint16, error) {
	if err := k.open(p); err != nil {
		return 0, err
	}
	return k.Backend.AddPinhole(ctx, p)
}

func (k keyhole) UpdatePinhole(ctx context.Context, id uint16, lease time.Duration) error {
	return k.error(k.Backend.UpdatePinhole(ctx, id, lease))
}

func (k keyhole) DeletePinhole(ctx context.Context, id uint16) error {
	return k.error(k.Backend.DeletePinhole(ctx, id))
}

func (k keyhole) PinholePackets(ctx context.Context, id uint16) (uint32, error) {
	n, err := k.Backend.PinholePackets(ctx, id)
	return n, k.error(err)
}

func (k keyhole) CheckPinhole(ctx context.Context, id uint16) (bool, error) {
	working, err := k.Backend.CheckPinhole(ctx, id)
	return working, k.error(err)
}

// holes is the quirk of a changed keyhole.
func holes(change func(*keyhole)) func(*parameter) Quirk {
	return func(*parameter) Quirk {
		return Quirk{Backend: func(b Backend) Backend {
			k := keyhole{
				Backend: b,
				open:    func(igd.Pinhole) error { return nil },
				error:   func(err error) error { return err },
			}
			change(&k)
			return k
		}}
	}
}

func unknown402(k *keyhole) {
	k.error = func(err error) error {
		if errors.Is(err, igd.ErrNoSuchPinhole) {
			return igd.ErrInvalidArgs
		}
		return err
	}
}

// opening is the quirk of refusing pinholes.
func opening(refusal error, wrong func(igd.Pinhole) bool) func(*parameter) Quirk {
	return holes(func(k *keyhole) {
		k.open = func(p igd.Pinhole) error {
			if wrong(p) {
				return refusal
			}
			return nil
		}
	})
}

// firewallIs is the quirk of a firewall that is set up so that all is refused.
func firewallIs(s igd.FirewallStatus, refusal error) func(*parameter) Quirk {
	return holes(func(k *keyhole) {
		k.status = &s
		k.open = func(igd.Pinhole) error { return refusal }
		k.error = func(error) error { return refusal }
	})
}

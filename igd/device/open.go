package device

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"upnp/description"
	"upnp/ssdp"
)

// settle is how long Open waits, after a device that matches, for another one that matches too; for a
// name of which only a part was given, another one that matches better.
const (
	settle       = 1200 * time.Millisecond
	settleInPart = 2 * settle
)

// Open goes to one device. target is
//
//   - the http URL of its description, with an IP address for a host: nothing is searched for;
//   - a UDN ("uuid:…"), that of an embedded device too: it is searched for, and the first that has it
//     is the one;
//   - an IP address: the device that answers there;
//   - a friendly name, that of an embedded device too, in any case: where none is quite equal, the
//     one whose name has it for a part.
//
// The error is a [*TargetError] if there is no such device, or more than one, and [ErrTarget] for what
// is none of these. Those of a URL are as [description.Client.Root] has them.
func (c *Client) Open(ctx context.Context, target string) (*Device, error) {
	target = strings.TrimSpace(target)
	if err := CheckTarget(target); err != nil {
		return nil, fmt.Errorf("device: %q is %w", target, err)
	}
	if isURL(target) {
		return c.openURL(ctx, target)
	}
	return c.openFound(ctx, newWanted(target))
}

// CheckTarget reports whether Open could make something of a target, without any traffic. Anything
// but an empty text and a URL that is not read may be a name.
func CheckTarget(target string) error {
	target = strings.TrimSpace(target)
	if target == "" || isURL(target) && (!locationHost(target).IsValid() || target[:7] != "http://") {
		return ErrTarget
	}
	return nil
}

func isURL(target string) bool { return strings.Contains(target, "://") }

func (c *Client) openURL(ctx context.Context, location string) (*Device, error) {
	host := locationHost(location)
	interfaces, err := c.network().Interfaces()
	if err != nil {
		return nil, fmt.Errorf("device: network interfaces: %w", err)
	}
	w := c.newWay(host, ssdp.Interface{}, interfaces)
	root, err := w.root(ctx, location)
	if err != nil {
		return nil, fmt.Errorf("device: %w", err)
	}
	return newDevice(w, root, nil), nil
}

// A wanted device is what a target asks for.
type wanted struct {
	target string
	udn    bool
	host   netip.Addr // invalid if it is not an address
}

func newWanted(target string) *wanted {
	w := &wanted{target: target, udn: strings.HasPrefix(strings.ToLower(target), "uuid:")}
	if addr, err := netip.ParseAddr(strings.Trim(target, "[]")); err == nil {
		w.host = addr.Unmap()
	}
	return w
}

// waves ask for what is wanted, and for everything where only the description can tell.
func (w *wanted) waves() []ssdp.Wave {
	switch {
	case w.udn && isToken(ssdp.Target(w.target)):
		return ssdp.DefaultWaves(ssdp.Target(w.target), ssdp.RootDevice)
	case w.host.IsValid():
		at := []netip.AddrPort{netip.AddrPortFrom(w.host.WithZone(""), ssdp.Port)}
		return append(everything(), ssdp.Wave{Targets: []ssdp.Target{ssdp.RootDevice, ssdp.All}, Unicast: at})
	}
	return everything()
}

// How well a device is what is wanted; zero is not at all.
const (
	inPart = 1 + iota // by a part of its name
	whole
)

// match is how well a device is what is wanted, and the part of it that is.
func (w *wanted) match(d *Device) (quality int, part *description.Device) {
	if w.host.IsValid() {
		if slices.ContainsFunc(d.Locations, func(l string) bool { return sameHost(locationHost(l), w.host) }) {
			return whole, d.Root.Device
		}
		return 0, nil
	}
	for part := range d.Root.Devices() {
		switch {
		case w.udn && strings.EqualFold(part.UDN, w.target), !w.udn && strings.EqualFold(part.FriendlyName, w.target):
			return whole, part
		}
	}
	if strings.Contains(strings.ToLower(d.Root.Device.FriendlyName), strings.ToLower(w.target)) && !w.udn {
		return inPart, d.Root.Device
	}
	return 0, nil
}

// sameHost compares addresses, with zones only where both have one.
func sameHost(a, b netip.Addr) bool {
	if a.Zone() == "" || b.Zone() == "" {
		return a.WithZone("") == b.WithZone("")
	}
	return a == b
}

// A choice is what has matched so far, by UDN.
type choice struct {
	wanted   *wanted
	quality  int
	matches  map[string]*Device
	seen     map[string]*Device
	failures []error
	enough   func()      // ends the search
	timer    *time.Timer // for enough; nil before anything matched
}

// openFound searches until what is wanted is there and, unless that is one of a kind, nothing else
// is likely to be.
func (c *Client) openFound(ctx context.Context, w *wanted) (*Device, error) {
	search, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := c.newRoster(search)
	if err != nil {
		return nil, err
	}
	defer r.close()
	ch := &choice{wanted: w, matches: map[string]*Device{}, seen: map[string]*Device{}, enough: cancel}
	r.patience, r.eager = settle, true
	r.ask(w.waves())
	r.run(ch.hear)
	if ch.timer != nil {
		ch.timer.Stop()
	}
	if err := context.Cause(ctx); errors.Is(err, context.Canceled) {
		return nil, err
	}
	d, err := ch.outcome()
	if err != nil {
		return nil, err
	}
	return c.at(ctx, d, w.host)
}

// hear takes in a change, and reports whether more are of interest.
func (c *choice) hear(change Change, err error) bool {
	if err != nil {
		c.failures = append(c.failures, err)
		return true
	}
	before := c.quality
	c.consider(change.Device)
	switch {
	case c.quality == before:
	case c.timer == nil && c.quality == inPart:
		c.timer = time.AfterFunc(settleInPart, c.enough)
	case c.timer == nil:
		c.timer = time.AfterFunc(settle, c.enough)
	default:
		c.timer.Reset(settle)
	}
	return !c.wanted.udn || c.quality < whole
}

// at is d as it is reached at the address that was asked for, if one was.
func (c *Client) at(ctx context.Context, d *Device, host netip.Addr) (*Device, error) {
	if host.IsValid() && !sameHost(d.way.host, host) {
		for _, location := range d.Locations {
			if sameHost(locationHost(location), host) {
				return c.openURL(ctx, location)
			}
		}
	}
	return d, nil
}

func (c *choice) consider(d *Device) {
	c.seen[identity(d.Root)] = d
	quality, part := c.wanted.match(d)
	if quality == 0 || quality < c.quality {
		return
	}
	if quality > c.quality {
		clear(c.matches)
		c.quality = quality
	}
	chosen := *d
	chosen.Named = part
	c.matches[identity(d.Root)] = &chosen
}

func (c *choice) outcome() (*Device, error) {
	e := &TargetError{Target: c.wanted.target, Failures: c.failures}
	from := c.matches
	switch {
	case len(from) == 0:
		from = c.seen
	case len(from) > 1:
		e.Ambiguous = true
	}
	for _, d := range from {
		if len(c.matches) == 1 {
			return d, nil
		}
		e.Candidates = append(e.Candidates, d)
	}
	slices.SortFunc(e.Candidates, func(a, b *Device) int { return strings.Compare(a.Root.Location, b.Root.Location) })
	return nil, e
}

package device

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"upnp/description"
	"upnp/igd/wire"
	"upnp/ssdp"
)

// A Client is a control point: it finds devices and opens them. The zero value searches all usable
// interfaces of the system.
type Client struct {
	Network    wire.Network // nil: wire.System()
	Interfaces []string     // only these, by name; empty is all usable ones
}

func (c *Client) network() wire.Network {
	if c.Network == nil {
		return wire.System()
	}
	return c.Network
}

// ssdp is the half of the client that searches and listens.
func (c *Client) ssdp() *ssdp.Client {
	n := c.network()
	return &ssdp.Client{Listen: n.ListenPacket, Interfaces: n.Interfaces, Names: c.Interfaces}
}

// A Device is a root device with all that is embedded in it, or the part of it that was asked for.
// It does not change; several goroutines may use it.
type Device struct {
	Root      *description.Root   // as read from the first of Locations
	Named     *description.Device // what was asked for: the root device, unless Open was given an embedded one
	Locations []string            // of the description, one for each address the device answers at, the one in use first
	Expires   time.Time           // when it counts as gone unless it is heard of again; zero if it was not heard of

	way   *way
	notes []string
	all   []*Service // of the whole description
}

func newDevice(w *way, root *description.Root, notes []string) *Device {
	d := &Device{Root: root, Named: root.Device, Locations: []string{root.Location}, way: w, notes: notes}
	for s := range root.Services() {
		d.all = append(d.all, &Service{Service: s, Root: root, way: w})
	}
	return d
}

// UDN is the unique name of the root device.
func (d *Device) UDN() string { return d.Root.Device.UDN }

// Notes tell what had to be repaired to come here.
func (d *Device) Notes() []string { return slices.Concat(d.notes, d.Root.Notes) }

// Document is the device description as it is sent, byte for byte.
func (d *Device) Document(ctx context.Context) ([]byte, error) {
	return d.way.document(ctx, d.Root.Location)
}

// Services are those of Named and of what is embedded in it, in the order of the description.
func (d *Device) Services() []*Service {
	var within []*Service
	for _, s := range d.all {
		if isWithin(s.Device, d.Named) {
			within = append(within, s)
		}
	}
	return within
}

func isWithin(d, outer *description.Device) bool {
	for ; d != nil; d = d.Parent {
		if d == outer {
			return true
		}
	}
	return false
}

// Service is the service that name stands for: its whole type, its id, or the short form of either,
// such as "WANIPConnection", "WANIPConnection:1" or "WANIPConn1", in any case. Where several have the
// type, an id tells them apart. The error is a [*ServiceError].
func (d *Device) Service(name string) (*Service, error) {
	all := d.Services()
	for _, is := range []func(*Service, string) bool{isWhole, isShort, isBare} {
		var found []*Service
		for _, s := range all {
			if is(s, name) {
				found = append(found, s)
			}
		}
		if len(found) == 1 {
			return found[0], nil
		}
		if len(found) > 1 {
			return nil, &ServiceError{Name: name, Known: found, Ambiguous: true}
		}
	}
	return nil, &ServiceError{Name: name, Known: all}
}

func isWhole(s *Service, name string) bool {
	return strings.EqualFold(s.Type, name) || strings.EqualFold(s.ID, name)
}

func isShort(s *Service, name string) bool {
	return strings.EqualFold(s.Short(), name) || strings.EqualFold(lastPart(s.ID), name)
}

// isBare looks at the name of the type without its version.
func isBare(s *Service, name string) bool {
	kind, _, _ := strings.Cut(s.Short(), ":")
	return strings.EqualFold(kind, name)
}

func lastPart(urn string) string { return urn[strings.LastIndexByte(urn, ':')+1:] }

// A Service is something a device can be asked to do and can tell of.
type Service struct {
	*description.Service
	Root *description.Root // which decides its URLs

	way      *way
	document document
}

// Short is the type without what all types begin with: "WANIPConnection:1".
func (s *Service) Short() string { return Short(s.Type) }

// Short shortens the type of a device or service to its name and version, "WANIPConnection:1". What is
// no such type stays as it is.
func Short(urn string) string {
	parts := strings.Split(urn, ":")
	if len(parts) < 4 || !strings.EqualFold(parts[0], "urn") {
		return urn
	}
	return strings.Join(parts[3:], ":")
}

// label names s in errors.
func (s *Service) label() string { return cmp.Or(s.Short(), s.ID, "service without a name") }

// A document is a service description that is fetched when first needed, at most once, also when it
// is not there.
type document struct {
	mu   sync.Mutex
	done bool
	scpd *description.SCPD
	err  error
}

// SCPD is the service description, fetched at the first call. That it cannot be had is no obstacle
// to calling: see [Service.Call].
func (s *Service) SCPD(ctx context.Context) (*description.SCPD, error) {
	d := &s.document
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.done {
		return d.scpd, d.err
	}
	scpd, err := fetch(s, ctx, (*description.Client).SCPD)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	d.done, d.scpd, d.err = true, scpd, err
	return scpd, err
}

// Document is the service description as it is sent, byte for byte.
func (s *Service) Document(ctx context.Context) ([]byte, error) {
	return fetch(s, ctx, (*description.Client).Document)
}

// fetch tries the URLs of the service description until one is there.
func fetch[T any](s *Service, ctx context.Context, get func(*description.Client, context.Context, string) (T, error)) (got T, err error) {
	err = fmt.Errorf("device: %s: %w", s.label(), ErrNoURL)
	ctx, done, waited := s.way.enter(ctx)
	if waited != nil {
		return got, waited
	}
	defer done()
	for _, u := range s.Root.URLs(s.SCPDURL) {
		if got, err = get(&description.Client{HTTP: s.way.http}, ctx, u); err == nil {
			return got, nil
		}
	}
	return got, err
}

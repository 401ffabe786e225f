package emulator

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"upnp/igd"
)

// A Backend is everything a router can do. A [Quirk] wraps one.
type Backend interface {
	igd.Backend
	igd.RangeBackend
	igd.LinkBackend
	igd.CountersBackend
	igd.PinholeBackend
	igd.ConnectionBackend
}

// plain is a router by the book.
type plain struct {
	mu       sync.Mutex
	table    table
	external netip.Addr
	status   igd.Status // Uptime is not kept here
	link     igd.Link
	counters igd.Counters
	firewall firewall
	dialUp   bool          // anybody may take it offline
	up       time.Time     // since when it is connected
	changed  chan struct{} // closed and replaced at every change
}

func newPlain(p Profile) *plain {
	return &plain{
		table:    table{device: p.Device, size: p.size()},
		external: p.external(),
		status:   igd.Status{Connection: "Connected", LastError: "ERROR_NONE"},
		link:     igd.Link{AccessType: "Ethernet", UpstreamBits: 100e6, DownstreamBits: 1000e6, Physical: "Up"},
		firewall: newFirewall(p),
		dialUp:   p.DialUp,
		up:       time.Now(),
		changed:  make(chan struct{}),
	}
}

// lock gives the present: what has ended is gone.
func (p *plain) lock() (now time.Time) {
	p.mu.Lock()
	now = time.Now()
	if p.table.expire(now) {
		p.touch()
	}
	return now
}

// touch tells whoever waits that something changed. The lock is held.
func (p *plain) touch() {
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *plain) connected() bool { return p.status.Connection == "Connected" }

func (p *plain) ExternalAddr(context.Context) (netip.Addr, error) {
	p.lock()
	defer p.mu.Unlock()
	if !p.connected() {
		return netip.Addr{}, nil
	}
	return p.external, nil
}

func (p *plain) Status(context.Context) (igd.Status, error) {
	now := p.lock()
	defer p.mu.Unlock()
	s := p.status
	if p.connected() {
		s.Uptime = now.Sub(p.up).Truncate(time.Second)
	}
	return s, nil
}

func (p *plain) AddMapping(_ context.Context, m igd.Mapping) error {
	now := p.lock()
	defer p.mu.Unlock()
	if err := p.table.check(m); err != nil {
		return err
	}
	if m.ExternalPort == 0 {
		return igd.ErrWildcardExternalPort
	}
	if p.table.conflicts(m) {
		return igd.ErrConflict
	}
	return p.put(m, now)
}

// AddAnyMapping takes external port 0 as "whichever", as common routers do.
func (p *plain) AddAnyMapping(_ context.Context, m igd.Mapping) (uint16, error) {
	now := p.lock()
	defer p.mu.Unlock()
	if p.table.device != igd.V2 {
		return 0, igd.ErrInvalidAction
	}
	if err := p.table.check(m); err != nil {
		return 0, err
	}
	if m.ExternalPort == 0 {
		m.ExternalPort = p.table.free(m.Protocol, m.InternalPort)
	} else if p.table.conflicts(m) {
		m.ExternalPort = p.table.free(m.Protocol, m.ExternalPort)
	}
	if m.ExternalPort == 0 {
		return 0, igd.ErrNoPortsAvailable
	}
	return m.ExternalPort, p.put(m, now)
}

func (p *plain) put(m igd.Mapping, now time.Time) error {
	m.Lease = p.table.lease(m.Lease)
	if err := p.table.put(m, now); err != nil {
		return err
	}
	p.touch()
	return nil
}

func (p *plain) DeleteMapping(_ context.Context, k igd.MappingKey) error {
	p.lock()
	defer p.mu.Unlock()
	if p.table.find(k) < 0 {
		return igd.ErrNoSuchEntry
	}
	p.table.drop(func(e entry) bool { return sameKey(e.MappingKey, k) })
	p.touch()
	return nil
}

func (p *plain) Mapping(_ context.Context, k igd.MappingKey) (igd.Mapping, error) {
	now := p.lock()
	defer p.mu.Unlock()
	i := p.table.find(k)
	if i < 0 {
		return igd.Mapping{}, igd.ErrNoSuchEntry
	}
	return p.table.entries[i].told(now), nil
}

func (p *plain) MappingAt(_ context.Context, index int) (igd.Mapping, error) {
	now := p.lock()
	defer p.mu.Unlock()
	if index < 0 || index >= len(p.table.entries) {
		return igd.Mapping{}, igd.ErrNoSuchIndex
	}
	return p.table.entries[index].told(now), nil
}

// DeleteMappings removes all there are: a backend does not know who calls.
func (p *plain) DeleteMappings(_ context.Context, r igd.Range) error {
	p.lock()
	defer p.mu.Unlock()
	if err := p.checkRange(r); err != nil {
		return err
	}
	before := len(p.table.entries)
	p.table.drop(func(e entry) bool { return inRange(r, e.MappingKey) })
	if len(p.table.entries) == before {
		return igd.ErrPortMappingNotFound
	}
	p.touch()
	return nil
}

// ListMappings lists all there are: a backend does not know who calls.
func (p *plain) ListMappings(_ context.Context, r igd.Range) ([]igd.Mapping, error) {
	now := p.lock()
	defer p.mu.Unlock()
	if err := p.checkRange(r); err != nil {
		return nil, err
	}
	var found []igd.Mapping
	for _, e := range p.table.entries {
		if inRange(r, e.MappingKey) && (r.Max <= 0 || len(found) < r.Max) {
			found = append(found, e.told(now))
		}
	}
	if len(found) == 0 {
		return nil, igd.ErrPortMappingNotFound
	}
	return found, nil
}

func (p *plain) checkRange(r igd.Range) error {
	switch {
	case p.table.device != igd.V2:
		return igd.ErrInvalidAction
	case r.Protocol != igd.TCP && r.Protocol != igd.UDP:
		return igd.ErrArgumentOutOfRange
	case r.From > r.To:
		return igd.ErrInconsistent
	}
	return nil
}

func inRange(r igd.Range, k igd.MappingKey) bool {
	return k.Protocol == r.Protocol && r.From <= k.ExternalPort && k.ExternalPort <= r.To
}

func (p *plain) ConnectionType(context.Context) (igd.ConnectionType, error) {
	return igd.ConnectionType{Type: "IP_Routed", Possible: []string{"IP_Routed"}}, nil
}

func (p *plain) NAT(context.Context) (igd.NAT, error) { return igd.NAT{Enabled: true}, nil }

func (p *plain) Link(context.Context) (igd.Link, error) {
	p.lock()
	defer p.mu.Unlock()
	return p.link, nil
}

func (p *plain) Counters(context.Context) (igd.Counters, error) {
	p.lock()
	defer p.mu.Unlock()
	return p.counters, nil
}

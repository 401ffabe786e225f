package emulator

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"upnp/igd"
)

// A Router is an emulated gateway. As a [Backend] it shows the character its quirks give it;
// the methods beyond that are what the owner of the router can do, and tell the truth. It is
// safe for concurrent use.
type Router struct {
	Backend // the face: plain inside, quirks around it

	profile Profile
	plain   *plain

	mu     sync.Mutex
	quirks []Quirk
	face   Backend
	boots  uint32
	off    bool          // no datagram gets in or out
	reboot chan struct{} // closed to end a run of Serve
}

var (
	_ Backend     = (*Router)(nil)
	_ igd.Watcher = (*Router)(nil)
)

// New switches on a router.
func New(p Profile) *Router {
	r := &Router{profile: p, plain: newPlain(p), boots: uint32(time.Now().Unix()), reboot: make(chan struct{})}
	r.Backend = face{r}
	r.SetQuirks(p.Quirks...)
	return r
}

// Profile is what the router was made from.
func (r *Router) Profile() Profile { return r.profile }

// Quirks are the quirks in force, the innermost first.
func (r *Router) Quirks() []Quirk {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Quirk(nil), r.quirks...)
}

// SetQuirks replaces all quirks; the first is the innermost. Those about the description and
// about permissions take effect when the router is served the next time, all others at once.
func (r *Router) SetQuirks(quirks ...Quirk) {
	b := Backend(r.plain)
	for _, q := range quirks {
		if q.Backend != nil {
			b = q.Backend(b)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.quirks, r.face = append([]Quirk(nil), quirks...), b
}

// Table is what the router really forwards, in the order it was made.
func (r *Router) Table() []igd.Mapping {
	now := r.plain.lock()
	defer r.plain.mu.Unlock()
	all := make([]igd.Mapping, len(r.plain.table.entries))
	for i, e := range r.plain.table.entries {
		all[i] = e.told(now)
	}
	return all
}

// Put adds mappings as the router's own page does: by nobody's leave, overwriting what has the
// same key, and permanent where Lease is 0. It fails when the table is full.
func (r *Router) Put(mappings ...igd.Mapping) error {
	now := r.plain.lock()
	defer r.plain.mu.Unlock()
	for _, m := range mappings {
		if err := r.plain.table.put(m, now); err != nil {
			return err
		}
	}
	r.plain.touch()
	return nil
}

// Wipe empties the table, which some routers do without being asked.
func (r *Router) Wipe() {
	r.change(func(p *plain) { p.table.entries = nil })
}

// SetExternal changes the address on the Internet; the zero Addr is none.
func (r *Router) SetExternal(addr netip.Addr) {
	r.change(func(p *plain) { p.external = addr })
}

// SetConnection changes ConnectionStatus and LastConnectionError. Anything but "Connected" is
// a connection without an external address.
func (r *Router) SetConnection(status, lastError string) {
	r.change(func(p *plain) {
		if status == "Connected" && !p.connected() {
			p.up = time.Now()
		}
		p.status = igd.Status{Connection: status, LastError: lastError}
		p.link.Physical = "Up"
		if status != "Connected" {
			p.link.Physical = "Down"
		}
	})
}

// SetCounters sets the traffic totals. It is not a change anybody is told of.
func (r *Router) SetCounters(c igd.Counters) {
	r.plain.lock()
	defer r.plain.mu.Unlock()
	r.plain.counters = c
}

func (r *Router) change(f func(*plain)) {
	r.plain.lock()
	defer r.plain.mu.Unlock()
	f(r.plain)
	r.plain.touch()
}

// Reboot is a power cut: the table is lost unless it is persistent, time up starts again, and
// a router that is served vanishes without a goodbye, to come back after its BootTime.
func (r *Router) Reboot() {
	r.mu.Lock()
	r.boots++
	r.off = true
	close(r.reboot)
	r.reboot = make(chan struct{})
	r.mu.Unlock()
	r.change(func(p *plain) {
		p.up = time.Now().Add(r.profile.BootTime)
		if !r.profile.Persistent {
			p.table.entries = nil
		}
		p.firewall.holes = map[uint16]hole{} // volatile by the standard
	})
}

// face is the backend of the moment: quirks can be switched while the router runs.
type face struct{ r *Router }

func (f face) now() Backend {
	f.r.mu.Lock()
	defer f.r.mu.Unlock()
	return f.r.face
}

func (f face) ExternalAddr(ctx context.Context) (netip.Addr, error) { return f.now().ExternalAddr(ctx) }
func (f face) Status(ctx context.Context) (igd.Status, error)       { return f.now().Status(ctx) }
func (f face) AddMapping(ctx context.Context, m igd.Mapping) error  { return f.now().AddMapping(ctx, m) }
func (f face) NAT(ctx context.Context) (igd.NAT, error)             { return f.now().NAT(ctx) }
func (f face) Link(ctx context.Context) (igd.Link, error)           { return f.now().Link(ctx) }
func (f face) Counters(ctx context.Context) (igd.Counters, error)   { return f.now().Counters(ctx) }
func (f face) DeleteMappings(ctx context.Context, r igd.Range) error {
	return f.now().DeleteMappings(ctx, r)
}

func (f face) AddAnyMapping(ctx context.Context, m igd.Mapping) (uint16, error) {
	return f.now().AddAnyMapping(ctx, m)
}

func (f face) DeleteMapping(ctx context.Context, k igd.MappingKey) error {
	return f.now().DeleteMapping(ctx, k)
}

func (f face) Mapping(ctx context.Context, k igd.MappingKey) (igd.Mapping, error) {
	return f.now().Mapping(ctx, k)
}

func (f face) MappingAt(ctx context.Context, index int) (igd.Mapping, error) {
	return f.now().MappingAt(ctx, index)
}

func (f face) ListMappings(ctx context.Context, r igd.Range) ([]igd.Mapping, error) {
	return f.now().ListMappings(ctx, r)
}

func (f face) ConnectionType(ctx context.Context) (igd.ConnectionType, error) {
	return f.now().ConnectionType(ctx)
}

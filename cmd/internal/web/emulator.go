package web

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"upnp/cmd/internal/notation"
	"upnp/igd"
	"upnp/igd/emulator"
)

// An Emulator is how the page has an emulated router on the client's network.
type Emulator struct {
	Profile  emulator.Profile
	Mappings []igd.Mapping // that it has at first
	Server   igd.Server    // where it is on the network
	Other    netip.Addr    // another host there, whose mappings can be made
}

// A bench is where the emulated router is worked on.
type bench struct {
	page     *page
	settings *Emulator
	wanted   chan emulator.Profile

	// Under the hub's lock:
	router   *emulator.Router
	quirks   []emulator.Quirk
	external netip.Addr
	count    int
	state    string // on, rebooting
}

type emulatorLine struct {
	Type     string       `json:"type"`
	Profile  string       `json:"profile"`
	External string       `json:"external"`
	Mappings int          `json:"mappings"`
	State    string       `json:"state"`
	Quirks   []quirkState `json:"quirks"`
}

type quirkState struct {
	Name     string `json:"name"`
	Doc      string `json:"doc"`
	On       bool   `json:"on"`
	Restarts bool   `json:"restarts"`
}

func newBench(p *page, e *Emulator) *bench {
	b := &bench{page: p, settings: e, wanted: make(chan emulator.Profile)}
	b.make(e.Profile)
	return b
}

// make puts a new router in the place of what was there.
func (b *bench) make(p emulator.Profile) *emulator.Router {
	if p.Size == 0 {
		p.Size = 1 << 16 // small tables are a quirk
	}
	r := emulator.New(p)
	if err := r.Put(b.settings.Mappings...); err != nil {
		b.page.log.write("bad", "the emulated router's table is too small for its first mappings")
	}
	b.page.hub.update(func() []any {
		b.router, b.quirks, b.state = r, r.Quirks(), "rebooting"
		return []any{b.line()}
	})
	return r
}

// run serves the router, another after another.
func (b *bench) run(ctx context.Context) {
	r, first := b.now(), true
	for ; ; first = false {
		serving, stop := context.WithCancel(ctx)
		ready := make(chan struct{})
		var parts sync.WaitGroup
		parts.Go(func() { b.serve(serving, r, sync.OnceFunc(func() { close(ready) })) })
		if !first {
			parts.Go(func() { b.visit(serving, ready) })
		}
		parts.Go(func() { b.watch(serving, r) })
		var p emulator.Profile
		select {
		case p = <-b.wanted:
		case <-ctx.Done():
		}
		stop()
		parts.Wait()
		if ctx.Err() != nil {
			return
		}
		r = b.make(p)
	}
}

// visit has the page look for the gateway again: another router has taken the place of the one it
// knows, without a pause to notice that by.
func (b *bench) visit(ctx context.Context, ready <-chan struct{}) {
	select {
	case <-ready:
	case <-ctx.Done():
		return
	}
	select {
	case b.page.finder.quests <- quest{}:
	case <-ctx.Done():
	}
}

func (b *bench) serve(ctx context.Context, r *emulator.Router, ready func()) {
	server := b.settings.Server
	server.Ready = func(string) {
		b.turn("on")
		ready()
	}
	if err := r.Serve(ctx, server); err != nil {
		b.page.log.write("bad", "the emulated router does not start: "+err.Error())
	}
}

func (b *bench) turn(state string) {
	b.page.hub.update(func() []any {
		b.state = state
		return []any{b.line()}
	})
}

// watch follows the router itself, so that what it says of itself is never taken for the truth.
func (b *bench) watch(ctx context.Context, r *emulator.Router) {
	for c, err := range r.Changes(ctx) {
		if err != nil {
			return
		}
		count := len(r.Table())
		b.page.hub.update(func() []any {
			if c.Kind == igd.ExternalAddressChanged {
				b.external = c.ExternalAddr
			}
			b.count = count
			return []any{b.line()}
		})
	}
}

func (b *bench) now() *emulator.Router {
	b.page.hub.mu.Lock()
	defer b.page.hub.mu.Unlock()
	return b.router
}

func (b *bench) present() []any { return []any{b.line()} }

func (b *bench) line() any {
	l := emulatorLine{Type: "emulator", Profile: b.router.Profile().Name, External: addrText(b.external), Mappings: b.count, State: b.state}
	for _, q := range emulator.Quirks() {
		on := slices.ContainsFunc(b.quirks, func(o emulator.Quirk) bool { return o.Name == q.Name })
		l.Quirks = append(l.Quirks, quirkState{q.Name, q.Doc, on, restarts(q)})
	}
	return l
}

// restarts tells a quirk that takes effect when the router is served the next time.
func restarts(q emulator.Quirk) bool {
	return q.Root != nil || q.Policy != nil || q.Connection != nil
}

func (b *bench) calls(all map[string]call) {
	all["POST /api/emulator/quirks"] = b.quirk
	all["POST /api/emulator/profile"] = b.profile
	all["GET /api/emulator/profiles"] = b.profiles
	all["POST /api/emulator/reboot"] = func(*http.Request) (any, error) {
		b.reboot()
		return done{}, nil
	}
	all["POST /api/emulator/wipe"] = func(*http.Request) (any, error) {
		b.now().Wipe()
		b.page.log.info("the emulated router lost its table")
		return done{}, nil
	}
	all["POST /api/emulator/address"] = b.address
	all["POST /api/emulator/put"] = b.put
}

func (b *bench) reboot() {
	b.turn("rebooting")
	b.page.log.info("the emulated router restarts")
	b.now().Reboot()
}

type profileInfo struct {
	Name string `json:"name"`
	Doc  string `json:"doc"`
}

// profiles is GET /api/emulator/profiles.
func (b *bench) profiles(*http.Request) (any, error) {
	all := []profileInfo{}
	for _, p := range emulator.Profiles() {
		all = append(all, profileInfo{p.Name, p.Doc})
	}
	return all, nil
}

// profile is POST /api/emulator/profile: another router in the place of this one.
func (b *bench) profile(r *http.Request) (any, error) {
	q, err := read[struct {
		Name string `json:"name"`
	}](r)
	if err != nil {
		return nil, err
	}
	p, err := emulator.ProfileNamed(q.Name)
	if err != nil {
		return nil, usage("name", "there is no such profile")
	}
	select {
	case b.wanted <- p:
		b.page.log.info("another emulated router: " + p.Name)
		return done{}, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// quirk is POST /api/emulator/quirks.
func (b *bench) quirk(r *http.Request) (any, error) {
	q, err := read[struct {
		Name string `json:"name"`
		On   bool   `json:"on"`
	}](r)
	if err != nil {
		return nil, err
	}
	quirk, err := emulator.Lookup(q.Name)
	if err != nil {
		return nil, usage("name", "%s", strings.TrimPrefix(err.Error(), "emulator: "))
	}
	b.page.hub.update(func() []any {
		b.quirks = slices.DeleteFunc(slices.Clone(b.quirks), func(o emulator.Quirk) bool { return o.Name == quirk.Name })
		if q.On {
			b.quirks = append(b.quirks, quirk)
		}
		b.router.SetQuirks(b.quirks...)
		return []any{b.line()}
	})
	if restarts(quirk) {
		b.reboot()
	}
	return done{}, nil
}

// address is POST /api/emulator/address.
func (b *bench) address(r *http.Request) (any, error) {
	q, err := read[struct {
		Address string `json:"address"`
	}](r)
	if err != nil {
		return nil, err
	}
	var addr netip.Addr
	if q.Address != "" {
		if addr, err = netip.ParseAddr(q.Address); err != nil || !addr.Is4() {
			return nil, usage("address", "want an IPv4 address, or none")
		}
	}
	b.now().SetExternal(addr)
	return done{}, nil
}

// put is POST /api/emulator/put: mappings as another host would have made them.
func (b *bench) put(r *http.Request) (any, error) {
	q, err := read[struct {
		order
		Count int `json:"count"`
	}](r)
	if err != nil {
		return nil, err
	}
	all, err := q.mappings(b.settings.Other, max(q.Count, 1))
	if err != nil {
		return nil, err
	}
	if err := b.now().Put(all...); err != nil {
		return nil, err
	}
	return done{}, nil
}

// mappings are what an order stands for where nobody minds what is asked for: ports one after the
// other, of any host.
func (o order) mappings(client netip.Addr, count int) ([]igd.Mapping, error) {
	protocols, err := protocolsOf(o.Protocol)
	if err != nil {
		return nil, err
	}
	if o.InternalClient != "" {
		if client, err = notation.ParseHost(o.InternalClient); err != nil {
			return nil, usage("internalClient", "%v", err)
		}
	}
	o.ExternalPortEnd = o.ExternalPort + count - 1
	if o.ExternalPort < 1 || o.ExternalPortEnd > 65535 || o.InternalPort < 0 || o.InternalPort > 65535 {
		return nil, usage("externalPort", "ports are numbers from 1 to 65535")
	}
	var all []igd.Mapping
	for port := o.ExternalPort; port <= o.ExternalPortEnd; port++ {
		for _, protocol := range protocols {
			all = append(all, o.mapping(protocol, uint16(port), client))
		}
	}
	return all, nil
}

func (o order) mapping(protocol igd.Protocol, port uint16, client netip.Addr) igd.Mapping {
	m := igd.Mapping{
		MappingKey:     igd.MappingKey{ExternalPort: port, Protocol: protocol, RemoteHost: o.RemoteHost},
		InternalClient: client, InternalPort: cmp.Or(uint16(o.InternalPort), port),
		Description: o.Description, Disabled: o.Enabled != nil && !*o.Enabled,
	}
	if o.LeaseSeconds != nil {
		m.Lease = time.Duration(*o.LeaseSeconds) * time.Second
	}
	return m
}

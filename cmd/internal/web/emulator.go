package web

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"upnp/cmd/internal/notation"
	"upnp/igd"
	"upnp/igd/emulator"
)

// An Emulator is the emulated router behind the page and who else is on its network.
type Emulator struct {
	Router *emulator.Router
	Other  netip.Addr // another host, whose mappings can be made
}

// A bench is where the emulated router is worked on.
type bench struct {
	page   *page
	router *emulator.Router
	other  netip.Addr

	// Under the hub's lock:
	quirks   []emulator.Quirk
	external netip.Addr
	count    int
}

type emulatorLine struct {
	Type     string       `json:"type"`
	Profile  string       `json:"profile"`
	External string       `json:"external"`
	Mappings int          `json:"mappings"`
	Quirks   []quirkState `json:"quirks"`
}

type quirkState struct {
	Name     string `json:"name"`
	Doc      string `json:"doc"`
	On       bool   `json:"on"`
	Restarts bool   `json:"restarts"`
}

func newBench(p *page, e *Emulator) *bench {
	return &bench{page: p, router: e.Router, other: e.Other, quirks: e.Router.Quirks()}
}

// run follows the router itself, so that what it says of itself is never taken for the truth.
func (b *bench) run(ctx context.Context) {
	for c, err := range b.router.Changes(ctx) {
		if err != nil {
			return
		}
		b.page.hub.update(func() []any {
			if c.Kind == igd.ExternalAddressChanged {
				b.external = c.ExternalAddr
			}
			b.count = len(b.router.Table())
			return []any{b.line()}
		})
	}
}

func (b *bench) present() []any { return []any{b.line()} }

func (b *bench) line() any {
	l := emulatorLine{Type: "emulator", Profile: b.router.Profile().Name, External: addrText(b.external), Mappings: b.count}
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
	all["POST /api/emulator/reboot"] = b.act("rebooted", func() { b.router.Reboot() })
	all["POST /api/emulator/wipe"] = b.act("lost its table", func() { b.router.Wipe() })
	all["POST /api/emulator/address"] = b.address
	all["POST /api/emulator/put"] = b.put
}

func (b *bench) act(what string, do func()) call {
	return func(*http.Request) (any, error) {
		do()
		b.page.log.info("the emulated router " + what)
		return done{}, nil
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
		b.router.Reboot()
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
	b.router.SetExternal(addr)
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
	client := b.other
	if q.InternalClient != "" {
		if client, err = notation.ParseHost(q.InternalClient); err != nil {
			return nil, usage("internalClient", "%v", err)
		}
	}
	last := q.ExternalPort + max(q.Count, 1) - 1
	if q.ExternalPort < 1 || last > 65535 || q.Count < 0 {
		return nil, usage("externalPort", "external ports are numbers from 1 to 65535")
	}
	protocols, err := protocolsOf(q.Protocol)
	if err != nil {
		return nil, err
	}
	var all []igd.Mapping
	for port := q.ExternalPort; port <= last; port++ {
		for _, protocol := range protocols {
			m := igd.Mapping{MappingKey: igd.MappingKey{ExternalPort: uint16(port), Protocol: protocol, RemoteHost: q.RemoteHost}}
			m.InternalClient, m.InternalPort, m.Description = client, uint16(port), q.Description
			if q.InternalPort > 0 && q.InternalPort <= 65535 {
				m.InternalPort = uint16(q.InternalPort)
			}
			if q.LeaseSeconds != nil {
				m.Lease = time.Duration(*q.LeaseSeconds) * time.Second
			}
			m.Disabled = q.Enabled != nil && !*q.Enabled
			all = append(all, m)
		}
	}
	if err := b.router.Put(all...); err != nil {
		return nil, err
	}
	return done{}, nil
}

package igd

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"

	"upnp/description"
	"upnp/soap"
)

// A Gateway is an Internet gateway on the network, seen through one of its WAN connections.
// A [Client] makes it. Its methods may be called from several goroutines; one call is in
// flight at a time, because many routers lose the second (G-33, G-34).
type Gateway struct {
	client *Client
	root   *description.Root
	conn   *description.Service
	http   *http.Client
	local  netip.Addr // where mappings for this host point
	source netip.Addr // where calls come from: local, unless the gateway speaks IPv6
	memory Memory
	gate   *gate
	boot   boot // of the announcement or answer it was found by

	external      netip.Addr // as told during discovery
	externalKnown bool
	notes         []string
	others        []Rejected

	controls controls
	document scpdOnce
	inner    inner
}

var _ interface {
	Backend
	RangeBackend
	LinkBackend
	CountersBackend
	ConnectionBackend
} = (*Gateway)(nil)

// Root is the gateway's device description.
func (g *Gateway) Root() *description.Root { return g.root }

// Service is the WAN connection service in use.
func (g *Gateway) Service() *description.Service { return g.conn }

// Location is the URL of the description.
func (g *Gateway) Location() string { return g.root.Location }

// UDN is the root device's unique name.
func (g *Gateway) UDN() string { return g.root.Device.UDN }

// LocalAddr is this host's address on the gateway's network: where a mapping for this host
// points, and the source of all calls, because gateways refuse or silently drop a mapping for
// anybody but its caller.
func (g *Gateway) LocalAddr() netip.Addr { return g.local }

// External is the external address if discovery asked for it, which saves a call. ok is false
// if it did not.
func (g *Gateway) External() (addr netip.Addr, ok bool) { return g.external, g.externalKnown }

// Notes tell what had to be repaired or decided to come here.
func (g *Gateway) Notes() []string {
	return slices.Concat(g.notes, g.root.Notes)
}

// Others are devices that answered and were not chosen, with the reason.
func (g *Gateway) Others() []Rejected { return g.others }

// A Rejected device answered the search and was not taken.
type Rejected struct {
	Location string `json:"location"`
	Name     string `json:"friendlyName"`
	Reason   string `json:"reason"`
	Err      error  `json:"-"` // why its description was of no use; nil if that was not it
}

// host is where the gateway is, for messages.
func (g *Gateway) host() string {
	if u, err := url.Parse(g.root.Location); err == nil {
		return u.Hostname()
	}
	return g.root.Location
}

// An scpdOnce fetches a service document at most once, also when it is not there: a missing
// document is common and never an obstacle.
type scpdOnce struct {
	mu   sync.Mutex
	done bool
	scpd *description.SCPD
	err  error
}

// SCPD is the service document of the WAN connection, fetched at the first call.
func (g *Gateway) SCPD(ctx context.Context) (*description.SCPD, error) {
	d := &g.document
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.done {
		return d.scpd, d.err
	}
	scpd, err := g.fetchSCPD(ctx, g.conn)
	if ctx.Err() != nil {
		return nil, g.opError("SCPD", ctx.Err())
	}
	d.done, d.scpd = true, scpd
	if err != nil {
		d.err = g.opError("SCPD", err)
	}
	return d.scpd, d.err
}

func (g *Gateway) fetchSCPD(ctx context.Context, s *description.Service) (scpd *description.SCPD, err error) {
	err = errNoURL
	ctx = g.bind(ctx)
	c := description.Client{HTTP: g.http}
	for _, u := range g.root.URLs(s.SCPDURL) {
		if scpd, err = c.SCPD(ctx, u); err == nil {
			return scpd, nil
		}
	}
	return nil, err
}

// Offers reports whether the service document lists an action. Without a document nothing
// optional is offered: some routers reset the connection at an unknown action.
func (g *Gateway) Offers(ctx context.Context, action string) bool {
	scpd, err := g.SCPD(ctx)
	return err == nil && scpd.Action(action) != nil
}

// find is the service of a type that is nearest to the connection in use: in its device, in a
// device above it, or anywhere.
func (g *Gateway) find(name string) *description.Service {
	for d := g.conn.Device; d != nil; d = d.Parent {
		for _, s := range d.Services {
			if isType(s.Type, name) {
				return s
			}
		}
	}
	for s := range g.root.Services() {
		if isType(s.Type, name) {
			return s
		}
	}
	return nil
}

// call calls an action of the WAN connection.
func (g *Gateway) call(ctx context.Context, action string, in soap.Args) (soap.Args, error) {
	return g.invoke(ctx, g.conn, action, in)
}

// invoke calls an action of a service, in turn with all other calls.
func (g *Gateway) invoke(ctx context.Context, s *description.Service, action string, in soap.Args) (soap.Args, error) {
	if err := g.gate.enter(ctx); err != nil {
		return nil, g.opError(action, err)
	}
	out, err := g.exchange(ctx, s, action, in)
	g.gate.leave(err)
	return out, err
}

// exchange calls an action at once. A read that was cut off is tried again, a write is not: the
// work may be done (C8).
func (g *Gateway) exchange(ctx context.Context, s *description.Service, action string, in soap.Args) (soap.Args, error) {
	out, err := g.once(ctx, s, action, in)
	for try := 0; err != nil && repeatable(action, try, err) && ctx.Err() == nil; try++ {
		out, err = g.once(ctx, s, action, in)
	}
	return out, err
}

// once calls an action and repeats nothing.
func (g *Gateway) once(ctx context.Context, s *description.Service, action string, in soap.Args) (soap.Args, error) {
	out, err := g.send(ctx, s, action, in)
	if err != nil {
		return nil, g.opError(action, meaning(s.Type, err))
	}
	return out, nil
}

// send tries the control URLs of a service until one is there.
func (g *Gateway) send(ctx context.Context, s *description.Service, action string, in soap.Args) (soap.Args, error) {
	var err error = errNoURL
	ctx = g.bind(ctx)
	for _, u := range g.controls.urls(g.root, s) {
		c := soap.Client{URL: u, Service: serviceType(s.Type), HTTP: g.http}
		var answer *soap.Response
		if answer, err = c.Call(ctx, action, in...); err == nil {
			g.controls.works(s, u)
			return answer.Args, nil
		}
		if !description.WrongURL(err) {
			break
		}
	}
	return nil, err
}

func (g *Gateway) opError(op string, err error) error {
	return &OpError{Op: op, Gateway: g.host(), Err: err}
}

// controls remembers which of several candidate control URLs answered.
type controls struct {
	mu    sync.Mutex
	known map[*description.Service]string
}

func (c *controls) urls(root *description.Root, s *description.Service) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if u, ok := c.known[s]; ok {
		return []string{u}
	}
	return root.URLs(s.ControlURL)
}

func (c *controls) works(s *description.Service, u string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = make(map[*description.Service]string)
	}
	c.known[s] = u
}

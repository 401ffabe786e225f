package reach

import (
	"context"
	"fmt"
	"net/netip"
	"sync"

	"upnp/igd"
	"upnp/igd/wire"
	"upnp/ssdp"
)

// A Checker finds out whether a mapped port is open. Its zero value looks at all but the outside.
type Checker struct {
	Network wire.Network // nil: wire.System()
	// Probes look from outside: in turn, until one has proven that the port is open. None is
	// contacted that is not named here.
	Probes []Probe
	// Serve brings a [Server] of its own to where the mapping leads, if that is this machine and the
	// port is free. Without one nothing is proven.
	Serve bool
	// Found is told each finding as it becomes known, one at a time. It must not block.
	Found func(Look, Finding)
	// Visited is told of each visit to the server, as in [ServerConfig].
	Visited func(Visit)
}

// Check looks at the mapping of a gateway with want's key. If want says where it leads, it must lead
// there; a zero client is this machine and a zero port any. A mapping that is limited to a remote
// host is found without naming that. It takes up to 15 s where nothing answers, and 2 s more per probe.
//
// An error means that it could not look at all: ctx is over, or the port is none. The report has then
// what was found until that.
func (c *Checker) Check(ctx context.Context, gw *igd.Gateway, want igd.Mapping) (*Report, error) {
	if want.ExternalPort == 0 {
		return nil, fmt.Errorf("reach: %w", igd.ErrWildcardPort)
	}
	if want.Protocol == "" {
		want.Protocol = igd.TCP
	}
	k := &check{Checker: c, gateway: gw, want: want, report: &Report{Open: NotKnown, Visits: []Visit{}}}
	if k.network = c.Network; k.network == nil {
		k.network = wire.System()
	}
	k.interfaces, _ = k.network.Interfaces() // without them fewer addresses are known to be inside
	k.run(ctx)
	return k.report, context.Cause(ctx)
}

// A check is a Checker at work.
type check struct {
	*Checker
	gateway    *igd.Gateway
	want       igd.Mapping
	network    wire.Network
	interfaces []ssdp.Interface
	server     *Server // nil if there is none
	noServer   error   // why, if one was wanted
	noAddr     error   // why the outside address is not known

	mu     sync.Mutex // guards report and calls of Found
	report *Report
}

// run looks at the router first, as what it says is where to look, and then everywhere at once.
func (k *check) run(ctx context.Context) {
	k.readMapping(ctx)
	k.readAddr(ctx)
	k.serve(ctx)
	var looks, outside sync.WaitGroup
	looks.Go(func() { k.tell(Local, k.local(ctx)) })
	looks.Go(func() { k.tell(Public, k.public(ctx)) })
	looks.Go(func() { k.tell(Hairpin, k.hairpin(ctx)) })
	var seen sighting
	outside.Go(func() {
		if seen = k.outside(ctx); seen.verdict == Pass {
			k.tell(Outside, k.finding(seen))
		}
	})
	looks.Wait()
	outside.Wait()
	if seen.verdict != Pass {
		k.tell(Outside, k.finding(seen)) // whose words need what the others found
	}
	if k.server != nil {
		k.server.Close()
		k.report.Visits = k.server.Visits()
	}
	k.report.Open = k.report.answer()
}

func (k *check) tell(l Look, f Finding) {
	k.mu.Lock()
	defer k.mu.Unlock()
	*k.report.Finding(l) = f
	if k.Found != nil {
		k.Found(l, f)
	}
}

// target is the inner end of what is looked at; the address is not valid if it is not known.
func (k *check) target() netip.AddrPort {
	return netip.AddrPortFrom(k.report.Mapping.InternalClient, k.report.Mapping.InternalPort)
}

// isHere tells an address of this machine.
func (k *check) isHere(addr netip.Addr) bool {
	if addr == k.gateway.LocalAddr() {
		return true
	}
	for _, i := range k.interfaces {
		for _, p := range i.Prefixes {
			if p.Addr() == addr {
				return true
			}
		}
	}
	return false
}

// isElsewhere tells an address that only the Internet has: neither this network's, nor the router's.
func (k *check) isElsewhere(addr netip.Addr) bool {
	for _, i := range k.interfaces {
		if i.OnLink(addr) {
			return false
		}
	}
	return isPublic(addr) && addr != k.report.ExternalAddr
}

// serve brings the server to where the mapping leads.
func (k *check) serve(ctx context.Context) {
	at := k.target()
	if !k.Serve {
		return
	}
	if !k.isHere(at.Addr()) {
		k.noServer = fmt.Errorf("the mapping leads to another machine, %s", k.report.Mapping.Client())
		return
	}
	k.server, k.noServer = Listen(ctx, ServerConfig{
		Network: k.network, Protocol: k.want.Protocol, Addr: at, Lifetime: MaxLifetime, Visited: k.Visited,
	})
	if k.noServer != nil {
		k.server = nil
	}
}

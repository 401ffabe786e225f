package igd

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"time"

	"upnp/igd/wire"
	"upnp/ssdp"
)

// A Client finds gateways. Its zero value searches all usable interfaces of the system.
type Client struct {
	Network    wire.Network // nil: wire.System()
	Interfaces []string     // only these, by name; empty is all usable ones
	Memory     Memory       // what worked before; nil remembers nothing
}

// How long a gateway that was found waits for a better one. The default gateway with a public
// address cannot be bettered; it waits grace after the first answer, and a little more while
// another description is being read, only so that a second router can be named.
const (
	grace         = 6 * time.Millisecond
	maxGrace      = 25 * time.Millisecond
	settleGateway = 60 * time.Millisecond   // the default gateway without a public address, or nobody is the default gateway
	settleOther   = 150 * time.Millisecond  // somebody else: the default gateway may be slow
	settleIPv6    = 1300 * time.Millisecond // heard over IPv6 first: it may take its second to answer over IPv4
)

// Discover returns the best gateway as soon as nothing better is likely to come: the default
// gateway before others, connected with a public address before others (SECURITY A1). If the
// search ends without any, the error is a [*NoGatewayError].
func (c *Client) Discover(ctx context.Context) (*Gateway, error) {
	return c.discover(ctx, query{})
}

func (c *Client) discover(ctx context.Context, q query) (*Gateway, error) {
	h, err := c.hunt(ctx, q)
	if err != nil {
		return nil, err
	}
	defer h.close()
	best, err := h.settle(ctx)
	if err != nil {
		return nil, err
	}
	best.gateway.others = h.others(best)
	c.remember(h.interfaces, best.gateway)
	return best.gateway, nil
}

// All yields each gateway as it answers, until the search is over or ctx ends. One that answers over
// IPv6 only comes last. Errors are of interfaces that could not take part; they end nothing.
func (c *Client) All(ctx context.Context) iter.Seq2[*Gateway, error] {
	return func(yield func(*Gateway, error) bool) {
		h, err := c.hunt(ctx, query{})
		if err != nil {
			yield(nil, err)
			return
		}
		defer h.close()
		known, late := map[string]bool{}, []*Gateway{}
		first := func(g *Gateway) bool {
			if known[g.UDN()] {
				return true
			}
			known[g.UDN()] = true
			return yield(g, nil)
		}
		for f := range h.finds {
			switch {
			case f.gateway == nil:
			case f.rank&speaksIPv4 == 0 && h.hasIPv4():
				late = append(late, f.gateway)
			case !first(f.gateway):
				return
			}
		}
		for _, g := range late {
			if !first(g) {
				return
			}
		}
	}
}

// Search is the SSDP half of the client, for looking at more than gateways.
func (c *Client) Search() *ssdp.Client {
	n := c.network()
	return &ssdp.Client{Listen: n.ListenPacket, Interfaces: n.Interfaces, Names: c.Interfaces}
}

// searches reports whether an interface takes part in a search.
func (c *Client) searches(i ssdp.Interface) bool {
	if len(c.Interfaces) > 0 {
		return slices.Contains(c.Interfaces, i.Name)
	}
	usable, _ := i.Usable()
	return usable
}

func (c *Client) network() wire.Network {
	if c.Network == nil {
		return wire.System()
	}
	return c.Network
}

// A NoGatewayError says what a search without success met. It is ErrNoGateway to errors.Is.
type NoGatewayError struct {
	Interfaces []string   // searched
	Skipped    []string   // not searched, each "name: reason"
	Rejected   []Rejected // answered, and were no usable gateway
	Failures   []error    // interfaces that could not take part
}

func (e *NoGatewayError) Error() string {
	switch {
	case len(e.Interfaces) == 0:
		return fmt.Sprintf("%v: no usable network interface (%s)", ErrNoGateway, strings.Join(e.Skipped, "; "))
	case len(e.Rejected) > 0:
		r := e.Rejected[0]
		return fmt.Sprintf("%v on %s: %d devices answered, none of use (%s: %s)",
			ErrNoGateway, strings.Join(e.Interfaces, ", "), len(e.Rejected), r.Location, r.Reason)
	}
	return fmt.Sprintf("%v on %s: nothing answered", ErrNoGateway, strings.Join(e.Interfaces, ", "))
}

func (e *NoGatewayError) Unwrap() []error { return append([]error{ErrNoGateway}, e.Failures...) }

// settle collects finds until the best of them is good enough or the search is over.
func (h *hunt) settle(ctx context.Context) (*find, error) {
	var best *find
	var deadline <-chan time.Time
	for {
		select {
		case f, more := <-h.finds:
			if !more {
				return h.outcome(ctx, best)
			}
			if f.gateway == nil || best != nil && best.rank >= f.rank {
				h.reject(f)
				continue
			}
			if best != nil {
				h.reject(best)
			}
			best, deadline = f, time.After(h.wait(f))
		case <-deadline:
			if best.rank == unbettered && h.underway() > 0 && time.Since(h.firstAnswer()) < maxGrace {
				deadline = time.After(grace)
				continue
			}
			return best, nil
		case <-ctx.Done():
			return h.outcome(ctx, best)
		}
	}
}

// outcome is what a search that is over has come to.
func (h *hunt) outcome(ctx context.Context, best *find) (*find, error) {
	if best != nil {
		return best, nil
	}
	if err := context.Cause(ctx); errors.Is(err, context.Canceled) {
		return nil, err
	}
	return nil, h.nothing()
}

// wait is how long f, the best so far, waits for a better one.
func (h *hunt) wait(f *find) time.Duration {
	switch {
	case f.remembered && f.rank == unbettered:
		return 0
	case f.rank&speaksIPv4 == 0 && h.hasIPv4():
		return settleIPv6
	case f.rank == unbettered:
		return max(0, grace-time.Since(h.firstAnswer()))
	case f.rank&atGateway != 0, !h.routed():
		return settleGateway
	}
	return settleOther
}

// hasIPv4 reports whether a gateway with two families can be reached over the better one.
func (h *hunt) hasIPv4() bool {
	return slices.ContainsFunc(h.interfaces, func(i ssdp.Interface) bool {
		return h.client.searches(i) && slices.ContainsFunc(i.Prefixes, func(p netip.Prefix) bool { return p.Addr().Is4() })
	})
}

// routed reports whether there is a default gateway that may still answer.
func (h *hunt) routed() bool {
	return slices.ContainsFunc(h.interfaces, func(i ssdp.Interface) bool {
		return len(i.Gateways) > 0 && h.client.searches(i)
	})
}

package igd

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"upnp/description"
	"upnp/ssdp"
)

const (
	maxFetches   = 4                     // descriptions fetched at once
	maxLocations = 64                    // in one search; a flood costs no more
	headStart    = 30 * time.Millisecond // of a remembered location before the search
)

// targets are what gateways answer to. The first alone finds nearly all; some answer only one of
// the others (Q-1, G-13).
var targets = []ssdp.Target{
	InternetGatewayDevice1, InternetGatewayDevice2,
	WANIPConnection1, WANIPConnection2, WANPPPConnection1, ssdp.RootDevice,
}

// A query narrows a hunt.
type query struct {
	host netip.Addr // only a gateway at this address
	udn  string     // only this device
	ipv6 bool       // only what is reached over IPv6
}

// A find is a device that answered: a gateway, or a rejected one.
type find struct {
	gateway    *Gateway // nil if rejected
	rank       rank
	remembered bool
	err        error // why not taken
	location   string
	name       string
}

// A hunt is a search under way. Finds are sent as descriptions are read.
type hunt struct {
	client     *Client
	network    *insistent
	query      query
	interfaces []ssdp.Interface
	finds      chan *find
	cancel     context.CancelFunc
	workers    sync.WaitGroup
	fetches    chan struct{} // tokens

	mu       sync.Mutex
	known    map[string]bool // locations under way or done
	active   int
	first    time.Time // of the first answer
	failures []error
	rejected []*find
}

// hunt starts a search. The caller must close it.
func (c *Client) hunt(ctx context.Context, q query) (*hunt, error) {
	return c.startHunt(ctx, q, (*hunt).search)
}

func (c *Client) startHunt(ctx context.Context, q query, search func(*hunt, context.Context)) (*hunt, error) {
	network := c.network()
	interfaces, err := network.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("igd: network interfaces: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	h := &hunt{
		client: c, network: &insistent{Network: network}, query: q, interfaces: interfaces,
		finds: make(chan *find), cancel: cancel,
		fetches: make(chan struct{}, maxFetches), known: map[string]bool{},
	}
	h.workers.Go(func() { search(h, ctx) })
	go func() { h.workers.Wait(); close(h.finds) }()
	return h, nil
}

// close ends the search and waits for all of it.
func (h *hunt) close() {
	h.cancel()
	for range h.finds {
	}
}

// search tries what is known and then asks the network.
func (h *hunt) search(ctx context.Context) {
	if a, ok := h.client.recall(h.interfaces); ok && h.query == (query{}) {
		h.consider(ctx, a)
		if sleep(ctx, headStart) != nil {
			return
		}
	}
	h.ask(ctx, waves())
}

// ask asks the network.
func (h *hunt) ask(ctx context.Context, waves []ssdp.Wave) {
	for p, err := range h.client.Search().SearchWaves(ctx, waves) {
		if err != nil {
			h.fail(err)
			continue
		}
		if a, ok := locate(p, h.interfaces); ok && h.wanted(p, a) {
			h.consider(ctx, a)
		}
	}
}

// waves are the usual ones; the late ones ask for everything, which some devices need.
func waves() []ssdp.Wave {
	all := ssdp.DefaultWaves(targets...)
	for i := range all {
		if all[i].After >= time.Second {
			all[i].Targets = append(slices.Clone(all[i].Targets), ssdp.All)
		}
	}
	return all
}

// wanted tells an answer that may be the device in the query.
func (h *hunt) wanted(p *ssdp.Packet, a answer) bool {
	if h.query.host.IsValid() && h.query.host != p.From.Addr().Unmap() && h.query.host != a.host {
		return false
	}
	return !h.query.ipv6 || a.host.Is6()
}

// consider reads the description of an answer, unless that is under way or too many are.
func (h *hunt) consider(ctx context.Context, a answer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.first.IsZero() && !a.remembered {
		h.first = time.Now()
	}
	if h.known[a.location] || len(h.known) >= maxLocations {
		return
	}
	h.known[a.location] = true
	h.active++
	h.workers.Go(func() {
		f := h.fetch(ctx, a)
		h.mu.Lock()
		h.active--
		h.mu.Unlock()
		select {
		case h.finds <- f:
		case <-ctx.Done():
		}
	})
}

func (h *hunt) fetch(ctx context.Context, a answer) *find {
	f := &find{location: a.location, remembered: a.remembered}
	select {
	case h.fetches <- struct{}{}:
		defer func() { <-h.fetches }()
	case <-ctx.Done():
		f.err = context.Cause(ctx)
		return f
	}
	g, r, err := h.client.open(ctx, h.network, a, h.interfaces, true)
	if g != nil {
		f.name = g.root.Device.FriendlyName
	}
	switch {
	case err != nil:
		f.err = err
	case h.query.udn != "" && !hasUDN(g.root, h.query.udn):
		f.err = errOtherDevice
	default:
		f.gateway, f.rank = g, r
	}
	return f
}

func hasUDN(root *description.Root, udn string) bool {
	for d := range root.Devices() {
		if strings.EqualFold(d.UDN, udn) {
			return true
		}
	}
	return false
}

func (h *hunt) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failures = append(h.failures, err)
}

func (h *hunt) underway() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.active
}

func (h *hunt) firstAnswer() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.first
}

func (h *hunt) reject(f *find) { h.rejected = append(h.rejected, f) }

// others are the finds that were not chosen. A second description of the chosen box is none.
func (h *hunt) others(best *find) []Rejected {
	var all []Rejected
	for _, f := range h.rejected {
		if f.gateway != nil && sameBox(f.gateway, best.gateway) {
			continue
		}
		all = append(all, f.rejection(best))
	}
	return all
}

// sameBox reports two descriptions of one router: same name, or same address.
func sameBox(a, b *Gateway) bool { return a.UDN() == b.UDN() || a.host() == b.host() }

func (f *find) rejection(best *find) Rejected {
	r := Rejected{Location: f.location, Name: f.name, Err: f.err}
	if f.gateway == nil {
		r.Reason = plainReason(f.err)
		return r
	}
	switch {
	case best.rank&atGateway > f.rank&atGateway:
		r.Reason = "not the default gateway"
	case best.rank&isPublic > f.rank&isPublic:
		r.Reason = "no public address"
	default:
		r.Reason = "another one was as good and answered first"
	}
	return r
}

// errOtherDevice is an answer at the address that was named, by a device that was not.
var errOtherDevice = errors.New("another device than the one asked for")

// plainReason is an error without the request it belongs to, which Location tells.
func plainReason(err error) string {
	if request, ok := errors.AsType[*url.Error](err); ok {
		return request.Err.Error()
	}
	return err.Error()
}

// nothing is the error of a hunt without a gateway.
func (h *hunt) nothing() error {
	e := &NoGatewayError{}
	for _, ifi := range h.interfaces {
		if h.client.searches(ifi) {
			e.Interfaces = append(e.Interfaces, ifi.Name)
		} else if _, reason := ifi.Usable(); reason != "" {
			e.Skipped = append(e.Skipped, ifi.Name+": "+reason)
		}
	}
	for _, f := range h.rejected {
		if !f.remembered {
			e.Rejected = append(e.Rejected, f.rejection(nil))
		}
	}
	e.Failures = h.failures
	return e
}

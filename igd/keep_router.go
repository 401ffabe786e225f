package igd

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"upnp/description"
	"upnp/ssdp"
)

// How a router that is gone is looked for (SECURITY section 8, rule 7).
const (
	hintWindow    = 15 * time.Second
	maxHinted     = 3               // searches on a hint within it
	knockTimeout  = 2 * time.Second // for a TCP connection to where it was
	searchTimeout = 30 * time.Second
	callTimeout   = 9 * time.Second // for a call that only asks whether the router is there
	tellGoneLate  = 8 * time.Second
	maxStrikes    = 4 // refused connections in a row that may be chance
	strikePause   = 150 * time.Millisecond
	searchGap     = 5 * time.Second  // between searches on a hint
	searchEvery   = 30 * time.Second // without one
	lurkEvery     = 10               // of these searches one is a multicast, once it is gone for long
	goneForLong   = 10 * time.Minute
	goneForLonger = time.Hour
	tellGoneAfter = 2 // attempts
)

// retries are the pauses after a failed attempt; the last one repeats.
var retries = []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second}

type routerState int

const (
	routerNone    routerState = iota // never found
	routerOK                         // answers
	routerSuspect                    // did not, last time
)

// A router is the gateway that mappings are kept on, and how it is.
type router struct {
	gateway *Gateway // the last one; nil before the first is found
	state   routerState
	since   time.Time // of the state
	retryAt time.Time
	tries   int
	gone    bool // told as gone
	cause   error

	strikes int       // calls in a row without an answer
	pauseAt time.Time // no call before

	searchAt time.Time // no full search before
	search   bool      // there is reason to believe that it is elsewhere
	lurks    int

	slow       bool        // its answers take seconds
	walkOnly   bool        // GetSpecificPortMappingEntry does not find what is there
	accepted   time.Time   // when it last took a mapping
	hinted     []time.Time // searches on a hint, lately
	stopEvents func()
}

func (r *router) unwatch() {
	if r.stopEvents != nil {
		r.stopEvents()
		r.stopEvents = nil
	}
}

// suspect is the consequence of a call that no router answered.
func (r *keeping) suspect(err error) {
	o := &r.router
	if o.state != routerOK {
		return
	}
	now := time.Now()
	if o.strikes++; errors.Is(err, syscall.ECONNREFUSED) && o.strikes < maxStrikes {
		o.pauseAt, r.canaryAt = now.Add(strikePause), now
		return
	}
	o.state, o.since, o.tries, o.cause = routerSuspect, now, 0, err
	r.place.is(o.gateway, false)
	o.retryAt = now.Add(retries[0])
	if description.WrongURL(err) {
		o.search, o.retryAt = true, now
	}
}

// reachable reports whether there is a router to talk to, and looks for one if it is time to.
func (r *keeping) reachable(ctx context.Context) bool {
	o := &r.router
	now := time.Now()
	if o.state == routerOK {
		return !now.Before(o.pauseAt)
	}
	if now.Before(o.retryAt) {
		return false
	}
	g, err := r.reach(ctx)
	if err != nil {
		if ctx.Err() == nil {
			r.missed(now, err)
		}
		return false
	}
	r.reached(g)
	return true
}

// missed plans the next attempt.
func (r *keeping) missed(began time.Time, err error) {
	o := &r.router
	o.cause = err
	pause := retries[min(o.tries, len(retries)-1)]
	if away := began.Sub(o.since); !o.since.IsZero() && away > goneForLonger {
		pause = time.Minute
	} else if !o.since.IsZero() && away > goneForLong {
		pause = searchEvery
	}
	if o.since.IsZero() {
		o.since = began
	}
	if o.gateway == nil {
		pause = searchEvery
	}
	o.tries++
	o.retryAt = later(began.Add(pause), time.Now().Add(retries[0]/2))
	if o.tries >= tellGoneAfter || o.gateway == nil {
		r.tellGone(err)
	}
}

// tellGone says once that the router does not answer.
func (r *keeping) tellGone(err error) {
	if r.router.gone {
		return
	}
	r.router.gone = true
	r.tell(KeepEvent{Kind: KeepGateway, Gateway: GatewayGone, Location: r.location(), Reason: err.Error()})
}

func (r *keeping) location() string {
	if r.router.gateway == nil {
		return ""
	}
	return r.router.gateway.Location()
}

// reach tries the router where it was, and then, if there is reason to, looks everywhere.
func (r *keeping) reach(ctx context.Context) (*Gateway, error) {
	o := &r.router
	var err error
	if o.gateway != nil {
		var g *Gateway
		if g, err = r.again(ctx); err == nil {
			return g, nil
		}
		if description.WrongURL(err) {
			o.search = true
		}
		if ctx.Err() == nil && time.Since(o.since) > tellGoneLate {
			r.tellGone(err)
		}
	}
	now := time.Now()
	if ctx.Err() != nil || now.Before(o.searchAt) && !(o.search && now.After(o.searchAt.Add(searchGap-searchEvery))) {
		return nil, err
	}
	o.searchAt = now.Add(searchEvery)
	if !o.search && r.lurking() && !r.heard(ctx) {
		return nil, orNoGateway(err)
	}
	o.search = false
	return r.discover(ctx)
}

func orNoGateway(err error) error {
	if err == nil {
		return ErrNoGateway
	}
	return err
}

// again opens the router where it was and has it answer a call.
func (r *keeping) again(ctx context.Context) (*Gateway, error) {
	location := r.router.gateway.Location()
	if err := r.knock(ctx, location); err != nil {
		return nil, err
	}
	g, err := r.client.Open(ctx, location)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if _, err := g.ExternalAddr(ctx); err != nil && isAway(err) {
		return nil, err
	}
	return g, nil
}

// knock makes a TCP connection and closes it: a router that is off costs no more than that.
func (r *keeping) knock(ctx context.Context, location string) error {
	u, err := url.Parse(location)
	if err != nil {
		return err
	}
	addr := u.Host
	if u.Port() == "" {
		addr = net.JoinHostPort(u.Hostname(), "80")
	}
	ctx, cancel := context.WithTimeout(ctx, knockTimeout)
	defer cancel()
	c, err := r.client.network().Dial(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return c.Close()
}

// discover looks for the best gateway there is.
func (r *keeping) discover(ctx context.Context) (*Gateway, error) {
	ctx, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	if r.keeper.Target != "" {
		return r.client.Open(ctx, r.keeper.Target)
	}
	return r.client.Discover(ctx)
}

// lurking reports that there has been no router for so long that the network is left in peace.
func (r *keeping) lurking() bool {
	o := &r.router
	return !o.since.IsZero() && time.Since(o.since) > goneForLong && r.keeper.Target == ""
}

// heard asks with a single packet, the default gateways directly and, rarely, everybody.
func (r *keeping) heard(ctx context.Context) bool {
	w := ssdp.Wave{Targets: []ssdp.Target{InternetGatewayDevice1}, MX: 1, Gateways: true}
	interfaces, _ := r.client.network().Interfaces()
	r.router.lurks++
	if _, ok := networkKey(interfaces); !ok || r.router.lurks%lurkEvery == 0 {
		w.Gateways, w.Groups = false, []netip.AddrPort{ssdp.GroupIPv4()}
	}
	for p, err := range r.client.Search().SearchWaves(ctx, []ssdp.Wave{w}) {
		if err == nil && p != nil {
			return true
		}
	}
	return false
}

// reached takes a router into use: the same one again, or another.
func (r *keeping) reached(g *Gateway) {
	o := &r.router
	old, wasGone := o.gateway, o.gone
	how, why := GatewayFound, ""
	switch {
	case old == nil:
	case old.UDN() != g.UDN():
		how, why = GatewayReplaced, "another device, "+g.UDN()
	case old.Location() != g.Location():
		how = GatewayMoved
	case wasGone:
		how = GatewayBack
	default:
		how = ""
	}
	*o = router{gateway: g, state: routerOK, since: time.Now(), accepted: o.accepted, hinted: o.hinted, stopEvents: o.stopEvents}
	o.unwatch()
	r.place.is(g, true)
	if how == GatewayReplaced {
		r.adds, o.accepted = addPace{}, time.Time{}
	}
	if how != "" {
		r.tell(KeepEvent{Kind: KeepGateway, Gateway: how, Location: g.Location(), Reason: why})
	}
	r.settleOn(g, how == GatewayFound || how == GatewayReplaced)
	r.mark("the router answers")
	r.sweepAt, r.external.at = time.Time{}, time.Now()
	r.canaryAt = time.Now().Add(canaryEvery)
	if r.keeper.Repair && how != "" {
		r.repairAll()
	}
}

func (r *keeping) repairAll() {
	for _, k := range r.kept {
		k.repair = true
	}
}

// settleOn brings journal and wishes into line with a router, new or with a new address of ours:
// what is in the journal for it is taken over or left for removal.
func (r *keeping) settleOn(g *Gateway, other bool) {
	var leaving []owned
	for _, k := range r.kept {
		o := k.entry
		if o.ID == 0 || !other && o.Client == k.client(g.LocalAddr()) {
			continue
		}
		if k.live {
			r.state(k, KeepLost, nil, nil, "the router or this host's address is another now")
		}
		k.forget()
		o.State = stateLeaving
		leaving = append(leaving, o)
	}
	r.note(r.journal.put(leaving...))
	for _, o := range r.journal.all() {
		if r.isHere(o) {
			r.adopt(o)
		}
	}
}

// adopt gives an entry of an earlier run, or of this router in an earlier life, to the wish that
// it fulfils. Others are left for removal.
func (r *keeping) adopt(o owned) {
	for _, k := range r.kept {
		m := Mapping{MappingKey: o.key(), InternalClient: o.Client, InternalPort: o.Internal}
		if k.entry.ID == o.ID {
			return
		}
		if k.entry.ID == 0 && !o.Any && k.fulfils(m, r.router.gateway.LocalAddr()) {
			k.entry = o
			return
		}
	}
}

// isHere reports an entry of the router in use: of its name, or, for routers that change their
// name with each start, of its address.
func (r *keeping) isHere(o owned) bool {
	g := r.router.gateway
	return g != nil && (strings.EqualFold(o.Router, g.UDN()) || o.Host == g.host())
}

// A hint is something heard that may matter.
type hint struct {
	why    string
	search bool // the router may be elsewhere: look for it at once
	lost   bool // it said goodbye
	repair bool // it may have restarted
	own    bool // known of this host, and not heard from anybody
}

// hear passes a hint on; when many wait already, one more says nothing new.
func (r *keeping) hear(h hint) {
	select {
	case r.hints <- h:
	default:
	}
}

// heed acts on a hint: it only ever makes the keeper look. Hints come from everybody, so that
// after a few searches the next hints cause no more than a look at the table.
func (r *keeping) heed(h hint) {
	o := &r.router
	now := time.Now()
	r.mark(h.why)
	if h.repair && r.keeper.Repair {
		r.repairAll()
	}
	for len(o.hinted) > 0 && now.Sub(o.hinted[0]) > hintWindow {
		o.hinted = o.hinted[1:]
	}
	if !h.search && !h.lost || len(o.hinted) >= maxHinted && !h.own {
		return
	}
	if o.state == routerOK {
		o.strikes = maxStrikes
		r.suspect(errors.New(h.why))
	}
	o.hinted = append(o.hinted, now)
	if h.search {
		o.search, o.retryAt, o.tries = true, now, min(o.tries, 1)
		o.searchAt = time.Time{}
	}
}

package igd

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"upnp/ssdp"
)

// A SeenAnswer is a device that answered a search or announced itself, at one location.
type SeenAnswer struct {
	From      string   `json:"from"`
	Interface string   `json:"interface"`
	Location  string   `json:"location"` // as it is used, repaired where that was needed
	Server    string   `json:"server,omitempty"`
	Targets   []string `json:"targets"`           // what it said it is
	After     int64    `json:"afterMilliseconds"` // since the start of the search; of an answer rather than an announcement
	Multicast bool     `json:"multicast"`         // it answered a multicast
	Direct    bool     `json:"direct"`            // it answered a question put to it alone
	Announced bool     `json:"announced"`         // it was heard unasked
	Name      string   `json:"friendlyName"`      // from its description
	Taken     bool     `json:"taken"`             // it is the gateway that is used
	Verdict   string   `json:"verdict"`           // why it was taken, or was not
	Notes     []string `json:"notes,omitempty"`   // what had to be repaired

	host netip.Addr
}

// How long to listen. A default gateway that can be used ends it early, but not so early that a
// second router is missed.
const (
	listenEnough = 2500 * time.Millisecond
	listenMore   = 500 * time.Millisecond  // at a time, while descriptions are being read
	lateAnswer   = 1400 * time.Millisecond // MX allows one second
	maxSeen      = 64                      // answers, and datagrams that were none, kept of a search
)

// A hearingWay is how an answer came.
type hearingWay func(*SeenAnswer)

func byMulticast(a *SeenAnswer) { a.Multicast = true }
func directly(a *SeenAnswer)    { a.Direct = true }
func announced(a *SeenAnswer)   { a.Announced = true }

// A hunted is what a search brought.
type hunted struct {
	*hunt
	best  *find // nil without a gateway
	start time.Time

	mu      sync.Mutex
	answers []*SeenAnswer
	echoed  map[string]bool                   // interfaces on which our own searches were heard
	errors  map[string][]*ssdp.InterfaceError // of interfaces, by name
	drops   []string
}

// search asks the network by multicast and the default gateways directly, each from sockets of
// their own: so it is seen which of the two gets through.
func (v *surveying) search(ctx context.Context) {
	if v.Target != "" || v.searched() == 0 {
		return
	}
	v.doing("looking who answers")
	before, counted := v.undelivered()
	s := &hunted{start: time.Now(), echoed: map[string]bool{}, errors: map[string][]*ssdp.InterfaceError{}}
	h, err := v.client.startHunt(ctx, query{}, s.ask)
	if err != nil {
		return // told by host
	}
	v.hunted = s
	s.collect(ctx, h)
	if after, ok := v.undelivered(); ok && counted {
		lost := after - min(before, after) // a packet may be between the two counters
		v.report.Undelivered = &lost
	}
	if ctx.Err() == nil {
		v.tellSearch(ctx)
	}
	v.listAnswers()
}

// tellSearch tells what a search that was not stopped has brought.
func (v *surveying) tellSearch(ctx context.Context) {
	v.tellMulticast()
	if v.hunted.best == nil {
		v.silence(ctx)
	}
	v.hunted.judgeAll()
	if v.hunted.best != nil {
		v.tellOthers()
		v.tellRivals()
		v.tellWay()
	}
}

// searched is how many interfaces are.
func (v *surveying) searched() (n int) {
	for _, i := range v.report.Interfaces {
		if i.Searched {
			n++
		}
	}
	return n
}

func (v *surveying) undelivered() (uint64, bool) {
	if v.Machine == nil {
		return 0, false
	}
	return v.Machine.Undelivered()
}

// ask listens, and asks in both ways, until both are over.
func (s *hunted) ask(h *hunt, ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var listening, asking sync.WaitGroup
	listening.Go(func() { s.listen(ctx, h) })
	multicasts, direct := ways(waves())
	asking.Go(func() { s.askWith(ctx, h, multicasts, byMulticast) })
	asking.Go(func() { s.askWith(ctx, h, direct, directly) })
	asking.Wait()
	cancel()
	listening.Wait()
}

// ways parts a plan into its multicasts and its direct questions.
func ways(all []ssdp.Wave) (multicasts, direct []ssdp.Wave) {
	for _, w := range all {
		m := w
		m.Gateways, m.Unicast = false, nil
		multicasts = append(multicasts, m)
		if w.Gateways {
			w.Groups, w.Fallback = nil, nil
			direct = append(direct, w)
		}
	}
	return multicasts, direct
}

func (s *hunted) askWith(ctx context.Context, h *hunt, waves []ssdp.Wave, how hearingWay) {
	for p, err := range s.client(h).SearchWaves(ctx, waves) {
		if err != nil {
			s.failed(err)
			continue
		}
		s.heard(ctx, h, p, how)
	}
}

func (s *hunted) client(h *hunt) *ssdp.Client {
	c := h.client.Search()
	c.Dropped = s.dropped
	return c
}

// listen hears announcements of gateways, and our own searches.
func (s *hunted) listen(ctx context.Context, h *hunt) {
	c := s.client(h)
	c.HearSearches = true
	for p, err := range c.Monitor(ctx) {
		switch {
		case err != nil:
			s.failed(err)
		case p.Method == ssdp.MethodSearch && isOf(p.Interface, p.From.Addr()):
			s.mu.Lock()
			s.echoed[p.Interface.Name] = true
			s.mu.Unlock()
		case strings.EqualFold(p.NTS(), ssdp.Alive) && isGatewayTarget(p.Target()):
			s.heard(ctx, h, p, announced)
		}
	}
}

// isOf reports whether addr is the interface's own.
func isOf(i ssdp.Interface, addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(i.Prefixes, func(p netip.Prefix) bool { return p.Addr() == addr })
}

func (s *hunted) failed(err error) {
	e, ok := errors.AsType[*ssdp.InterfaceError](err)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errors[e.Interface.Name] = append(s.errors[e.Interface.Name], e)
}

func (s *hunted) dropped(d ssdp.Drop) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drops = addNew(s.drops, d.From.Addr().String()+": "+d.Reason.Error())
}

// heard takes note of an answer and has its description read.
func (s *hunted) heard(ctx context.Context, h *hunt, p *ssdp.Packet, how hearingWay) {
	a, ok := locate(p, h.interfaces)
	if !ok {
		a.location, a.host = p.Location(), p.From.Addr().Unmap()
	}
	if !s.noted(p, a, ok, how) || !ok {
		return
	}
	h.consider(ctx, a)
}

// noted reports whether there was room.
func (s *hunted) noted(p *ssdp.Packet, a answer, readable bool, how hearingWay) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.at(a.location)
	if seen == nil {
		if len(s.answers) >= maxSeen {
			return false
		}
		seen = &SeenAnswer{
			From: p.From.String(), Interface: p.Interface.Name, Location: a.location, Server: p.Header.Get("SERVER"),
			Verdict: "its description was not read", host: a.host,
		}
		s.answers = append(s.answers, seen)
	}
	if !readable {
		seen.Verdict = "its LOCATION is none that may be read"
	}
	if !seen.Multicast && !seen.Direct { // before, it was only heard
		seen.After = time.Since(s.start).Milliseconds()
	}
	how(seen)
	seen.Targets = addNew(seen.Targets, string(p.Target()))
	seen.Notes = addNew(seen.Notes, slices.Concat(p.Notes, a.notes)...)
	return true
}

// addNew appends what is not there yet, as long as there is room.
func addNew(list []string, more ...string) []string {
	for _, text := range more {
		if !slices.Contains(list, text) && len(list) < maxSeen {
			list = append(list, text)
		}
	}
	return list
}

// at is the answer with a location, nil if there is none.
func (s *hunted) at(location string) *SeenAnswer {
	for _, a := range s.answers {
		if a.Location == location {
			return a
		}
	}
	return nil
}

// collect takes what is found until the search is over, or enough is known.
func (s *hunted) collect(ctx context.Context, h *hunt) {
	s.hunt = h
	defer h.close()
	timer := time.NewTimer(listenEnough)
	defer timer.Stop()
	for {
		select {
		case f, more := <-h.finds:
			if !more {
				return
			}
			s.take(f)
		case <-timer.C:
			if s.best != nil && h.underway() == 0 && s.suffices() {
				return
			}
			timer.Reset(listenMore)
		case <-ctx.Done():
			return
		}
	}
}

// suffices reports a gateway that cannot be bettered, and that answers multicasts: where it does
// not, that is worth waiting for.
func (s *hunted) suffices() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.at(s.best.location)
	return a != nil && a.Multicast && (s.best.rank&atGateway != 0 || !s.routed())
}

// take keeps the better of a find and the best so far.
func (s *hunted) take(f *find) {
	switch {
	case f.gateway == nil || s.best != nil && s.best.rank >= f.rank:
		s.reject(f)
	case s.best != nil:
		s.reject(s.best)
		s.best = f
	default:
		s.best = f
	}
}

package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"upnp/igd"
)

// How the finder waits.
const (
	searchTick  = time.Second
	searchAgain = 20 * time.Second // while there is no gateway
	searchTime  = 20 * time.Second
)

// A finder finds the gateway and keeps somebody visiting it.
type finder struct {
	page   *page
	quests chan quest

	// Under the hub's lock:
	line  searchLine
	visit *visit // nil: there is no gateway
}

// A quest is a wish for a gateway: that at target, or the best.
type quest struct {
	target string
	quiet  bool // nobody asked
	done   chan error
}

type searchLine struct {
	Type       string         `json:"type"`
	State      string         `json:"state"`
	Target     string         `json:"target"`
	Started    time.Time      `json:"started"`
	Elapsed    float64        `json:"elapsedSeconds"`
	Interfaces []string       `json:"interfaces"`
	Skipped    []string       `json:"skipped"`
	Candidates []candidate    `json:"candidates"`
	Rejected   []igd.Rejected `json:"rejected"`
	Failures   []string       `json:"failures"`
	Error      *failure       `json:"error"`
}

type candidate struct {
	Location        string    `json:"location"`
	UDN             string    `json:"udn"`
	FriendlyName    string    `json:"friendlyName"`
	LocalAddress    string    `json:"localAddress"`
	ExternalAddress string    `json:"externalAddress"`
	AddressClass    igd.Class `json:"addressClass"`
	Chosen          bool      `json:"chosen"`
}

func newFinder(p *page) *finder {
	return &finder{page: p, quests: make(chan quest), line: searchLine{Type: "search", State: "searching", Started: time.Now()}}
}

func (f *finder) present() []any {
	lines := []any{f.tidy()}
	if f.visit == nil {
		return append(lines, gatewayLine{Type: "gateway", State: "none"})
	}
	return append(lines, f.visit.line())
}

// tidy is the line with lists in the place of null.
func (f *finder) tidy() searchLine {
	l := f.line
	l.Interfaces, l.Skipped, l.Failures = list(l.Interfaces), list(l.Skipped), list(l.Failures)
	l.Candidates, l.Rejected = list(l.Candidates), list(l.Rejected)
	if l.State == "searching" {
		l.Elapsed = time.Since(l.Started).Seconds()
	}
	return l
}

func list[T any](all []T) []T { return append([]T{}, all...) }

// run looks for a gateway, visits it, and looks again when asked, or if there is none.
func (f *finder) run(ctx context.Context) {
	leave := func() {}
	q := quest{target: f.page.server.Target}
	for {
		gw, err := f.look(ctx, q)
		if gw != nil {
			leave()
			leave = f.start(ctx, gw)
		}
		if q.done != nil {
			q.done <- err
		}
		if q = f.next(ctx); ctx.Err() != nil {
			leave()
			return
		}
	}
}

// next is the next quest: what somebody asks for, or the same again while there is no gateway.
func (f *finder) next(ctx context.Context) quest {
	var again <-chan time.Time
	if f.gateway() == nil {
		t := time.NewTimer(searchAgain)
		defer t.Stop()
		again = t.C
	}
	select {
	case q := <-f.quests:
		return q
	case <-again:
		return quest{target: f.page.server.Target, quiet: true}
	case <-ctx.Done():
		return quest{}
	}
}

// start begins a visit; leave ends it.
func (f *finder) start(ctx context.Context, gw *igd.Gateway) (leave func()) {
	ctx, cancel := context.WithCancel(ctx)
	v := newVisit(f.page, gw)
	f.page.hub.update(func() []any {
		f.visit = v
		return []any{v.line()}
	})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		v.run(ctx)
	}()
	return func() { cancel(); <-ended }
}

// gateway is the one in use, nil if there is none.
func (f *finder) gateway() *igd.Gateway {
	f.page.hub.mu.Lock()
	defer f.page.hub.mu.Unlock()
	if f.visit == nil {
		return nil
	}
	return f.visit.gw
}

// look searches once, and tells how it goes.
func (f *finder) look(ctx context.Context, q quest) (*igd.Gateway, error) {
	ctx, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	before := f.line
	if !q.quiet {
		f.begin(q)
		stop := f.tick(ctx)
		defer stop()
	}
	var gw *igd.Gateway
	var err error
	if q.target != "" {
		gw, err = f.page.client.Open(ctx, q.target)
	} else {
		gw, err = f.page.client.Discover(ctx)
	}
	f.outcome(q, before, gw, err)
	return gw, err
}

func (f *finder) begin(q quest) {
	names, skipped := f.searched()
	f.tell(func() {
		f.line = searchLine{Type: "search", State: "searching", Target: q.target, Started: time.Now(), Interfaces: names, Skipped: skipped}
	})
}

func (f *finder) tell(change func()) {
	f.page.hub.update(func() []any {
		change()
		return []any{f.tidy()}
	})
}

// tick shows that the search goes on.
func (f *finder) tick(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		t := time.NewTicker(searchTick)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				f.tell(func() {})
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { cancel(); <-ended }
}

// searched names the interfaces of a search, and those left out with the reason.
func (f *finder) searched() (names, skipped []string) {
	all, err := f.page.server.network().Interfaces()
	if err != nil {
		return nil, []string{err.Error()}
	}
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 {
			continue
		}
		if ok, why := i.Usable(); ok {
			names = append(names, i.Name)
		} else {
			skipped = append(skipped, i.Name+": "+why)
		}
	}
	return names, skipped
}

// outcome tells what a search came to. One that fails leaves the gateway there was.
func (f *finder) outcome(q quest, before searchLine, gw *igd.Gateway, err error) {
	names, skipped := f.searched()
	f.tell(func() {
		l := &f.line
		l.Interfaces, l.Skipped = names, skipped
		l.Elapsed = time.Since(l.Started).Seconds()
		if gw != nil {
			l.State, l.Target, l.Error = "found", q.target, nil
			l.Candidates, l.Rejected = []candidate{candidateOf(gw)}, gw.Others()
			return
		}
		if f.visit != nil {
			l.State, l.Candidates, l.Rejected = "found", before.Candidates, before.Rejected
		} else {
			l.State = "none"
		}
		l.Error = explain(err)
		if search, ok := errors.AsType[*igd.NoGatewayError](err); ok {
			l.Rejected, l.Failures = search.Rejected, texts(search.Failures)
		}
	})
}

func texts(errs []error) []string {
	var all []string
	for _, e := range errs {
		all = append(all, e.Error())
	}
	return all
}

func candidateOf(gw *igd.Gateway) candidate {
	c := candidate{Location: gw.Location(), UDN: gw.UDN(), FriendlyName: gw.Root().Device.FriendlyName, AddressClass: igd.NoAddr, Chosen: true}
	if a := gw.LocalAddr(); a.IsValid() {
		c.LocalAddress = a.String()
	}
	if a, known := gw.External(); known && a.IsValid() {
		c.ExternalAddress, c.AddressClass = a.String(), igd.ClassOf(a)
	}
	return c
}

// search is POST /api/search.
func (f *finder) search(r *http.Request) (any, error) {
	q, err := read[struct {
		Target string `json:"target"`
	}](r)
	if err != nil {
		return nil, err
	}
	if q.Target != "" && igd.CheckTarget(q.Target) != nil {
		return nil, usage("target", "%q: want a URL such as http://192.168.1.1:5000/rootDesc.xml, an address, or a UDN (uuid:...)", q.Target)
	}
	what := q.Target
	if what == "" {
		what = "the network"
	}
	return f.page.jobs.start(searchLane, "search", what, 0, func(ctx context.Context, _ *job) error {
		asked := quest{target: q.Target, done: make(chan error, 1)}
		select {
		case f.quests <- asked:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case err := <-asked.done:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

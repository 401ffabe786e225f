package web

import (
	"context"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"

	"upnp/igd"
	"upnp/igd/wire"
)

// A page is what the server watches and does for all that look at it: each of its parts keeps what
// it knows under the hub's lock, and tells through the hub.
type page struct {
	server  *Server
	started time.Time
	client  igd.Client
	port    uint16 // where the page itself is

	hub      *hub
	jobs     *jobs
	finder   *finder
	table    *table
	follow   *following
	drift    *drift
	meter    *meter
	tracer   *tracer
	holding  *holding
	stand    *stand
	checker  *checker
	explorer *explorer
	bench    *bench // nil without an emulator
	log      *diary

	subscribing sync.WaitGroup
	emulating   sync.WaitGroup
}

func newPage(ctx context.Context, s *Server) *page {
	p := &page{server: s, started: time.Now(), client: s.Client}
	p.hub = &hub{readers: map[*reader]struct{}{}}
	p.log = &diary{hub: p.hub}
	p.tracer = newTracer(p.hub)
	p.client.Network = wire.NewTap(s.network(), p.tracer.sink)
	p.jobs = &jobs{hub: p.hub, ctx: ctx, lanes: map[string]<-chan struct{}{}}
	p.finder = newFinder(p)
	p.follow = newFollowing(p.hub)
	p.table = newTable(p)
	p.holding = newHolding(p)
	p.drift = newDrift(p.hub, p.holding.has)
	p.meter = newMeter(p)
	p.explorer = newExplorer(p)
	p.stand = newStand(p)
	p.checker = newChecker(p)
	p.hub.topics = []topic{p.finder, p.follow, p.table, p.holding, p.drift, p.jobs, p.stand, p.checker, p.explorer}
	if s.Emulator != nil {
		p.bench = newBench(p, s.Emulator)
		p.hub.topics = append(p.hub.topics, p.bench)
	}
	p.hub.topics = append(p.hub.topics, p.log)
	return p
}

// run watches until ctx ends and all that was begun has ended too.
func (p *page) run(ctx context.Context) {
	var watching sync.WaitGroup
	watching.Go(func() { p.finder.run(ctx) })
	watching.Go(func() { p.meter.run(ctx) })
	watching.Go(func() { p.holding.run(ctx) })
	emulating, off := context.WithCancel(context.WithoutCancel(ctx))
	defer p.emulating.Wait()
	defer off() // last: until then there is something to take away from it
	if p.bench != nil {
		p.emulating.Go(func() { p.bench.run(emulating) })
	}
	<-ctx.Done()
	p.hub.end() // nothing is begun any more
	watching.Wait()
	p.jobs.working.Wait()
	p.subscribing.Wait()
}

// handler are the paths behind the guard.
func (p *page) handler() http.Handler {
	files := p.server.Assets
	if files == nil {
		files = Assets()
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", static(files))
	mux.HandleFunc("GET /api/stream", p.stream)
	for path, c := range p.calls() {
		mux.Handle(path, c)
	}
	mux.HandleFunc("GET /api/export", p.export)
	p.tracer.handlers(mux)
	p.explorer.handlers(mux)
	return constant(mux)
}

// calls are the calls that answer with JSON.
func (p *page) calls() map[string]call {
	all := map[string]call{
		"POST /api/stream":           p.wanting,
		"GET /api/state":             p.state,
		"POST /api/search":           p.finder.search,
		"POST /api/refresh":          p.refresh,
		"POST /api/following":        p.follow.toggle,
		"POST /api/jobs/{id}/cancel": p.jobs.stop,
		"POST /api/mappings/add":     p.add,
		"POST /api/mappings/edit":    p.edit,
		"POST /api/mappings/delete":  p.remove,
		"POST /api/mappings/enable":  p.enable,
		"POST /api/mappings/disable": p.disable,
		"POST /api/mappings/renew":   p.renew,
		"POST /api/mappings/keep":    p.holding.toggle,
		"POST /api/import":           p.take,
		"POST /api/server/start":     p.stand.start,
		"POST /api/server/stop":      p.stand.stop,
		"POST /api/check":            p.checker.start,
		"POST /api/drift/restore":    p.restore,
		"POST /api/drift/forget":     p.drift.forget,
	}
	p.tracer.calls(all)
	p.explorer.calls(all)
	if p.bench != nil {
		p.bench.calls(all)
	}
	return all
}

// constant answers what no path is for with a status alone: nothing of the request comes back
// (SECURITY G12).
func constant(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		switch {
		case pattern == "":
			h.ServeHTTP(&statusOnly{ResponseWriter: w}, r)
		case r.Method == http.MethodHead && pattern != "GET /":
			w.WriteHeader(http.StatusMethodNotAllowed)
		case pattern == "GET /" && len(r.URL.Path) > 5 && r.URL.Path[:5] == "/api/":
			w.WriteHeader(http.StatusNotFound)
		default:
			mux.ServeHTTP(w, r)
		}
	})
}

// statusOnly lets no body through.
type statusOnly struct{ http.ResponseWriter }

func (statusOnly) Write(b []byte) (int, error) { return len(b), nil }

// ownAddrs are the addresses of this machine.
func (p *page) ownAddrs() []netip.Addr {
	all, err := p.server.network().Interfaces()
	if err != nil {
		return nil
	}
	var addrs []netip.Addr
	for _, i := range all {
		for _, prefix := range i.Prefixes {
			addrs = append(addrs, prefix.Addr().WithZone("").Unmap())
		}
	}
	return addrs
}

// hello is the first line of a stream.
func (p *page) hello(stream string) any {
	host, _ := os.Hostname()
	return helloLine{
		Type: "hello", Version: p.server.Version, Stream: stream, Emulated: p.bench != nil,
		Started: p.started, Now: time.Now(), Hostname: host, Addresses: p.ownAddrs(),
		Defaults: defaults{int(defaultLease / time.Second), defaultTestPort},
		Presets:  presets(), Risks: risks(),
	}
}

type helloLine struct {
	Type      string       `json:"type"`
	Version   string       `json:"version"`
	Stream    string       `json:"stream"`
	Emulated  bool         `json:"emulated"`
	Started   time.Time    `json:"started"`
	Now       time.Time    `json:"now"`
	Hostname  string       `json:"hostname"`
	Addresses []netip.Addr `json:"addresses"`
	Defaults  defaults     `json:"defaults"`
	Presets   []preset     `json:"presets"`
	Risks     []risk       `json:"risks"`
}

type defaults struct {
	LeaseSeconds int `json:"leaseSeconds"`
	TestPort     int `json:"testPort"`
}

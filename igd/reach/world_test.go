package reach_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/igdtest"
	"upnp/igd/reach"
	"upnp/igd/wire"
)

// A world is a network in memory: a router that says what it says and forwards nothing, this machine
// and another, and a host with an address of the Internet. What that sends to this machine arrives,
// as it would through a router that forwards everything.
type world struct {
	t       *testing.T
	router  *emulator.Router
	self    *wire.Host
	other   *wire.Host
	far     *wire.Host
	gateway *igd.Gateway
}

var (
	selfAddr  = addr("192.168.1.7")
	otherAddr = addr("192.168.1.20")
	farAddr   = addr("11.22.33.9")
)

func newWorld(t *testing.T, p emulator.Profile) *world {
	t.Helper()
	m := wire.NewMemory()
	w := &world{t: t, router: emulator.New(p)}
	routerAddr := netip.MustParseAddr("192.168.1.1")
	igdtest.Serve(t, w.router, igd.Server{Network: m.Host("router", netip.PrefixFrom(routerAddr, 24)), Interface: "eth0"})
	w.self = m.Host("self", netip.PrefixFrom(selfAddr, 24))
	w.other = m.Host("other", netip.PrefixFrom(otherAddr, 24))
	w.far = m.Host("far", netip.PrefixFrom(farAddr, 32))
	for _, h := range []*wire.Host{w.self, w.other, w.far} {
		h.SetGateway(routerAddr)
	}
	var err error
	if w.gateway, err = (&igd.Client{Network: igdtest.Tapped(t, w.self), Memory: &memory{}}).Discover(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// put makes TCP 9542 lead somewhere.
func (w *world) put(to netip.Addr, port uint16, change ...func(*igd.Mapping)) {
	w.t.Helper()
	m := igd.Mapping{MappingKey: key, InternalClient: to, InternalPort: port, Description: "test"}
	for _, c := range change {
		c(&m)
	}
	if err := w.router.Put(m); err != nil {
		w.t.Fatal(err)
	}
}

var key = igd.MappingKey{ExternalPort: 9542, Protocol: igd.TCP}

// listen has a program listen on a host.
func (w *world) listen(h *wire.Host, addr string) {
	w.t.Helper()
	l, err := h.Listen(w.t.Context(), "tcp4", addr)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
}

// serve answers HTTP on a host.
func (w *world) serve(h *wire.Host, addr string, handler http.HandlerFunc) {
	w.t.Helper()
	l, err := h.Listen(w.t.Context(), "tcp4", addr)
	if err != nil {
		w.t.Fatal(err)
	}
	s := http.Server{Handler: handler}
	done := make(chan struct{})
	go func() { defer close(done); s.Serve(l) }()
	w.t.Cleanup(func() { s.Close(); <-done })
}

// probe serves a probe at the far host that does what it is told.
func (w *world) probe(do http.HandlerFunc) reach.Probe {
	w.t.Helper()
	w.serve(w.far, farAddr.String()+":80", do)
	return w.asking("http://" + farAddr.String())
}

func (w *world) asking(url string) reach.Probe {
	w.t.Helper()
	p, err := reach.ParseProbe(url)
	if err != nil {
		w.t.Fatal(err)
	}
	p.Dial = w.self.Dial
	return p
}

// says is a probe's word.
func says(answer map[string]any) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) { json.NewEncoder(rw).Encode(answer) }
}

// fetches is a probe that connects to this machine and then says something.
func (w *world) fetches(from *wire.Host, port string, send func(*http.Request) string, answer map[string]any) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		c, err := from.Dial(r.Context(), "tcp4", net.JoinHostPort(selfAddr.String(), port))
		if err == nil {
			c.SetDeadline(time.Now().Add(time.Second))
			c.Write([]byte(send(r)))
			c.Read(make([]byte, 1))
			c.Close()
		}
		says(answer)(rw, r)
	}
}

func (w *world) check(c reach.Checker, want igd.Mapping) *reach.Report {
	w.t.Helper()
	c.Network = w.self
	if want.ExternalPort == 0 {
		want.MappingKey = key
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	r, err := c.Check(ctx, w.gateway, want)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}
func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// A memory remembers for as long as a test.
type memory struct {
	mu   sync.Mutex
	kept map[string]igd.Remembered
}

func (m *memory) Load(key string) (igd.Remembered, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.kept[key]
	return r, ok
}

func (m *memory) Store(key string, r igd.Remembered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil {
		m.kept = map[string]igd.Remembered{}
	}
	m.kept[key] = r
}

// ask has the router make the mapping of TCP 9542 for this machine, for an hour.
func (w *world) ask() {
	w.t.Helper()
	if _, err := w.gateway.Map(w.t.Context(), igd.Wish{Mapping: igd.Mapping{MappingKey: key, Lease: time.Hour}}); err != nil {
		w.t.Fatal(err)
	}
}

package igd_test

import (
	"bytes"
	"context"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/igdtest"
	"upnp/igd/wire"
	"upnp/ssdp"
)

// A keepWorld is a LAN with a router and a host that keeps mappings on it. What must always be
// true (SECURITY section 9) is looked at every second.
type keepWorld struct {
	*testing.T
	mem     *wire.Memory
	host    *wire.Host
	own     []netip.Addr // all addresses the host ever had
	boxes   []*box       // routers that are switched on; the first is the one mappings belong on
	deaf    bool         // multicast does not work
	journal string
	wishes  []igd.Wish
	keeper  igd.Keeper
	foreign []igd.Mapping // mappings of others, on every router

	read []byte // of the journal
	has  func(igd.Mapping) bool

	mu     sync.Mutex
	events []igd.KeepEvent
	stop   func() error
	slept  time.Duration
}

// A box is a router with an observer in it.
type box struct {
	*emulator.Router
	seen    observer
	stop    func()
	network *wire.Host
	boots   atomic.Int32 // how often it was ready
	reboots int32        // how often it was restarted
}

// An observer is what a router was asked.
type observer struct {
	mu       sync.Mutex
	inFlight int
	most     int
	writes   int
	actions  int
	attempts int // to add
	looks    int // at one mapping
	adds     []time.Time
	lookedUp map[igd.MappingKey]igd.Mapping // last answers about a key; the zero mapping: not there
}

var (
	homeRouter = netip.MustParsePrefix("192.168.1.1/24")
	homeHost   = netip.MustParsePrefix("192.168.1.7/24")
	neighbour  = netip.MustParseAddr("192.168.1.99")
)

// newKeepWorld is made inside of a bubble.
func newKeepWorld(t *testing.T, deaf bool, wishes ...igd.Wish) *keepWorld {
	w := &keepWorld{T: t, mem: wire.NewMemory(), deaf: deaf, wishes: wishes, journal: filepath.Join(t.TempDir(), "journal")}
	w.host = w.mem.Host("self", homeHost)
	w.host.SetGateway(homeRouter.Addr())
	w.own = []netip.Addr{homeHost.Addr()}
	t.Cleanup(func() {
		w.end()
		for _, b := range w.boxes {
			b.stop()
		}
		if t.Failed() {
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, e := range w.events {
				line, _ := e.MarshalJSON()
				t.Logf("%s", line)
			}
		}
	})
	return w
}

// boot switches a router on. It comes to be the first of the boxes.
func (w *keepWorld) boot(p emulator.Profile, at netip.Prefix, quirks ...string) *box {
	w.Helper()
	b := &box{network: w.mem.Host("router", at)}
	for _, name := range quirks {
		q, err := emulator.Lookup(name)
		if err != nil {
			w.Fatal(err)
		}
		p.Quirks = append(p.Quirks, q)
	}
	p.Quirks = append(p.Quirks, b.seen.quirk())
	b.Router = emulator.New(p)
	w.serve(b)
	w.boxes = append([]*box{b}, w.boxes...)
	if err := b.Put(w.foreign...); err != nil {
		w.Fatal(err)
	}
	return b
}

// serve has a box serve until its stop is called.
func (w *keepWorld) serve(b *box) {
	ctx, cancel := context.WithCancel(context.Background())
	var n wire.Network = b.network
	if w.deaf {
		n = muted{n}
	}
	ready, done := make(chan bool, 100), make(chan error, 1)
	go func() {
		done <- b.Serve(ctx, igd.Server{Network: n, Interface: "eth0", Ready: func(string) { b.boots.Add(1); ready <- true }})
	}()
	<-ready
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.Error("router: ", err)
		}
	})
}

// off takes the first box away.
func (w *keepWorld) off() *box {
	b := w.boxes[0]
	b.stop()
	b.network.Link("eth0").SetPrefixes()
	w.boxes = w.boxes[1:]
	return b
}

// start runs the keeper.
func (w *keepWorld) start() {
	w.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	k := w.keeper
	k.Client = &igd.Client{Network: igdtest.Tapped(w.T, w.host)}
	k.Journal = w.journal
	k.Events = w.heard
	k.SetSlept(func() time.Duration {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.slept
	})
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx, w.wishes...) }()
	w.stop = sync.OnceValue(func() error { cancel(); return <-done })
}

func (w *keepWorld) end() {
	if w.stop == nil {
		return
	}
	if err := w.stop(); err != nil {
		w.Error("keeper: ", err)
	}
	w.stop = nil
}

func (w *keepWorld) heard(e igd.KeepEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
}

// told counts events of a kind whose text holds a word.
func (w *keepWorld) told(kind igd.KeepKind, word string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e.Kind == kind && strings.Contains(e.Reason+" "+e.Gateway+" "+string(e.Class), word) {
			n++
		}
	}
	return n
}

// states are the last words on each wish.
func (w *keepWorld) states() map[igd.MappingKey]igd.KeepEvent {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := map[igd.MappingKey]igd.KeepEvent{}
	for _, e := range w.events {
		if e.Asked != nil && e.Kind != igd.KeepProbed {
			last[e.Asked.MappingKey] = e
		}
	}
	return last
}

// step lets time pass.
func (w *keepWorld) step(d time.Duration) {
	w.Helper()
	pace := max(time.Second, d/600)
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(min(pace, time.Until(end)))
		synctest.Wait()
		w.check()
	}
}

// within steps until something is true, which has to happen within a time.
func (w *keepWorld) within(d time.Duration, what string, ok func() bool) time.Duration {
	w.Helper()
	began := time.Now()
	for {
		synctest.Wait()
		if ok() {
			return time.Since(began)
		}
		if time.Since(began) > d {
			w.Fatalf("not within %v: %s; the router has %v, states are %v", d, what, w.boxes[0].Table(), w.states())
		}
		w.step(250 * time.Millisecond)
	}
}

// allOpen reports that every wish is in the first router's table, exactly once, and told as open.
func (w *keepWorld) allOpen() bool { return w.open(len(w.wishes)) }

// open reports the same of the first n wishes.
func (w *keepWorld) open(n int) bool {
	states := w.states()
	for _, wish := range w.wishes[:n] {
		key := wish.MappingKey
		if w.count(w.boxes[0], wish) != 1 || !states[key].IsOpen() {
			return false
		}
	}
	return true
}

func (w *keepWorld) isOwn(m igd.Mapping) bool { return slices.Contains(w.own, m.InternalClient) }

func (w *keepWorld) count(b *box, wish igd.Wish) (n int) {
	for _, m := range b.Table() {
		port := wish.InternalPort
		if port == 0 {
			port = wish.ExternalPort
		}
		if w.isOwn(m) && m.InternalPort == port && m.Protocol == wish.Protocol {
			n++
		}
	}
	return n
}

// check holds the invariants.
func (w *keepWorld) check() {
	w.Helper()
	states := w.states()
	for _, b := range w.boxes {
		var theirs []igd.Mapping
		for _, m := range b.Table() {
			if !w.isOwn(m) {
				theirs = append(theirs, m)
				continue
			}
			if !w.journalHas(m) {
				w.Fatalf("(iii) %v is on the router and not in the journal", m)
			}
		}
		if !slices.Equal(theirs, w.foreign) {
			w.Fatalf("(i) mappings of others are %v, want %v", theirs, w.foreign)
		}
		for _, wish := range w.wishes {
			if n := w.count(b, wish); n > 1 {
				w.Fatalf("(ii) %v is there %d times: %v", wish.MappingKey, n, b.Table())
			}
		}
		b.seen.mu.Lock()
		if b.seen.most > 1 {
			w.Errorf("(v) %d calls in flight", b.seen.most)
			b.seen.most = 0
		}
		b.seen.mu.Unlock()
	}
	if len(w.boxes) == 0 {
		return
	}
	seen := &w.boxes[0].seen
	seen.mu.Lock()
	defer seen.mu.Unlock()
	for key, e := range states {
		if e.IsOpen() && e.Mapping != nil {
			if m, asked := seen.lookedUp[e.Mapping.MappingKey]; asked && m.InternalPort == 0 {
				w.Fatalf("(iv) %v is told as open, and the router said that it is not there", key)
			}
		}
		if strings.ContainsFunc(e.Reason, func(r rune) bool { return r == 0x1b }) {
			w.Errorf("(vii) %q", e.Reason)
		}
	}
}

// journalHas reads the journal anew if it has changed.
func (w *keepWorld) journalHas(m igd.Mapping) bool {
	w.Helper()
	data, err := os.ReadFile(w.journal)
	if err != nil {
		w.Fatal(err)
	}
	if w.has == nil || !bytes.Equal(data, w.read) {
		w.read = data
		if w.has, err = igd.ReadJournal(data); err != nil {
			w.Fatal(err)
		}
	}
	return w.has(m)
}

// put adds a mapping of somebody else to the first router.
func (w *keepWorld) put(m igd.Mapping) {
	w.Helper()
	w.foreign = append(w.foreign, m)
	if err := w.boxes[0].Put(m); err != nil {
		w.Fatal(err)
	}
}

func (o *observer) quirk() emulator.Quirk {
	o.lookedUp = map[igd.MappingKey]igd.Mapping{}
	return emulator.Quirk{
		Name:    "observer",
		Backend: func(b emulator.Backend) emulator.Backend { return observed{b, o} },
		HTTP:    o.count,
	}
}

func (o *observer) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			next.ServeHTTP(rw, r)
			return
		}
		o.mu.Lock()
		o.actions++
		o.inFlight++
		o.most = max(o.most, o.inFlight)
		o.mu.Unlock()
		next.ServeHTTP(rw, r)
		o.mu.Lock()
		o.inFlight--
		o.mu.Unlock()
	})
}

type observed struct {
	emulator.Backend
	o *observer
}

func (b observed) note(k igd.MappingKey, m igd.Mapping, err error, write bool) {
	b.o.mu.Lock()
	defer b.o.mu.Unlock()
	if err == nil || err == igd.ErrNoSuchEntry {
		b.o.lookedUp[k] = m
	}
	if write {
		b.o.writes++
	}
}

func (b observed) Mapping(ctx context.Context, k igd.MappingKey) (igd.Mapping, error) {
	m, err := b.Backend.Mapping(ctx, k)
	b.note(k, m, err, false)
	b.o.mu.Lock()
	b.o.looks++
	b.o.mu.Unlock()
	return m, err
}

func (b observed) AddMapping(ctx context.Context, m igd.Mapping) error {
	err := b.Backend.AddMapping(ctx, m)
	b.o.mu.Lock()
	b.o.attempts++
	b.o.mu.Unlock()
	if err == nil {
		b.note(m.MappingKey, m, nil, true)
	}
	return err
}

func (b observed) AddAnyMapping(ctx context.Context, m igd.Mapping) (uint16, error) {
	port, err := b.Backend.AddAnyMapping(ctx, m)
	if err == nil {
		m.ExternalPort = port
		b.note(m.MappingKey, m, nil, true)
	}
	return port, err
}

func (b observed) DeleteMapping(ctx context.Context, k igd.MappingKey) error {
	err := b.Backend.DeleteMapping(ctx, k)
	b.o.mu.Lock()
	defer b.o.mu.Unlock()
	b.o.writes++
	delete(b.o.lookedUp, k)
	return err
}

func (o *observer) written() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.writes
}

// A muted network has no multicast: what is sent to a group goes nowhere, and nothing comes.
type muted struct{ wire.Network }

func (m muted) ListenPacket(ctx context.Context, ifi ssdp.Interface, group netip.AddrPort) (ssdp.PacketConn, error) {
	c, err := m.Network.ListenPacket(ctx, ifi, group)
	return mutedConn{c, group.Addr().IsMulticast()}, err
}

type mutedConn struct {
	ssdp.PacketConn
	group bool
}

func (c mutedConn) ReadFrom(b []byte) (int, netip.AddrPort, error) {
	for {
		n, from, err := c.PacketConn.ReadFrom(b)
		if err != nil || !c.group {
			return n, from, err
		}
	}
}

func (c mutedConn) WriteTo(b []byte, to netip.AddrPort) error {
	if to.Addr().IsMulticast() {
		return nil
	}
	return c.PacketConn.WriteTo(b, to)
}

// wished are wishes for TCP ports of this host.
func wished(ports ...uint16) []igd.Wish {
	var all []igd.Wish
	for _, p := range ports {
		all = append(all, wish(p))
	}
	return all
}

func manyWishes(n int) []igd.Wish {
	var ports []uint16
	for i := range n {
		ports = append(ports, uint16(20000+i))
	}
	return wished(ports...)
}

// lose deletes a mapping behind everybody's back.
func (b *box) lose(k igd.MappingKey) {
	var rest []igd.Mapping
	for _, m := range b.Table() {
		if m.MappingKey != k {
			rest = append(rest, m)
		}
	}
	b.Wipe()
	b.Put(rest...)
}

func (o *observer) looked() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.looks
}

func (o *observer) forgetWrites() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writes = 0
}

// calls counts attempts to add, refused ones included.
func (o *observer) tries() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.attempts
}

// limit refuses with 501 more than five attempts to add within a minute, refused ones included.
func (o *observer) limit() emulator.Quirk {
	return emulator.Quirk{Name: "limit", Backend: func(b emulator.Backend) emulator.Backend { return limited{b, o} }}
}

type limited struct {
	emulator.Backend
	o *observer
}

func (l limited) AddMapping(ctx context.Context, m igd.Mapping) error {
	l.o.mu.Lock()
	now := time.Now()
	l.o.adds = append(l.o.adds, now)
	for now.Sub(l.o.adds[0]) >= time.Minute {
		l.o.adds = l.o.adds[1:]
	}
	n := len(l.o.adds)
	l.o.mu.Unlock()
	if n > 5 {
		return igd.ErrActionFailed
	}
	return l.Backend.AddMapping(ctx, m)
}

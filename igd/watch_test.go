package igd_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/igdtest"
	"upnp/igd/wire"
)

// A home is a router that can be switched off and on, a client on its network, and somebody else.
type home struct {
	*testing.T
	memory                    *wire.Memory
	routerHost, client, other *wire.Host
	router                    *emulator.Router
	gateway                   *igd.Gateway
	off                       func()

	mu    sync.Mutex
	sent  []string    // what the client sent, message by message
	times []time.Time // of sent
	heard []string    // what it received
}

var (
	routerAt = netip.MustParsePrefix("192.168.1.1/24")
	clientAt = netip.MustParsePrefix("192.168.1.7/24")
	otherAt  = netip.MustParsePrefix("192.168.1.66/24")
)

func atHome(t *testing.T, p emulator.Profile, f func(h *home)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &home{T: t, memory: wire.NewMemory(), router: emulator.New(p)}
		h.routerHost, h.client, h.other = h.memory.Host("router", routerAt), h.memory.Host("client", clientAt), h.memory.Host("other", otherAt)
		h.client.SetGateway(routerAt.Addr())
		h.on(5000)
		t.Cleanup(func() { h.off() })
		network := wire.NewTap(igdtest.Tapped(t, h.client), h.tap)
		var err error
		if h.gateway, err = (&igd.Client{Network: network}).Discover(t.Context()); err != nil {
			t.Fatal(err)
		}
		f(h)
	})
}

// on switches the router on, at a port.
func (h *home) on(port uint16) {
	h.Helper()
	off := h.serve(h.routerHost, h.router, port)
	h.off = func() { off(); h.off = func() {} }
}

func (h *home) serve(at *wire.Host, router *emulator.Router, port uint16) (off func()) {
	h.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(h.Context()))
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() {
		done <- router.Serve(ctx, igd.Server{Network: at, Interface: "eth0", Port: port, Ready: func(at string) {
			select {
			case ready <- at:
			default:
			}
		}})
	}()
	select {
	case <-ready:
	case err := <-done:
		h.Fatal(err)
	}
	return func() {
		cancel()
		if err := <-done; err != nil {
			h.Error(err)
		}
	}
}

func (h *home) tap(e wire.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case e.Kind == wire.Sent && e.Net == "tcp":
		h.sent, h.times = append(h.sent, string(e.Data)), append(h.times, time.Now())
	case e.Kind == wire.Received && e.Net == "tcp":
		h.heard = append(h.heard, string(e.Data))
	}
}

// count is how many messages with a text the client sent since a time.
func (h *home) count(text string, since time.Time) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, s := range h.sent {
		if strings.Contains(s, text) && !h.times[i].Before(since) {
			n++
		}
	}
	return n
}

// looks are the readings of the gateway since a time.
func (h *home) looks(since time.Time) int { return h.count("#GetExternalIPAddress", since) }

// A reader is somebody who ranges over Changes.
type reader struct {
	*home
	mu    sync.Mutex
	lines []string
	times []time.Time
	last  *igd.Gateway
	stop  func()
}

// watch starts to read the changes; what it was told first is not among the lines.
func (h *home) watch(first ...string) *reader {
	h.Helper()
	r := &reader{home: h}
	ctx, cancel := context.WithCancel(h.Context())
	done := make(chan struct{})
	r.stop = func() { cancel(); <-done }
	h.Cleanup(r.stop)
	go func() {
		defer close(done)
		for c, err := range h.gateway.Changes(ctx) {
			if err != nil {
				h.Error(err)
			}
			r.take(c)
		}
	}()
	time.Sleep(4 * time.Second)
	if got := r.told(); !slices.Equal(got, first) {
		h.Errorf("first told %q, want %q", got, first)
	}
	time.Sleep(time.Minute)
	r.nothing()
	return r
}

func (r *reader) take(c igd.Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines, r.times = append(r.lines, lineOf(c)), append(r.times, time.Now())
	if c.Now != nil {
		r.last = c.Now
	}
}

func lineOf(c igd.Change) string {
	switch c.Kind {
	case igd.SourceChanged:
		return strings.TrimSpace(c.Source + " " + c.Reason)
	case igd.ExternalAddressChanged:
		return c.ExternalAddr.String()
	case igd.StatusChanged:
		return c.Status
	case igd.GatewayChanged:
		return c.Gateway
	}
	line := fmt.Sprint(c.NumberOfEntries)
	for _, m := range c.Added {
		line += fmt.Sprintf(" +%d", m.ExternalPort)
	}
	for _, m := range c.Removed {
		line += fmt.Sprintf(" -%d", m.ExternalPort)
	}
	return line
}

// told is what was told since the last time.
func (r *reader) told() []string {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := r.lines
	r.lines, r.times = nil, nil
	return lines
}

// within wants lines to be told within a time, and waits for that long.
func (r *reader) within(d time.Duration, want ...string) {
	r.Helper()
	time.Sleep(d)
	if got := r.told(); !slices.Equal(got, want) {
		r.Errorf("told %q within %v, want %q", got, d, want)
	}
}

// at once is within the time that a change may take to be told.
const atOnce = 10 * time.Millisecond

func (r *reader) nothing() {
	r.Helper()
	if got := r.told(); len(got) > 0 {
		r.Errorf("told %q, want nothing", got)
	}
}

func entry(port int, lease time.Duration) igd.Mapping {
	return igd.Mapping{
		MappingKey:     igd.MappingKey{ExternalPort: uint16(port), Protocol: igd.TCP},
		InternalClient: otherAt.Addr(), InternalPort: 80, Lease: lease,
	}
}

var present = []string{"live", "11.22.33.44", "Connected", "0"}

var second = netip.MustParseAddr("11.22.33.55")

func TestChangesOfTheTable(t *testing.T) {
	for _, device := range []igd.Device{igd.V1, igd.V2, igd.PPP} {
		atHome(t, emulator.Profile{Device: device}, func(h *home) {
			r := h.watch(present...)
			h.router.Put(entry(1, 0))
			r.within(atOnce, "1 +1")
			h.router.Put(entry(2, time.Minute), entry(3, 0))
			r.within(time.Second, "3 +2 +3")
			h.router.Put(entry(2, time.Minute)) // a renewal
			time.Sleep(59 * time.Second)
			r.nothing()
			r.within(2*time.Second, "2 -2")
			altered := entry(3, 0)
			altered.InternalPort = 81
			h.router.Put(altered)
			r.within(time.Second, "2 +3 -3")
			h.router.Wipe()
			r.within(time.Second, "0 -1 -3")
		})
	}
}

func TestChangesOfTheConnection(t *testing.T) { // F12, F13 with events
	atHome(t, emulator.Profile{}, func(h *home) {
		r := h.watch(present...)
		h.router.SetExternal(second)
		r.within(atOnce, "11.22.33.55")
		time.Sleep(time.Minute)
		h.router.SetConnection("Disconnected", "ERROR_NO_CARRIER")
		r.within(atOnce, "invalid IP", "Disconnected")
		h.router.SetExternal(netip.MustParseAddr("11.22.33.66"))
		h.router.SetConnection("Connected", "ERROR_NONE")
		r.within(100*time.Millisecond, "11.22.33.66", "Connected")
	})
}

// TestChangesTooQuick: a daemon that drops what happens while an event is under way.
func TestChangesTooQuick(t *testing.T) {
	atHome(t, profileWith(t, "drops-while-in-flight=500ms"), func(h *home) {
		r := h.watch(present...)
		added := map[string]bool{}
		for i := range 20 {
			h.router.Put(entry(1000+i, 0))
			time.Sleep(6 * time.Millisecond)
		}
		time.Sleep(3 * time.Second)
		for _, line := range r.told() {
			for _, word := range strings.Fields(line)[1:] {
				if added[word] || word[0] != '+' {
					h.Errorf("told twice, or removed: %s", word)
				}
				added[word] = true
			}
		}
		if len(added) != 20 {
			h.Errorf("told %d of 20 mappings", len(added))
		}
	})
}

func profileWith(t *testing.T, quirks ...string) emulator.Profile {
	return emulator.Profile{Quirks: quirksNamed(t, quirks...)}
}

func quirksNamed(t *testing.T, names ...string) (all []emulator.Quirk) {
	t.Helper()
	for _, name := range names {
		q, err := emulator.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, q)
	}
	return all
}

// TestChangesByPolling: F37, and F12 and F13 without events.
func TestChangesByPolling(t *testing.T) {
	refused := "polling the gateway refused the subscription: "
	for quirk, source := range map[string]string{
		"subscribe-refused":     refused + "412 Precondition Failed",
		"subscribe-refused=500": refused + "500 Internal Server Error",
		"subscribe-refused=404": refused + "404 Not Found",
		"never-notifies":        "polling the gateway accepted the subscription, and sends no events",
	} {
		t.Run(quirk, func(t *testing.T) {
			atHome(t, profileWith(t, quirk), func(h *home) {
				r := h.watch(source, "11.22.33.44", "Connected", "0")
				h.router.Put(entry(1, 0))
				r.within(maxPoll, "1 +1")
				h.router.SetExternal(second)
				r.within(maxPoll+2*time.Second, "11.22.33.55")
				h.router.SetConnection("Disconnected", "ERROR_NO_CARRIER")
				r.within(maxPoll+2*time.Second, "Disconnected", "invalid IP")
				h.router.SetQuirks()
				r.within(11*time.Minute, "live")
				h.router.Put(entry(2, 0))
				r.within(atOnce, "2 +2")
			})
		})
	}
}

const maxPoll = 30 * time.Second

// TestChangesFlicker: an address read once, which nobody announced, is not told.
func TestChangesFlicker(t *testing.T) {
	atHome(t, profileWith(t, "subscribe-refused"), func(h *home) {
		r := h.watch("polling the gateway refused the subscription: 412 Precondition Failed", "11.22.33.44", "Connected", "0")
		flicker := emulator.Quirk{Backend: func(b emulator.Backend) emulator.Backend { return &flickering{Backend: b} }}
		h.router.SetQuirks(append(h.router.Quirks(), flicker)...)
		time.Sleep(5 * time.Minute)
		r.nothing()
	})
}

// A flickering router tells another address in its first answer of many.
type flickering struct {
	emulator.Backend
	mu    sync.Mutex
	calls int
}

func (f *flickering) ExternalAddr(ctx context.Context) (netip.Addr, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls++; f.calls == 1 {
		return netip.MustParseAddr("10.0.0.1"), nil
	}
	return f.Backend.ExternalAddr(ctx)
}

// TestChangesWithoutEvents: F36. Events that stop coming are missed at the next safety poll, and
// the subscription is made anew.
func TestChangesWithoutEvents(t *testing.T) {
	atHome(t, emulator.Profile{}, func(h *home) {
		r := h.watch(present...)
		h.router.SetQuirks(emulator.Quirk{Tell: func(igd.Change) bool { return false }})
		h.router.Put(entry(1, 0))
		begin := time.Now()
		r.within(61*time.Second, "1 +1")
		h.router.SetQuirks()
		time.Sleep(time.Second)
		if n := h.count("NT: upnp:event", begin); n != 1 {
			h.Errorf("subscribed %d times, want once more", n)
		}
		h.router.Put(entry(2, 0))
		r.within(atOnce, "2 +2")
	})
}

// TestChangesRenewal: a renewal that is refused is a new subscription; odd answers are none.
func TestChangesRenewal(t *testing.T) {
	for _, quirk := range []string{"second-infinite", "renewal-without-sid", "notify-before-answer"} { // F39: the last
		t.Run(quirk, func(t *testing.T) {
			atHome(t, profileWith(t, quirk), func(h *home) {
				r := h.watch(present...)
				for range 4 {
					time.Sleep(30 * time.Minute)
					r.nothing()
					h.router.SetExternal(second)
					r.within(atOnce, "11.22.33.55")
					h.router.SetExternal(netip.MustParseAddr("11.22.33.44"))
					r.within(time.Second, "11.22.33.44")
				}
			})
		})
	}
}

func TestChangesForgotten(t *testing.T) { // F36: 412 to a renewal
	atHome(t, emulator.Profile{}, func(h *home) {
		r := h.watch(present...)
		h.router.SetQuirks(quirksNamed(t, "never-notifies")...)
		h.router.Put(entry(1, 0))
		r.within(61*time.Second, "1 +1")
		r.told()
		h.router.SetQuirks()
		time.Sleep(31 * time.Minute)
		r.told()
		h.router.Put(entry(2, 0))
		r.within(atOnce, "2 +2")
	})
}

// TestChangesEnd: breaking out ends everything; the bubble would tell.
func TestChangesEnd(t *testing.T) {
	atHome(t, emulator.Profile{}, func(h *home) {
		for range 3 {
			for range h.gateway.Changes(h.Context()) {
				break
			}
			synctest.Wait()
			if n := h.count("UNSUBSCRIBE ", time.Time{}); n == 0 {
				h.Error("not unsubscribed")
			}
		}
		ctx, cancel := context.WithTimeout(h.Context(), time.Hour)
		defer cancel()
		for range h.gateway.Changes(ctx) {
		}
		if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			h.Error("ended early")
		}
	})
}

// TestChangesBesides: the gateway may be used meanwhile.
func TestChangesBesides(t *testing.T) {
	atHome(t, profileWith(t, "slow=20ms"), func(h *home) {
		r := h.watch(present...)
		var all sync.WaitGroup
		for i := range 10 {
			all.Go(func() {
				m := entry(2000+i, 0)
				m.InternalClient = clientAt.Addr()
				if err := h.gateway.AddMapping(h.Context(), m); err != nil {
					h.Error(err)
				}
			})
		}
		all.Wait()
		time.Sleep(5 * time.Second)
		if got := r.told(); len(got) == 0 || !strings.HasPrefix(got[len(got)-1], "10 ") {
			h.Errorf("told %q", got)
		}
	})
}

// TestChangesOfALongTable: all of it is told, and read with one call at a time.
func TestChangesOfALongTable(t *testing.T) {
	for _, device := range []igd.Device{igd.V1, igd.V2} {
		var m busy
		atHome(t, emulator.Profile{Device: device, Size: 1000, Quirks: []emulator.Quirk{{HTTP: m.wrap}}}, func(h *home) {
			for i := range 300 {
				h.router.Put(entry(1000+i, 0))
			}
			r := h.watch(append([]string{"live", "11.22.33.44", "Connected"}, lineOf(igd.Change{Kind: igd.MappingsChanged, NumberOfEntries: 300, Added: h.router.Table()}))...)
			h.router.Put(entry(9000, 0))
			r.within(2*time.Second, "301 +9000")
		})
		if m.most != 1 {
			t.Errorf("%d calls at once", m.most)
		}
	}
}

// busy counts the calls under way, each of which takes a millisecond.
type busy struct {
	mu        sync.Mutex
	now, most int
}

func (b *busy) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			next.ServeHTTP(w, r)
			return
		}
		b.add(1)
		defer b.add(-1)
		time.Sleep(time.Millisecond)
		next.ServeHTTP(w, r)
	})
}

func (b *busy) add(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now += n
	b.most = max(b.most, b.now)
}

package igd_test

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"upnp/description"
	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/wire"
)

// A fault is something that happens to a router, a network or a host (SECURITY section 9).
type fault struct {
	name    string
	wishes  []igd.Wish // nil: two
	profile emulator.Profile
	quirks  []string
	before  func(w *keepWorld) // the router is on, the keeper is not
	happens func(w *keepWorld) // everything is open; nil: nothing
	want    func(w *keepWorld) bool
	normal  time.Duration // to be as wanted after it happened
	deaf    time.Duration // the same without multicast and events; 0: not run
	after   func(w *keepWorld)
}

func faults() []fault {
	return []fault{
		{name: "F01 reboot, table lost", profile: emulator.Profile{BootTime: 20 * time.Second}, happens: reboot, normal: 10 * time.Second, deaf: 35 * time.Second},
		{name: "F01 quick reboot", happens: reboot, normal: 10 * time.Second, deaf: 35 * time.Second},
		{name: "F02 reboot, table kept", profile: emulator.Profile{BootTime: 20 * time.Second, Persistent: true},
			happens: func(w *keepWorld) { reboot(w); w.boxes[0].seen.forgetWrites() },
			normal:  10 * time.Second, deaf: 35 * time.Second,
			after: func(w *keepWorld) {
				w.step(40 * time.Second)
				if n := w.boxes[0].seen.written(); n != 0 {
					w.Errorf("%d writes", n)
				}
			}},
		{name: "F03 reboot, other port and control URL", happens: elsewhere, normal: 15 * time.Second, deaf: 40 * time.Second},
		{name: "F04 table wiped", happens: func(w *keepWorld) { w.boxes[0].Wipe() }, normal: 5 * time.Second, deaf: 5 * time.Second},
		{name: "F04 table wiped, no events", quirks: []string{"subscribe-refused"}, happens: func(w *keepWorld) { w.boxes[0].Wipe() }, normal: 35 * time.Second, deaf: 35 * time.Second},
		{name: "F05 one of two mappings deleted", happens: func(w *keepWorld) { w.boxes[0].lose(w.wishes[1].MappingKey) }, normal: 65 * time.Second, deaf: 65 * time.Second},
		{name: "F05 one of 24 mappings deleted", wishes: manyWishes(24),
			happens: func(w *keepWorld) { w.boxes[0].lose(w.wishes[17].MappingKey) }, normal: 95 * time.Second, deaf: 95 * time.Second},
		{name: "F06 lease ends while we are cut off", wishes: leased(2*time.Minute, 9542), happens: func(w *keepWorld) {
			w.mem.LAN("").SetConditions(wire.Conditions{Cut: true})
			w.step(3 * time.Minute)
			w.mem.LAN("").SetConditions(wire.Conditions{})
		}, normal: 6 * time.Second, deaf: 6 * time.Second},
		{name: "F07 lease shortened", before: func(w *keepWorld) { w.boxes[0].SetQuirks(w.boxes[0].seen.quirk(), shorten(5*time.Minute)) },
			normal: 5 * time.Second, after: noGap(time.Hour)},
		{name: "F08 lease ignored", quirks: []string{"lease-ignored"}, normal: 5 * time.Second, after: removedAtEnd},
		{name: "F09 only permanent leases", quirks: []string{"only-permanent-leases"}, wishes: wished(9542), normal: 5 * time.Second,
			after: func(w *keepWorld) {
				if n := w.boxes[0].seen.tries(); n != 2 {
					w.Errorf("%d calls", n)
				}
				removedAtEnd(w)
			}},
		{name: "F09 402 to a lease", quirks: []string{"lease-402"}, normal: 5 * time.Second, after: removedAtEnd},
		{name: "F10 suspended for 8 h", happens: func(w *keepWorld) {
			w.boxes[0].Wipe()
			w.mu.Lock()
			w.slept += 8 * time.Hour
			w.mu.Unlock()
		}, normal: 10 * time.Second, deaf: 15 * time.Second},
		{name: "F11 clock set", happens: func(w *keepWorld) {
			w.boxes[0].seen.forgetWrites()
			w.mu.Lock()
			w.slept -= 365 * 24 * time.Hour
			w.mu.Unlock()
			w.step(30 * time.Second)
			if n := w.boxes[0].seen.written(); n != 0 {
				w.Errorf("%d writes", n)
			}
		}, normal: time.Second},
		{name: "F12 external address changes", happens: func(w *keepWorld) { w.boxes[0].SetExternal(netip.MustParseAddr("11.22.33.55")) },
			want: func(w *keepWorld) bool { return w.told(igd.KeepExternal, "was 11.22.33.44") == 1 }, normal: 10 * time.Second, deaf: 65 * time.Second},
		{name: "F13 WAN down, then up", happens: func(w *keepWorld) {
			w.boxes[0].SetConnection("Disconnected", "ERROR_UNKNOWN")
			w.within(65*time.Second, "told as down", func() bool { return w.told(igd.KeepExternal, "Disconnected") == 1 })
			w.boxes[0].SetConnection("Connected", "")
		}, want: func(w *keepWorld) bool { return w.told(igd.KeepExternal, "was ") == 2 && w.allOpen() }, normal: 10 * time.Second, deaf: 65 * time.Second},
		{name: "F14 double NAT appears", happens: func(w *keepWorld) { w.boxes[0].SetExternal(netip.MustParseAddr("100.64.3.4")) },
			want: func(w *keepWorld) bool { return w.told(igd.KeepExternal, "cgnat") == 1 }, normal: 65 * time.Second, deaf: 65 * time.Second},
		{name: "F15 own address changes", quirks: []string{"anyone"}, happens: func(w *keepWorld) { roam(w, "192.168.1.70/24") },
			want: onlyFrom("192.168.1.70"), normal: 10 * time.Second, deaf: 15 * time.Second},
		{name: "F15 own address changes, the old mapping may not be removed", wishes: leased(10*time.Minute, 9542), happens: func(w *keepWorld) {
			roam(w, "192.168.1.70/24")
			w.within(10*time.Second, "told", func() bool { return w.told(igd.KeepConflict, "it is mapped to 192.168.1.") == 1 })
		}, want: onlyFrom("192.168.1.70"), normal: 10*time.Minute + 35*time.Second},
		{name: "F16 interface flaps", happens: func(w *keepWorld) {
			for range 10 {
				w.host.Link("eth0").SetUp(false)
				w.step(1500 * time.Millisecond)
				w.host.Link("eth0").SetUp(true)
				w.step(1500 * time.Millisecond)
			}
		}, normal: 10 * time.Second},
		{name: "F17 VPN takes the default route", happens: func(w *keepWorld) {
			vpn := w.host.Attach(w.mem.LAN("vpn"), netip.MustParsePrefix("10.8.0.2/24"))
			vpn.SetGateways(netip.MustParseAddr("10.8.0.1"))
			w.host.Link("eth0").SetGateways()
			w.boxes[0].Wipe()
		}, normal: 10 * time.Second},
		{name: "F18 router replaced by another model", happens: func(w *keepWorld) { replace(w, homeRouter) }, normal: 15 * time.Second, deaf: 40 * time.Second},
		{name: "F19 primary dies, another router is there", happens: func(w *keepWorld) {
			replace(w, netip.MustParsePrefix("192.168.1.254/24"))
			w.host.Link("eth0").SetGateways(netip.MustParseAddr("192.168.1.254"))
		}, normal: 20 * time.Second, deaf: 40 * time.Second},
		{name: "F20 a second router appears", happens: func(w *keepWorld) {
			first := w.boxes[0]
			rogue := w.boot(emulator.Profile{Name: "rogue"}, netip.MustParsePrefix("192.168.1.66/24"))
			w.boxes = []*box{first, rogue}
			w.step(2 * time.Minute)
			if len(rogue.Table()) != 0 || w.told(igd.KeepGateway, "") != 1 {
				w.Errorf("the second router has %v", rogue.Table())
			}
		}, normal: time.Second},
		{name: "F22 another daemon of this host wants the port", wishes: wished(9542), before: func(w *keepWorld) {
			if err := w.boxes[0].Put(igd.Mapping{MappingKey: wish(9542).MappingKey, InternalClient: neighbour.Prev(), InternalPort: 1}); err != nil {
				w.Fatal(err)
			}
			w.foreign = w.boxes[0].Table()
		}, want: conflict(1), normal: 2 * time.Second, after: func(w *keepWorld) {
			w.step(10 * time.Minute)
			if n := w.boxes[0].seen.written(); n != 0 {
				w.Errorf("%d writes", n)
			}
		}},
		{name: "F23 port of another host", before: takenPort, wishes: wished(9542), want: conflict(1), normal: 2 * time.Second},
		{name: "F23 port of another host, another will do", before: takenPort, wishes: anyPort(9542), normal: 5 * time.Second},
		{name: "F23 port of another host, IGD:2", profile: emulator.Profile{Device: igd.V2}, before: takenPort, wishes: anyPort(9542), normal: 5 * time.Second},
		{name: "F24 port taken after a reboot", wishes: anyPort(9542), happens: func(w *keepWorld) { reboot(w); takenPort(w) }, normal: 20 * time.Second, deaf: 55 * time.Second},
		{name: "F24 fixed port taken after a reboot", wishes: wished(9542), happens: func(w *keepWorld) { reboot(w); takenPort(w) },
			want: conflict(1), normal: 20 * time.Second, deaf: 55 * time.Second},
		{name: "F25 slow answers, 20 mappings", wishes: manyWishes(20), quirks: []string{"slow=4s"}, normal: 180 * time.Second},
		{name: "F26 answers beyond the budget", happens: func(w *keepWorld) {
			w.boxes[0].SetQuirks(w.boxes[0].seen.quirk(), lookup(w, "slow=30s"))
			w.step(3 * time.Minute)
			w.boxes[0].SetQuirks(w.boxes[0].seen.quirk())
			w.step(30 * time.Second)
		}, normal: 40 * time.Second},
		{name: "F27 30 % of datagrams lost", quirks: []string{"drop-datagrams"}, normal: 5 * time.Second},
		{name: "F28 30 % of connections refused", wishes: manyWishes(20), before: func(w *keepWorld) {
			w.mem.LAN("").SetConditions(wire.Conditions{Refuse: 0.3})
		}, normal: 60 * time.Second},
		{name: "F29 accepts and never answers", happens: func(w *keepWorld) {
			w.boxes[0].SetQuirks(w.boxes[0].seen.quirk(), hanging(true))
			w.within(52*time.Second, "told as gone", func() bool { return w.told(igd.KeepGateway, igd.GatewayGone) == 1 })
			w.boxes[0].Wipe()
			w.boxes[0].SetQuirks(w.boxes[0].seen.quirk())
		}, normal: 25 * time.Second},
		{name: "F30 closes before the answer, once", happens: func(w *keepWorld) {
			w.boxes[0].SetQuirks(w.boxes[0].seen.quirk(), hanging(false))
			w.boxes[0].Wipe()
			w.step(40 * time.Second)
			w.boxes[0].SetQuirks(w.boxes[0].seen.quirk())
		}, normal: 6 * time.Second},
		{name: "F32 lost answer to AddPortMapping", quirks: []string{"eof-after-work"}, normal: 10 * time.Second},
		{name: "F33 lost answer to AddAnyPortMapping", profile: emulator.Profile{Device: igd.V2}, wishes: anyPort(9542), before: takenPort,
			quirks: []string{"eof-after-work"}, normal: 15 * time.Second, after: func(w *keepWorld) { w.step(time.Minute) }},
		{name: "F34 accepted and nothing done", quirks: []string{"ok-but-nothing-done"}, wishes: wished(9542),
			want: func(w *keepWorld) bool { return w.states()[wish(9542).MappingKey].Kind == igd.KeepUnverified }, normal: 30 * time.Second},
		{name: "F36 subscription without events", quirks: []string{"never-notifies"}, happens: func(w *keepWorld) { w.boxes[0].Wipe() }, normal: 35 * time.Second},
		{name: "F37 subscription refused", quirks: []string{"subscribe-refused"}, happens: func(w *keepWorld) { w.boxes[0].Wipe() }, normal: 35 * time.Second},
		{name: "F38 events left out", quirks: []string{"drops-while-in-flight"}, happens: func(w *keepWorld) {
			w.boxes[0].Wipe()
			w.step(10 * time.Millisecond)
			w.boxes[0].SetExternal(netip.MustParseAddr("11.22.33.55"))
		}, normal: 10 * time.Second},
		{name: "F39 event before the answer", quirks: []string{"notify-before-answer"}, happens: func(w *keepWorld) { w.boxes[0].Wipe() }, normal: 10 * time.Second},
		{name: "F40 flood of events", happens: func(w *keepWorld) {
			before := w.boxes[0].seen.looked()
			for i := range 2000 {
				w.boxes[0].SetExternal(netip.AddrFrom4([4]byte{11, 22, 33, byte(1 + i%200)}))
				time.Sleep(30 * time.Millisecond)
			}
			w.check()
			if n := w.boxes[0].seen.looked() - before; n > 12*len(w.wishes)+4 {
				w.Errorf("%d looks at a mapping within a minute", n)
			}
		}, normal: 5 * time.Second},
		{name: "F41 table full", profile: emulator.Profile{Device: igd.V2, Size: 5}, wishes: manyWishes(8),
			want: func(w *keepWorld) bool { return w.open(5) }, normal: 10 * time.Second,
			after: func(w *keepWorld) {
				reboot(w)
				w.within(20*time.Second, "the first five", func() bool { return w.open(5) })
			}},
		{name: "F41 table limit 6, silent", quirks: []string{"table-limit-silent=6"}, wishes: manyWishes(8),
			want: func(w *keepWorld) bool { return w.open(6) }, normal: 20 * time.Second},
		{name: "F42 more than 5 adds a minute refused", wishes: manyWishes(20), before: func(w *keepWorld) {
			w.boxes[0].SetQuirks(w.boxes[0].seen.limit(), w.boxes[0].seen.quirk())
		}, normal: 6 * time.Minute},
		{name: "F54 another UDN at each boot", profile: emulator.Profile{Persistent: true, Root: changingRoot()}, happens: reboot, normal: 10 * time.Second, deaf: 35 * time.Second,
			after: func(w *keepWorld) { w.step(time.Minute); removedAtEnd(w) }},
		{name: "F55 lease counted twice as fast", before: func(w *keepWorld) { w.boxes[0].SetQuirks(hurry(), w.boxes[0].seen.quirk()) },
			normal: 5 * time.Second, after: noGap(90 * time.Minute)},
		{name: "F56 description cut", quirks: []string{"description-cut=3"}, happens: reboot, normal: 10 * time.Second, deaf: 35 * time.Second, after: removedAtEnd},
		{name: "F57 another port than asked for", profile: emulator.Profile{Device: igd.V2}, wishes: anyPort(9542), before: takenPort, normal: 5 * time.Second,
			after: func(w *keepWorld) {
				if m := w.states()[wish(9542).MappingKey].Mapping; m == nil || m.ExternalPort == 9542 {
					w.Errorf("told %v", m)
				}
				removedAtEnd(w)
			}},
		{name: "F58 mapping disabled", wishes: wished(9542), happens: func(w *keepWorld) {
			m := w.boxes[0].Table()[0]
			m.Disabled = true
			if err := w.boxes[0].Put(m); err != nil {
				w.Fatal(err)
			}
		}, want: func(w *keepWorld) bool { t := w.boxes[0].Table(); return len(t) == 1 && !t[0].Disabled }, normal: 35 * time.Second, deaf: 35 * time.Second},
		{name: "F59 reboot in a flood", happens: func(w *keepWorld) { flood(w); reboot(w) }, normal: 15 * time.Second},
		{name: "Q-57 renewals not honoured", quirks: []string{"renewal-ignored"}, normal: 5 * time.Second, after: noGap(2 * time.Hour)},
		{name: "Q-57 renewals refused", quirks: []string{"conflict-own-renewal"}, normal: 5 * time.Second, after: noGap(2 * time.Hour)},
		{name: "G-41 leases lost within seconds", quirks: []string{"silent-lease-loss"}, wishes: wished(9542), normal: 5 * time.Second,
			after: func(w *keepWorld) { w.step(3 * time.Minute); noGap(time.Hour)(w); removedAtEnd(w) }},
	}
}

// TestFaults lets each fault happen in virtual time, with and without multicast.
func TestFaults(t *testing.T) {
	for _, f := range faults() {
		for _, deaf := range []bool{false, true} {
			limit, name := f.normal, f.name
			if deaf {
				limit, name = f.deaf, f.name+", without multicast"
			}
			if limit == 0 {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { f.run(t, deaf, limit) })
			})
		}
	}
}

func (f fault) run(t *testing.T, deaf bool, limit time.Duration) {
	if f.wishes == nil {
		f.wishes = wished(9542, 9543)
	}
	w := newKeepWorld(t, deaf, f.wishes...)
	if deaf && f.name != "F04 table wiped" { // nor do events come
		f.quirks = append(slices.Clone(f.quirks), "subscribe-refused")
	}
	w.boot(f.profile, homeRouter, f.quirks...)
	if f.before != nil {
		f.before(w)
	}
	want := f.want
	if want == nil {
		want = (*keepWorld).allOpen
	}
	w.start()
	if f.happens != nil {
		w.within(10*time.Second, "open", w.allOpen)
		w.step(45 * time.Second)
		w.boxes[0].reboots = 0
		f.happens(w)
		w.answering()
	}
	took := w.within(limit, f.name, func() bool { return want(w) })
	t.Logf("%s: %v of %v", f.name, took, limit)
	if f.after != nil {
		f.after(w)
	}
	w.step(time.Second)
}

// answering waits until the first router's SOAP answers.
func (w *keepWorld) answering() {
	w.Helper()
	for range 600 {
		if w.boxes[0].serving() {
			return
		}
		w.step(100 * time.Millisecond)
	}
	w.Fatal("the router does not come back")
}

// serving reports whether the router is back from its last restart.
func (b *box) serving() bool { return b.boots.Load() > b.reboots }

func reboot(w *keepWorld) {
	w.boxes[0].reboots = w.boxes[0].boots.Load()
	w.boxes[0].Reboot()
}

// elsewhere is a reboot after which everything is at another port and another path.
func elsewhere(w *keepWorld) {
	b := w.boxes[0]
	b.stop()
	b.Wipe()
	b.SetQuirks(b.seen.quirk(), emulator.Quirk{Name: "other paths", Root: func(root *description.Root) {
		for s := range root.Services() {
			s.ControlURL = "/other" + s.ControlURL
		}
	}})
	w.step(5 * time.Second)
	w.serve(b)
}

// replace takes the router away and puts another model in its place, or elsewhere.
func replace(w *keepWorld, at netip.Prefix) {
	old := w.off()
	if old.Profile().Name == "other" {
		w.Fatal("replaced twice")
	}
	w.boot(emulator.Profile{Name: "other", Device: igd.V2}, at)
}

func roam(w *keepWorld, to string) {
	prefix := netip.MustParsePrefix(to)
	w.own = append(w.own, prefix.Addr())
	w.host.Link("eth0").SetPrefixes(prefix)
}

func onlyFrom(addr string) func(*keepWorld) bool {
	return func(w *keepWorld) bool {
		for _, m := range w.boxes[0].Table() {
			if m.InternalClient != netip.MustParseAddr(addr) {
				return false
			}
		}
		return w.allOpen()
	}
}

func takenPort(w *keepWorld) {
	w.put(igd.Mapping{MappingKey: wish(9542).MappingKey, InternalClient: neighbour, InternalPort: 80, Description: "theirs"})
}

func conflict(n int) func(*keepWorld) bool {
	return func(w *keepWorld) bool {
		conflicts := 0
		for _, e := range w.states() {
			if e.Kind == igd.KeepConflict {
				conflicts++
			}
		}
		return conflicts == n
	}
}

func anyPort(ports ...uint16) []igd.Wish {
	all := wished(ports...)
	for i := range all {
		all[i].AnyPort = true
	}
	return all
}

func leased(d time.Duration, ports ...uint16) []igd.Wish {
	all := wished(ports...)
	for i := range all {
		all[i].Lease = d
	}
	return all
}

// noGap watches for a time that nothing is ever missing.
func noGap(d time.Duration) func(*keepWorld) {
	return func(w *keepWorld) {
		w.Helper()
		for end := time.Now().Add(d); time.Now().Before(end); {
			w.step(5 * time.Second)
			for _, wish := range w.wishes {
				if w.count(w.boxes[0], wish) != 1 {
					w.Fatalf("after %v there is a gap: %v", d-time.Until(end), w.boxes[0].Table())
				}
			}
		}
	}
}

// removedAtEnd ends the keeper and finds nothing of it.
func removedAtEnd(w *keepWorld) {
	w.Helper()
	began := time.Now()
	w.end()
	if took := time.Since(began); took > 3*time.Second {
		w.Errorf("it took %v to leave", took)
	}
	for _, m := range w.boxes[0].Table() {
		if w.isOwn(m) {
			w.Errorf("%v is left behind", m)
		}
	}
	if n := igd.JournalSize(w.journal); n != 0 {
		w.Errorf("%d entries are left in the journal", n)
	}
}

func lookup(w *keepWorld, name string) emulator.Quirk {
	w.Helper()
	q, err := emulator.Lookup(name)
	if err != nil {
		w.Fatal(err)
	}
	return q
}

// shorten grants no more than a lease and says so.
func shorten(most time.Duration) emulator.Quirk {
	return emulator.Quirk{Name: "shorten", Backend: func(b emulator.Backend) emulator.Backend { return shortener{b, most} }}
}

type shortener struct {
	emulator.Backend
	most time.Duration
}

func (s shortener) AddMapping(ctx context.Context, m igd.Mapping) error {
	m.Lease = min(m.Lease, s.most)
	return s.Backend.AddMapping(ctx, m)
}

// hurry counts leases down twice as fast as time passes.
func hurry() emulator.Quirk {
	return emulator.Quirk{Name: "hurry", Backend: func(b emulator.Backend) emulator.Backend { return hurried{b} }}
}

type hurried struct{ emulator.Backend }

func (h hurried) AddMapping(ctx context.Context, m igd.Mapping) error {
	m.Lease /= 2
	return h.Backend.AddMapping(ctx, m)
}

func (h hurried) Mapping(ctx context.Context, k igd.MappingKey) (igd.Mapping, error) {
	m, err := h.Backend.Mapping(ctx, k)
	m.Lease *= 2
	return m, err
}

// hanging takes actions and answers none: it waits for ever, or closes the connection.
func hanging(forever bool) emulator.Quirk {
	return emulator.Quirk{Name: "hanging", HTTP: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost {
				next.ServeHTTP(rw, r)
				return
			}
			if forever {
				<-r.Context().Done()
			}
			panic(http.ErrAbortHandler)
		})
	}}
}

// changingRoot is a description with another UDN each time.
func changingRoot() func(string) *description.Root {
	n := 0
	return func(string) *description.Root {
		n++
		return igd.StandardRoot(igd.V1, fmt.Sprint("life ", n))
	}
}

// flood sends five thousand announcements a second for 20 s, in many names.
func flood(w *keepWorld) {
	hostile := w.mem.Host("hostile", netip.MustParsePrefix("192.168.1.200/24"))
	interfaces, err := hostile.Interfaces()
	if err != nil {
		w.Fatal(err)
	}
	c, err := hostile.ListenPacket(context.Background(), interfaces[1], netip.AddrPortFrom(netip.MustParseAddr("239.255.255.250"), 0))
	if err != nil {
		w.Fatal(err)
	}
	done := make(chan bool)
	go func() {
		defer close(done)
		for i := range 20 * 50 {
			for j := range 100 {
				text := fmt.Sprintf("NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNT: %s\r\nNTS: ssdp:alive\r\nUSN: uuid:%d::%s\r\nLOCATION: http://192.168.1.200:80/%d\r\nCACHE-CONTROL: max-age=1800\r\nBOOTID.UPNP.ORG: %d\r\n\r\n",
					igd.InternetGatewayDevice1, j, igd.InternetGatewayDevice1, j, i)
				c.WriteTo([]byte(text), netip.MustParseAddrPort("239.255.255.250:1900"))
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	w.Cleanup(func() { <-done; c.Close() })
}

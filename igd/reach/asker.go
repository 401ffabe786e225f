package reach

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// What one asker may do.
const (
	maxAskers        = 4096
	maxConnsEach     = 4  // at a time
	connsPerSecond   = 10 // more are cut off without a word
	connsAtOnce      = 40
	looksEachPerMin  = 30
	looksEachAtOnce  = 10
	maxLooksEach     = 2 // at a time
	maxPortsEach     = 16
	portsFor         = 10 * time.Minute // for which a port counts
	toldEachPerMin   = 1
	toldEachAtOnce   = 10
	ipv6AskerBits    = 48
	reasonConns      = "too many connections"
	reasonLooks      = "too many questions: 30 a minute are answered"
	reasonPorts      = "too many different ports: 16 in ten minutes are looked at"
	reasonEverywhere = "too many questions from everywhere: try again"
)

// An asker is what is known of one source address, or one network of IPv6.
type asker struct {
	last    time.Time
	conns   int
	looks   int
	door    bucket
	looking bucket
	told    bucket
	untold  int
	ports   map[uint16]time.Time // looked at, and when last
}

// askers are the sources known, those who came last.
type askers struct {
	mu    sync.Mutex
	known map[netip.Prefix]*asker
}

func sourceOf(addr netip.Addr) netip.Prefix {
	bits := ipv6AskerBits
	if addr.Is4() {
		bits = 32
	}
	p, _ := addr.WithZone("").Prefix(bits)
	return p
}

// of is what is known of an address; the caller holds the lock.
func (a *askers) of(addr netip.Addr) *asker {
	source := sourceOf(addr)
	who := a.known[source]
	if who == nil {
		if len(a.known) >= maxAskers {
			a.forget()
		}
		who = &asker{
			door:    bucket{rate: connsPerSecond, size: connsAtOnce},
			looking: bucket{rate: looksEachPerMin / 60., size: looksEachAtOnce},
			told:    bucket{rate: toldEachPerMin / 60., size: toldEachAtOnce},
			ports:   map[uint16]time.Time{},
		}
		a.known[source] = who
	}
	who.last = time.Now()
	return who
}

// forget drops the eighth of the askers that came longest ago, but for those who are being served, whose
// number is bounded elsewhere.
func (a *askers) forget() {
	var idle []netip.Prefix
	for source, who := range a.known {
		if who.conns == 0 && who.looks == 0 {
			idle = append(idle, source)
		}
	}
	slices.SortFunc(idle, func(x, y netip.Prefix) int {
		return cmp.Compare(a.known[x].last.UnixNano(), a.known[y].last.UnixNano())
	})
	for _, source := range idle[:min(len(idle), maxAskers/8)] {
		delete(a.known, source)
	}
}

// enter takes a connection in, if its source has not too many.
func (a *askers) enter(addr netip.Addr) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	who := a.of(addr)
	if who.conns >= maxConnsEach || !who.door.take(who.last) {
		return false
	}
	who.conns++
	return true
}

func (a *askers) leave(addr netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.of(addr).conns--
}

// begin lets an asker have a port looked at, or says why not.
func (a *askers) begin(addr netip.Addr, port uint16) (refusal string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	who := a.of(addr)
	for p, at := range who.ports {
		if who.last.Sub(at) > portsFor {
			delete(who.ports, p)
		}
	}
	if _, known := who.ports[port]; !known && len(who.ports) >= maxPortsEach {
		return reasonPorts
	}
	if who.looks >= maxLooksEach || !who.looking.take(who.last) {
		return reasonLooks
	}
	who.looks++
	who.ports[port] = who.last
	return ""
}

func (a *askers) end(addr netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.of(addr).looks--
}

// mayTell lets a few lines about an asker be told, with the number of those that were not.
func (a *askers) mayTell(addr netip.Addr) (suppressed int, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	who := a.of(addr)
	if !who.told.take(who.last) {
		who.untold++
		return 0, false
	}
	suppressed, who.untold = who.untold, 0
	return suppressed, true
}

package igd

import (
	"maps"
	"time"
)

// maxLeases bounds the leases remembered of one router; the one that ends first is forgotten first.
const maxLeases = 64

// LeaseEnd is when the lease of a mapping ends, or has ended, that was made from here and not
// removed since. A router drops a mapping whose lease has ended and does not tell that there was one;
// one that it lacks before that, it has lost. It is false without a [Memory].
func (g *Gateway) LeaseEnd(k MappingKey) (time.Time, bool) {
	if g.memory == nil {
		return time.Time{}, false
	}
	r, _ := g.memory.Load(g.routerKey())
	end, ok := r.Leases[k.String()]
	return end, ok
}

// noteLease remembers the lease of a mapping that was just made.
func (g *Gateway) noteLease(m Mapping) {
	if m.Lease == 0 {
		g.forgetLease(m.MappingKey)
		return
	}
	end := time.Now().Add(m.Lease).UTC().Truncate(time.Second)
	g.changeLeases(func(leases map[string]time.Time) {
		leases[m.MappingKey.String()] = end
		if len(leases) > maxLeases {
			delete(leases, first(leases))
		}
	})
}

func (g *Gateway) forgetLease(k MappingKey) {
	if _, ok := g.LeaseEnd(k); ok {
		g.changeLeases(func(leases map[string]time.Time) { delete(leases, k.String()) })
	}
}

// first is the key of the lease that ends first.
func first(leases map[string]time.Time) (key string) {
	for k, end := range leases {
		if key == "" || end.Before(leases[key]) {
			key = k
		}
	}
	return key
}

func (g *Gateway) changeLeases(change func(map[string]time.Time)) {
	if g.memory == nil {
		return
	}
	r, _ := g.memory.Load(g.routerKey())
	leases := maps.Clone(r.Leases)
	if leases == nil {
		leases = map[string]time.Time{}
	}
	change(leases)
	g.memory.Store(g.routerKey(), Remembered{Worked: r.Worked, Leases: leases})
}

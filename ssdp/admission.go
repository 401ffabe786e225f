package ssdp

import (
	"hash/maphash"
	"net/netip"
)

// How much one search takes from the network. A device answers for each of its parts, so what counts is the pair of
// UDN and location. The answers of one pair are bounded too, far above what any device has.
const (
	maxPairsPerInterface = 64
	maxPairsPerSource    = 8
	maxAnswersPerPair    = 32
)

// An admission decides which answers of a search are yielded. It remembers hashes, not text, so that what it holds is
// small whatever is sent.
type admission struct {
	seed         maphash.Seed
	seen         map[uint64]struct{} // USN and location
	pairs        map[uint64]int      // UDN and location, with the number of answers
	perInterface map[int]int
	perSource    map[netip.Addr]int
}

func newAdmission() *admission {
	return &admission{
		seed:         maphash.MakeSeed(),
		seen:         make(map[uint64]struct{}),
		pairs:        make(map[uint64]int),
		perInterface: make(map[int]int),
		perSource:    make(map[netip.Addr]int),
	}
}

// admit reports whether p is new and within the bounds, and the reason if it is not within them. The gateways do not
// count towards their interface: no crowd of others can keep them out.
func (a *admission) admit(p *Packet) (bool, error) {
	location := p.Location()
	answer := maphash.Comparable(a.seed, [2]string{p.Header.Get("USN"), location})
	if _, again := a.seen[answer]; again {
		return false, nil
	}
	pair := maphash.Comparable(a.seed, [2]string{p.USN().UDN, location})
	if a.pairs[pair] >= maxAnswersPerPair || a.pairs[pair] == 0 && !a.admitPair(p) {
		return false, ErrExcess
	}
	a.pairs[pair]++
	a.seen[answer] = struct{}{}
	return true, nil
}

func (a *admission) admitPair(p *Packet) bool {
	from := p.From.Addr()
	if a.perSource[from] >= maxPairsPerSource {
		return false
	}
	if !p.Interface.IsGateway(from) {
		if a.perInterface[p.Interface.Index] >= maxPairsPerInterface {
			return false
		}
		a.perInterface[p.Interface.Index]++
	}
	a.perSource[from]++
	return true
}

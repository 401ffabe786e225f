package igd

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

const (
	// workers is the number of connections to a trusted router. More than six overflow the
	// accept queue of common firmware, and a lost SYN waits a second.
	workers   = 4
	minChunk  = 64
	maxChunk  = 512
	sparse    = 6  // mappings a window must yield on average to be worth its call
	fairTrial = 16 // windows after which that is judged
	maxSample = 64 // entries read to find the places of the table
)

// spread picks at most n of the recorded indexes, evenly, the first and the last among them.
func spread(at map[int]MappingKey, n int) []int {
	all := slices.Sorted(maps.Keys(at))
	if len(all) <= n {
		return all
	}
	picked := make([]int, n)
	for i := range picked {
		picked[i] = all[i*(len(all)-1)/(n-1)]
	}
	return picked
}

// parallel reads the table from an index on over several connections, chunk by chunk, and goes
// on one by one as soon as anything but an entry comes.
func (w *walk) parallel(ctx context.Context, index int) error {
	for chunk := minChunk; index < maxEntries && !w.stopped; chunk = min(2*chunk, maxChunk) {
		read, ok := w.gateway.mappingsAt(ctx, index, index+chunk)
		for i, m := range read {
			if !w.take(index+i, m) {
				return nil
			}
		}
		if index += len(read); !ok {
			break
		}
	}
	if w.stopped {
		return nil
	}
	_, _, err := w.sequence(ctx, index, maxEntries)
	return err
}

// mappingsAt reads the entries of an index range over several connections, holding the
// router's turn. ok is false if any call failed; what stands before the first failure is
// returned.
func (g *Gateway) mappingsAt(ctx context.Context, from, to int) (read []Mapping, ok bool) {
	if g.gate.enter(ctx) != nil {
		return nil, false
	}
	defer g.gate.leave(nil)
	ctx = patient(ctx)
	read = make([]Mapping, to-from)
	var next, failed atomic.Int64
	failed.Store(int64(len(read)))
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < failed.Load(); i = next.Add(1) - 1 {
				m, err := g.mappingAt(ctx, from+int(i), g.once)
				if err != nil {
					lower(&failed, i)
					return
				}
				read[i] = m
			}
		})
	}
	wg.Wait()
	n := int(failed.Load())
	return read[:n], n == to-from
}

// lower sets a to v if that is less.
func lower(a *atomic.Int64, v int64) {
	for old := a.Load(); v < old; old = a.Load() {
		if a.CompareAndSwap(old, v) {
			return
		}
	}
}

// A window is a hundred ports of one protocol: the most that is safe to ask for at once.
type window struct {
	protocol Protocol
	number   int // ports from number*maxWindow
}

func windowOf(k MappingKey) window {
	return window{k.Protocol, int(k.ExternalPort) / maxWindow}
}

func (v window) ports() Range {
	from := v.number * maxWindow
	return Range{From: uint16(from), To: uint16(min(from+maxWindow-1, maxEntries-1)), Protocol: v.protocol, All: true}
}

// windows reads a long table with GetListOfPortMappings, asking only where mappings are: around
// those known so far, and around samples of the rest. complete is false if that does not pay or
// the answers contradict the table; what was found has been yielded all the same.
func (w *walk) windows(ctx context.Context, index int) (complete bool, err error) {
	count, err := w.count(ctx, index)
	if err != nil || w.stopped {
		return false, err
	}
	s := survey{walk: w, count: count, asked: map[window]bool{}}
	for _, i := range slices.Sorted(maps.Keys(w.at)) {
		s.queue = append(s.queue, w.at[i])
	}
	for sample := range samples(count, maxSample) {
		if !s.drain(ctx) {
			return false, nil
		}
		if len(w.met) >= count || w.stopped {
			return true, nil
		}
		m, err := w.backend.MappingAt(ctx, w.first+sample)
		if err != nil {
			return false, nil
		}
		s.add(w.first+sample, m)
	}
	return s.drain(ctx) && len(w.met) >= count, nil
}

// count finds the number of entries by doubling an index until it is past the end and then
// halving the gap. The entries it meets are yielded.
func (w *walk) count(ctx context.Context, index int) (int, error) {
	low, high := index-1, 2*index // an index that is there, one that may not be
	for high < maxEntries {
		there, err := w.probe(ctx, high)
		if err != nil || w.stopped {
			return 0, err
		}
		if !there {
			break
		}
		low, high = high, 2*high
	}
	for high = min(high, maxEntries); high-low > 1; {
		middle := (low + high) / 2
		there, err := w.probe(ctx, middle)
		if err != nil || w.stopped {
			return 0, err
		}
		if there {
			low = middle
		} else {
			high = middle
		}
	}
	return low + 1 - w.first, nil
}

func (w *walk) probe(ctx context.Context, index int) (there bool, err error) {
	m, err := w.backend.MappingAt(ctx, index)
	if err != nil {
		if isAnswer(err) {
			err = nil
		}
		return false, err
	}
	w.at[index] = m.MappingKey
	w.give(m)
	return true, nil
}

// samples yields up to n indexes below count, spread ever more finely.
func samples(count, n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for parts, given := 2, 0; parts < 2*count && given < n; parts *= 2 {
			for i := 1; i < parts && given < n; i += 2 {
				if given++; !yield(i * count / parts) {
					return
				}
			}
		}
	}
}

// A survey asks the windows around known mappings.
type survey struct {
	*walk
	count int
	queue []MappingKey
	asked map[window]bool
	found int
}

func (s *survey) add(index int, m Mapping) {
	s.at[index] = m.MappingKey
	s.give(m)
	s.queue = append(s.queue, m.MappingKey)
}

// drain asks until nothing is queued or all is found. It is false if windows do not pay here.
func (s *survey) drain(ctx context.Context) bool {
	for len(s.queue) > 0 && len(s.met) < s.count && !s.stopped {
		key := s.queue[len(s.queue)-1]
		s.queue = s.queue[:len(s.queue)-1]
		if v := windowOf(key); !s.asked[v] && !s.ask(ctx, v, key) {
			return false
		}
	}
	return true
}

// ask reads one window, which must hold the mapping that led there, and queues its neighbours.
func (s *survey) ask(ctx context.Context, v window, lead MappingKey) bool {
	s.asked[v] = true
	mappings, err := s.gateway.ListMappings(ctx, v.ports())
	if err != nil || !holds(mappings, lead) {
		return false
	}
	for _, m := range mappings {
		s.give(m)
	}
	s.found += len(mappings)
	s.neighbours(ctx, v)
	return len(s.asked) < fairTrial || s.found >= sparse*len(s.asked)
}

// neighbours follows a cluster to both sides and to the other protocol for as long as windows
// are not empty.
func (s *survey) neighbours(ctx context.Context, v window) {
	near := []window{{other(v.protocol), v.number}, {v.protocol, v.number + 1}, {v.protocol, v.number - 1}}
	for len(near) > 0 && len(s.met) < s.count && !s.stopped {
		n := near[len(near)-1]
		near = near[:len(near)-1]
		if s.asked[n] || n.number < 0 || n.number*maxWindow >= maxEntries {
			continue
		}
		s.asked[n] = true
		mappings, err := s.gateway.ListMappings(ctx, n.ports())
		if err != nil || len(mappings) == 0 {
			continue
		}
		for _, m := range mappings {
			s.give(m)
		}
		s.found += len(mappings)
		near = append(near, window{n.protocol, n.number + 1}, window{n.protocol, n.number - 1})
	}
}

func other(p Protocol) Protocol {
	if p == UDP {
		return TCP
	}
	return UDP
}

func holds(mappings []Mapping, k MappingKey) bool {
	return slices.ContainsFunc(mappings, func(m Mapping) bool {
		return m.ExternalPort == k.ExternalPort && m.Protocol == k.Protocol
	})
}

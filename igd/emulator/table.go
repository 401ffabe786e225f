package emulator

import (
	"strings"
	"time"

	"upnp/igd"
)

// week is the longest lease of WANIPConnection:2, and what it makes of zero.
const week = 7 * 24 * time.Hour

// An entry is a mapping and the moment it ends; the zero time is never.
type entry struct {
	igd.Mapping
	until time.Time
}

func (e *entry) ended(now time.Time) bool { return !e.until.IsZero() && !now.Before(e.until) }

// told is the mapping as it is read now: with what is left of the lease, in whole seconds,
// rounded up because 0 would be for ever.
func (e entry) told(now time.Time) igd.Mapping {
	m := e.Mapping
	m.Lease = 0
	if !e.until.IsZero() {
		m.Lease = (e.until.Sub(now) + time.Second - 1).Truncate(time.Second)
	}
	return m
}

// A table is the port mappings of a router in the order they were made. It is not safe for
// concurrent use.
type table struct {
	device  igd.Device
	size    int
	entries []entry
}

// expire drops what has ended by now and reports whether there was any.
func (t *table) expire(now time.Time) bool {
	for i := range t.entries {
		if t.entries[i].ended(now) {
			t.drop(func(e entry) bool { return e.ended(now) })
			return true
		}
	}
	return false
}

// drop compacts the table: an index never points at a hole.
func (t *table) drop(gone func(entry) bool) {
	kept := t.entries[:0]
	for _, e := range t.entries {
		if !gone(e) {
			kept = append(kept, e)
		}
	}
	clear(t.entries[len(kept):])
	t.entries = kept
}

// nextEnd is when the next entry ends; false when none does.
func (t *table) nextEnd() (end time.Time, ok bool) {
	for _, e := range t.entries {
		if !e.until.IsZero() && (!ok || e.until.Before(end)) {
			end, ok = e.until, true
		}
	}
	return end, ok
}

func (t *table) find(k igd.MappingKey) int {
	for i, e := range t.entries {
		if sameKey(e.MappingKey, k) {
			return i
		}
	}
	return -1
}

func sameKey(a, b igd.MappingKey) bool {
	return samePort(a, b) && strings.EqualFold(a.RemoteHost, b.RemoteHost)
}

func samePort(a, b igd.MappingKey) bool {
	return a.ExternalPort == b.ExternalPort && a.Protocol == b.Protocol
}

// conflicts reports another client's mapping of the same port, whatever its remote host
// (WANIPConnection:2 section 2.5.16).
func (t *table) conflicts(m igd.Mapping) bool {
	for _, e := range t.entries {
		if samePort(e.MappingKey, m.MappingKey) && e.Client() != m.Client() {
			return true
		}
	}
	return false
}

// put makes or overwrites the mapping with m's key.
func (t *table) put(m igd.Mapping, now time.Time) error {
	e := entry{Mapping: m}
	if m.Lease > 0 {
		e.until = now.Add(m.Lease)
	}
	if i := t.find(m.MappingKey); i >= 0 {
		t.entries[i] = e
		return nil
	}
	if len(t.entries) >= t.size {
		return t.full()
	}
	t.entries = append(t.entries, e)
	return nil
}

// full is the refusal of a mapping too many: version 1 has no word for it.
func (t *table) full() error {
	if t.device == igd.V2 {
		return igd.ErrNoPortsAvailable
	}
	return igd.ErrActionFailed
}

// check is what is wrong with a request by itself.
func (t *table) check(m igd.Mapping) error {
	v2 := t.device == igd.V2
	switch {
	case m.Protocol != igd.TCP && m.Protocol != igd.UDP:
		return either(v2, igd.ErrArgumentOutOfRange, igd.ErrInvalidArgs)
	case m.Client() == "":
		return either(v2, igd.ErrWildcardSource, igd.ErrInvalidArgs)
	case m.InternalPort == 0:
		return either(v2, igd.ErrWildcardInternalPort, igd.ErrInvalidArgs)
	}
	return nil
}

func either(v2 bool, ifV2, ifV1 error) error {
	if v2 {
		return ifV2
	}
	return ifV1
}

// lease is what a router of this kind makes of a lease asked for.
func (t *table) lease(asked time.Duration) time.Duration {
	if t.device == igd.V2 && (asked <= 0 || asked > week) {
		return week
	}
	return asked
}

// free is a port above 1023 that nobody has, looking upward from one; 0 when there is none.
func (t *table) free(p igd.Protocol, from uint16) uint16 {
	const first, count = 1024, 65536 - 1024
	taken := make(map[uint16]bool, len(t.entries))
	for _, e := range t.entries {
		if e.Protocol == p {
			taken[e.ExternalPort] = true
		}
	}
	start := int(max(from, first)) - first
	for i := range count {
		if port := uint16(first + (start+i)%count); !taken[port] {
			return port
		}
	}
	return 0
}

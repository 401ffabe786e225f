package emulator

import (
	"context"
	"strings"
	"sync"
	"time"
	"unicode"

	"upnp/igd"
)

// tables are the ways of making another mapping than the one asked for, or none.
func tables() []kind {
	return []kind{
		{"ok-but-nothing-done", "says yes and maps nothing (Netgear R8000, once in a while)",
			change(func(*igd.Mapping) error { return errPretend })},
		{"silent-lease-loss", "accepts a lease and drops the mapping within seconds (DD-WRT on TP-Link TL-WDR4300)", silentLeaseLoss},
		{"lease-always-86400", "makes every lease a day (Technicolor)",
			change(func(m *igd.Mapping) error { m.Lease = 24 * time.Hour; return nil })},
		{"lease-ignored", "makes every lease permanent (Comcast XB3)",
			change(func(m *igd.Mapping) error { m.Lease = 0; return nil })},
		{"renewal-ignored", "says yes to a renewal and lets the old lease run out (old miniupnpd, miniupnp #131)", renewalIgnored},
		{"enabled-ignored", "forwards disabled mappings too and tells them as enabled (miniupnpd)",
			change(func(m *igd.Mapping) error { m.Disabled = false; return nil })},
		{"same-port-forced", "accepts a pair of ports and uses the external one for both (Orange FunBox 6)",
			change(func(m *igd.Mapping) error { m.InternalPort = m.ExternalPort; return nil })},
		{"description-cut", "keeps only the first bytes of a description; =N how many, 11 if not given (routers of TCMPortMapper's list; 40 DrayTek Vigor, 63 pf)", descriptionCut},
		{"altered-description", "drops what is no letter, digit or space from descriptions (AVM FRITZ!Box)",
			change(func(m *igd.Mapping) error { m.Description = strings.Map(alphanumeric, m.Description); return nil })},
		{"table-limit-silent", "says yes to a mapping too many and drops it; =N how many it holds, 32 if not given (Linksys)", limit(32, errPretend)},
		{"table-full-402", "answers 402 when the table is full; =N how many it holds, 16 if not given (a router of miniupnp #92)", limit(16, igd.ErrInvalidArgs)},
		{"late-table", "shows a new mapping only some seconds after it was made; =D how long, 4s if not given (a router of bisq #305)", lateTable},
		{"delete-missing-ok", "deletes what is not there with success (miniupnpd 2.3)",
			func(*parameter) Quirk {
				return Quirk{Backend: func(b Backend) Backend { return indulgent{b} }}
			}},
		{"remote-host-forgotten", "accepts a remote host, tells it back as empty and finds the mapping without it (miniupnpd with nftables)",
			func(*parameter) Quirk {
				return Quirk{Backend: func(b Backend) Backend { return forgetful{b} }}
			}},
	}
}

func alphanumeric(r rune) rune {
	if unicode.IsLetter(r) || unicode.IsDigit(r) || r == ' ' {
		return r
	}
	return -1
}

func descriptionCut(p *parameter) Quirk {
	n := p.number(11)
	return adding(func(m *igd.Mapping) error {
		m.Description = m.Description[:min(n, len(m.Description))]
		return nil
	})
}

// A lossy backend remembers what it promised.
type lossy struct {
	mu       sync.Mutex
	promised map[igd.MappingKey]time.Duration
}

// silentLeaseLoss keeps telling the lease that was asked for until the mapping is gone.
func silentLeaseLoss(*parameter) Quirk {
	l := &lossy{promised: make(map[igd.MappingKey]time.Duration)}
	return Quirk{Backend: func(b Backend) Backend {
		return view{adder{b, l.shorten}, l.embellish}
	}}
}

func (l *lossy) shorten(_ context.Context, m *igd.Mapping) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.promised, m.MappingKey)
	if m.Lease > lostAfter {
		l.promised[m.MappingKey] = m.Lease - lostAfter
		m.Lease = lostAfter
	}
	return nil
}

func (l *lossy) embellish(m igd.Mapping) (igd.Mapping, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m.Lease += l.promised[m.MappingKey]
	return m, true
}

func renewalIgnored(*parameter) Quirk {
	return Quirk{Backend: func(b Backend) Backend {
		return adder{b, func(ctx context.Context, m *igd.Mapping) error {
			old, err := b.Mapping(ctx, m.MappingKey)
			if err == nil && old.Client() == m.Client() {
				return errPretend
			}
			return nil
		}}
	}}
}

// limit is a table smaller than the real one, that answers a mapping too many in its own way.
func limit(usual int, answer error) func(*parameter) Quirk {
	return func(p *parameter) Quirk {
		size := p.number(usual)
		return Quirk{Backend: func(b Backend) Backend {
			return adder{b, func(ctx context.Context, m *igd.Mapping) error {
				_, absent := b.Mapping(ctx, m.MappingKey)
				_, room := b.MappingAt(ctx, size-1)
				if absent != nil && room == nil {
					return answer
				}
				return nil
			}}
		}}
	}
}

// A nursery keeps mappings out of sight until they have an age.
type nursery struct {
	mu   sync.Mutex
	age  time.Duration
	born map[igd.MappingKey]time.Time
}

func lateTable(p *parameter) Quirk {
	n := &nursery{age: p.duration(4 * time.Second), born: make(map[igd.MappingKey]time.Time)}
	return Quirk{Backend: func(b Backend) Backend {
		register := func(ctx context.Context, m *igd.Mapping) error {
			_, err := b.Mapping(ctx, m.MappingKey)
			n.register(m.MappingKey, err == nil)
			return nil
		}
		return view{adder{b, register}, n.visible}
	}}
}

func (n *nursery) register(k igd.MappingKey, known bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !known {
		n.born[k] = time.Now()
	}
}

func (n *nursery) visible(m igd.Mapping) (igd.Mapping, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return m, time.Since(n.born[m.MappingKey]) >= n.age
}

type indulgent struct{ Backend }

func (b indulgent) DeleteMapping(ctx context.Context, k igd.MappingKey) error {
	if err := b.Backend.DeleteMapping(ctx, k); err != igd.ErrNoSuchEntry {
		return err
	}
	return nil
}

type forgetful struct{ Backend }

func (b forgetful) AddMapping(ctx context.Context, m igd.Mapping) error {
	m.RemoteHost = ""
	return b.Backend.AddMapping(ctx, m)
}

func (b forgetful) AddAnyMapping(ctx context.Context, m igd.Mapping) (uint16, error) {
	m.RemoteHost = ""
	return b.Backend.AddAnyMapping(ctx, m)
}

func (b forgetful) DeleteMapping(ctx context.Context, k igd.MappingKey) error {
	k.RemoteHost = ""
	return b.Backend.DeleteMapping(ctx, k)
}

func (b forgetful) Mapping(ctx context.Context, k igd.MappingKey) (igd.Mapping, error) {
	k.RemoteHost = ""
	return b.Backend.Mapping(ctx, k)
}

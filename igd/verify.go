package igd

import (
	"context"
	"errors"
	"strings"
	"time"
)

// patience is how long after each look at the table the next one follows: some take four
// seconds to show what they accepted (SECURITY Q19).
var patience = []time.Duration{100 * time.Millisecond, 400 * time.Millisecond, time.Second, 1500 * time.Millisecond, 2 * time.Second}

// readBack looks for what has just been made until the table shows it or the waits are over. The
// whole table is searched as well, because some routers only find a mapping under a remote host
// they invented, and some lack the action.
//
// A mapping for the same client that goes to another port is returned with found false.
func (g *Gateway) readBack(ctx context.Context, want Mapping, waits []time.Duration) (truth Mapping, found bool) {
	for i := 0; ; i++ {
		m, err := g.Mapping(ctx, want.MappingKey)
		if err == nil && m.serves(want) {
			return m, true
		}
		if err == nil && m.Client() == want.Client() {
			truth = m
		}
		if i == 1 || i == len(waits) {
			if m, ok := g.search(ctx, want); ok {
				return m, true
			}
		}
		if i == len(waits) || sleep(ctx, waits[i]) != nil {
			return truth, false
		}
	}
}

// search walks the table for a mapping that does what want does.
func (g *Gateway) search(ctx context.Context, want Mapping) (Mapping, bool) {
	for m, err := range Mappings(ctx, g) {
		if err == nil && m.ExternalPort == want.ExternalPort && m.Protocol == want.Protocol && m.serves(want) {
			return m, true
		}
	}
	return Mapping{}, false
}

// lastMade looks for what AddAnyPortMapping may have made before its answer was lost: an entry that
// does what want does, under its description, at any port. The last one is the newest.
func (g *Gateway) lastMade(ctx context.Context, want Mapping) (truth Mapping, found bool) {
	for m, err := range Mappings(ctx, g) {
		if err == nil && m.Protocol == want.Protocol && m.serves(want) && m.Description == want.Description {
			truth, found = m, true
		}
	}
	return truth, found
}

// leaseSlack is what a lease may have run down between the call and the look.
const leaseSlack = 15 * time.Second

// compare notes every difference between what was asked for and what is true.
func (g *Grant) compare(asked, truth Mapping) {
	if truth.ExternalPort != asked.ExternalPort {
		g.note("external port %d instead of %d", truth.ExternalPort, asked.ExternalPort)
	}
	g.compareLease(asked.Lease, truth.Lease)
	switch {
	case truth.Description == asked.Description:
	case strings.HasPrefix(asked.Description, strings.TrimRight(truth.Description, "\uFFFD ")):
		g.note("description cut to %q", truth.Description)
	default:
		g.note("description changed to %q", truth.Description)
	}
	if truth.Disabled != asked.Disabled {
		g.note("asked for %s, told back as %s", enabledWord(asked), enabledWord(truth))
	}
	if truth.RemoteHost != parseRemoteHost(asked.RemoteHost) {
		g.note("remote host told back as %q instead of %q", truth.RemoteHost, asked.RemoteHost)
	}
}

func (g *Grant) compareLease(asked, truth time.Duration) {
	switch {
	case asked == truth:
	case truth == 0:
		g.note("permanent: the gateway keeps no lease; remove the mapping when done")
	case asked == 0:
		g.note("not permanent: the gateway gives a lease of %s", shortly(truth))
	case truth > asked || asked-truth > leaseSlack:
		g.note("lease of %s instead of %s", shortly(truth), shortly(asked))
	}
}

// shortly is a duration without the zeros behind it: 1h, not 1h0m0s.
func shortly(d time.Duration) string {
	s := strings.TrimSuffix(d.String(), "m0s")
	if s != d.String() {
		s += "m"
	}
	if hours, ok := strings.CutSuffix(s, "h0m"); ok {
		s = hours + "h"
	}
	return s
}

func enabledWord(m Mapping) string {
	if m.Disabled {
		return "disabled"
	}
	return "enabled"
}

// Remove deletes the mapping with key k and makes sure that it is gone. It returns what was
// there, as Find finds it. ErrNoSuchEntry means that there was nothing to delete.
func (g *Gateway) Remove(ctx context.Context, k MappingKey) (Mapping, error) {
	before, err := g.Find(ctx, k)
	if err != nil {
		return before, err
	}
	for _, host := range spellings(before.RemoteHost) {
		key := before.MappingKey
		key.RemoteHost = host
		err = g.DeleteMapping(ctx, key)
		if (err == nil || isCut(err)) && g.gone(ctx, before) {
			return before, nil
		}
		if err != nil && !isAnswer(err) {
			return before, err
		}
	}
	if err == nil {
		err = g.opError("DeletePortMapping", errStays)
	}
	return before, err
}

var errStays = errors.New("accepted, but the mapping is still in the table")

// spellings of the remote host to delete with: as told, and, where that is everybody, the
// others that some routers insist on.
func spellings(host string) []string {
	if host != "" {
		return []string{host, ""}
	}
	return anybody
}

// Find reads the mapping with key k. One that is limited to a remote host is found without
// naming that, if it is the only one of its port; so is one that a router does not find by key
// but lists. ErrNoSuchEntry means that there is none, or more than one.
func (g *Gateway) Find(ctx context.Context, k MappingKey) (Mapping, error) {
	m, err := g.Mapping(ctx, k)
	if err == nil || !isAnswer(err) {
		return m, err
	}
	var found []Mapping
	var broken error
	for m, err := range Mappings(ctx, g) {
		switch {
		case err != nil:
			broken = err
		case m.ExternalPort == k.ExternalPort && m.Protocol == k.Protocol && (k.RemoteHost == "" || k.RemoteHost == m.RemoteHost):
			found = append(found, m)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case broken != nil:
		return Mapping{}, broken
	}
	return Mapping{}, g.opError("GetSpecificPortMappingEntry", ErrNoSuchEntry)
}

// gone looks whether a deleted mapping has left the table.
func (g *Gateway) gone(ctx context.Context, m Mapping) bool {
	for i := range patience {
		_, err := g.Mapping(ctx, m.MappingKey)
		if err != nil {
			return true
		}
		if i > 2 || sleep(ctx, patience[i]) != nil {
			break
		}
	}
	return false
}

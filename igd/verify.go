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

// readBack looks for what has just been made until the table shows it or patience ends. The
// whole table is searched as well, because some routers only find a mapping under a remote host
// they invented, and some lack the action.
//
// A mapping for the same client that goes to another port is returned with found false.
func (g *Gateway) readBack(ctx context.Context, want Mapping) (truth Mapping, found bool) {
	for i := 0; ; i++ {
		m, err := g.Mapping(ctx, want.MappingKey)
		if err == nil && m.serves(want) {
			return m, true
		}
		if err == nil && m.Client() == want.Client() {
			truth = m
		}
		if i == 1 || i == len(patience) {
			if m, ok := g.search(ctx, want); ok {
				return m, true
			}
		}
		if i == len(patience) || sleep(ctx, patience[i]) != nil {
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
		g.note("not permanent: the gateway gives a lease of %v", truth)
	case truth > asked || asked-truth > leaseSlack:
		g.note("lease of %v instead of %v", truth, asked)
	}
}

func enabledWord(m Mapping) string {
	if m.Disabled {
		return "disabled"
	}
	return "enabled"
}

// Remove deletes the mapping with key k and makes sure that it is gone. It returns what was
// there. A mapping limited to a remote host is found without naming that, if it is the only one
// of its port. ErrNoSuchEntry means that there was nothing to delete.
func (g *Gateway) Remove(ctx context.Context, k MappingKey) (Mapping, error) {
	before, err := g.Mapping(ctx, k)
	if err != nil {
		if before, err = g.lookUp(ctx, k, err); err != nil {
			return before, err
		}
	}
	for _, host := range spellings(before.RemoteHost) {
		key := before.MappingKey
		key.RemoteHost = host
		err = g.DeleteMapping(ctx, key)
		if err == nil || isCut(err) {
			if g.gone(ctx, before) {
				return before, nil
			}
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

// lookUp finds a mapping that GetSpecificPortMappingEntry does not: by its port alone.
func (g *Gateway) lookUp(ctx context.Context, k MappingKey, cause error) (Mapping, error) {
	if !isAnswer(cause) {
		return Mapping{}, cause
	}
	for m, err := range Mappings(ctx, g) {
		if err == nil && m.ExternalPort == k.ExternalPort && m.Protocol == k.Protocol && (k.RemoteHost == "" || k.RemoteHost == m.RemoteHost) {
			return m, nil
		}
	}
	return Mapping{}, g.opError("DeletePortMapping", ErrNoSuchEntry)
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

package igd

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	maxPorts    = 8  // other external ports tried
	plainLength = 31 // of a description that routers with small buffers take
	firstFree   = 1024
)

// leases are the rungs below the lease asked for: what most take, what the rest insists on
// (725), and what some take for the longest there is.
var leases = []time.Duration{time.Hour, 0, maxLease}

// anybody are the spellings of a remote host that is not limited.
var anybody = []string{"", "*", "0.0.0.0"}

// Kinds of rung, as remembered per router.
const (
	kindLease       = "lease"
	kindRemoteHost  = "remoteHost"
	kindDescription = "description"
)

// next changes c.now to the rung that an error calls for. It is false if there is none.
func (c *climb) next(err error) bool {
	if c.first == nil {
		c.first = err
	}
	if !isOpaque(err) {
		c.telling = err
	}
	switch {
	case errors.Is(err, ErrOnlyPermanentLeases):
		return c.lease(0)
	case errors.Is(err, ErrRemoteHostWildcardOnly):
		return c.widen()
	case errors.Is(err, ErrSamePortRequired):
		return c.wish.AnyPort && c.port(c.now.InternalPort)
	case isTaken(err):
		return c.renewal() || c.neighbour()
	case errors.Is(err, ErrIneffective) && c.renewal():
		return true
	case isCut(err) && !c.tried[again]:
		c.tried[again], c.what = true, again
		return true
	case errors.Is(err, ErrNotAuthorized):
		return c.now.ExternalPort < firstFree && c.neighbour()
	case isOpaque(err) && !c.once:
		return c.nextLease() || c.plainer() || c.spelling() || c.neighbour()
	}
	return false
}

// again is the rung after a call that was cut off and had no effect.
const again = "again, the connection was cut"

// isTaken reports refusals that another external port may not meet.
func isTaken(err error) bool {
	return errors.Is(err, ErrConflict) || errors.Is(err, ErrConflictOther) || errors.Is(err, ErrNoPortsAvailable)
}

// isOpaque reports refusals that say nothing: 402 and 501 mean anything in the field, and codes
// outside the standard are firmware that lost its way.
func isOpaque(err error) bool {
	if errors.Is(err, ErrIneffective) {
		return true
	}
	e, ok := errors.AsType[Error](err)
	if !ok {
		return isAnswer(err) || isCut(err)
	}
	return e.Name() == "" || slices.Contains([]Error{ErrInvalidArgs, ErrActionFailed, ErrArgumentValueInvalid, ErrArgumentOutOfRange, ErrWildcardSource}, e)
}

// variation names a rung; each is tried once.
func (c *climb) variation(kind string, value any) string { return fmt.Sprint(kind, " ", value) }

func (c *climb) mark() {
	c.tried[c.variation(kindLease, c.now.Lease)] = true
	c.tried[c.variation(kindRemoteHost, c.now.RemoteHost)] = true
	c.tried[c.variation(kindDescription, c.now.Description)] = true
	c.tried[c.variation("port", c.now.ExternalPort)] = true
}

// vary sets the next rung. What was varied before goes back to what was asked for, except the
// port: only one thing is different at a time.
func (c *climb) vary(kind, what string, change func(*Mapping)) bool {
	port := c.now.ExternalPort
	c.now = c.grant.Asked
	c.now.ExternalPort = port
	change(&c.now)
	c.kind, c.what = kind, what
	c.mark()
	return true
}

func (c *climb) lease(d time.Duration) bool {
	if c.tried[c.variation(kindLease, d)] {
		return false
	}
	what := "lease " + shortly(d)
	if d == 0 {
		what = "permanent, without a lease"
	}
	return c.vary(kindLease, what, func(m *Mapping) { m.Lease = d })
}

func (c *climb) nextLease() bool {
	return slices.ContainsFunc(leases, c.lease)
}

// widen gives up a limit on the remote host that the gateway does not know. The grant says so,
// and is never a verified one.
func (c *climb) widen() bool {
	if c.now.RemoteHost == "" {
		return false
	}
	c.grant.note("the gateway cannot limit a mapping to %s; it is open to everybody", c.now.RemoteHost)
	return c.vary(kindRemoteHost, "open to every remote host", func(m *Mapping) { m.RemoteHost = "" })
}

func (c *climb) spelling() bool {
	if c.wish.RemoteHost != "" {
		return false
	}
	for _, host := range anybody {
		if !c.tried[c.variation(kindRemoteHost, host)] {
			return c.vary(kindRemoteHost, fmt.Sprintf("remote host written as %q", host), func(m *Mapping) { m.RemoteHost = host })
		}
	}
	return false
}

func (c *climb) plainer() bool {
	short := plain(c.grant.Asked.Description)
	if c.tried[c.variation(kindDescription, short)] {
		return false
	}
	return c.vary(kindDescription, fmt.Sprintf("description %q", short), func(m *Mapping) { m.Description = short })
}

// plain is a description that every router takes: some ASCII letters, digits and blanks, and
// never empty, which some refuse.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x80 && (r == ' ' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
			return r
		}
		return -1
	}, s)
	if s = strings.TrimSpace(s[:min(len(s), plainLength)]); s == "" {
		return "upnp"
	}
	return s
}

// neighbour moves on to another external port, in a sequence that begins near the one asked for.
func (c *climb) neighbour() bool {
	if !c.wish.AnyPort || c.ports >= maxPorts {
		return false
	}
	c.ports++
	next := uint32(c.grant.Asked.ExternalPort) + uint32(c.ports*c.ports)
	if next = next % (1 << 16); next < firstFree {
		next += firstFree
	}
	return c.port(uint16(next))
}

func (c *climb) port(p uint16) bool {
	if c.tried[c.variation("port", p)] {
		return false
	}
	c.now.ExternalPort = p
	c.what = fmt.Sprintf("external port %d", p)
	c.mark()
	return true
}

// renewal copes with routers that refuse to refresh a mapping we have (Q-47, G-42): it is
// removed, once, so that the next attempt makes it new.
func (c *climb) renewal() bool {
	if c.held == nil || c.removed != nil {
		return false
	}
	c.remake, c.kind, c.what = true, "", "again, our old mapping removed first"
	return true
}

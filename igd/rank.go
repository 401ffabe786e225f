package igd

import (
	"context"
	"errors"
	"net/netip"
	"strings"

	"upnp/description"
)

// A rank orders candidates; each property outweighs all those after it (SECURITY A1).
type rank uint8

const (
	atGateway  rank = 1 << (4 - iota) // its address is a default gateway of ours
	answers                           // its WAN connection answers calls
	isPublic                          // and told a public address
	connected                         // or says at least that it is connected
	speaksIPv4                        // IPv4 mappings are often refused to callers over IPv6 (G-16)
)

// unbettered is the rank nothing can overtake.
const unbettered = atGateway | answers | isPublic | connected | speaksIPv4

// choose picks the WAN connection to use and sets what was learnt on the way. A single
// connection is asked for its address only; of several, the first that says it is connected and
// has a public address is taken, else the best.
func (g *Gateway) choose(ctx context.Context, all []*description.Service) (rank, error) {
	var failure error
	var best rank
	chosen := all[0]
	for _, s := range g.preferDefault(ctx, all) {
		g.conn = s
		r, addr, err := g.assess(ctx, len(all) > 1)
		if err != nil {
			failure = err
			continue
		}
		if best == 0 || r > best {
			best, chosen, g.external, g.externalKnown = r, s, addr, true
		}
		if r&isPublic != 0 && r&connected != 0 {
			break
		}
	}
	if g.conn = chosen; best == 0 {
		return 0, failure
	}
	if len(all) > 1 {
		g.notes = append(g.notes, "several WAN connections; using "+chosen.ID)
	}
	return best, nil
}

// assess looks at the WAN connection g.conn.
func (g *Gateway) assess(ctx context.Context, several bool) (r rank, addr netip.Addr, err error) {
	addr, err = g.ExternalAddr(ctx)
	if err != nil && !isAnswer(err) {
		return 0, addr, err
	}
	if status, ok := errors.AsType[*description.StatusError](err); ok {
		return 0, addr, status
	}
	r = answers
	if ClassOf(addr) == Public {
		r |= isPublic
	}
	if !several {
		return r | connected, addr, nil
	}
	if status, err := g.Status(ctx); err == nil && isUp(status) {
		r |= connected
	}
	return r, addr, nil
}

// isUp reads ConnectionStatus: "Connected", or the "Up" of some firmware (G-21).
func isUp(s Status) bool {
	return strings.EqualFold(s.Connection, "Connected") || strings.EqualFold(s.Connection, "Up")
}

// preferDefault puts the connection first that Layer3Forwarding names as the default. It says
// nothing of its state, and is asked only where there is a choice (UNP facts: section 5.5).
func (g *Gateway) preferDefault(ctx context.Context, all []*description.Service) []*description.Service {
	if len(all) < 2 {
		return all
	}
	g.conn = all[0]
	forwarding := g.find("Layer3Forwarding")
	if forwarding == nil {
		return all
	}
	out, err := g.invoke(ctx, forwarding, "GetDefaultConnectionService", nil)
	if err != nil {
		return all
	}
	for i, s := range all {
		if isDefault(s, out.Value("NewDefaultConnectionService")) {
			return append([]*description.Service{s}, append(all[:i:i], all[i+1:]...)...)
		}
	}
	return all
}

// isDefault compares a service with a DefaultConnectionService value, "uuid:x:type:v,serviceId" and
// its variants: the UDN up to the next colon, and the last token of the id.
func isDefault(s *description.Service, value string) bool {
	device, id, _ := strings.Cut(value, ",")
	udn := strings.TrimPrefix(strings.ToLower(strings.TrimSpace(device)), "uuid:")
	udn, _, _ = strings.Cut(udn, ":")
	own := strings.TrimPrefix(strings.ToLower(s.Device.UDN), "uuid:")
	return udn == own && udn != "" && strings.EqualFold(lastToken(id), lastToken(s.ID))
}

func lastToken(urn string) string {
	return strings.TrimSpace(urn[strings.LastIndexByte(urn, ':')+1:])
}

// Connections are the services of a description that map ports, in its order, wherever they stand.
func Connections(root *description.Root) []*description.Service {
	var all []*description.Service
	for s := range root.Services() {
		if isConnection(s.Type) {
			all = append(all, s)
		}
	}
	return all
}

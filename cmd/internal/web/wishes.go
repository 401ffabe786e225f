package web

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"upnp/cmd/internal/notation"
	"upnp/igd"
)

// maxWishes bounds the mappings of one call, as a range on the command line is bounded.
const maxWishes = 1000

// An order is what the page asks to be opened: a port or a range, for one protocol or both.
type order struct {
	Protocol        string `json:"protocol"`
	ExternalPort    int    `json:"externalPort"`
	ExternalPortEnd int    `json:"externalPortEnd"`
	InternalClient  string `json:"internalClient"`
	InternalPort    int    `json:"internalPort"`
	RemoteHost      string `json:"remoteHost"`
	Description     string `json:"description"`
	LeaseSeconds    *int64 `json:"leaseSeconds"`
	Enabled         *bool  `json:"enabled"`
	AnyPort         bool   `json:"anyPort"`
	Keep            bool   `json:"keep"`
	Foreign         bool   `json:"foreign"`
	IKnow           bool   `json:"iKnow"`
}

const maxLeaseSeconds = 1<<32 - 1

// wishes are what an order asks for, or what is wrong with it.
func (p *page) wishes(o order) ([]igd.Wish, error) {
	protocols, err := protocolsOf(o.Protocol)
	if err != nil {
		return nil, err
	}
	from, to, inside, err := o.ports()
	if err != nil {
		return nil, err
	}
	model, err := p.model(o)
	if err != nil {
		return nil, err
	}
	var all []igd.Wish
	for _, protocol := range protocols {
		for port := from; port <= to; port++ {
			w := model
			w.Protocol, w.ExternalPort, w.InternalPort = protocol, uint16(port), uint16(inside+port-from)
			if err := p.safe(w.InternalPort, o.IKnow); err != nil {
				return nil, err
			}
			all = append(all, w)
		}
	}
	return all, nil
}

// model is what all wishes of an order have in common.
func (p *page) model(o order) (w igd.Wish, err error) {
	w.AnyPort, w.Foreign = o.AnyPort, o.Foreign
	w.Description, w.Disabled = o.Description, o.Enabled != nil && !*o.Enabled
	if w.Lease, err = leaseOf(o.LeaseSeconds); err != nil {
		return w, err
	}
	if w.RemoteHost, err = remoteOf(o.RemoteHost); err != nil {
		return w, err
	}
	w.InternalClient, err = p.clientOf(o.InternalClient, o.Foreign)
	return w, err
}

func protocolsOf(text string) ([]igd.Protocol, error) {
	switch strings.ToUpper(text) {
	case "TCP", "":
		return []igd.Protocol{igd.TCP}, nil
	case "UDP":
		return []igd.Protocol{igd.UDP}, nil
	case "BOTH":
		return []igd.Protocol{igd.TCP, igd.UDP}, nil
	}
	return nil, usage("protocol", "the protocol is TCP, UDP or BOTH")
}

// ports are the external ports, both included, and the first internal one.
func (o order) ports() (from, to, inside int, err error) {
	from, to, inside = o.ExternalPort, o.ExternalPortEnd, o.InternalPort
	if to == 0 {
		to = from
	}
	if inside == 0 {
		inside = from
	}
	switch {
	case from < 1 || from > 65535:
		return 0, 0, 0, usage("externalPort", "the external port is a number from 1 to 65535")
	case to < from:
		return 0, 0, 0, usage("externalPortEnd", "the range runs backwards")
	case to > 65535:
		return 0, 0, 0, usage("externalPortEnd", "the last port is at most 65535")
	case to-from >= maxWishes:
		return 0, 0, 0, usage("externalPortEnd", "the range is %d ports; %d at most", to-from+1, maxWishes)
	case inside < 1 || inside+to-from > 65535:
		return 0, 0, 0, usage("internalPort", "the internal ports would leave 1 to 65535")
	}
	return from, to, inside, nil
}

func leaseOf(seconds *int64) (time.Duration, error) {
	switch {
	case seconds == nil:
		return defaultLease, nil
	case *seconds < 0 || *seconds > maxLeaseSeconds:
		return 0, usage("leaseSeconds", "a lease is 0 for permanent, or 1 to %d seconds", maxLeaseSeconds)
	}
	return time.Duration(*seconds) * time.Second, nil
}

func remoteOf(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return "", usage("remoteHost", "the remote host is an address, or empty for anybody")
	}
	return addr.String(), nil
}

// clientOf is where a mapping leads: this machine if nothing is said, another only if that is
// meant and it is on a network of this machine (SECURITY D1).
func (p *page) clientOf(text string, foreign bool) (netip.Addr, error) {
	if text == "" {
		return netip.Addr{}, nil
	}
	addr, err := notation.ParseHost(text)
	switch {
	case err != nil:
		return addr, usage("internalClient", "%v", err)
	case slices.Contains(p.own(), addr):
		return addr, nil
	case !foreign:
		return addr, usage("internalClient", "%s is another machine", addr)
	case !p.onLink(addr):
		return addr, usage("internalClient", "%s is not on a network of this machine", addr)
	}
	return addr, nil
}

func (p *page) onLink(addr netip.Addr) bool {
	all, err := p.server.network().Interfaces()
	if err != nil {
		return false
	}
	for _, i := range all {
		if i.OnLink(addr) {
			return true
		}
	}
	return false
}

// safe refuses an internal port that attackers look for first, unless it is meant, and always that
// of the page itself.
func (p *page) safe(port uint16, iKnow bool) error {
	if port == p.port && port != 0 {
		return usage("internalPort", "port %d is that of this page, which the Internet shall not see", port)
	}
	if what := notation.RiskOf(port); what != "" && !iKnow {
		return usage("internalPort", "port %d is %s, which attackers look for first", port, what)
	}
	return nil
}

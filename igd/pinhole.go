package igd

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"upnp/description"
	"upnp/soap"
)

// AnyProtocol is the wildcard of pinholes, which most gateways refuse. Protocols other than TCP and
// UDP are written as their number of the IANA registry, such as "136".
const AnyProtocol Protocol = "ANY"

// A Pinhole lets what arrives from the Internet over IPv6 through the gateway's firewall to a host
// inside (WANIPv6FirewallControl:1). Nothing is translated: address and port are the host's own.
type Pinhole struct {
	// RemoteHost limits who may come in: an IPv6 address or host name. Empty means anybody.
	RemoteHost string
	RemotePort uint16 // 0: from any port
	// InternalClient is the host inside. The zero address in a wish means this host; an action
	// sends it as a wildcard, which gateways refuse.
	InternalClient netip.Addr
	InternalPort   uint16 // 0: all of them
	Protocol       Protocol
	// Lease is a second to a day. A pinhole without an end does not exist.
	Lease time.Duration
}

// MaxPinholeLease is the longest lease of a pinhole (WANIPv6FirewallControl:1 section 2.2.6).
const MaxPinholeLease = 24 * time.Hour

// String is the pinhole as it is written on a command line, such as [fd00::20]:8080/tcp.
func (p Pinhole) String() string {
	s := fmt.Sprintf("[%s]:%d/%s", addrText(p.InternalClient), p.InternalPort, strings.ToLower(string(p.Protocol)))
	switch {
	case p.RemoteHost != "" && p.RemotePort != 0:
		s += " from " + net.JoinHostPort(p.RemoteHost, formatPort(p.RemotePort))
	case p.RemoteHost != "":
		s += " from " + p.RemoteHost
	case p.RemotePort != 0:
		s += " from port " + formatPort(p.RemotePort)
	}
	return s
}

// Same reports pinholes that differ in nothing but the lease, of which a gateway has only one.
func (p Pinhole) Same(other Pinhole) bool {
	p.Lease = other.Lease
	return p == other
}

// mapping is the pinhole as a [Policy] sees it.
func (p Pinhole) mapping() Mapping {
	return Mapping{
		MappingKey:     MappingKey{RemoteHost: p.RemoteHost, ExternalPort: p.InternalPort, Protocol: p.Protocol},
		InternalClient: p.InternalClient, InternalPort: p.InternalPort, Lease: p.Lease,
	}
}

// pinholeJSON is the shape that scripts rely on.
type pinholeJSON struct {
	Protocol       Protocol `json:"protocol"`
	InternalClient string   `json:"internalClient"`
	InternalPort   uint16   `json:"internalPort"`
	RemoteHost     string   `json:"remoteHost"`
	RemotePort     uint16   `json:"remotePort"`
	LeaseSeconds   int64    `json:"leaseSeconds"`
}

// MarshalJSON writes ports and seconds as numbers and addresses as strings.
func (p Pinhole) MarshalJSON() ([]byte, error) {
	return json.Marshal(pinholeJSON{
		p.Protocol, addrText(p.InternalClient), p.InternalPort, p.RemoteHost, p.RemotePort, int64(p.Lease / time.Second),
	})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (p *Pinhole) UnmarshalJSON(data []byte) error {
	var j pinholeJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	client, _ := netip.ParseAddr(j.InternalClient)
	*p = Pinhole{
		RemoteHost: j.RemoteHost, RemotePort: j.RemotePort, InternalClient: client, InternalPort: j.InternalPort,
		Protocol: j.Protocol, Lease: time.Duration(j.LeaseSeconds) * time.Second,
	}
	return nil
}

// A FirewallStatus is the answer to GetFirewallStatus.
type FirewallStatus struct {
	// Enabled is false where the gateway filters nothing: everything is open without a pinhole.
	Enabled bool `json:"enabled"`
	// Allowed says whether control points may make pinholes.
	Allowed bool `json:"pinholesAllowed"`
}

// A PinholeBackend has the IPv6 firewall of WANIPv6FirewallControl:1. There is no action that lists
// pinholes: who makes one has to remember its ID, which means nothing after a restart of the
// gateway.
type PinholeBackend interface {
	FirewallStatus(ctx context.Context) (FirewallStatus, error)
	// AddPinhole opens a pinhole and tells its ID. The same one again has its lease extended and
	// keeps its ID.
	AddPinhole(ctx context.Context, p Pinhole) (id uint16, err error)
	// UpdatePinhole has the lease end after lease from now.
	UpdatePinhole(ctx context.Context, id uint16, lease time.Duration) error
	// DeletePinhole closes a pinhole, or fails with ErrNoSuchPinhole.
	DeletePinhole(ctx context.Context, id uint16) error
	// PinholePackets counts what came through, modulo 2^32.
	PinholePackets(ctx context.Context, id uint16) (uint32, error)
	// CheckPinhole reports whether the pinhole passes traffic. ErrNoTrafficReceived means that
	// nothing came yet to tell by.
	CheckPinhole(ctx context.Context, id uint16) (working bool, err error)
	// OutboundTimeout is how long the firewall lets answers in to what p's client sends out.
	OutboundTimeout(ctx context.Context, p Pinhole) (time.Duration, error)
}

// routeArgs are the in-arguments of GetOutboundPinholeTimeout, and the first of AddPinhole.
func routeArgs(p Pinhole) soap.Args {
	return soap.Args{
		{Name: "RemoteHost", Value: p.RemoteHost},
		{Name: "RemotePort", Value: formatPort(p.RemotePort)},
		{Name: "InternalClient", Value: addrText(p.InternalClient)},
		{Name: "InternalPort", Value: formatPort(p.InternalPort)},
		{Name: "Protocol", Value: protocolNumber(p.Protocol)},
	}
}

// pinholeArgs are the in-arguments of AddPinhole.
func pinholeArgs(p Pinhole) soap.Args {
	return append(routeArgs(p), soap.Arg{Name: "LeaseTime", Value: formatSeconds(p.Lease)})
}

// parsePinhole reads the arguments of AddPinhole, and, without a lease, of
// GetOutboundPinholeTimeout. A host name as the client is for the device to look up, which ours
// does not.
func parsePinhole(in soap.Args) (p Pinhole, err error) {
	p.RemoteHost = strings.TrimSpace(in.Value("RemoteHost"))
	if p.RemoteHost == "::" || p.RemoteHost == "*" {
		p.RemoteHost = ""
	}
	if p.RemotePort, err = portArg(in, "RemotePort"); err != nil {
		return p, err
	}
	if client := strings.TrimSpace(in.Value("InternalClient")); client != "" {
		if p.InternalClient, err = netip.ParseAddr(client); err != nil {
			return p, fmt.Errorf("InternalClient: %w", err)
		}
	}
	if p.InternalPort, err = portArg(in, "InternalPort"); err != nil {
		return p, err
	}
	number, err := portArg(in, "Protocol")
	if err != nil {
		return p, err
	}
	p.Protocol = protocolOf(number)
	p.Lease, err = secondsArg(in, "LeaseTime")
	return p, err
}

// The numbers of protocols (IANA), and the wildcard.
const (
	numberTCP = 6
	numberUDP = 17
	numberAny = 65535
)

func protocolNumber(p Protocol) string {
	switch p {
	case TCP, "":
		return strconv.Itoa(numberTCP)
	case UDP:
		return strconv.Itoa(numberUDP)
	case AnyProtocol:
		return strconv.Itoa(numberAny)
	}
	return string(p)
}

func protocolOf(number uint16) Protocol {
	switch number {
	case numberTCP:
		return TCP
	case numberUDP:
		return UDP
	case numberAny:
		return AnyProtocol
	}
	return Protocol(formatPort(number))
}

func firewallArgs(s FirewallStatus) soap.Args {
	return soap.Args{
		{Name: "FirewallEnabled", Value: description.FormatBoolean(s.Enabled)},
		{Name: "InboundPinholeAllowed", Value: description.FormatBoolean(s.Allowed)},
	}
}

func parseFirewall(in soap.Args) (s FirewallStatus, err error) {
	if s.Enabled, err = description.ParseBoolean(in.Value("FirewallEnabled")); err != nil {
		return s, fmt.Errorf("FirewallEnabled: %w", err)
	}
	if s.Allowed, err = description.ParseBoolean(in.Value("InboundPinholeAllowed")); err != nil {
		return s, fmt.Errorf("InboundPinholeAllowed: %w", err)
	}
	return s, nil
}

// idArgs are the in-arguments of the actions about one pinhole.
func idArgs(id uint16) soap.Args {
	return soap.Args{{Name: "UniqueID", Value: formatPort(id)}}
}

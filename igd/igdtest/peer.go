package igdtest

import (
	"net/netip"
	"testing"

	"upnp/igd"
)

// A Peer is a backend under test and what is known of it.
type Peer struct {
	Backend igd.Backend
	// Client is the address to map for: where calls come from, for a backend that looks.
	Client netip.Addr
	// Other is another host's address; mappings for it are expected to be refused where they
	// take a port of Client's. The zero Addr is the address after Client.
	Other netip.Addr
	// Client6 is the IPv6 address to open pinholes for: where calls come from, for a backend that
	// looks. The zero Addr is a backend that is not asked for any.
	Client6 netip.Addr
	// Port is the first of a hundred external ports that the tests may use; 0 is 42000.
	Port uint16
	// Foreign says that the backend may be asked to map for Other. A router that lets clients
	// map for themselves only is not.
	Foreign bool
	Leeway  Leeway
}

// Leeway is what a correct router may do differently. The zero value is none: the standard to
// the letter. Every field names a device that needs it.
type Leeway struct {
	// NoRanges: AddAnyPortMapping and the range actions do not exist, 401. Every IGD:1.
	NoRanges bool
	// DeleteMissing: deleting what is not there succeeds. miniupnpd 2.3.
	DeleteMissing bool
	// WeekAtMost: a lease of zero or more than a week is a week. Every IGD:2.
	WeekAtMost bool
	// EnabledIgnored: a disabled mapping is told as enabled. miniupnpd.
	EnabledIgnored bool
	// RemoteHostForgotten: a remote host is told back as empty, and found without. miniupnpd
	// with nftables.
	RemoteHostForgotten bool
	// EmptyRange: a range without mappings is an empty list and deleted with success, and not
	// 730. miniupnpd.
	EmptyRange bool
	// NoExternal: there may be no external address. A router behind another one.
	NoExternal bool
	// UnknownPinhole: one that is not there is 402 and not 704. miniupnpd.
	UnknownPinhole bool
	// NoOutboundTimeout: GetOutboundPinholeTimeout is 501. miniupnpd with nftables.
	NoOutboundTimeout bool
	// Description: descriptions come back cut or altered. FRITZ!Box and many others.
	Description bool
}

// Open makes a peer without mappings at the tests' ports for one test, and cleans up with it.
type Open func(t *testing.T) Peer

func (p Peer) other() netip.Addr {
	if p.Other.IsValid() {
		return p.Other
	}
	return p.Client.Next()
}

func (p Peer) port(n uint16) uint16 {
	if p.Port == 0 {
		return 42000 + n
	}
	return p.Port + n
}

// key is the nth key of the test.
func (p Peer) key(n uint16, proto igd.Protocol) igd.MappingKey {
	return igd.MappingKey{ExternalPort: p.port(n), Protocol: proto}
}

// mapping is a mapping of the nth port to another one inside.
func (p Peer) mapping(n uint16, proto igd.Protocol) igd.Mapping {
	return igd.Mapping{
		MappingKey: p.key(n, proto), InternalClient: p.Client, InternalPort: p.port(n) - 1000,
		Description: "igdtest", Lease: hour,
	}
}

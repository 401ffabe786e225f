package emulator

import (
	"fmt"
	"net/netip"
	"time"

	"upnp/description"
	"upnp/igd"
)

// A Profile is what a router is like. The zero value is a well-behaved IGD:1.
type Profile struct {
	Name   string // also makes the UDNs: two routers of one name on one network want a Root each
	Doc    string // what it is like, a sentence
	Device igd.Device
	Quirks []Quirk

	// External is the address on the Internet; the zero Addr is 11.22.33.44, which is in
	// no reserved block and in no use either.
	External netip.Addr
	// Size is how many mappings the table holds; 0 is 256.
	Size int
	// DialUp lets anybody on the LAN take the connection offline, and online again.
	DialUp bool
	// Persistent tables outlive a reboot.
	Persistent bool
	// BootTime is how long a reboot keeps the router off the network.
	BootTime time.Duration
	// Root makes the device description for a seed; nil is igd.StandardRoot.
	Root func(seed string) *description.Root
}

// defaultSize is the table of a common router (Verizon MI424WR).
const defaultSize = 256

func (p Profile) external() netip.Addr {
	if p.External.IsValid() {
		return p.External
	}
	return netip.AddrFrom4([4]byte{11, 22, 33, 44})
}

func (p Profile) size() int {
	if p.Size == 0 {
		return defaultSize
	}
	return p.Size
}

func (p Profile) root() *description.Root {
	if p.Root != nil {
		return p.Root(p.Name)
	}
	return igd.StandardRoot(p.Device, "emulator "+p.Name)
}

// Profiles returns the ready-made routers: one by the book of each kind, and some whose
// quirks occur together.
func Profiles() []Profile {
	return []Profile{
		{Name: "igd1", Doc: "by the book, version 1", Device: igd.V1},
		{Name: "igd2", Doc: "by the book, version 2", Device: igd.V2},
		{Name: "ppp", Doc: "by the book, a DSL router with a PPP connection", Device: igd.PPP},
		{Name: "dial-up", Doc: "by the book, a PPP connection that anybody may end and begin", Device: igd.PPP, DialUp: true},
		{Name: "miniupnpd", Doc: "version 2 the way miniupnpd 2.3 does it", Device: igd.V2, Quirks: must(
			"delete-missing-ok", "remote-host-forgotten", "enabled-ignored", "newest-first", "description-cut=63", "pinhole-unknown-402", "pinhole-low-ports")},
		{Name: "old-dsl", Doc: "version 1 with permanent leases, short lists of features and short names", Device: igd.PPP, Quirks: must(
			"only-permanent-leases", "description-cut=11", "missing-scpd", "list-end-501", "lowercase-protocol")},
		{Name: "two-links", Doc: "version 1 with two connections, the first of them down", Device: igd.V1, Quirks: must("dead-first-wan")},
		{Name: "double-nat", Doc: "version 1 behind another router", Device: igd.V1, Quirks: must("private-external")},
		{Name: "liar", Doc: "version 1 that says yes and does nothing", Device: igd.V1, Quirks: must("ok-but-nothing-done")},
	}
}

// ProfileNamed returns the ready-made router of that name.
func ProfileNamed(name string) (Profile, error) {
	for _, p := range Profiles() {
		if p.Name == name {
			return p, nil
		}
	}
	return Profile{}, fmt.Errorf("emulator: no profile %q", name)
}

// must looks up quirks this package has; a test walks over every profile.
func must(names ...string) []Quirk {
	quirks := make([]Quirk, len(names))
	for i, name := range names {
		q, err := Lookup(name)
		if err != nil {
			panic(err)
		}
		quirks[i] = q
	}
	return quirks
}

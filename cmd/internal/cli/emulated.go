package cli

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/wire"
)

// emulatedFlag is --emulated, or --emulated=NAME,... with the names of a profile and quirks.
type emulatedFlag struct {
	on      bool
	profile emulator.Profile
}

func (f *emulatedFlag) String() string { return "" }

// IsBoolFlag lets the flag stand alone.
func (f *emulatedFlag) IsBoolFlag() bool { return true }

func (f *emulatedFlag) Set(s string) error {
	f.on = s != "false"
	if s == "true" || s == "false" {
		s = ""
	}
	var err error
	f.profile, err = profileOf("", strings.FieldsFunc(s, func(r rune) bool { return r == ',' }))
	return err
}

// defaultProfile is the router of --emulated, emulate and demo.
const defaultProfile = "igd2"

// profileOf makes a profile from its name, empty for the usual one, and quirks. A quirk that is
// a profile's name picks that profile.
func profileOf(name string, quirks []string) (emulator.Profile, error) {
	var own []emulator.Quirk
	for _, q := range quirks {
		if _, err := emulator.ProfileNamed(q); err == nil {
			name = q
			continue
		}
		quirk, err := emulator.Lookup(q)
		if err != nil {
			base, _, _ := strings.Cut(q, "=")
			if slices.Contains(quirkNames(), base) {
				return emulator.Profile{}, errors.New(bare(err))
			}
			return emulator.Profile{}, fmt.Errorf("no profile or quirk %q%s; `upnp emulate --list-quirks` lists them", base, nearest(base, slices.Concat(profileNames(), quirkNames())))
		}
		own = append(own, quirk)
	}
	if name == "" {
		name = defaultProfile
	}
	p, err := emulator.ProfileNamed(name)
	if err != nil {
		return p, fmt.Errorf("no profile %q: there are %s", name, strings.Join(profileNames(), ", "))
	}
	p.Quirks = append(p.Quirks, own...)
	return p, nil
}

// bare is an error's text without the name of the package it comes from.
func bare(err error) string {
	text := err.Error()
	for _, name := range []string{"emulator: ", "igd: ", "wire: "} {
		text = strings.TrimPrefix(text, name)
	}
	return text
}

// promptAnswer caps how long an emulated router keeps a search waiting. It is as quick as the
// daemon in most real ones, so that nobody takes its delay for ours.
const promptAnswer = 50 * time.Millisecond

// The emulated network: a router with three mappings, this machine, and another.
const (
	emulatedInterface = "eth0"
	emulatedPort      = 5000
)

var (
	emulatedRouter = netip.AddrFrom4([4]byte{192, 168, 1, 1})
	emulatedSelf   = netip.AddrFrom4([4]byte{192, 168, 1, 2})
	emulatedOther  = netip.AddrFrom4([4]byte{192, 168, 1, 20})
)

// emulatedLAN is a network in memory: this machine's place on it, and how a router is to be served
// there.
func emulatedLAN() (self wire.Network, server igd.Server) {
	lan := wire.NewMemory()
	router := lan.Host("router", dualStack(emulatedRouter)...)
	host := lan.Host("self", dualStack(emulatedSelf)...)
	host.SetGateway(emulatedRouter)
	return host, igd.Server{Network: router, Interface: emulatedInterface, Port: emulatedPort, MaxDelay: promptAnswer}
}

// emulate starts a router in memory and returns this machine's place on its network.
func (s *session) emulate(ctx context.Context, f emulatedFlag) (wire.Network, error) {
	self, server := emulatedLAN()
	r := emulator.New(f.profile)
	if err := r.Put(prefilled()...); err != nil {
		return nil, err
	}
	return self, s.serve(ctx, r, server)
}

// dualStack are the addresses of a host of the emulated network: IPv4, link-local, and one of the
// block for documentation.
func dualStack(addr netip.Addr) []netip.Prefix {
	with := func(prefix string) netip.Prefix {
		b := netip.MustParseAddr(prefix).As16()
		b[15] = addr.As4()[3]
		return netip.PrefixFrom(netip.AddrFrom16(b), 64)
	}
	return []netip.Prefix{netip.PrefixFrom(addr, 24), with("fe80::"), with("2001:db8::")}
}

// serve runs an emulated router until the session ends, and returns when it can be reached.
func (s *session) serve(ctx context.Context, r *emulator.Router, server igd.Server) error {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	ready, ended := make(chan struct{}, 1), make(chan error, 1)
	server.Ready = func(string) {
		select {
		case ready <- struct{}{}:
		default:
		}
	}
	go func() { ended <- r.Serve(ctx, server) }()
	select {
	case <-ready:
		s.closers = append(s.closers, func() error {
			stop()
			return <-ended
		})
		return nil
	case err := <-ended:
		stop()
		return errors.Join(errors.New("the emulated router did not start"), err)
	}
}

// prefilled are the mappings a fresh emulated router has: two of this machine, one of another.
func prefilled() []igd.Mapping {
	return []igd.Mapping{
		{
			MappingKey:     igd.MappingKey{ExternalPort: 8080, Protocol: igd.TCP},
			InternalClient: emulatedSelf, InternalPort: 80, Description: "web server",
		}, {
			MappingKey:     igd.MappingKey{ExternalPort: 51820, Protocol: igd.UDP},
			InternalClient: emulatedSelf, InternalPort: 51820, Description: "wireguard", Lease: 45 * time.Minute,
		}, {
			MappingKey:     igd.MappingKey{ExternalPort: 6881, Protocol: igd.TCP},
			InternalClient: emulatedOther, InternalPort: 6881, Description: "ネットワーク機器", Lease: 2 * time.Hour,
		},
	}
}

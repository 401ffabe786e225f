package igdtest_test

import (
	"net/netip"
	"testing"
	"testing/synctest"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/igdtest"
	"upnp/igd/wire"
)

func profile(t *testing.T, name string) emulator.Profile {
	t.Helper()
	p, err := emulator.ProfileNamed(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func leeway(profile string) igdtest.Leeway {
	switch profile {
	case "igd2":
		return igdtest.Leeway{WeekAtMost: true}
	case "miniupnpd":
		return igdtest.Leeway{WeekAtMost: true, DeleteMissing: true, EnabledIgnored: true, RemoteHostForgotten: true}
	}
	return igdtest.Leeway{NoRanges: true}
}

func TestGatewayOverMemory(t *testing.T) {
	for _, name := range []string{"igd1", "igd2", "ppp", "miniupnpd", "two-links"} {
		t.Run(name, func(t *testing.T) {
			igdtest.TestBackendInBubble(t, func(t *testing.T) igdtest.Peer {
				_, g := igdtest.Start(t, profile(t, name))
				return igdtest.Peer{Backend: g, Client: g.LocalAddr(), Leeway: leeway(name)}
			})
		})
	}
}

// A gateway that is found over IPv4 is asked for pinholes over IPv6.
func TestPinholesOverMemory(t *testing.T) {
	for _, name := range []string{"igd2", "miniupnpd"} {
		t.Run(name, func(t *testing.T) {
			igdtest.TestBackendInBubble(t, func(t *testing.T) igdtest.Peer {
				world := wire.NewMemory()
				host := func(name, last string) *wire.Host {
					return world.Host(name, netip.MustParsePrefix("192.168.1."+last+"/24"), netip.MustParsePrefix("fe80::"+last+"/64"), netip.MustParsePrefix("fd00::"+last+"/64"))
				}
				igdtest.Serve(t, emulator.New(profile(t, name)), igd.Server{Network: host("router", "1"), Interface: "eth0"})
				client := &igd.Client{Network: igdtest.Tapped(t, host("client", "7"))}
				g, err := client.Discover(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				p := igdtest.Peer{Backend: g, Client: g.LocalAddr(), Client6: netip.MustParseAddr("fd00::7"), Leeway: leeway(name)}
				p.Leeway.UnknownPinhole = name == "miniupnpd"
				return p
			})
		})
	}
}

func TestGatewayOverLoopback(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for leases in real time")
	}
	igdtest.TestBackend(t, func(t *testing.T) igdtest.Peer {
		t.Parallel()
		router := emulator.New(profile(t, "igd2"))
		location := igdtest.Serve(t, router, igd.Server{})
		g, err := (&igd.Client{}).Open(t.Context(), location)
		if err != nil {
			t.Fatal(err)
		}
		return igdtest.Peer{Backend: g, Client: netip.MustParseAddr("127.0.0.1"), Leeway: leeway("igd2")}
	})
}

// A gateway served again is still a gateway: the client satisfies the server's interface.
func TestServerOverGateway(t *testing.T) {
	igdtest.TestBackendInBubble(t, func(t *testing.T) igdtest.Peer {
		_, far := igdtest.Start(t, profile(t, "igd2"))
		world := wire.NewMemory()
		igdtest.ServeBackend(t, igd.Server{
			Backend: far, Device: igd.V2,
			Network: world.Host("proxy", netip.MustParsePrefix("192.168.1.2/24")), Interface: "eth0",
		})
		// The same address on both networks, so that the far router maps for it.
		client := igd.Client{Network: igdtest.Tapped(t, world.Host("client", netip.PrefixFrom(far.LocalAddr(), 24)))}
		near, err := client.Discover(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return igdtest.Peer{Backend: near, Client: near.LocalAddr(), Leeway: leeway("igd2")}
	})
}

func TestStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		router, g := igdtest.Start(t, emulator.Profile{})
		addr, err := g.ExternalAddr(t.Context())
		if want := netip.MustParseAddr("11.22.33.44"); err != nil || addr != want {
			t.Errorf("external address %v, %v, want %v", addr, err, want)
		}
		m := igd.Mapping{
			MappingKey:     igd.MappingKey{ExternalPort: 9542, Protocol: igd.TCP},
			InternalClient: g.LocalAddr(), InternalPort: 8080,
		}
		if err := g.AddMapping(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if all := router.Table(); len(all) != 1 || all[0].MappingKey != m.MappingKey {
			t.Errorf("table %v, want %v", all, m)
		}
	})
}

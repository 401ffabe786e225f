package igd_test

import (
	"encoding/json"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/igdtest"
	"upnp/igd/wire"
	"upnp/soap"
)

// A street is a LAN with both families: a router of version 2 and hosts.
type street struct {
	*testing.T
	world    *wire.Memory
	router   *emulator.Router
	location string
}

func newStreet(t *testing.T, s igd.Server, quirks ...emulator.Quirk) *street {
	v := &street{T: t, world: wire.NewMemory()}
	v.router = emulator.New(emulator.Profile{Device: igd.V2, Quirks: quirks})
	s.Network, s.Interface = v.host("router", "1"), "eth0"
	v.location = igdtest.Serve(t, v.router, s)
	return v
}

func (v *street) host(name, last string) *wire.Host {
	return v.world.Host(name, netip.MustParsePrefix("192.168.1."+last+"/24"),
		netip.MustParsePrefix("fe80::"+last+"/64"), netip.MustParsePrefix("fd00::"+last+"/64"))
}

func (v *street) open(n wire.Network) *igd.Gateway {
	v.Helper()
	g, err := (&igd.Client{Network: n}).Open(v.Context(), v.location)
	if err != nil {
		v.Fatal(err)
	}
	return g
}

func pinholeTo(last string) igd.Pinhole {
	return igd.Pinhole{InternalClient: netip.MustParseAddr("fd00::" + last), InternalPort: 8080, Protocol: igd.TCP, Lease: time.Hour}
}

// The gateway was opened over IPv4, and the pinhole asked for over IPv6 from the address it opens.
func TestPinholeComesFromItsAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newStreet(t, igd.Server{})
		host := v.world.Host("client", netip.MustParsePrefix("192.168.1.7/24"), netip.MustParsePrefix("fe80::7/64"),
			netip.MustParsePrefix("fd00::7/64"), netip.MustParsePrefix("fd00::77/64"))
		g := v.open(host)
		for _, last := range []string{"7", "77"} {
			id, err := g.AddPinhole(t.Context(), pinholeTo(last))
			if err != nil {
				t.Fatalf("%s: %v", last, err)
			}
			again := v.open(host)
			again.KnowPinhole(id, pinholeTo(last).InternalClient)
			if err := again.UpdatePinhole(t.Context(), id, 2*time.Hour); err != nil {
				t.Errorf("%s: update: %v", last, err)
			}
			if got := v.router.Pinholes()[id]; got.Lease != 2*time.Hour || !got.Same(pinholeTo(last)) {
				t.Errorf("the firewall lets in %+v", got)
			}
		}
	})
}

// Nobody opens, changes or looks at the pinhole of another, whatever family they ask over.
func TestPinholePolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newStreet(t, igd.Server{})
		mine, theirs := v.open(v.host("client", "7")), v.open(v.host("other", "8"))
		id, err := mine.AddPinhole(t.Context(), pinholeTo("7"))
		if err != nil {
			t.Fatal(err)
		}
		ipv4 := v.open(v.world.Host("old", netip.MustParsePrefix("192.168.1.9/24")))
		for what, do := range map[string]func() error{
			"add":           func() error { _, err := theirs.AddPinhole(t.Context(), pinholeTo("7")); return err },
			"add over IPv4": func() error { _, err := ipv4.AddPinhole(t.Context(), pinholeTo("7")); return err },
			"update":        func() error { return theirs.UpdatePinhole(t.Context(), id, time.Minute) },
			"delete":        func() error { return theirs.DeletePinhole(t.Context(), id) },
			"check":         func() error { _, err := theirs.CheckPinhole(t.Context(), id); return err },
			"packets":       func() error { _, err := theirs.PinholePackets(t.Context(), id); return err },
		} {
			if err := do(); !errors.Is(err, igd.ErrNotAuthorized) {
				t.Errorf("%s: %v, want 606", what, err)
			}
		}
		if err := theirs.DeletePinhole(t.Context(), id+1); !errors.Is(err, igd.ErrNoSuchPinhole) {
			t.Errorf("delete nobody's: %v, want 704", err)
		}
		if len(v.router.Pinholes()) != 1 {
			t.Errorf("the firewall lets in %v", v.router.Pinholes())
		}
	})
}

// Traffic is what CheckPinholeWorking goes by.
func TestPinholeTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newStreet(t, igd.Server{})
		g := v.open(v.host("client", "7"))
		id, err := g.AddPinhole(t.Context(), pinholeTo("7"))
		if err != nil {
			t.Fatal(err)
		}
		v.router.PassPinhole(id, 3)
		n, err := g.PinholePackets(t.Context(), id)
		working, err2 := g.CheckPinhole(t.Context(), id)
		if n != 3 || !working || err != nil || err2 != nil {
			t.Errorf("%d packets, working %v; %v, %v", n, working, err, err2)
		}
	})
}

func TestPinholesOfAGatewayWithout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, g := igdtest.Start(t, emulator.Profile{Device: igd.V1})
		if _, err := g.FirewallStatus(t.Context()); !errors.Is(err, igd.ErrInvalidAction) {
			t.Errorf("%v, want 401", err)
		}
	})
}

// A server whose backend has no firewall does not say that it has one.
func TestServerWithoutFirewall(t *testing.T) {
	type bare struct{ igd.Backend }
	bubble(t, igd.Server{Device: igd.V2, Backend: bare{emulator.New(emulator.Profile{Device: igd.V2})}}, func(v *served) {
		for s := range v.root().Services() {
			if s.Type == igd.WANIPv6FirewallControl1 {
				v.Error("the description lists the firewall")
			}
		}
		_, err := v.call("/control/WANIPv6Firewall1", igd.WANIPv6FirewallControl1, "GetFirewallStatus")
		if err == nil {
			v.Error("GetFirewallStatus is answered")
		}
	})
}

// Wildcards and odd protocols arrive as they were sent.
func TestPinholeArguments(t *testing.T) {
	for _, p := range []igd.Pinhole{
		pinholeTo("7"),
		{InternalClient: netip.MustParseAddr("2001:db8::1"), InternalPort: 1, Protocol: igd.UDP, Lease: time.Second, RemoteHost: "2001:db8::9", RemotePort: 65535},
		{Protocol: igd.AnyProtocol, Lease: time.Hour},
		{Protocol: "136", RemoteHost: "host.example", Lease: igd.MaxPinholeLease},
	} {
		got, err := igd.PinholeThroughArgs(p)
		if err != nil || got != p {
			t.Errorf("%+v became %+v, %v", p, got, err)
		}
		data, err := json.Marshal(p)
		var back igd.Pinhole
		if err == nil {
			err = json.Unmarshal(data, &back)
		}
		if err != nil || back != p {
			t.Errorf("%+v became %s, %+v, %v", p, data, back, err)
		}
	}
}

func TestPinholeArgumentsRefused(t *testing.T) {
	good := soap.Args{
		{Name: "RemoteHost"}, {Name: "RemotePort", Value: "0"}, {Name: "InternalClient", Value: "fd00::7"},
		{Name: "InternalPort", Value: "80"}, {Name: "Protocol", Value: "6"}, {Name: "LeaseTime", Value: "60"},
	}
	for i, bad := range map[int]string{1: "x", 2: "no address", 3: "65536", 4: "tcp", 5: "soon"} {
		args := append(soap.Args(nil), good...)
		args[i].Value = bad
		if p, err := igd.ParsePinhole(args); err == nil {
			t.Errorf("%s=%s was read as %+v", args[i].Name, bad, p)
		}
	}
}

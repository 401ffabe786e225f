package emulator_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/igdtest"
)

var (
	clientAddr = netip.MustParseAddr("192.168.1.7")
	otherAddr  = netip.MustParseAddr("192.168.1.8")
)

func TestBareRouterConforms(t *testing.T) {
	for _, p := range []string{"igd1", "igd2", "ppp", "miniupnpd"} {
		t.Run(p, func(t *testing.T) {
			igdtest.TestBackendInBubble(t, func(t *testing.T) igdtest.Peer {
				peer := igdtest.Peer{
					Backend: emulator.New(profile(t, p)), Client: clientAddr, Other: otherAddr, Foreign: true,
					Leeway: leeway(p),
				}
				if peer.Backend.(*emulator.Router).Profile().Device == igd.V2 {
					peer.Client6 = netip.MustParseAddr("fd00::7")
				}
				return peer
			})
		})
	}
}

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
	case "igd1", "ppp":
		return igdtest.Leeway{NoRanges: true}
	case "miniupnpd":
		return igdtest.Leeway{WeekAtMost: true, DeleteMissing: true, EnabledIgnored: true, RemoteHostForgotten: true, UnknownPinhole: true}
	}
	return igdtest.Leeway{WeekAtMost: true}
}

func mapping(port uint16, client netip.Addr, remote string) igd.Mapping {
	return igd.Mapping{
		MappingKey:     igd.MappingKey{RemoteHost: remote, ExternalPort: port, Protocol: igd.TCP},
		InternalClient: client, InternalPort: 80, Lease: time.Hour, Description: "test",
	}
}

// The table of WANIPConnection:2 section 2.5.16, row by row.
func TestConflicts(t *testing.T) {
	there := mapping(5000, clientAddr, "")
	tests := []struct {
		name      string
		m         igd.Mapping
		want      error
		otherPort bool // AddAnyMapping evades
		count     int  // mappings after AddMapping
	}{
		{"other protocol", igd.Mapping{MappingKey: igd.MappingKey{ExternalPort: 5000, Protocol: igd.UDP}, InternalClient: otherAddr, InternalPort: 80}, nil, false, 2},
		{"other port", mapping(5001, otherAddr, ""), nil, false, 2},
		{"other host, other client", mapping(5000, otherAddr, "8.8.8.8"), igd.ErrConflict, true, 1},
		{"other host, same client", mapping(5000, clientAddr, "8.8.8.8"), nil, false, 2},
		{"same host, other client", mapping(5000, otherAddr, ""), igd.ErrConflict, true, 1},
		{"all the same", mapping(5000, clientAddr, ""), nil, false, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := emulator.New(emulator.Profile{Device: igd.V2})
			if err := r.AddMapping(t.Context(), there); err != nil {
				t.Fatal(err)
			}
			if err := r.AddMapping(t.Context(), tt.m); err != tt.want {
				t.Errorf("AddMapping: %v, want %v", err, tt.want)
			}
			if n := len(r.Table()); n != tt.count {
				t.Errorf("%d mappings, want %d", n, tt.count)
			}
			port, err := r.AddAnyMapping(t.Context(), tt.m)
			if err != nil || (port != tt.m.ExternalPort) != tt.otherPort {
				t.Errorf("AddAnyMapping: %d, %v", port, err)
			}
		})
	}
}

// The most telling code of each version, which had fewer words at first.
func TestBadRequests(t *testing.T) {
	for _, tt := range []struct {
		name   string
		spoil  func(*igd.Mapping)
		v1, v2 error
	}{
		{"protocol", func(m *igd.Mapping) { m.Protocol = "SCTP" }, igd.ErrInvalidArgs, igd.ErrArgumentOutOfRange},
		{"client", func(m *igd.Mapping) { m.InternalClient = netip.Addr{} }, igd.ErrInvalidArgs, igd.ErrWildcardSource},
		{"internal port", func(m *igd.Mapping) { m.InternalPort = 0 }, igd.ErrInvalidArgs, igd.ErrWildcardInternalPort},
		{"external port", func(m *igd.Mapping) { m.ExternalPort = 0 }, igd.ErrWildcardExternalPort, igd.ErrWildcardExternalPort},
	} {
		for device, want := range map[igd.Device]error{igd.V1: tt.v1, igd.PPP: tt.v1, igd.V2: tt.v2} {
			m := mapping(5000, clientAddr, "")
			tt.spoil(&m)
			if err := emulator.New(emulator.Profile{Device: device}).AddMapping(t.Context(), m); err != want {
				t.Errorf("%s, device %d: %v, want %v", tt.name, device, err, want)
			}
		}
	}
}

func TestTableLimit(t *testing.T) {
	for device, want := range map[igd.Device]error{igd.V1: igd.ErrActionFailed, igd.V2: igd.ErrNoPortsAvailable} {
		r := emulator.New(emulator.Profile{Device: device, Size: 2})
		for port := range uint16(2) {
			if err := r.AddMapping(t.Context(), mapping(port+1, clientAddr, "")); err != nil {
				t.Error(err)
			}
		}
		if err := r.AddMapping(t.Context(), mapping(3, clientAddr, "")); err != want {
			t.Errorf("third mapping of two: %v, want %v", err, want)
		}
		if err := r.AddMapping(t.Context(), mapping(2, clientAddr, "")); err != nil {
			t.Errorf("renewal in a full table: %v", err)
		}
	}
}

func TestAddAnyWithoutAPort(t *testing.T) {
	r := emulator.New(emulator.Profile{Device: igd.V2})
	port, err := r.AddAnyMapping(t.Context(), mapping(0, clientAddr, ""))
	if err != nil || port < 1024 {
		t.Errorf("got port %d, %v", port, err)
	}
}

func TestChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := emulator.New(emulator.Profile{})
		go func() {
			time.Sleep(time.Second)
			m := mapping(1, clientAddr, "")
			m.Lease = time.Minute
			_ = r.AddMapping(t.Context(), m)
			time.Sleep(time.Hour)
			r.SetExternal(otherAddr)
			time.Sleep(time.Second)
			r.SetConnection("Disconnected", "ERROR_NO_CARRIER")
		}()
		begin := time.Now()
		type seen struct {
			after time.Duration
			what  string
		}
		var got []seen
		for c, err := range r.Changes(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, seen{time.Since(begin), summary(c)})
			if c.Status == "Disconnected" {
				break
			}
		}
		want := []seen{
			{0, "address 11.22.33.44"}, {0, "Connected"}, {0, "table of 0, +0 -0"},
			{time.Second, "table of 1, +1 -0"}, {61 * time.Second, "table of 0, +0 -1"},
			{time.Hour + time.Second, "address " + otherAddr.String()},
			{time.Hour + 2*time.Second, "address invalid IP"}, {time.Hour + 2*time.Second, "Disconnected"},
		}
		if !slices.Equal(got, want) {
			t.Errorf("changes %v, want %v", got, want)
		}
	})
}

func summary(c igd.Change) string {
	switch c.Kind {
	case igd.ExternalAddressChanged:
		return "address " + c.ExternalAddr.String()
	case igd.StatusChanged:
		return c.Status
	}
	return fmt.Sprintf("table of %d, +%d -%d", c.NumberOfEntries, len(c.Added), len(c.Removed))
}

func TestReboot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, persistent := range []bool{false, true} {
			r := emulator.New(emulator.Profile{Persistent: persistent})
			_ = r.Put(mapping(1, clientAddr, ""))
			time.Sleep(time.Minute)
			r.Reboot()
			time.Sleep(time.Second)
			s, _ := r.Status(t.Context())
			if s.Uptime != time.Second {
				t.Errorf("up for %v, want 1s", s.Uptime)
			}
			if kept := len(r.Table()) == 1; kept != persistent {
				t.Errorf("table kept: %v, want %v", kept, persistent)
			}
		}
	})
}

func TestWipe(t *testing.T) {
	r := emulator.New(emulator.Profile{})
	_ = r.Put(mapping(1, clientAddr, ""), mapping(2, otherAddr, ""))
	r.Wipe()
	if all := r.Table(); len(all) != 0 {
		t.Errorf("%v left", all)
	}
}

package igd

import (
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"upnp/soap"
)

var equateAddrs = cmpopts.EquateComparable(netip.Addr{})

var sample = Mapping{
	MappingKey:     MappingKey{"198.51.100.7", 9542, UDP},
	InternalClient: netip.MustParseAddr("192.168.1.20"),
	InternalPort:   8080,
	Disabled:       true,
	Description:    `R&D <"web"> ünï`,
	Lease:          time.Hour,
}

func TestMappingRoundTrip(t *testing.T) {
	for _, m := range []Mapping{sample, {MappingKey: MappingKey{"", 1, TCP}, InternalName: "nas.lan", InternalPort: 65535}} {
		got, err := parseMapping(mappingArgs(m))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, got, equateAddrs); diff != "" {
			t.Error(diff)
		}
	}
}

// TestArgumentOrder holds the order of the standard: devices may refuse another.
func TestArgumentOrder(t *testing.T) {
	var got []string
	for _, a := range mappingArgs(sample) {
		got = append(got, a.Name+"="+a.Value)
	}
	want := []string{
		"NewRemoteHost=198.51.100.7", "NewExternalPort=9542", "NewProtocol=UDP", "NewInternalPort=8080",
		"NewInternalClient=192.168.1.20", "NewEnabled=0", `NewPortMappingDescription=R&D <"web"> ünï`, "NewLeaseDuration=3600",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseMappingAsToldByRouters(t *testing.T) {
	base := map[string]string{
		"NewRemoteHost": "", "NewExternalPort": "80", "NewProtocol": "TCP", "NewInternalPort": "8080",
		"NewInternalClient": "192.168.1.20", "NewEnabled": "1", "NewPortMappingDescription": "web", "NewLeaseDuration": "60",
	}
	plain := Mapping{MappingKey: MappingKey{"", 80, TCP}, InternalClient: netip.MustParseAddr("192.168.1.20"), InternalPort: 8080, Description: "web", Lease: time.Minute}
	for _, row := range []struct {
		name, argument, value string
		want                  func(*Mapping)
	}{
		{"lower-case protocol", "NewProtocol", "tcp", func(*Mapping) {}},
		{"remote host star", "NewRemoteHost", "*", func(*Mapping) {}},
		{"remote host zero", "NewRemoteHost", " 0.0.0.0 ", func(*Mapping) {}},
		{"enabled in words", "NewEnabled", "Yes", func(*Mapping) {}},
		{"enabled unreadable", "NewEnabled", "?", func(*Mapping) {}},
		{"disabled in words", "NewEnabled", "FALSE", func(m *Mapping) { m.Disabled = true }},
		{"no lease told", "NewLeaseDuration", "", func(m *Mapping) { m.Lease = 0 }},
		{"negative lease", "NewLeaseDuration", "-1", func(m *Mapping) { m.Lease = 0 }},
		{"lease beyond ui4", "NewLeaseDuration", "99999999999999", func(m *Mapping) { m.Lease = math.MaxUint32 * time.Second }},
		{"client by name", "NewInternalClient", "nas", func(m *Mapping) { m.InternalClient, m.InternalName = netip.Addr{}, "nas" }},
		{"mapped client", "NewInternalClient", "::ffff:192.168.1.20", func(*Mapping) {}},
		{"endless description", "NewPortMappingDescription", strings.Repeat("é", 2000), func(m *Mapping) { m.Description = strings.Repeat("é", 512) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			var in soap.Args
			for name, value := range base {
				if name == row.argument {
					value = row.value
				}
				in = append(in, soap.Arg{Name: name, Value: value})
			}
			want := plain
			row.want(&want)
			got, err := parseMapping(in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, equateAddrs); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseMappingRefuses(t *testing.T) {
	for _, port := range []string{"", "http", "65536", "-1", "80 81"} {
		in := mappingArgs(sample)
		in[1].Value = port
		if m, err := parseMapping(in); err == nil {
			t.Errorf("external port %q read as %d", port, m.ExternalPort)
		}
	}
}

func TestUptime(t *testing.T) {
	for _, row := range []struct {
		text  string
		want  time.Duration
		exact bool
	}{
		{"86400", 24 * time.Hour, true},
		{" 7 ", 7 * time.Second, true},
		{"9 Days, 22:18:59", 9*24*time.Hour + 22*time.Hour + 18*time.Minute + 59*time.Second, false},
		{"0 Days, 01:00:00", time.Hour, false},
		{"soon", 0, false},
		{"", 0, false},
	} {
		got, exact := parseUptime(row.text)
		if got != row.want || exact != row.exact {
			t.Errorf("uptime %q reads %v, exact %v; want %v, %v", row.text, got, exact, row.want, row.exact)
		}
	}
}

func TestCounter(t *testing.T) {
	for text, want := range map[string]uint64{"0": 0, "4294967296": 1 << 32, "-1": math.MaxUint32, "18446744073709551615": math.MaxUint64} {
		if got, err := parseCounter(text); err != nil || got != want {
			t.Errorf("counter %q reads %d, %v; want %d", text, got, err, want)
		}
	}
	if _, err := parseCounter("many"); err == nil {
		t.Error("a word was read as a counter")
	}
}

func TestPortListingRoundTrip(t *testing.T) {
	want := []Mapping{sample, {MappingKey: MappingKey{"", 1, TCP}, InternalClient: netip.MustParseAddr("10.0.0.1"), InternalPort: 2}}
	got, notes, err := parsePortListing(portListing(want))
	if err != nil || len(notes) > 0 {
		t.Fatal(notes, err)
	}
	if diff := cmp.Diff(want, got, equateAddrs); diff != "" {
		t.Error(diff)
	}
	if got, _, err := parsePortListing(portListing(nil)); err != nil || len(got) > 0 {
		t.Errorf("an empty listing reads %v, %v", got, err)
	}
}

// TestPortListingDropsOneEntry: one bad entry does not cost the others.
func TestPortListingDropsOneEntry(t *testing.T) {
	text := strings.Replace(portListing([]Mapping{sample, sample}), "9542", "many", 1)
	got, notes, err := parsePortListing(text)
	if err != nil || len(got) != 1 || len(notes) != 1 {
		t.Errorf("got %d entries, notes %q, %v", len(got), notes, err)
	}
}

func TestJSONRoundTrip(t *testing.T) {
	data, err := sample.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"protocol":"UDP"`, `"externalPort":9542`, `"enabled":false`, `"leaseSeconds":3600`, `"remoteHost":"198.51.100.7"`} {
		if !strings.Contains(string(data), want) {
			t.Errorf("%s lacks %s", data, want)
		}
	}
	var got Mapping
	if err := got.UnmarshalJSON(data); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample, got, equateAddrs); diff != "" {
		t.Error(diff)
	}
}

func TestTypes(t *testing.T) {
	for _, row := range []struct {
		urn, name string
		version   int
		callable  string
	}{
		{WANIPConnection2, "WANIPConnection", 2, WANIPConnection2},
		{"urn:dslforum-org:service:WANIPConnection:1", "WANIPConnection", 1, "urn:dslforum-org:service:WANIPConnection:1"},
		{"urn:schemas-upnp-org:service:WANIPConnection:", "WANIPConnection", 1, WANIPConnection1},
		{"urn:schemas-upnp-org:service:WANIPConnection", "WANIPConnection", 1, WANIPConnection1},
		{"urn:schemas-upnp-org:service:WANPPPConnection:1.0", "WANPPPConnection", 1, WANPPPConnection1},
		{"nonsense", "", 1, "nonsense"},
	} {
		if got := typeName(row.urn); got != row.name {
			t.Errorf("name of %q is %q, want %q", row.urn, got, row.name)
		}
		if got := typeVersion(row.urn); got != row.version {
			t.Errorf("version of %q is %d, want %d", row.urn, got, row.version)
		}
		if got := serviceType(row.urn); got != row.callable {
			t.Errorf("%q is called as %q, want %q", row.urn, got, row.callable)
		}
	}
}

func TestClassOf(t *testing.T) {
	for text, want := range map[string]Class{
		"11.22.33.4": Public, "8.8.8.8": Public, "10.1.2.3": Private, "172.31.0.1": Private, "172.32.0.1": Public,
		"192.168.100.2": Private, "100.64.0.2": CGNAT, "100.128.0.1": Public, "192.0.0.2": DSLite, "192.0.0.9": Reserved,
		"169.254.3.4": NoAddr, "0.0.0.0": NoAddr, "203.0.113.9": Reserved, "224.0.0.1": Reserved, "255.255.255.255": Reserved,
		"::ffff:10.0.0.1": Private, "2001:db8::1": Reserved,
	} {
		if got := ClassOf(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
	if got := ClassOf(netip.Addr{}); got != NoAddr {
		t.Errorf("no address is %s", got)
	}
}

// TestWindowIsSafe: no listing or deletion ever asks a router for more ports than its firmware
// survives.
func TestWindowIsSafe(t *testing.T) {
	for number := range maxEntries/maxWindow + 1 {
		if err := checkWindow(window{TCP, number}.ports()); err != nil {
			t.Fatalf("window %d: %v", number, err)
		}
	}
	if checkWindow(Range{From: 1000, To: 1100}) == nil {
		t.Error("101 ports may be asked for")
	}
	if checkWindow(Range{From: 65535, To: 0}) == nil {
		t.Error("an inverted range may be asked for")
	}
}

package notation

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"upnp/igd"
)

func TestReadMappings(t *testing.T) {
	text := "\ufeff# ours\r\n" +
		"9542\r\n" +
		"\n" +
		`  8080:80/tcp lease=90m "web # \"1\"" # a comment` + "\n" +
		"4000-4001/both lease=permanent disabled remote-host=198.51.100.7#x\n" +
		`53:192.168.1.20:53/udp "" lease=0`
	lines, err := Read(strings.NewReader(text), "f")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range lines {
		got = append(got, l.String())
	}
	want := []string{
		"9542/tcp lease=1h",
		`8080:80/tcp lease=1h30m "web # \"1\""`,
		"4000-4001/both lease=0 remote-host=198.51.100.7 disabled",
		"53:192.168.1.20:53/udp lease=0",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestReadMappingsNamesTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"9542\n70000":            `f line 2: "70000": port 70000 is above 65535`,
		"\n\n9542 lease=x":       `f line 3: "lease=x": want a duration`,
		"9542 lease=-1s":         "a lease is at least 1s",
		"9542 lease=1500ms":      "whole number of seconds",
		`9542 "never closed`:     "starts and ends with",
		`9542 "a" "b"`:           "two descriptions",
		"9542 game":              `"game": want lease=D`,
		"9542 remote-host=":      "want lease=D",
		"9542\n80\n9542:80/tcp":  "f line 3: 9542/tcp is on line 1 already",
		"10-20/both\n15/udp":     "f line 2: 15/udp is on line 1 already",
		strings.Repeat("#", 5e6): "larger than",
	} {
		_, err := Read(strings.NewReader(text), "f")
		if _, is := errors.AsType[*SyntaxError](err); !is || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}

// TestExportReadsBackTheSame holds for whatever a router may list.
func TestExportReadsBackTheSame(t *testing.T) {
	self, other := netip.MustParseAddr("192.168.1.2"), netip.MustParseAddr("192.168.1.20")
	mine := func(m igd.Mapping) bool { return m.InternalClient == self }
	for _, m := range []igd.Mapping{
		{MappingKey: igd.MappingKey{ExternalPort: 9542, Protocol: igd.TCP}, InternalClient: self, InternalPort: 9542},
		{MappingKey: igd.MappingKey{ExternalPort: 1, Protocol: igd.UDP}, InternalClient: other, InternalPort: 65535, Lease: 3599 * time.Second, Description: "game"},
		{MappingKey: igd.MappingKey{ExternalPort: 80, Protocol: igd.TCP, RemoteHost: "198.51.100.7"}, InternalClient: self, InternalPort: 8080, Disabled: true, Description: `a "b" \ # c`},
		{MappingKey: igd.MappingKey{ExternalPort: 81, Protocol: igd.TCP}, InternalClient: other, InternalPort: 81, Lease: maxLease, Description: "\x1b[31m\u202eevil\u009b\n\xff"},
		{MappingKey: igd.MappingKey{ExternalPort: 82, Protocol: igd.TCP}, InternalClient: netip.MustParseAddr("fd00::20"), InternalPort: 82, Lease: 24 * time.Hour},
	} {
		line := Export(m, mine)
		l, ok, err := parseLine(line)
		if err != nil || !ok {
			t.Errorf("%s: %v", line, err)
			continue
		}
		got := l.Mappings()[0]
		if !got.InternalClient.IsValid() {
			got.InternalClient = self
		}
		if d := cmp.Diff(m, got, cmpopts.EquateComparable(netip.Addr{})); d != "" {
			t.Errorf("%s\n%s", line, d)
		}
	}
}

func TestExportOfTheInexpressible(t *testing.T) {
	for _, m := range []igd.Mapping{
		{MappingKey: igd.MappingKey{ExternalPort: 0, Protocol: igd.TCP}, InternalPort: 5, InternalClient: netip.MustParseAddr("192.168.1.20")},
		{MappingKey: igd.MappingKey{ExternalPort: 5, Protocol: "GRE"}, InternalPort: 5, InternalClient: netip.MustParseAddr("192.168.1.20")},
		{MappingKey: igd.MappingKey{ExternalPort: 5, Protocol: igd.TCP}, InternalPort: 5, InternalName: "nas\n9999"},
	} {
		line := Export(m, func(igd.Mapping) bool { return false })
		if !strings.HasPrefix(line, "# ") || strings.Contains(line, "\n") {
			t.Errorf("%q, want one comment", line)
		}
	}
}

func FuzzReadMappings(f *testing.F) {
	f.Add(`8080:80/tcp lease=90m "web" # c`)
	f.Add("4000-4001/both lease=0 disabled remote-host=198.51.100.7")
	f.Fuzz(func(t *testing.T, s string) {
		lines, err := Read(strings.NewReader(s), "f")
		if err != nil {
			return
		}
		for _, l := range lines {
			back, ok, err := parseLine(l.String())
			if err != nil || !ok || back.String() != l.String() {
				t.Errorf("%q reads back as %q, %v", l, back, err)
			}
		}
	})
}

//go:build linux

package lab_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"upnp/testdata/lab"
)

// bothModes runs f against miniupnpd as IGD:1 and as IGD:2.
func bothModes(t *testing.T, f func(t *testing.T, l *lab.Lab)) {
	t.Parallel()
	lab.Need(t)
	for name, igd1 := range map[string]bool{"IGD1": true, "IGD2": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, lab.Up(t, lab.Options{IGD1: igd1, Clients: 2}))
		})
	}
}

// TestLook: what upnp tells of a real router without changing it.
func TestLook(t *testing.T) {
	bothModes(t, func(t *testing.T, l *lab.Lab) {
		u := newUser(t, l.Clients[0])
		if out := u.must(t, "ip").Stdout; out != l.Router.WAN+"\n" {
			t.Errorf("ip: %q", out)
		}
		if out := u.must(t, "discover", "--timeout", "2s").Stdout; strings.Count(out, l.Router.URL) != 1 {
			t.Errorf("discover: %q", out)
		}
		type gateway struct{ Location, ExternalAddress, UDN, FriendlyName string }
		for _, verb := range []string{"discover", "info"} {
			g := parse[gateway](t, u.must(t, verb, "--json", "--timeout", "2s").Stdout)
			if g.Location != l.Router.URL || !strings.HasPrefix(g.UDN, "uuid:") || g.FriendlyName == "" {
				t.Errorf("%s --json: %+v", verb, g)
			}
			if verb == "info" && g.ExternalAddress != l.Router.WAN {
				t.Errorf("%s --json: external address %q", verb, g.ExternalAddress)
			}
		}
		if ms := parse[[]mapping](t, u.must(t, "list", "--json").Stdout); len(ms) != 0 {
			t.Errorf("an empty table: %v", ms)
		}
	})
}

// TestFlow: bytes flow through what upnp maps, and stop when it is deleted.
func TestFlow(t *testing.T) {
	bothModes(t, func(t *testing.T, l *lab.Lab) {
		u := newUser(t, l.Clients[0])
		u.Serve(t, u.Addr+":8080", hello)
		wantOpen(t, l, 18080, false)
		u.must(t, "add", "18080:8080", "--description", "lab page", "--lease", "10m")
		wantOpen(t, l, 18080, true)

		ms := parse[[]mapping](t, u.must(t, "list", "--json").Stdout)
		if len(ms) != 1 || ms[0].LeaseSeconds > 600 || ms[0].LeaseSeconds < 580 {
			t.Fatalf("list --json: %+v", ms)
		}
		ms[0].LeaseSeconds = 600
		want := mapping{Protocol: "TCP", ExternalPort: 18080, InternalClient: u.Addr, InternalPort: 8080,
			Enabled: true, Description: "lab page", LeaseSeconds: 600}
		if ms[0] != want {
			t.Errorf("list --json: %+v, want %+v", ms[0], want)
		}

		u.must(t, "edit", "18080/tcp", "--external", "18081")
		wantOpen(t, l, 18080, false)
		wantOpen(t, l, 18081, true)

		u.must(t, "delete", "18081")
		wantOpen(t, l, 18081, false)
	})
}

// TestFile: what is exported and applied again is the same table.
func TestFile(t *testing.T) {
	bothModes(t, func(t *testing.T, l *lab.Lab) {
		u := newUser(t, l.Clients[0])
		u.Serve(t, u.Addr+":8080", hello)
		u.must(t, "add", "18080:8080", "18090-18092:9000-9002/udp", "--description", "of a file")
		before := u.must(t, "list", "--export").Stdout
		file := filepath.Join(t.TempDir(), "mappings")
		if err := os.WriteFile(file, []byte(before), 0o644); err != nil {
			t.Fatal(err)
		}
		l.Router.Forget(t)
		wantOpen(t, l, 18080, false)
		u.must(t, "apply", file)
		wantOpen(t, l, 18080, true)
		ports := map[string]bool{}
		for _, m := range parse[[]mapping](t, u.must(t, "list", "--json").Stdout) {
			ports[m.Protocol+" "+strconv.Itoa(m.ExternalPort)+" "+strconv.Itoa(m.InternalPort)] = true
		}
		for _, want := range []string{"TCP 18080 8080", "UDP 18090 9000", "UDP 18091 9001", "UDP 18092 9002"} {
			if !ports[want] || len(ports) != 4 {
				t.Errorf("after apply: %v, want %s", ports, want)
			}
		}
	})
}

// TestRefused: the router's no is exit status 4, with its code.
func TestRefused(t *testing.T) {
	bothModes(t, func(t *testing.T, l *lab.Lab) {
		a, b := newUser(t, l.Clients[0]), newUser(t, l.Clients[1])
		a.must(t, "add", "18080:8080")
		args := []string{"add", "18080:8080"}
		if r := b.upnp(t, args...); r.Code != 4 || !strings.Contains(r.Stdout+r.Stderr, "718") {
			t.Errorf("another host's port: upnp %s", told(args, r))
		}
		if held := l.Router.Holds(t); len(held) != 1 || held[18080] != a.Addr+":8080" {
			t.Errorf("the router holds %v", held)
		}
	})
}

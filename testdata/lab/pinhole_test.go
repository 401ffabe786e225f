//go:build linux

package lab_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"upnp/testdata/lab"
)

// ipv6Open tells whether the page of hello can be had from the Internet at a host's own address.
func ipv6Open(l *lab.Lab, addr string, port int) bool {
	return outsideGetsAt(l, net.JoinHostPort(addr, fmt.Sprint(port)))
}

// TestPinhole (the life of one, on the real daemon): opened, used from the Internet, checked,
// extended, closed.
func TestPinhole(t *testing.T) {
	t.Parallel()
	lab.Need(t)
	l := lab.Up(t, lab.Options{IPv6: true, Clients: 2})
	u, other := newUser(t, l.Clients[0]), newUser(t, l.Clients[1])
	u.Serve(t, "["+u.IPv6+"]:8080", hello)
	if ipv6Open(l, u.IPv6, 8080) {
		t.Fatal("the firewall lets in what nobody opened")
	}
	u.must(t, "pinhole", "add", "8080")
	if !ipv6Open(l, u.IPv6, 8080) {
		t.Fatal("the Internet does not get through the pinhole")
	}
	if r := u.must(t, "pinhole", "check", "8080"); !strings.Contains(r.Stdout, "open") { // this daemon counts no packets
		t.Errorf("check: %s", told(nil, r))
	}
	u.must(t, "pinhole", "update", "8080", "--lease", "2h")
	list := parse[struct {
		Firewall struct{ Enabled, PinholesAllowed bool }
		Pinholes []struct {
			State   string
			Pinhole struct{ LeaseSeconds int }
		}
	}](t, u.must(t, "pinhole", "list", "--json").Stdout)
	if p := list.Pinholes; len(p) != 1 || p[0].State != "open" || p[0].Pinhole.LeaseSeconds != 7200 || !list.Firewall.Enabled || !list.Firewall.PinholesAllowed {
		t.Errorf("list: %+v", list)
	}
	foreign := fmt.Sprintf("[%s]:8080", u.IPv6)
	if r := other.upnp(t, "pinhole", "add", foreign, "--for", u.IPv6); r.Code != 4 {
		t.Errorf("for another host: %s, want exit 4", told(nil, r))
	}
	u.must(t, "pinhole", "delete", "8080")
	if ipv6Open(l, u.IPv6, 8080) {
		t.Error("the Internet gets through a pinhole that was closed")
	}
}

// TestPinholeConformance has the cases about pinholes run against the real daemon.
func TestPinholeConformance(t *testing.T) {
	t.Parallel()
	lab.Need(t)
	l := lab.Up(t, lab.Options{IPv6: true})
	r := l.Clients[0].RunEnv(t, []string{insideEnv + "=" + l.Router.URL},
		"/proc/self/exe", "-test.run=^TestConformance$/^(Firewall|Pinhole.*)$", "-test.v", "-test.timeout=80s")
	if r.Code != 0 || strings.Count(r.Stdout, "--- PASS: TestConformance/") != 6 {
		t.Fatalf("exit %d:\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
}

// TestKeepPinhole (F53): one is kept open for this host at whatever address it has, and closed at
// the end.
func TestKeepPinhole(t *testing.T) {
	t.Parallel()
	lab.Need(t)
	l := lab.Up(t, lab.Options{IPv6: true})
	u := newUser(t, l.Clients[0])
	u.Serve(t, "[::]:8080", hello)
	stop := u.Start(t, u.env(), built(t, upnpBinary), "keep", "--pinhole", "8080", "--lease", "10m")
	untilIPv6(t, l, u.IPv6, true)
	const fresh = "2001:db8:7::abcd"
	for _, args := range [][]string{
		{"addr", "add", fresh + "/64", "dev", "lan0", "nodad"},
		{"addr", "change", u.IPv6 + "/64", "dev", "lan0", "preferred_lft", "0"},
	} {
		if r := u.Run(t, append([]string{"ip", "-6"}, args...)...); r.Code != 0 {
			t.Fatalf("ip %v", told(args, r))
		}
	}
	took := untilIPv6(t, l, fresh, true)
	t.Logf("open at the new address after %v", took)
	untilIPv6(t, l, u.IPv6, false)
	stop()
	untilIPv6(t, l, fresh, false)
}

// untilIPv6 waits until a host's port is open at an address, or until it is not.
func untilIPv6(t *testing.T, l *lab.Lab, addr string, want bool) time.Duration {
	t.Helper()
	began := time.Now()
	for ipv6Open(l, addr, 8080) != want {
		if time.Since(began) > 30*time.Second {
			t.Fatalf("after %v port 8080 of %s open: %v, want %v", time.Since(began), addr, !want, want)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return time.Since(began)
}

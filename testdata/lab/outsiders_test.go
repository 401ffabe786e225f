//go:build linux

package lab_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"upnp/testdata/lab"
)

// emulated is a lab whose router runs `upnp emulate` instead of miniupnpd.
func emulated(t *testing.T, args ...string) *lab.Lab {
	t.Helper()
	return emulatedIn(t, lab.Options{}, args...)
}

func emulatedIn(t *testing.T, o lab.Options, args ...string) *lab.Lab {
	t.Helper()
	o.NoDaemon = true
	l := lab.Up(t, o)
	u := newUser(t, l.Router.Host)
	u.Start(t, u.env(), append([]string{built(t, upnpBinary), "emulate", "--listen-interface", "lan0"}, args...)...)
	deadline := time.Now().Add(10 * time.Second)
	for newUser(t, l.Clients[0]).upnp(t, "ip", "--timeout", "1s").Code != 0 {
		if time.Now().After(deadline) {
			t.Fatal("the emulated router did not come")
		}
	}
	return l
}

// profiles runs f against an emulated router of each kind.
func profiles(t *testing.T, programs []string, f func(t *testing.T, l *lab.Lab)) {
	t.Parallel()
	lab.Need(t, programs...)
	for _, profile := range []string{"igd1", "igd2", "ppp"} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			f(t, emulated(t, "--profile", profile))
		})
	}
}

// TestEmulatorUpnpc holds the emulated router to miniupnpc's program.
func TestEmulatorUpnpc(t *testing.T) {
	profiles(t, []string{"upnpc"}, func(t *testing.T, l *lab.Lab) {
		c := l.Clients[0]
		for i := range 3 {
			out := upnpc(t, c, "-e", "by upnpc", "-a", c.Addr, "8080", fmt.Sprint(18080+i), "TCP", "600")
			want(t, out, fmt.Sprintf(":%d TCP is redirected to internal %s:8080 (duration=", 18080+i, c.Addr))
		}
		entry := "TCP 18080->" + c.Addr + ":8080  'by upnpc' ''"
		want(t, upnpc(t, c, "-l"), entry, "TCP 18081->", "TCP 18082->", "returned 713 (SpecifiedArrayIndexInvalid)")
		want(t, upnpc(t, c, "-d", "18080", "TCP"), "UPNP_DeletePortMapping() returned : 0")
		without(t, upnpc(t, c, "-l"), "18080->")
	})
}

// TestEmulatorUpnpcV2: the actions that only IGD:2 has.
func TestEmulatorUpnpcV2(t *testing.T) {
	t.Parallel()
	lab.Need(t, "upnpc")
	l := emulated(t, "--profile", "igd2")
	c := l.Clients[0]
	upnpc(t, c, "-e", "by upnpc", "-a", c.Addr, "8080", "18080", "TCP", "600")
	want(t, upnpc(t, c, "-n", c.Addr, "8081", "18081", "UDP", "600"), "UDP is redirected to internal "+c.Addr+":8081")
	want(t, upnpc(t, c, "-L"), "TCP 18080->"+c.Addr+":8080  'by upnpc' ''", "UDP 18081->"+c.Addr+":8081")
	want(t, upnpc(t, c, "-N", "18000", "18100", "TCP", "0"), "UPNP_DeletePortMappingRange() returned : 0")
	left := upnpc(t, c, "-l")
	want(t, left, "18081->")
	without(t, left, "18080->")
}

// TestLikeUpnpc: a router that is like a recorded one is one to miniupnpc, too.
func TestLikeUpnpc(t *testing.T) {
	t.Parallel()
	lab.Need(t, "upnpc")
	for _, name := range []string{"miniupnpd-2.3.1-igd1", "linksys-wrt1900ac"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := emulated(t, "--like", "../routers/"+name+"/session.wire")
			c := l.Clients[0]
			upnpc(t, c, "-e", "by upnpc", "-a", c.Addr, "8080", "18080", "TCP", "600")
			want(t, upnpc(t, c, "-l"), "TCP 18080->"+c.Addr+":8080  'by upnpc' ''")
			want(t, upnpc(t, c, "-d", "18080", "TCP"), "UPNP_DeletePortMapping() returned : 0")
			without(t, upnpc(t, c, "-l"), "18080->")
		})
	}
}

// TestEmulatorGSSDP holds the emulated router's announcements to GNOME's SSDP.
func TestEmulatorGSSDP(t *testing.T) {
	profiles(t, []string{"gssdp-discover"}, func(t *testing.T, l *lab.Lab) {
		for _, target := range []string{"ssdp:all", "upnp:rootdevice", "urn:schemas-upnp-org:device:InternetGatewayDevice:1"} {
			r := l.Clients[0].Run(t, "gssdp-discover", "-i", "lan0", "-n", "3", "-t", target)
			want(t, r.Stdout, "resource available", "Location: http://"+lab.RouterAddr+":")
		}
	})
}

// TestEmulatorGoupnp holds the emulated router to the Go library most programs use.
func TestEmulatorGoupnp(t *testing.T) {
	profiles(t, nil, func(t *testing.T, l *lab.Lab) {
		goupnp := func(args ...string) string {
			t.Helper()
			r := l.Clients[0].Run(t, append([]string{built(t, goupnpBinary)}, args...)...)
			if r.Code != 0 {
				t.Fatalf("goupnp %s", told(args, r))
			}
			return r.Stdout
		}
		if out := goupnp("ip"); strings.Count(out, ".") != 3 {
			t.Errorf("ip: %q", out)
		}
		goupnp("add", "18080", "8080")
		want(t, goupnp("list"), "TCP 18080 "+l.Clients[0].Addr+":8080")
		goupnp("delete", "18080")
		without(t, goupnp("list"), "18080")
	})
}

func want(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in:\n%s", part, text)
		}
	}
}

func without(t *testing.T, text, part string) {
	t.Helper()
	if strings.Contains(text, part) {
		t.Errorf("%q in:\n%s", part, text)
	}
}

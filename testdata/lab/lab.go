//go:build linux

package lab

import (
	"fmt"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Options say what a lab looks like. The zero value is one client and one router in IGD:2 mode.
type Options struct {
	Clients   int           // 0 is 1
	IGD1      bool          // the routers describe themselves as InternetGatewayDevice:1
	SecondIGD bool          // another router on the LAN, at 192.168.7.254
	BehindNAT bool          // the router's own address is a private one of its provider (100.64.0.2)
	Others    int           // other UPnP devices on the LAN, up to 4
	Anyone    bool          // the routers let one host map for another
	NoDaemon  bool          // the router routes and does no UPnP
	IPv6      bool          // all but the other devices have IPv6 too, and the router a firewall for it
	Loss      float64       // of 1: the part of the LAN's frames that is lost, in each direction
	Delay     time.Duration // of each of the LAN's frames, in each direction
}

// Addresses of the lab.
const (
	RouterAddr   = "192.168.7.1"
	Router2Addr  = "192.168.7.254"
	WANAddr      = "11.22.33.4"
	WAN2Addr     = "11.22.33.5"
	InternetAddr = "11.22.33.9"
)

// A Lab is a home network with its part of the Internet.
type Lab struct {
	Clients  []*Host
	Router   *Router
	Router2  *Router // nil unless asked for
	Internet *Host
	ISP      *Router // the provider's address translation, nil unless asked for; it does UPnP once it is started

	t      testing.TB
	prefix string
	ipv6   bool
	sw     *Host // where the LAN's cables end
	ports  []string
}

var labs atomic.Int32

// Up builds a lab that lives until the test ends.
func Up(t testing.TB, o Options) *Lab {
	t.Helper()
	Need(t)
	l := &Lab{t: t, prefix: fmt.Sprintf("%s%d-", prefix(), labs.Add(1))}
	l.ipv6 = o.IPv6
	l.internet()
	l.sw = l.host("sw", "")
	l.ip("-n", l.sw.ns, "link", "add", "lan", "type", "bridge", "mcast_snooping", "0", "stp_state", "0", "forward_delay", "0")
	l.ip("-n", l.sw.ns, "link", "set", "lan", "up")
	l.routers(o)
	for i := range max(o.Clients, 1) {
		c := l.lanHost(fmt.Sprintf("c%d", i+1), fmt.Sprintf("192.168.7.%d", i+2), RouterAddr)
		l.Clients = append(l.Clients, c)
	}
	l.others(o.Others)
	if o.Loss > 0 || o.Delay > 0 {
		l.cable(o.Loss, o.Delay)
	}
	return l
}

// ip runs iproute2's ip, outside; a failure ends the test.
func (l *Lab) ip(args ...string) {
	l.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		l.t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

func (l *Lab) host(name, addr string) *Host {
	l.t.Helper()
	h := &Host{Name: name, Addr: addr, ns: l.prefix + name}
	l.ip("netns", "add", h.ns)
	l.t.Cleanup(func() {
		if err := remove(h.ns); err != nil {
			l.t.Errorf("removing %s: %v", h.ns, err)
		}
	})
	h.chooseFamilies(l.ipv6)
	l.ip("-n", h.ns, "link", "set", "lo", "up")
	return h
}

// connect lays a cable between two hosts.
func (l *Lab) connect(a *Host, ifa string, b *Host, ifb string) {
	l.t.Helper()
	l.ip("link", "add", ifa, "netns", a.ns, "type", "veth", "peer", "name", ifb, "netns", b.ns)
	l.ip("-n", a.ns, "link", "set", ifa, "up")
	l.ip("-n", b.ns, "link", "set", ifb, "up")
}

// lanHost makes a host on the LAN, with lan0 as its interface.
func (l *Lab) lanHost(name, addr, gateway string) *Host {
	l.t.Helper()
	h := l.host(name, addr)
	port := "p-" + name
	l.connect(h, "lan0", l.sw, port)
	l.ip("-n", l.sw.ns, "link", "set", port, "master", "lan")
	l.ports = append(l.ports, port)
	l.ip("-n", h.ns, "addr", "add", addr+"/24", "dev", "lan0")
	if gateway != "" {
		l.ip("-n", h.ns, "route", "add", "default", "via", gateway)
	}
	l.lanIPv6(h, gateway)
	return h
}

// internet makes the host that is also the switch between the routers' outsides.
func (l *Lab) internet() {
	l.t.Helper()
	l.Internet = l.host("w", InternetAddr)
	l.ip("-n", l.Internet.ns, "link", "add", "wan", "type", "bridge", "mcast_snooping", "0")
	l.ip("-n", l.Internet.ns, "link", "set", "wan", "up")
	l.ip("-n", l.Internet.ns, "addr", "add", InternetAddr+"/24", "dev", "wan")
	l.wanIPv6(l.Internet, "wan", "")
}

// outside connects a host with the Internet, through its wan0.
func (l *Lab) outside(h *Host, addr string) {
	l.t.Helper()
	l.connect(h, "wan0", l.Internet, "p-"+h.Name)
	l.ip("-n", l.Internet.ns, "link", "set", "p-"+h.Name, "master", "wan")
	l.ip("-n", h.ns, "addr", "add", addr+"/24", "dev", "wan0")
	l.ip("-n", h.ns, "route", "add", "default", "via", InternetAddr)
	l.wanIPv6(h, "wan0", addr)
}

package ssdp

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"
)

const up = net.FlagUp | net.FlagMulticast

func testInterface(name string, flags net.Flags, prefixes ...string) Interface {
	i := Interface{Index: len(name), Name: name, Flags: flags}
	for _, p := range prefixes {
		i.Prefixes = append(i.Prefixes, netip.MustParsePrefix(p))
	}
	return i
}

func TestOnLink(t *testing.T) {
	i := testInterface("eth0", up, "192.168.7.2/24", "10.0.0.9/32", "fe80::2/64", "2001:db8::5/128")
	rows := map[string]bool{
		"192.168.7.1": true, "::ffff:192.168.7.1": true, "192.168.8.1": false, "10.0.0.9": true, "10.0.0.8": false,
		"fe80::1": true, "fe80::1%eth0": true, "2001:db8::1": true, "2001:db8:1::1": false, "127.0.0.1": false,
	}
	for addr, want := range rows {
		if got := i.OnLink(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %v, want %v", addr, got, want)
		}
	}
	if lo := testInterface("lo", up, "::1/128"); lo.OnLink(netip.MustParseAddr("::2")) {
		t.Error("::2 counts as loopback")
	}
}

func TestSource(t *testing.T) {
	eth := testInterface("eth0", up, "192.168.7.2/24", "10.0.0.2/8", "fe80::2/64", "fd00::2/64")
	lo := testInterface("lo", up, "127.0.0.1/8", "::1/128")
	rows := []struct {
		ifi      Interface
		to, want string
	}{
		{eth, "239.255.255.250", "192.168.7.2"},
		{eth, "10.0.0.1", "10.0.0.2"},
		{eth, "8.8.8.8", "192.168.7.2"},
		{eth, "ff02::c", "fe80::2"},
		{eth, "fe80::1%eth0", "fe80::2"},
		{eth, "ff05::c", "fd00::2"},
		{eth, "2001:db8::1", "fd00::2"},
		{lo, "239.255.255.250", "127.0.0.1"},
		{lo, "::1", "::1"},
		{lo, "ff02::c", ""},
		{testInterface("v4", up, "192.168.7.2/24"), "ff02::c", ""},
	}
	for _, r := range rows {
		own, ok := r.ifi.Source(netip.MustParseAddr(r.to))
		if ok != (r.want != "") || ok && own.String() != r.want {
			t.Errorf("%s to %s: %v %v, want %s", r.ifi.Name, r.to, own, ok, r.want)
		}
	}
}

func TestUsable(t *testing.T) {
	rows := []struct {
		ifi  Interface
		want string
	}{
		{testInterface("eth0", up, "10.0.0.2/8"), ""},
		{testInterface("eth0", net.FlagMulticast, "10.0.0.2/8"), "down"},
		{testInterface("eth0", up), "no address"},
		{testInterface("lo", net.FlagUp|net.FlagLoopback, "127.0.0.1/8"), "loopback, used only when named"},
		{testInterface("tun0", net.FlagUp|net.FlagPointToPoint, "10.8.0.2/24"), "point-to-point without multicast"},
		{testInterface("tun0", up|net.FlagPointToPoint, "10.8.0.2/24"), ""},
		{testInterface("ib0", net.FlagUp, "10.0.0.2/8"), "no multicast"},
	}
	for _, r := range rows {
		if ok, reason := r.ifi.Usable(); reason != r.want || ok != (r.want == "") {
			t.Errorf("%+v: %v %q, want %q", r.ifi, ok, reason, r.want)
		}
	}
}

func TestAddGateways(t *testing.T) {
	list := []Interface{testInterface("lo", up|net.FlagLoopback), testInterface("docker0", up), testInterface("wlan0", up), testInterface("en0", up)}
	addr := netip.MustParseAddr
	addGateways(list, []gateway{
		{name: "en0", addr: addr("fe80::9%en0"), metric: 1},
		{name: "wlan0", addr: addr("10.0.0.1"), metric: 600},
		{index: len("en0"), addr: addr("192.168.7.1"), metric: 100},
		{name: "en0", addr: addr("192.168.7.1"), metric: 200},
		{name: "gone0", addr: addr("192.168.9.1")},
	})
	var got []string
	for _, i := range list {
		got = append(got, fmt.Sprint(i.Name, i.Gateways))
	}
	want := []string{"en0[192.168.7.1 fe80::9]", "wlan0[10.0.0.1]", "docker0[]", "lo[]"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The loopback interface is the one that does not change while the test looks.
func TestSystemInterfaces(t *testing.T) {
	list, err := SystemInterfaces()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(i Interface) bool { return i.Flags&net.FlagLoopback != 0 })
	if i < 0 {
		t.Skip("no loopback interface")
	}
	n, err := net.InterfaceByIndex(list[i].Index)
	if err != nil {
		t.Fatal(err)
	}
	addrs, err := n.Addrs()
	if err != nil || n.Name != list[i].Name || n.Flags != list[i].Flags || len(addrs) != len(list[i].Prefixes) {
		t.Errorf("%+v, the net package has %+v %v, %v", list[i], n, addrs, err)
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err != nil || !slices.Contains(list[i].Prefixes, p) {
			t.Errorf("%v is missing", a)
		}
	}
}

func TestIsBroadcast(t *testing.T) {
	i := testInterface("eth0", up, "192.168.7.2/25", "10.0.0.1/31", "fe80::2/64")
	for addr, want := range map[string]bool{
		"192.168.7.127": true, "192.168.7.126": false, "192.168.7.255": false, "255.255.255.255": true,
		"10.0.0.0": false, "10.0.0.1": false, "fe80::ffff:ffff:ffff:ffff": false,
	} {
		if got := i.isBroadcast(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %v, want %v", addr, got, want)
		}
	}
}

func TestLimiter(t *testing.T) {
	l := newLimiter(allowance{10, 20}, allowance{100, 100})
	now := time.Unix(0, 0)
	addr := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) }
	take := func(a netip.Addr, trusted bool) (n int) {
		for l.allow(now, a, trusted) {
			n++
		}
		return n
	}
	if n := take(addr(1), false); n != 20 {
		t.Errorf("%d at once of one source, want 20", n)
	}
	now = now.Add(500 * time.Millisecond)
	if n := take(addr(1), false); n != 5 {
		t.Errorf("%d after half a second, want 5", n)
	}
	now = now.Add(time.Hour)
	total := 0
	for i := range 1000 {
		total += take(addr(i), false)
	}
	if total != 100 || len(l.each) > maxSources {
		t.Errorf("%d at once of all, want 100; %d sources remembered", total, len(l.each))
	}
	now = now.Add(time.Minute) // the crowd is forgotten
	take(addr(2), false)
	if n := take(addr(5000), true); n != 20 {
		t.Errorf("%d of a trusted source, want 20", n)
	}
}

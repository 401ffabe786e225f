package igd

import (
	"net/netip"
	"testing"

	"upnp/ssdp"
)

var lan = ssdp.Interface{
	Index: 2, Name: "lan0",
	Prefixes: []netip.Prefix{netip.MustParsePrefix("192.168.7.2/24"), netip.MustParsePrefix("fe80::2/64")},
	Gateways: []netip.Addr{netip.MustParseAddr("192.168.7.1")},
}

var vpn = ssdp.Interface{Index: 3, Name: "vpn0", Prefixes: []netip.Prefix{netip.MustParsePrefix("10.8.0.2/24")}}

// TestLocate walks the ways in which a LOCATION is not what may be dialled.
func TestLocate(t *testing.T) {
	for _, row := range []struct {
		name, from, location, want string
		repaired                   bool
	}{
		{"as it should be", "192.168.7.1:1900", "http://192.168.7.1:5000/rootDesc.xml", "http://192.168.7.1:5000/rootDesc.xml", false},
		{"floating gateway address", "192.168.7.3:1900", "http://192.168.7.1:5000/d.xml", "http://192.168.7.1:5000/d.xml", false},
		{"answer from another port", "192.168.7.1:40000", "http://192.168.7.1/d.xml", "http://192.168.7.1/d.xml", false},
		{"loopback IPv6 (TP-Link)", "192.168.7.1:1900", "http://[::1]:1900/d.xml", "http://192.168.7.1:1900/d.xml", true},
		{"loopback", "192.168.7.1:1900", "http://127.0.0.1:80/d.xml", "http://192.168.7.1:80/d.xml", true},
		{"mapped loopback", "192.168.7.1:1900", "http://[::ffff:127.0.0.1]:80/d.xml", "http://192.168.7.1:80/d.xml", true},
		{"unspecified", "192.168.7.1:1900", "http://0.0.0.0:80/d.xml", "http://192.168.7.1:80/d.xml", true},
		{"a name", "192.168.7.1:1900", "http://router.lan:80/d.xml", "http://192.168.7.1:80/d.xml", true},
		{"decimal address", "192.168.7.1:1900", "http://2130706433/d.xml", "http://192.168.7.1/d.xml", true},
		{"hexadecimal address", "192.168.7.1:1900", "http://0x7f.1/d.xml", "http://192.168.7.1/d.xml", true},
		{"null host (G-28)", "192.168.7.1:1900", "http://(null):49152/wps.xml", "http://192.168.7.1:49152/wps.xml", true},
		{"metadata service", "192.168.7.1:1900", "http://169.254.169.254/latest", "http://192.168.7.1/latest", true},
		{"another network of ours", "192.168.7.1:1900", "http://10.8.0.1/d.xml", "http://192.168.7.1/d.xml", true},
		{"our own address", "192.168.7.1:1900", "http://192.168.7.2:22/d.xml", "http://192.168.7.1:22/d.xml", true},
		{"the Internet", "192.168.7.1:1900", "http://8.8.8.8/d.xml", "http://192.168.7.1/d.xml", true},
		{"multicast", "192.168.7.1:1900", "http://239.255.255.250:1900/", "http://192.168.7.1:1900/", true},
		{"AutoIP sender", "169.254.3.4:1900", "http://169.254.3.4/d.xml", "http://169.254.3.4/d.xml", false},
		{"link-local IPv6 gets its zone", "[fe80::1]:1900", "http://[fe80::1]:5000/d.xml", "http://[fe80::1%25lan0]:5000/d.xml", false},
		{"fragment and padding", "192.168.7.1:1900", " http://192.168.7.1/d.xml#x ", "http://192.168.7.1/d.xml", false},
		{"https", "192.168.7.1:1900", "https://192.168.7.1/d.xml", "", false},
		{"file", "192.168.7.1:1900", "file:///etc/passwd", "", false},
		{"gopher", "192.168.7.1:1900", "gopher://192.168.7.1/", "", false},
		{"user in the URL", "192.168.7.1:1900", "http://admin:x@192.168.7.1/d.xml", "", false},
		{"port 0", "192.168.7.1:1900", "http://192.168.7.1:0/d.xml", "", false},
		{"nothing", "192.168.7.1:1900", "", "", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			m, err := ssdp.Parse([]byte("HTTP/1.1 200 OK\r\nLOCATION: " + row.location + "\r\n\r\n"))
			if err != nil {
				t.Fatal(err)
			}
			p := &ssdp.Packet{Message: m, From: netip.MustParseAddrPort(row.from), Interface: lan}
			a, ok := locate(p, []ssdp.Interface{lan, vpn})
			if ok != (row.want != "") || ok && (a.location != row.want || row.repaired != (len(a.notes) > 0)) {
				t.Errorf("got %v %q, notes %q; want %q", ok, a.location, a.notes, row.want)
			}
		})
	}
}

func TestCheckTarget(t *testing.T) {
	for target, ok := range map[string]bool{
		"http://192.168.7.1:5000/rootDesc.xml": true, "192.168.7.1": true, "fe80::1": true, "[fe80::1]": true, "uuid:x": true,
		"UUID:fc4ec57e": true, "garbage": false, "": false, "uuid:": false, "https://192.168.7.1/": false, "http://router.lan/": false,
		"192.168.7.1:5000": false, "http://": false, "http://a b/": false,
	} {
		if err := CheckTarget(target); (err == nil) != ok {
			t.Errorf("%q: %v", target, err)
		}
	}
}

func TestIsDefault(t *testing.T) {
	s := wanService("uuid:11111111-AAAA", "urn:upnp-org:serviceId:WANPPPConn1")
	for value, want := range map[string]bool{
		"uuid:11111111-aaaa:WANConnectionDevice:1,urn:upnp-org:serviceId:WANPPPConn1":                               true,
		"uuid:11111111-aaaa,urn:upnp-org:serviceId:WANPPPConn1":                                                     true,
		"uuid:11111111-aaaa::urn:schemas-upnp-org:device:WANConnectionDevice:1, urn:upnp-org:serviceId:WANPPPConn1": true,
		"11111111-AAAA,urn:schemas-upnp-org:serviceId:WANPPPConn1":                                                  true,
		"uuid:22222222-aaaa:WANConnectionDevice:1,urn:upnp-org:serviceId:WANPPPConn1":                               false,
		"uuid:11111111-aaaa:WANConnectionDevice:1,urn:upnp-org:serviceId:WANIPConn1":                                false,
		"":  false,
		",": false,
	} {
		if got := isDefault(s, value); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

//go:build linux

package lab

import "strings"

// Networks of a lab with IPv6. Both are of the block for documentation.
const (
	lanPrefix = "2001:db8:7::"
	wanPrefix = "2001:db8:33::"
)

// chooseFamilies takes IPv6 from a host, or lets it have what it is given at once and nothing else.
func (h *Host) chooseFamilies(ipv6 bool) {
	keys := map[string]string{"disable_ipv6": "1"}
	if ipv6 {
		keys = map[string]string{"disable_ipv6": "0", "accept_dad": "0", "accept_ra": "0"}
	}
	for key, value := range keys {
		h.Sysctl("net.ipv6.conf.all."+key, value) // a kernel without IPv6 has no such key
		h.Sysctl("net.ipv6.conf.default."+key, value)
	}
}

// ipv6Of is the address in a network with the last number of an IPv4 address.
func ipv6Of(prefix, addr string) string {
	return prefix + addr[strings.LastIndexByte(addr, '.')+1:]
}

func (l *Lab) lanIPv6(h *Host, gateway string) {
	l.t.Helper()
	if !l.ipv6 {
		return
	}
	h.IPv6 = ipv6Of(lanPrefix, h.Addr)
	l.ip("-n", h.ns, "-6", "addr", "add", h.IPv6+"/64", "dev", "lan0", "nodad")
	if gateway != "" {
		l.ip("-n", h.ns, "-6", "route", "add", "default", "via", ipv6Of(lanPrefix, gateway))
	}
}

// wanIPv6 gives a host its address outside; the internet host, which has none behind it, is the way
// to all others.
func (l *Lab) wanIPv6(h *Host, dev, addr string) {
	l.t.Helper()
	if !l.ipv6 {
		return
	}
	if addr == "" {
		h.IPv6 = ipv6Of(wanPrefix, h.Addr)
		l.ip("-n", h.ns, "-6", "addr", "add", h.IPv6+"/64", "dev", dev, "nodad")
		return
	}
	l.ip("-n", h.ns, "-6", "addr", "add", ipv6Of(wanPrefix, addr)+"/64", "dev", dev, "nodad")
	l.ip("-n", h.ns, "-6", "route", "add", "default", "via", ipv6Of(wanPrefix, InternetAddr))
}

// routeIPv6 makes the router the way to the LAN.
func (l *Lab) routeIPv6(h *Host) {
	l.t.Helper()
	if err := h.Sysctl("net.ipv6.conf.all.forwarding", "1"); err != nil {
		l.t.Fatal(err)
	}
	if h == l.Router.Host {
		l.ip("-n", l.Internet.ns, "-6", "route", "add", lanPrefix+"/64", "via", ipv6Of(wanPrefix, WANAddr))
	}
}

//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package ssdp

import (
	"net/netip"
	"syscall"
)

// systemGateways reads the routing tables through sysctl. A table that cannot be read has no gateways.
func systemGateways() []gateway {
	rib, err := syscall.RouteRIB(syscall.NET_RT_DUMP, 0)
	if err != nil {
		return nil
	}
	messages, err := syscall.ParseRoutingMessage(rib)
	if err != nil {
		return nil
	}
	var found []gateway
	for _, m := range messages {
		if r, ok := m.(*syscall.RouteMessage); ok && r.Header.Flags&syscall.RTF_GATEWAY != 0 {
			if hop, ok := defaultHop(r); ok {
				found = append(found, gateway{index: int(r.Header.Index), addr: hop})
			}
		}
	}
	return found
}

// defaultHop is the next hop of a route to everywhere.
func defaultHop(r *syscall.RouteMessage) (netip.Addr, bool) {
	parts, err := syscall.ParseRoutingSockaddr(r)
	if err != nil || len(parts) <= syscall.RTAX_NETMASK {
		return netip.Addr{}, false
	}
	if mask, ok := sockaddr(parts[syscall.RTAX_NETMASK]); ok && !mask.IsUnspecified() {
		return netip.Addr{}, false
	}
	to, ok := sockaddr(parts[syscall.RTAX_DST])
	if !ok || !to.IsUnspecified() {
		return netip.Addr{}, false
	}
	return sockaddr(parts[syscall.RTAX_GATEWAY])
}

func sockaddr(sa syscall.Sockaddr) (netip.Addr, bool) {
	switch sa := sa.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrFrom4(sa.Addr), true
	case *syscall.SockaddrInet6:
		b := sa.Addr
		if netip.AddrFrom16(b).IsLinkLocalUnicast() {
			b[2], b[3] = 0, 0 // where KAME kernels keep the zone
		}
		return netip.AddrFrom16(b), true
	}
	return netip.Addr{}, false
}

//go:build !linux

package ssdp

import (
	"net"
	"net/netip"
)

func systemPrefixes() (map[int][]netip.Prefix, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	prefixes := make(map[int][]netip.Prefix)
	for _, ifi := range all {
		addrs, err := ifi.Addrs()
		if err != nil {
			continue // it has just gone
		}
		for _, a := range addrs {
			if p, ok := prefixOf(a); ok {
				prefixes[ifi.Index] = append(prefixes[ifi.Index], p)
			}
		}
	}
	return prefixes, nil
}

func prefixOf(a net.Addr) (netip.Prefix, bool) {
	n, ok := a.(*net.IPNet)
	if !ok {
		return netip.Prefix{}, false
	}
	addr, ok := netip.AddrFromSlice(n.IP)
	addr = addr.Unmap()
	bits, size := n.Mask.Size()
	if size == 128 && addr.Is4() {
		bits -= 96
	}
	return netip.PrefixFrom(addr, bits), ok
}

package ssdp

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

// Flags of an IPv6 address the kernel will not let us use yet, or ever (linux/if_addr.h).
const (
	addrOptimistic = 0x04
	addrDADFailed  = 0x08
	addrTentative  = 0x40
)

// Flags of an address that is not the first choice: an additional or temporary one, and one going out of use.
const (
	addrSecondary  = 0x01
	addrDeprecated = 0x20
)

// Flag of a route with a next hop (linux/route.h).
const routeGateway = 0x0002

// systemPrefixes asks the kernel once for the addresses of all interfaces, the best of each first; net.Interface.Addrs
// would ask once for each.
func systemPrefixes() (map[int][]netip.Prefix, error) {
	data, err := syscall.NetlinkRIB(syscall.RTM_GETADDR, syscall.AF_UNSPEC)
	if err != nil {
		return nil, os.NewSyscallError("netlink", err)
	}
	messages, err := syscall.ParseNetlinkMessage(data)
	if err != nil {
		return nil, os.NewSyscallError("netlink", err)
	}
	slices.SortStableFunc(messages, func(a, b syscall.NetlinkMessage) int {
		return cmp.Compare(addressFlags(&a)&(addrSecondary|addrDeprecated), addressFlags(&b)&(addrSecondary|addrDeprecated))
	})
	prefixes := make(map[int][]netip.Prefix)
	for i := range messages {
		if index, p := addressOf(&messages[i]); p.IsValid() {
			prefixes[index] = append(prefixes[index], p)
		}
	}
	return prefixes, nil
}

func addressFlags(m *syscall.NetlinkMessage) uint8 {
	if m.Header.Type != syscall.RTM_NEWADDR || len(m.Data) < syscall.SizeofIfAddrmsg {
		return 0
	}
	return (*syscall.IfAddrmsg)(unsafe.Pointer(&m.Data[0])).Flags
}

// addressOf reads one RTM_NEWADDR. The prefix is not valid for other messages and for addresses not yet usable.
func addressOf(m *syscall.NetlinkMessage) (index int, p netip.Prefix) {
	if m.Header.Type != syscall.RTM_NEWADDR || len(m.Data) < syscall.SizeofIfAddrmsg {
		return 0, p
	}
	head := (*syscall.IfAddrmsg)(unsafe.Pointer(&m.Data[0]))
	if head.Flags&addrDADFailed != 0 || head.Flags&(addrTentative|addrOptimistic) == addrTentative {
		return 0, p
	}
	attrs, err := syscall.ParseNetlinkRouteAttr(m)
	if err != nil {
		return 0, p
	}
	var own netip.Addr
	for _, a := range attrs {
		// On a point-to-point link IFA_ADDRESS is the other end.
		if a.Attr.Type == syscall.IFA_LOCAL || a.Attr.Type == syscall.IFA_ADDRESS && !own.IsValid() {
			own, _ = netip.AddrFromSlice(a.Value)
		}
	}
	return int(head.Index), netip.PrefixFrom(own, int(head.Prefixlen))
}

// systemGateways reads the kernel's main routing tables. A family without a table has no gateways.
func systemGateways() []gateway {
	v4, _ := os.ReadFile("/proc/net/route")
	v6, _ := os.ReadFile("/proc/net/ipv6_route")
	return append(gateways4(v4), gateways6(v6)...)
}

// gateways4 reads /proc/net/route: interface, destination, gateway, flags, three counters and metric, mask, …; the
// addresses are hexadecimal numbers in the byte order of the machine.
func gateways4(table []byte) []gateway {
	var found []gateway
	for line := range bytes.Lines(table) {
		f := strings.Fields(string(line))
		if len(f) < 8 || f[1] != "00000000" || f[7] != "00000000" {
			continue
		}
		hop, err := strconv.ParseUint(f[2], 16, 32)
		flags, err2 := strconv.ParseUint(f[3], 16, 32)
		metric, err3 := strconv.ParseUint(f[6], 10, 32)
		if err != nil || err2 != nil || err3 != nil || flags&routeGateway == 0 {
			continue
		}
		var b [4]byte
		binary.NativeEndian.PutUint32(b[:], uint32(hop))
		found = append(found, gateway{name: f[0], addr: netip.AddrFrom4(b), metric: uint32(metric)})
	}
	return found
}

// gateways6 reads /proc/net/ipv6_route: destination, its length, source, its length, next hop, metric, two counters,
// flags, interface; all in hexadecimal.
func gateways6(table []byte) []gateway {
	var found []gateway
	for line := range bytes.Lines(table) {
		if !bytes.HasPrefix(line, []byte("00000000000000000000000000000000 00 ")) {
			continue
		}
		f := strings.Fields(string(line))
		if len(f) < 10 {
			continue
		}
		hop, err := hex.DecodeString(f[4])
		metric, err2 := strconv.ParseUint(f[5], 16, 32)
		flags, err3 := strconv.ParseUint(f[8], 16, 32)
		addr, ok := netip.AddrFromSlice(hop)
		if err != nil || err2 != nil || err3 != nil || !ok || flags&routeGateway == 0 {
			continue
		}
		found = append(found, gateway{name: f[9], addr: addr, metric: uint32(metric)})
	}
	return found
}

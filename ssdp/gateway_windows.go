package ssdp

import (
	"net/netip"
	"syscall"
	"unsafe"
)

// sockaddrInet is SOCKADDR_INET: a sockaddr_in or sockaddr_in6.
type sockaddrInet struct {
	Family uint16
	Port   uint16
	Four   [4]byte // of IPv4; the flow of IPv6
	Six    [16]byte
	Scope  uint32
}

func (s *sockaddrInet) addr() netip.Addr {
	switch s.Family {
	case syscall.AF_INET:
		return netip.AddrFrom4(s.Four)
	case syscall.AF_INET6:
		return netip.AddrFrom16(s.Six)
	}
	return netip.Addr{}
}

// forwardRow is MIB_IPFORWARD_ROW2.
type forwardRow struct {
	LUID           uint64
	Index          uint32
	To             sockaddrInet
	ToLength       uint8
	NextHop        sockaddrInet
	SitePrefix     uint8
	Valid          uint32
	Preferred      uint32
	Metric         uint32
	Protocol       uint32
	Loopback       uint8
	Autoconfigured uint8
	Publish        uint8
	Immortal       uint8
	Age            uint32
	Origin         uint32
}

// forwardTable is MIB_IPFORWARD_TABLE2, whose rows go on behind the first.
type forwardTable struct {
	Count uint32
	First forwardRow
}

// systemGateways asks the IP helper library. If that fails there are no gateways.
func systemGateways() []gateway {
	// The net package has loaded this library from the system folder already.
	dll := syscall.NewLazyDLL("iphlpapi.dll")
	get, free := dll.NewProc("GetIpForwardTable2"), dll.NewProc("FreeMibTable")
	if get.Find() != nil || free.Find() != nil {
		return nil
	}
	var table *forwardTable
	if status, _, _ := get.Call(syscall.AF_UNSPEC, uintptr(unsafe.Pointer(&table))); status != 0 || table == nil {
		return nil
	}
	defer free.Call(uintptr(unsafe.Pointer(table)))
	return defaultRoutes(unsafe.Slice(&table.First, table.Count))
}

func defaultRoutes(rows []forwardRow) []gateway {
	var found []gateway
	for i := range rows {
		r := &rows[i]
		if hop := r.NextHop.addr(); r.ToLength == 0 && hop.IsValid() && !hop.IsUnspecified() {
			found = append(found, gateway{index: int(r.Index), addr: hop, metric: r.Metric})
		}
	}
	return found
}

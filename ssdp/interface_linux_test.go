package ssdp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"testing"
)

func TestGateways4(t *testing.T) {
	hex := func(addr string) string {
		b := netip.MustParseAddr(addr).As4()
		return fmt.Sprintf("%08X", binary.NativeEndian.Uint32(b[:]))
	}
	table := "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n" +
		"eth0\t00000000\t" + hex("192.168.7.1") + "\t0003\t0\t0\t100\t00000000\t0\t0\t0\n" +
		"eth0\t" + hex("192.168.7.0") + "\t00000000\t0001\t0\t0\t100\t" + hex("255.255.255.0") + "\t0\t0\t0\n" +
		"tun0\t00000000\t" + hex("10.8.0.1") + "\t0003\t0\t0\t0\t" + hex("128.0.0.0") + "\t0\t0\t0\n" + // half of everything
		"ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n" + // no next hop
		"wlan0\t00000000\tnonsense\t0003\t0\t0\t0\t00000000\t0\t0\t0\n" +
		"cut\t00000000"
	want := []gateway{{name: "eth0", addr: netip.MustParseAddr("192.168.7.1"), metric: 100}}
	if got := gateways4([]byte(table)); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestGateways6(t *testing.T) {
	const zero = "00000000000000000000000000000000"
	table := zero + " 00 " + zero + " 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n" +
		zero + " 00 " + zero + " 00 " + zero + " ffffffff 00000001 00000000 00200200       lo\n" +
		zero + " 60 " + zero + " 00 fe800000000000000000000000000002 00000400 00000001 00000000 00000003     eth0\n" +
		"fd000000000000000000000000000000 40 " + zero + " 00 " + zero + " 00000100 00000001 00000000 00000001     eth0\n" +
		zero + " 00 cut\n"
	want := []gateway{{name: "eth0", addr: netip.MustParseAddr("fe80::1"), metric: 0x400}}
	if got := gateways6([]byte(table)); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

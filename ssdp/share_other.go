//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly || windows)

package ssdp

import (
	"context"
	"net"
	"net/netip"
)

// listenShared does not share: the port is ours alone or not at all.
func listenShared(ctx context.Context, _ Interface, local netip.AddrPort) (net.PacketConn, error) {
	var lc net.ListenConfig
	return lc.ListenPacket(ctx, networkOf(local), local.String())
}

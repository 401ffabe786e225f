package ssdp

import (
	"context"
	"net"
	"net/netip"
	"os"
	"syscall"
)

// listenShared opens a UDP socket at local, which others may have too, among them the system's own SSDP service.
// Windows cannot bind to a group; the net package takes the wildcard instead.
func listenShared(ctx context.Context, _ Interface, local netip.AddrPort) (net.PacketConn, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error { return shareRaw(c) }}
	return lc.ListenPacket(ctx, networkOf(local), local.String())
}

func shareRaw(c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(syscall.Handle(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	})
	if err != nil {
		return err
	}
	return os.NewSyscallError("setsockopt", failed)
}

//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package ssdp

import (
	"context"
	"net"
	"net/netip"
	"os"
	"syscall"
)

// listenShared opens a UDP socket at local, which others may have too. A group has to be bound by hand: the net
// package would bind to the wildcard, and that takes the unicasts of other programs away from them.
func listenShared(ctx context.Context, ifi Interface, local netip.AddrPort) (net.PacketConn, error) {
	if !local.Addr().IsMulticast() {
		lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error { return shareRaw(c) }}
		return lc.ListenPacket(ctx, networkOf(local), local.String())
	}
	fd, err := newSocket(local.Addr())
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	f := os.NewFile(uintptr(fd), "ssdp")
	defer f.Close() // the connection has a copy
	if err := share(fd); err != nil {
		return nil, err
	}
	if err := syscall.Bind(fd, groupSockaddr(ifi, local)); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	return net.FilePacketConn(f)
}

func newSocket(addr netip.Addr) (int, error) {
	family := syscall.AF_INET6
	if addr.Is4() {
		family = syscall.AF_INET
	}
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := syscall.Socket(family, syscall.SOCK_DGRAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	return fd, err
}

func groupSockaddr(ifi Interface, group netip.AddrPort) syscall.Sockaddr {
	if addr := group.Addr(); addr.Is4() {
		return &syscall.SockaddrInet4{Port: int(group.Port()), Addr: addr.As4()}
	}
	sa := &syscall.SockaddrInet6{Port: int(group.Port()), Addr: group.Addr().As16()}
	if isLinkLocal(group.Addr()) {
		sa.ZoneId = uint32(ifi.Index)
	}
	return sa
}

func shareRaw(c syscall.RawConn) error {
	var failed error
	if err := c.Control(func(fd uintptr) { failed = share(int(fd)) }); err != nil {
		return err
	}
	return failed
}

func share(fd int) error {
	for _, option := range shareOptions() {
		if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, option, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	return nil
}

//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package ssdp

import "syscall"

// shareAddress lets the other UPnP programs of the host have port 1900 too. For a group these systems take either
// option from the others, but both from ourselves.
func shareAddress(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		for _, option := range []int{syscall.SO_REUSEADDR, syscall.SO_REUSEPORT} {
			if failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, option, 1); failed != nil {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	return failed
}

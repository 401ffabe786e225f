//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly || windows)

package ssdp

import "syscall"

// shareAddress does nothing: port 1900 is ours alone or not at all.
func shareAddress(_, _ string, _ syscall.RawConn) error { return nil }

//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package ssdp

import "syscall"

// shareOptions let other UPnP programs of the host have port 1900 too. For a group these systems take either option
// from the others, but both from ourselves.
func shareOptions() []int { return []int{syscall.SO_REUSEADDR, syscall.SO_REUSEPORT} }

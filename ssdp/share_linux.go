package ssdp

import "syscall"

// shareOptions let other UPnP programs of the host have port 1900 too.
func shareOptions() []int { return []int{syscall.SO_REUSEADDR} }

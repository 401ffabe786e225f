//go:build linux

package lab

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
)

// A Host is a machine of the lab: a network namespace.
type Host struct {
	Name string // "c1", "r", "w"
	Addr string // on the LAN or, for the internet host, outside; without prefix length
	IPv6 string // likewise; empty if it has none
	ns   string // the name ip-netns knows
}

// setns is the system call's number; package syscall does not name it everywhere.
var setns = map[string]uintptr{"amd64": 308, "arm64": 268}[runtime.GOARCH]

// Do runs f inside the host: sockets that it opens and processes that it starts live there, and
// /proc/sys/net and /proc/thread-self/net are the host's. Goroutines started by f are outside again.
func (h *Host) Do(f func() error) error {
	done := make(chan error)
	go func() {
		// Never unlocked: the thread ends with the goroutine, so that nothing else is
		// ever scheduled on a thread that is in the namespace.
		runtime.LockOSThread()
		if err := h.enter(); err != nil {
			done <- err
			return
		}
		done <- f()
	}()
	return <-done
}

func (h *Host) enter() error {
	f, err := os.Open("/run/netns/" + h.ns)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, _, e := syscall.RawSyscall(setns, f.Fd(), syscall.CLONE_NEWNET, 0); e != 0 {
		return fmt.Errorf("setns %s: %w", h.ns, e)
	}
	return nil
}

// Sysctl sets "net.ipv4.ip_forward" and the like inside the host.
func (h *Host) Sysctl(key, value string) error {
	return h.Do(func() error {
		return os.WriteFile("/proc/sys/"+strings.ReplaceAll(key, ".", "/"), []byte(value), 0o644)
	})
}

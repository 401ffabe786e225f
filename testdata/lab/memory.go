//go:build linux

package lab

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// PeakMemory runs a program on the host and returns the most memory it held, in bytes.
//
// The process is asked all the time, because what wait4 tells of a child counts the memory of
// the parent that started it, too.
func (h *Host) PeakMemory(t testing.TB, env []string, argv ...string) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := command(ctx, env, argv)
	if err := h.Do(cmd.Start); err != nil {
		t.Fatalf("%s on %s: %v", argv[0], h.Name, err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	peak, status := int64(0), fmt.Sprintf("/proc/%d/status", cmd.Process.Pid)
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("%s on %s: %v", argv[0], h.Name, err)
			}
			return peak
		default:
			peak = max(peak, highWater(status))
		}
	}
}

// highWater reads VmHWM, which the kernel gives in KiB.
func highWater(status string) int64 {
	text, _ := os.ReadFile(status)
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	line, _, _ := strings.Cut(after, " kB")
	kib, _ := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	return kib << 10
}

// Peak is the most memory that a process of the host has held, in bytes. It is the one whose command line
// begins with the words.
func (h *Host) Peak(t testing.TB, words ...string) int64 {
	t.Helper()
	for _, pid := range pidsIn(h.ns) {
		if isCalled(pid, words) {
			return highWater(fmt.Sprintf("/proc/%d/status", pid))
		}
	}
	t.Fatalf("no process %v on %s", words, h.Name)
	return 0
}

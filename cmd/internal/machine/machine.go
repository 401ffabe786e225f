// Package machine looks at the operating system for upnp doctor: its packet filters, where its
// interfaces lead, and what became of packets. It reads files of the kernel and, where there are none,
// runs a few programs with fixed arguments. It changes nothing.
package machine

import (
	"context"
	"io"
	"os/exec"
	"time"

	"upnp/igd"
)

// A System is the operating system this program runs on.
type System struct{}

var _ igd.Machine = System{}

const (
	programTime = 2 * time.Second
	maxOutput   = 8 << 20 // bytes of what a program prints
)

// output is what a program prints; empty if it cannot be run, fails or does not end in time.
func output(ctx context.Context, name string, args ...string) []byte {
	ctx, cancel := context.WithTimeout(ctx, programTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = programTime
	pipe, err := cmd.StdoutPipe()
	if err != nil || cmd.Start() != nil {
		return nil
	}
	text, _ := io.ReadAll(io.LimitReader(pipe, maxOutput))
	if cmd.Wait() != nil {
		return nil
	}
	return text
}

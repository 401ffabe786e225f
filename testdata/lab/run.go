//go:build linux

package lab

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// patience is how long a program on a host may take.
const patience = 90 * time.Second

// A Result is what became of a program.
type Result struct {
	Stdout, Stderr string
	Code           int           // exit status; -1 if a signal ended it
	Took           time.Duration // from just before fork until it was gone
}

// Run runs a program on the host until it ends.
func (h *Host) Run(t testing.TB, argv ...string) Result {
	t.Helper()
	return h.RunEnv(t, nil, argv...)
}

// RunEnv is Run with additions to the environment.
func (h *Host) RunEnv(t testing.TB, env []string, argv ...string) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := command(ctx, env, argv)
	cmd.Stdout, cmd.Stderr = &out, &errs
	start := time.Now()
	if err := h.Do(cmd.Start); err != nil {
		t.Fatalf("%s on %s: %v", argv[0], h.Name, err)
	}
	cmd.Wait() // the exit status is in ProcessState too
	r := Result{Stdout: out.String(), Stderr: errs.String(), Code: cmd.ProcessState.ExitCode(), Took: time.Since(start)}
	if ctx.Err() != nil {
		t.Errorf("%s on %s: not done after %v", strings.Join(argv, " "), h.Name, patience)
	}
	return r
}

// Start runs a program on the host until the test ends, or until stop is called. Stop interrupts
// it and waits. What it prints is logged if the test fails.
func (h *Host) Start(t testing.TB, env []string, argv ...string) (stop func()) {
	t.Helper()
	var out bytes.Buffer
	cmd := command(context.Background(), env, argv)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := h.Do(cmd.Start); err != nil {
		t.Fatalf("%s on %s: %v", argv[0], h.Name, err)
	}
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cmd.Process.Signal(os.Interrupt)
		hard := time.AfterFunc(5*time.Second, func() { cmd.Process.Kill() })
		cmd.Wait()
		hard.Stop()
		if t.Failed() {
			t.Logf("%s on %s printed:\n%s", strings.Join(argv, " "), h.Name, out.String())
		}
	}
	t.Cleanup(stop)
	return stop
}

func command(ctx context.Context, env, argv []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.WaitDelay = time.Second
	return cmd
}

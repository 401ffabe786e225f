//go:build linux

package lab

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Follower reads what a program on a host prints, line by line, as it comes.
type Follower struct {
	stop func()

	mu      sync.Mutex
	lines   []Line
	changed chan struct{} // closed at the next line, or the end
}

// A Line of output, and when it came.
type Line struct {
	Text string
	Time time.Time
}

// Follow starts a program on the host. It is interrupted when the test ends.
func (h *Host) Follow(t testing.TB, env []string, argv ...string) *Follower {
	t.Helper()
	f := &Follower{changed: make(chan struct{})}
	cmd := command(context.Background(), env, argv)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = h.Do(cmd.Start)
	}
	if err != nil {
		t.Fatalf("%s on %s: %v", argv[0], h.Name, err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			f.add(Line{lines.Text(), time.Now()})
		}
	}()
	f.stop = sync.OnceFunc(func() {
		cmd.Process.Signal(os.Interrupt)
		hard := time.AfterFunc(5*time.Second, func() { cmd.Process.Kill() })
		<-read
		cmd.Wait()
		hard.Stop()
		if t.Failed() {
			t.Logf("%s on %s printed:\n%s%s", strings.Join(argv, " "), h.Name, f.text(), errs.String())
		}
	})
	t.Cleanup(f.stop)
	return f
}

func (f *Follower) add(l Line) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lines = append(f.lines, l)
	close(f.changed)
	f.changed = make(chan struct{})
}

// Lines are those that came so far, from number n on.
func (f *Follower) Lines(n int) []Line {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Line(nil), f.lines[min(n, len(f.lines)):]...)
}

func (f *Follower) text() string {
	var b strings.Builder
	for _, l := range f.Lines(0) {
		b.WriteString(l.Time.Format("15:04:05.000 ") + l.Text + "\n")
	}
	return b.String()
}

// Wait returns the first line that contains a text, now or within a time.
func (f *Follower) Wait(t testing.TB, text string, patience time.Duration) Line {
	t.Helper()
	enough := time.After(patience)
	for {
		f.mu.Lock()
		changed := f.changed
		f.mu.Unlock()
		for _, l := range f.Lines(0) {
			if strings.Contains(l.Text, text) {
				return l
			}
		}
		select {
		case <-changed:
		case <-enough:
			t.Fatalf("no line with %q within %v", text, patience)
		}
	}
}

// Stop interrupts the program and waits for its end.
func (f *Follower) Stop() { f.stop() }

//go:build linux

package lab

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Move is Forget with another port for the daemon's HTTP.
func (r *Router) Move(t testing.TB, port int) {
	t.Helper()
	text, err := os.ReadFile(r.conf)
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`http_port=\d+`).ReplaceAll(text, []byte("http_port="+strconv.Itoa(port)))
	if err := os.WriteFile(r.conf, text, 0o644); err != nil {
		t.Fatal(err)
	}
	r.port = port
	r.URL = fmt.Sprintf("http://%s:%d/rootDesc.xml", r.Addr, port)
	r.Forget(t)
}

// Flush empties the packet filter under the daemon, which goes on to list what it no longer forwards.
func (r *Router) Flush(t testing.TB) {
	t.Helper()
	r.nft(t, flushRules)
}

// Deaf keeps multicast from the host, and connections from the router, which would bring events.
func (h *Host) Deaf(t testing.TB, router string) {
	t.Helper()
	h.nft(t, fmt.Sprintf(`table ip deaf {
	chain input {
		type filter hook input priority 0; policy accept;
		ip daddr 224.0.0.0/4 drop
		ip saddr %s tcp flags & (syn | ack) == syn drop
	}
	chain output {
		type filter hook output priority 0; policy accept;
		ip daddr 224.0.0.0/4 drop
	}
}`, router))
}

// Signal sends a signal to the host's processes whose command line has the words, and waits until
// they are gone.
func (h *Host) Signal(t testing.TB, signal string, words ...string) {
	t.Helper()
	number := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}[signal]
	var hit []int
	for _, pid := range pidsIn(h.ns) {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if matches(strings.Split(string(line), "\x00"), words) {
			syscall.Kill(pid, number)
			hit = append(hit, pid)
		}
	}
	if len(hit) == 0 {
		t.Fatalf("no process %v on %s", words, h.Name)
	}
	deadline := time.Now().Add(10 * time.Second)
	for _, pid := range hit {
		for runs(pid) {
			if time.Now().After(deadline) {
				t.Fatalf("process %d does not end", pid)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// matches reports whether a command line begins with a program and a word.
func matches(line, words []string) bool {
	return len(line) > 1 && strings.HasSuffix(line[0], "/"+words[0]) && line[1] == words[1]
}

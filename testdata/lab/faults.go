//go:build linux

package lab

import (
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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

// Replace takes the router away without a goodbye and puts another model in its place.
func (r *Router) Replace(t testing.TB, igd1 bool) {
	t.Helper()
	r.Kill()
	r.nft(t, flushRules)
	r.model++
	r.options.IGD1 = igd1
	r.configure(t)
	r.Start(t)
}

// Hang stops the daemon where it is: connections are taken and nothing is answered, until resume.
func (r *Router) Hang(t testing.TB) (resume func()) {
	t.Helper()
	pid := r.pid()
	syscall.Kill(pid, syscall.SIGSTOP)
	resume = sync.OnceFunc(func() { syscall.Kill(pid, syscall.SIGCONT) })
	t.Cleanup(resume)
	return resume
}

// Refuse resets so many in a hundred connections to the daemon as they begin.
func (r *Router) Refuse(t testing.TB, percent int) {
	t.Helper()
	r.nft(t, fmt.Sprintf(`table ip refuse {
	chain input {
		type filter hook input priority 0; policy accept;
		iifname "lan0" tcp flags & (syn | ack) == syn numgen random mod 100 < %d reject with tcp reset
	}
}`, percent))
}

// LoseDatagrams loses so many in a hundred of the host's datagrams, both ways.
func (h *Host) LoseDatagrams(t testing.TB, percent int) {
	t.Helper()
	h.nft(t, fmt.Sprintf(`table ip lossy {
	chain input {
		type filter hook input priority 0; policy accept;
		meta l4proto udp numgen random mod 100 < %[1]d drop
	}
	chain output {
		type filter hook output priority 0; policy accept;
		meta l4proto udp numgen random mod 100 < %[1]d drop
	}
}`, percent))
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

// Hear ends what Deaf began.
func (h *Host) Hear(t testing.TB) {
	t.Helper()
	h.nft(t, "delete table ip deaf")
}

// Readdress gives the host another address on the LAN, as another access point of the house may.
func (h *Host) Readdress(t testing.TB, addr string) {
	t.Helper()
	h.ip(t, "addr", "flush", "dev", "lan0")
	h.ip(t, "addr", "add", addr+"/24", "dev", "lan0")
	h.ip(t, "route", "replace", "default", "via", RouterAddr)
	h.Addr = addr
}

// Unplug takes the host off the LAN until plug.
func (h *Host) Unplug(t testing.TB) (plug func()) {
	t.Helper()
	h.ip(t, "link", "set", "lan0", "down")
	return func() {
		h.ip(t, "link", "set", "lan0", "up")
		h.ip(t, "route", "replace", "default", "via", RouterAddr)
	}
}

func (h *Host) ip(t testing.TB, args ...string) {
	t.Helper()
	if res := h.Run(t, append([]string{"ip"}, args...)...); res.Code != 0 {
		t.Fatalf("ip %s on %s: %s", strings.Join(args, " "), h.Name, res.Stderr)
	}
}

// Freeze stops the host's processes whose command line has the words, as a suspended computer
// does, until thaw.
func (h *Host) Freeze(t testing.TB, words ...string) (thaw func()) {
	t.Helper()
	hit := h.processes(t, syscall.SIGSTOP, words)
	return func() {
		for _, pid := range hit {
			syscall.Kill(pid, syscall.SIGCONT)
		}
	}
}

// Signal sends a signal to the host's processes whose command line has the words, and waits until
// they are gone.
func (h *Host) Signal(t testing.TB, signal string, words ...string) {
	t.Helper()
	number := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}[signal]
	deadline := time.Now().Add(10 * time.Second)
	for _, pid := range h.processes(t, number, words) {
		for runs(pid) {
			if time.Now().After(deadline) {
				t.Fatalf("process %d does not end", pid)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// processes sends a signal to the host's processes whose command line has the words.
func (h *Host) processes(t testing.TB, signal syscall.Signal, words []string) (hit []int) {
	t.Helper()
	for _, pid := range pidsIn(h.ns) {
		if isCalled(pid, words) {
			syscall.Kill(pid, signal)
			hit = append(hit, pid)
		}
	}
	if len(hit) == 0 {
		t.Fatalf("no process %v on %s", words, h.Name)
	}
	return hit
}

// isCalled reports whether the command line of a process begins with a program and a word.
func isCalled(pid int, words []string) bool {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	line := strings.Split(string(text), "\x00")
	return len(line) > 1 && strings.HasSuffix(line[0], "/"+words[0]) && line[1] == words[1]
}

// Hairpin has the router send connections from inside to its outer port back in, which miniupnpd's
// rules do not.
func (r *Router) Hairpin(t testing.TB, protocol string, port int, to string) {
	t.Helper()
	r.nft(t, fmt.Sprintf(`table ip hairpin {
	chain prerouting {
		type nat hook prerouting priority -101; policy accept;
		iifname "lan0" ip daddr %s %s dport %d dnat to %s
	}
	chain postrouting {
		type nat hook postrouting priority 99; policy accept;
		iifname "lan0" oifname "lan0" masquerade
	}
}`, r.WAN, protocol, port, to))
}

// NoHairpin takes Hairpin's rules away.
func (r *Router) NoHairpin(t testing.TB) {
	t.Helper()
	r.nft(t, "delete table ip hairpin")
}

// Flood connects to an address again and again, says something each time and does not wait for an answer.
// It returns how often it connected.
func (h *Host) Flood(addr, text string, during time.Duration) int {
	const workers = 2
	var made atomic.Int64
	var work sync.WaitGroup
	end := time.Now().Add(during)
	for range workers {
		work.Go(func() {
			h.Do(func() error {
				for time.Now().Before(end) {
					conn, err := (&net.Dialer{Deadline: end}).Dial("tcp4", addr)
					if err != nil {
						continue
					}
					made.Add(1)
					io.WriteString(conn, text)
					conn.(*net.TCPConn).SetLinger(0)
					conn.Close()
				}
				return nil
			})
		})
	}
	work.Wait()
	return int(made.Load())
}

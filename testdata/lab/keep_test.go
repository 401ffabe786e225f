//go:build linux

package lab_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"upnp/testdata/lab"
)

// outsideGets fetches the page of hello from the Internet, with little patience.
func outsideGets(l *lab.Lab, port int) bool {
	return outsideGetsAt(l, net.JoinHostPort(l.Router.WAN, fmt.Sprint(port)))
}

func outsideGetsAt(l *lab.Lab, addr string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	c, err := l.Internet.Dial(ctx, addr)
	if err != nil {
		return false
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Second))
	io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
	text, _ := io.ReadAll(c)
	return strings.HasSuffix(string(text), helloText)
}

// untilOpen waits for traffic through a mapping and tells how long that took.
func untilOpen(t *testing.T, l *lab.Lab, port int, most time.Duration) time.Duration {
	t.Helper()
	began := time.Now()
	for !outsideGets(l, port) {
		if time.Since(began) > most {
			t.Fatalf("port %d carries no traffic after %v", port, most)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return time.Since(began)
}

// keeping runs upnp keep on the first client, with something behind its port.
func keeping(t *testing.T, l *lab.Lab, args ...string) (u user, stop func()) {
	t.Helper()
	u = newUser(t, l.Clients[0])
	u.Serve(t, u.Addr+":8080", hello)
	stop = u.Start(t, u.env(), append([]string{built(t, upnpBinary), "keep", "18080:8080", "--lease", "10m"}, args...)...)
	untilOpen(t, l, 18080, 10*time.Second)
	return u, stop
}

// TestKeepReboot (F01): a router that was switched off and on, at another port, carries traffic
// again soon after it answers.
func TestKeepReboot(t *testing.T) {
	t.Parallel()
	lab.Need(t)
	l := lab.Up(t, lab.Options{})
	keeping(t, l)
	var took []time.Duration
	for i := range 10 {
		time.Sleep(4 * time.Second) // nobody restarts a router more often
		l.Router.Move(t, 5001+i)
		took = append(took, untilOpen(t, l, 18080, 15*time.Second))
	}
	t.Logf("traffic again after the router answers: median %v of %v", median(took), took)
	if m := median(took); m > 3*time.Second {
		t.Errorf("median %v, want at most 3 s", m)
	}
}

// TestKeepRebootDeaf is the same where nothing tells of it: neither multicast nor events arrive.
func TestKeepRebootDeaf(t *testing.T) {
	t.Parallel()
	lab.Need(t)
	l := lab.Up(t, lab.Options{})
	l.Clients[0].Deaf(t, l.Router.Addr)
	keeping(t, l)
	l.Router.Move(t, 5001)
	took := untilOpen(t, l, 18080, 40*time.Second)
	t.Logf("traffic again, without multicast and events, after %v", took)
	if took > 35*time.Second {
		t.Errorf("%v, want at most 35 s", took)
	}
}

// TestKeepZombie: the packet filter has forgotten what the daemon lists and refreshes. A look from
// outside notices and repairs it; --repair does at the start.
func TestKeepZombie(t *testing.T) {
	lab.Need(t)
	t.Run("probe", func(t *testing.T) {
		t.Parallel()
		l := lab.Up(t, lab.Options{})
		c := l.Clients[0]
		c.Serve(t, c.Addr+":9090", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"reachable":%v}`, outsideGets(l, 18080))
		}))
		keeping(t, l, "--probe", "http://"+c.Addr+":9090/port/{port}")
		l.Router.Flush(t)
		if outsideGets(l, 18080) {
			t.Fatal("open without a rule")
		}
		t.Logf("repaired after %v", untilOpen(t, l, 18080, 90*time.Second))
	})
	t.Run("repair", func(t *testing.T) {
		t.Parallel()
		l := lab.Up(t, lab.Options{})
		u := newUser(t, l.Clients[0])
		u.Serve(t, u.Addr+":8080", hello)
		u.must(t, "add", "18080:8080", "--lease", "10m")
		l.Router.Flush(t)
		wantOpen(t, l, 18080, false)
		u.Start(t, u.env(), built(t, upnpBinary), "keep", "18080:8080", "--repair")
		t.Logf("repaired after %v", untilOpen(t, l, 18080, 10*time.Second))
	})
}

// TestKeepEnds: a keeper that is told to end is gone within 3 s, and its mappings too; one that is
// killed leaves them to the next.
func TestKeepEnds(t *testing.T) {
	bothModes(t, func(t *testing.T, l *lab.Lab) {
		u, _ := keeping(t, l)
		p := l.Clients[1].Addr
		if held := l.Router.Holds(t); len(held) != 1 || held[18080] == p {
			t.Fatalf("the router holds %v", held)
		}
		began := time.Now()
		u.Signal(t, "TERM", "upnp", "keep")
		took := time.Since(began)
		if held := l.Router.Holds(t); len(held) != 0 || took > 3*time.Second {
			t.Errorf("ended after %v, the router holds %v", took, held)
		}
		t.Logf("ended and cleaned up after %v", took)

		u.Start(t, u.env(), built(t, upnpBinary), "keep", "18081:8080")
		untilOpen(t, l, 18081, 10*time.Second)
		u.Signal(t, "KILL", "upnp", "keep")
		wantOpen(t, l, 18081, true)
		if _, err := os.Stat(filepath.Join(u.home, "upnp", "keep.journal")); err != nil {
			t.Error(err)
		}
		u.Start(t, u.env(), built(t, upnpBinary), "keep", "18082:8080")
		untilOpen(t, l, 18082, 10*time.Second)
		if held := l.Router.Holds(t); len(held) != 1 || held[18082] == "" {
			t.Errorf("after a crash and another keep the router holds %v", held)
		}
	})
}

// TestKeepTwoHosts: a port that another machine has is not fought over.
func TestKeepTwoHosts(t *testing.T) {
	t.Parallel()
	lab.Need(t)
	l := lab.Up(t, lab.Options{Clients: 2})
	keeping(t, l)
	other := newUser(t, l.Clients[1])
	r := other.upnp(t, "keep", "18080:8080", "--timeout", "3s")
	if !strings.Contains(r.Stdout, "conflict") || l.Router.Holds(t)[18080] != l.Clients[0].Addr+":8080" {
		t.Errorf("%s\nthe router holds %v", r.Stdout, l.Router.Holds(t))
	}
}

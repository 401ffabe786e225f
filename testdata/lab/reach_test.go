//go:build linux

package lab_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"upnp/testdata/lab"
)

// verdict and report have the names that the command promises to scripts.
type verdict struct{ Verdict, Reason string }

func (f verdict) is(verdict, words string) bool {
	return f.Verdict == verdict && strings.Contains(f.Reason, words)
}

type report struct {
	Local, Mapped, Public, Hairpin, Outside verdict
	Open                                    string
}

const probeURL = "http://" + lab.InternetAddr + ":9543"

// probes runs a probe server on the Internet.
func probes(t *testing.T, l *lab.Lab, args ...string) {
	t.Helper()
	newUser(t, l.Internet).Start(t, nil, append([]string{built(t, upnpBinary), "probe-server"}, args...)...)
	untilListens(t, l.Internet, lab.InternetAddr+":9543")
}

// untilListens waits until something accepts connections, as seen from the same host.
func untilListens(t *testing.T, h *lab.Host, addr string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		c, err := h.Dial(context.Background(), addr)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// check runs upnp check, whose answer is its exit code too.
func check(t *testing.T, u user, args ...string) (report, lab.Result) {
	t.Helper()
	args = append([]string{"check", "--json", "--probe", probeURL}, args...)
	r := u.upnp(t, args...)
	report := parse[report](t, r.Stdout)
	if want := map[string]int{"yes": 0, "no": 1, "unknown": 5}[report.Open]; r.Code != want {
		t.Errorf("open: %s: upnp %s", report.Open, told(args, r))
	}
	return report, r
}

// TestReachOpen: a port that is open is proven so by the nonce in under two seconds, with hairpin
// and without, over TCP and UDP.
func TestReachOpen(t *testing.T) {
	t.Parallel()
	lab.Need(t)
	l := lab.Up(t, lab.Options{})
	u := newUser(t, l.Clients[0])
	probes(t, l)
	for _, protocol := range []string{"tcp", "udp"} {
		u.must(t, "add", "18080:8080/"+protocol)
		var took []time.Duration
		for range 3 {
			got, r := check(t, u, "18080/"+protocol, "--serve")
			if took = append(took, r.Took); got.Open != "yes" ||
				!got.Local.is("pass", "the test server answers at 192.168.7.2:8080") || !got.Mapped.is("pass", "192.168.7.2 port 8080") ||
				!got.Public.is("pass", lab.WANAddr) || !got.Hairpin.is("fail", "no proof") ||
				!got.Outside.is("pass", "the nonce told to 11.22.33.9:9543 arrived from 11.22.33.9") {
				t.Fatalf("%s: %s%s", protocol, r.Stdout, r.Stderr)
			}
		}
		best := slices.Min(took)
		t.Logf("%s: all five verdicts after %v of %v", protocol, best, took)
		if best > 2*time.Second {
			t.Errorf("%s: proven after %v, want at most 2 s", protocol, best)
		}
		l.Router.Hairpin(t, protocol, 18080, u.Addr+":8080")
		if got, r := check(t, u, "18080/"+protocol, "--serve"); !got.Hairpin.is("pass", "no proof") || got.Open != "yes" {
			t.Errorf("%s with hairpin: %s%s", protocol, r.Stdout, r.Stderr)
		}
		l.Router.NoHairpin(t)
	}
}

// TestReachMap: a port that is not open is opened for the check, proven to be open, and closed again.
func TestReachMap(t *testing.T) {
	t.Parallel()
	lab.Need(t)
	l := lab.Up(t, lab.Options{})
	u := newUser(t, l.Clients[0])
	probes(t, l)
	for _, protocol := range []string{"tcp", "udp"} {
		r := u.upnp(t, "check", "18080/"+protocol, "--serve", "--map", "--probe", probeURL)
		if r.Code != 0 || !strings.Contains(r.Stdout, "open     yes") {
			t.Errorf("%s: %s", protocol, told([]string{"check"}, r))
		}
		if held := l.Router.Holds(t); len(held) != 0 {
			t.Errorf("%s: after check --map the router holds %v", protocol, held)
		}
	}
}

// TestReachKilled: the port of a check that was killed is closed by the next.
func TestReachKilled(t *testing.T) {
	t.Parallel()
	lab.Need(t)
	l := lab.Up(t, lab.Options{})
	u := newUser(t, l.Clients[0])
	asked, over := make(chan struct{}, 1), make(chan struct{})
	defer close(over)
	l.Internet.Serve(t, lab.InternetAddr+":80", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-over
	}))
	u.Start(t, u.env(), built(t, upnpBinary), "check", "18080", "--serve", "--map", "--probe", "http://"+lab.InternetAddr)
	<-asked
	u.Signal(t, "KILL", "upnp", "check")
	if held := l.Router.Holds(t); len(held) != 1 {
		t.Fatalf("after a check was killed the router holds %v", held)
	}
	u.upnp(t, "check", "18081", "--serve", "--map")
	if held := l.Router.Holds(t); len(held) != 0 {
		t.Errorf("after the next check the router holds %v", held)
	}
}

// TestReachClosed: what is the matter with a port that is not open.
func TestReachClosed(t *testing.T) {
	t.Parallel()
	lab.Need(t)
	l := lab.Up(t, lab.Options{Clients: 2})
	u, other := newUser(t, l.Clients[0]), newUser(t, l.Clients[1])
	probes(t, l)
	u.must(t, "add", "18080:8080/both", "--lease", "10m")
	other.must(t, "add", "18082:8082")
	for _, row := range []struct {
		args   []string
		before func()
		good   func(report) bool
	}{
		{args: []string{"18080"}, good: func(r report) bool {
			return r.Open == "no" && r.Local.is("fail", "nothing listens") && r.Mapped.is("pass", "") && r.Outside.is("fail", ": nothing listens here")
		}},
		{args: []string{"18080/udp"}, good: func(r report) bool {
			return r.Open == "no" && r.Local.is("fail", "no program has UDP port 8080")
		}},
		{args: []string{"18082"}, good: func(r report) bool {
			return r.Open == "no" && r.Mapped.is("fail", "another machine, "+other.Addr) && r.Local.is("fail", "nothing listens")
		}},
		{args: []string{"18083", "--serve"}, good: func(r report) bool {
			return r.Open == "no" && r.Mapped.is("fail", "no mapping of 18083/tcp") && r.Outside.is("fail", "the router does not send it there")
		}},
		{args: []string{"18080"}, before: func() { u.Serve(t, u.Addr+":8080", hello) }, good: func(r report) bool {
			return r.Open == "unknown" && r.Local.is("pass", "something listens") && r.Outside.is("unknown", "says that it connected")
		}},
		{args: []string{"18080"}, before: func() { l.Router.Flush(t) }, good: func(r report) bool {
			return r.Open == "no" && r.Local.is("pass", "") && r.Mapped.is("pass", "") && r.Outside.is("fail", "the router does not forward what its table lists")
		}},
		{args: []string{"18080/udp"}, before: func() { l.Router.Forget(t) }, good: func(r report) bool {
			return r.Open == "no" && r.Mapped.is("fail", "has lost the mapping of 18080/udp, whose lease had another")
		}},
		{args: []string{"18080/udp", "--serve"}, before: func() { u.must(t, "add", "18080:8080/udp"); l.Router.Flush(t) }, good: func(r report) bool {
			return r.Open == "no" && r.Local.is("pass", "") && r.Mapped.is("pass", "") && r.Outside.is("fail", "the router does not forward what its table lists")
		}},
	} {
		if row.before != nil {
			row.before()
		}
		if got, r := check(t, u, row.args...); !row.good(got) {
			t.Errorf("%v: %s%s", row.args, r.Stdout, r.Stderr)
		}
	}
}

// TestReachBehindNAT: where the provider translates addresses too, nothing comes in, and the words say why
// and name the next router.
func TestReachBehindNAT(t *testing.T) {
	t.Parallel()
	lab.Need(t)
	l := lab.Up(t, lab.Options{BehindNAT: true})
	u := newUser(t, l.Clients[0])
	probes(t, l)
	l.ISP.Start(t)
	for _, protocol := range []string{"tcp", "udp"} {
		got, r := check(t, u, "18080/"+protocol, "--serve")
		if got.Open != "no" || !got.Local.is("pass", "") || !got.Public.is("fail", "behind another NAT") ||
			!got.Outside.is("fail", "what stands before the router does not let it in") {
			t.Errorf("%s: %s%s", protocol, r.Stdout, r.Stderr)
		}
		if !got.Public.is("fail", `"Debian router" at 100.64.0.1`) {
			t.Errorf("%s: the next router has no name: %s", protocol, got.Public.Reason)
		}
	}
}

// TestProbeServer: asked for a third address and for its own, it refuses; flooded by one host it cuts
// that off, stays small, and serves another.
func TestProbeServer(t *testing.T) {
	t.Parallel()
	lab.Need(t)
	l := lab.Up(t, lab.Options{SecondIGD: true, NoDaemon: true})
	probes(t, l)
	c := l.Clients[0]
	refuses := func(from *lab.Host, url, want string) {
		t.Helper()
		if got, err := from.Get(url); err != nil || !strings.Contains(got, want) {
			t.Errorf("%s from %s: %q, %v; want %s", url, from.Name, got, err, want)
		}
	}
	refuses(c, probeURL+"/port/80?ip=11.22.33.5", "only the asker's own address")
	refuses(c, probeURL+"/port/11.22.33.5:80", "not a port")
	refuses(l.Internet, probeURL+"/port/22", "this machine itself is not looked at")
	refuses(l.Internet, "http://127.0.0.1:9543/port/22", "this machine itself is not looked at")

	before := l.Internet.Peak(t, "upnp", "probe-server")
	done := make(chan int)
	go func() {
		done <- l.Router2.Flood(lab.InternetAddr+":9543", "GET /port/22 HTTP/1.0\r\n\r\n", 3*time.Second)
	}()
	for range 3 {
		time.Sleep(700 * time.Millisecond)
		refuses(c, probeURL+"/port/80", `"ip":"11.22.33.4","port":80,"reachable":false`)
	}
	made, after := <-done, l.Internet.Peak(t, "upnp", "probe-server")
	t.Logf("%d connections in 3 s; the server has had %d KiB, before %d KiB", made, after>>10, before>>10)
	if made < 500 || after > before+32<<20 { // far more where nothing else runs
		t.Errorf("want at least 500 connections and at most 32 MiB more")
	}
}

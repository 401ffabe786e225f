//go:build linux

package lab_test

import (
	"fmt"
	"testing"
	"time"

	"upnp/testdata/lab"
)

// A keeper is upnp keep on the first client, with something behind its port 8080.
type keeper struct {
	*lab.Lab
	*lab.Follower
	c *lab.Host
}

// keepingIn starts a keeper of port 18080 in a lab of its own.
func keepingIn(t *testing.T, o lab.Options, args ...string) keeper {
	t.Helper()
	t.Parallel()
	lab.Need(t)
	l := lab.Up(t, o)
	u := newUser(t, l.Clients[0])
	u.Serve(t, ":8080", hello)
	argv := append([]string{built(t, upnpBinary), "keep", "18080:8080", "--lease", "10m"}, args...)
	k := keeper{l, u.Follow(t, u.env(), argv...), l.Clients[0]}
	untilOpen(t, l, 18080, 20*time.Second)
	return k
}

// within checks that traffic flows again, and how soon.
func (k keeper) within(t *testing.T, limit time.Duration) {
	t.Helper()
	took := untilOpen(t, k.Lab, 18080, limit)
	t.Logf("%s: traffic after %v of %v", t.Name(), took, limit)
	if held := k.Router.Holds(t); len(held) != 1 || held[18080] != k.c.Addr+":8080" {
		t.Errorf("the router holds %v", held)
	}
}

// TestKeepFaults are faults of the list on real sockets, each with the time it may take.
func TestKeepFaults(t *testing.T) {
	t.Run("F10 suspended while the router restarts", func(t *testing.T) {
		k := keepingIn(t, lab.Options{})
		k.c.Deaf(t, k.Router.Addr)
		thaw := k.c.Freeze(t, "upnp", "keep")
		k.Router.Forget(t)
		time.Sleep(12 * time.Second) // longer than any round of looking
		k.c.Hear(t)
		thaw()
		k.within(t, 10*time.Second)
	})
	t.Run("F12 external address changes", func(t *testing.T) {
		k := keepingIn(t, lab.Options{})
		k.Router.SetWAN(t, "11.22.33.77")
		k.Wait(t, "external address 11.22.33.77", 10*time.Second)
		k.within(t, 10*time.Second)
	})
	t.Run("F15 own address changes", func(t *testing.T) {
		k := keepingIn(t, lab.Options{Anyone: true})
		k.c.Readdress(t, "192.168.7.70")
		k.within(t, 10*time.Second)
	})
	t.Run("F16 interface flaps", func(t *testing.T) {
		k := keepingIn(t, lab.Options{})
		for range 10 {
			plug := k.c.Unplug(t)
			time.Sleep(1500 * time.Millisecond)
			plug()
			time.Sleep(1500 * time.Millisecond)
		}
		k.Router.Flush(t)
		k.Router.Forget(t)
		k.within(t, 10*time.Second)
	})
	t.Run("F18 another model in its place", func(t *testing.T) {
		for _, igd1 := range []bool{true, false} {
			t.Run(fmt.Sprintf("IGD1=%v", igd1), func(t *testing.T) {
				k := keepingIn(t, lab.Options{IGD1: !igd1})
				k.Router.Replace(t, igd1)
				k.within(t, 15*time.Second)
			})
		}
	})
	t.Run("F29 accepts and never answers", func(t *testing.T) {
		k := keepingIn(t, lab.Options{})
		resume := k.Router.Hang(t)
		k.Wait(t, "gateway gone", 60*time.Second)
		resume()
		k.Wait(t, "gateway back", 30*time.Second)
		k.within(t, 10*time.Second)
	})
}

// keptIn waits until the router's filter has so many mappings.
func keptIn(t *testing.T, l *lab.Lab, n int, limit time.Duration) {
	t.Helper()
	began := time.Now()
	for len(l.Router.Holds(t)) < n {
		if time.Since(began) > limit {
			t.Fatalf("after %v the router holds %v", limit, l.Router.Holds(t))
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Logf("%s: all %d after %v of %v", t.Name(), n, time.Since(began), limit)
}

// TestKeepRefused (F28): 30 % of the connections are reset as they begin.
func TestKeepRefused(t *testing.T) {
	t.Parallel()
	lab.Need(t)
	l := lab.Up(t, lab.Options{})
	l.Router.Refuse(t, 30)
	u := newUser(t, l.Clients[0])
	u.Start(t, u.env(), built(t, upnpBinary), "keep", "18080-18099")
	keptIn(t, l, 20, time.Minute)
}

// TestKeepCutOff (F30): a router that closes every third connection before, within or behind the
// head of its answer.
func TestKeepCutOff(t *testing.T) {
	t.Parallel()
	lab.Need(t)
	l := lab.Up(t, lab.Options{Anyone: true})
	l.Router.Cut(t, 3)
	u := newUser(t, l.Clients[0])
	u.Start(t, u.env(), built(t, upnpBinary), "keep", "18080-18084")
	keptIn(t, l, 5, 15*time.Second)
	l.Router.Forget(t)
	keptIn(t, l, 5, 15*time.Second)
}

// TestDatagramsLost (F27): of the datagrams 30 % are lost each way; the router is found all the same.
func TestDatagramsLost(t *testing.T) {
	t.Parallel()
	lab.Need(t)
	l := lab.Up(t, lab.Options{})
	l.Clients[0].LoseDatagrams(t, 30)
	var results []lab.Result
	for range 60 {
		r := newUser(t, l.Clients[0]).upnp(t, "ip", "--timeout", "3s")
		if r.Code != 0 {
			t.Errorf("upnp ip: exit %d after %v: %s", r.Code, r.Took, r.Stderr)
		}
		results = append(results, r)
	}
	t.Logf("upnp ip: median %v, longest %v", median(times(results)), longest(results))
}

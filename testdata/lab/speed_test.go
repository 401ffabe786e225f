//go:build linux

package lab_test

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"upnp/testdata/lab"
)

// The tests in this file compare times, so they run alone (make bench): one test at a time, the
// programs in turns. Each time is from just before fork until the process is gone.

// rounds is how often each program runs; the median counts. Those that wait two seconds by a clock
// of their own differ little from run to run and get fewer rounds.
const (
	rounds     = 9
	slowRounds = 3
)

// attempts is how often a race is run if a bar is missed: what else a machine does only adds time,
// so one race that meets the bars is enough.
const attempts = 3

// A contestant is a program that is timed.
type contestant struct {
	name   string
	run    func(round int) lab.Result
	rounds int // 0 is rounds
}

// A bar is what contestant number a may take: limit times the time of number b.
type bar struct {
	a, b  int
	limit float64
	// ahead is a bar that is not reached yet. Missing it is told, and fails the test only where
	// UPNP_BARS=require asks for it, or at twice the bar.
	ahead bool
}

// race runs the contestants against each other, and fails the test if a bar is missed.
func race(t *testing.T, contestants []contestant, bars ...bar) {
	t.Helper()
	for attempt := range attempts {
		medians := measure(t, contestants, attempt*rounds)
		table(t, contestants, medians)
		missed := slices.DeleteFunc(slices.Clone(bars), func(b bar) bool { return b.excess(medians) <= 1 })
		if len(missed) == 0 {
			return
		}
		if attempt < attempts-1 {
			continue
		}
		for _, b := range missed {
			t.Logf("BAR MISSED: %s took %.2f times as long as %s, want at most %.2f times",
				contestants[b.a].name, ratio(medians[b.a], medians[b.b]), contestants[b.b].name, b.limit)
			if !b.ahead || b.excess(medians) > 2 || os.Getenv("UPNP_BARS") == "require" {
				t.Fail()
			}
		}
	}
}

// excess is how far a bar is missed: 1 is just met.
func (b bar) excess(medians []time.Duration) float64 {
	return ratio(medians[b.a], medians[b.b]) / b.limit
}

// measure runs the contestants in turns and returns the median time of each.
func measure(t *testing.T, contestants []contestant, firstRound int) []time.Duration {
	t.Helper()
	took := make([][]time.Duration, len(contestants))
	for round := range rounds {
		for i, c := range contestants {
			if round >= cmp.Or(c.rounds, rounds) {
				continue
			}
			r := c.run(firstRound + round)
			if r.Code != 0 {
				t.Fatalf("%s: exit %d\n%s%s", c.name, r.Code, r.Stdout, r.Stderr)
			}
			took[i] = append(took[i], r.Took)
		}
	}
	medians := make([]time.Duration, len(contestants))
	for i := range took {
		medians[i] = median(took[i])
	}
	return medians
}

// table prints the times, and as multiples of the first contestant's.
func table(t *testing.T, contestants []contestant, medians []time.Duration) {
	t.Helper()
	var b strings.Builder
	for i, c := range contestants {
		fmt.Fprintf(&b, "\n  %-28s %8.1f ms %7.2f x", c.name, float64(medians[i].Microseconds())/1000, ratio(medians[i], medians[0]))
	}
	t.Logf("%s, medians:%s", t.Name(), b.String())
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

// ways are the three in which upnp comes to its router.
func ways(t *testing.T, l *lab.Lab, args func(round int) []string) (cold, given, remembered contestant) {
	c := l.Clients[0]
	cold = contestant{name: "upnp, cold", run: func(i int) lab.Result { return newUser(t, c).upnp(t, args(3*i)...) }}
	given = contestant{name: "upnp --gateway URL", run: func(i int) lab.Result {
		return newUser(t, c).upnp(t, append(args(3*i+1), "--gateway", l.Router.URL)...)
	}}
	regular := newUser(t, c)
	regular.must(t, "ip")
	remembered = contestant{name: "upnp, remembered", run: func(i int) lab.Result { return regular.upnp(t, args(3*i+2)...) }}
	return cold, given, remembered
}

// program is a contestant that is given the same arguments each time, or a port of its own.
func program(t *testing.T, l *lab.Lab, name string, args func(round int) []string) contestant {
	return contestant{name: name, run: func(i int) lab.Result { return l.Clients[0].Run(t, args(i)...) }}
}

// slow is program for those that wait by a clock of their own.
func slow(t *testing.T, l *lab.Lab, name string, args func(round int) []string) contestant {
	c := program(t, l, name, args)
	c.rounds = slowRounds
	return c
}

func always(args ...string) func(int) []string {
	return func(int) []string { return append([]string(nil), args...) }
}

// TestSpeedIP: the external address, from process start.
func TestSpeedIP(t *testing.T) {
	lab.Need(t, "upnpc")
	l := lab.Up(t, lab.Options{})
	url, floor, goupnp := l.Router.URL, built(t, floorBinary), built(t, goupnpBinary)
	cold, given, remembered := ways(t, l, always("ip"))
	race(t, []contestant{
		program(t, l, "floor", always(floor, "ip")),
		cold,
		slow(t, l, "goupnp", always(goupnp, "ip")),
		slow(t, l, "upnpc -s", always("upnpc", "-s")),
	}, bar{a: 1, b: 0, limit: 1.3})
	race(t, []contestant{
		program(t, l, "floor, URL known", always(floor, "ip", url)),
		given, remembered,
		program(t, l, "goupnp, URL known", always(goupnp, "-u", url, "ip")),
		program(t, l, "upnpc -u URL -s", always("upnpc", "-u", url, "-s")),
	}, bar{a: 1, b: 0, limit: 2}, bar{a: 2, b: 0, limit: 2})
}

// TestSpeedAdd: a mapping made and, by upnp, read back, from process start. Each run makes a new
// mapping; the router forgets them all between the two races.
func TestSpeedAdd(t *testing.T) {
	lab.Need(t, "upnpc")
	l := lab.Up(t, lab.Options{})
	url, floor, goupnp, c := l.Router.URL, built(t, floorBinary), built(t, goupnpBinary), l.Clients[0]
	cold, given, remembered := ways(t, l, fresh(20000, "add", "EXT:8080"))
	// goupnp and upnpc wait two seconds by the clock, so how many times faster upnp is depends on
	// the machine: 26 times where its bar of 1.4 floors is 77 ms.
	race(t, []contestant{
		program(t, l, "floor", fresh(30000, floor, "add", "EXT", "8080")),
		cold,
		slow(t, l, "goupnp", fresh(31000, goupnp, "add", "EXT", "8080")),
		slow(t, l, "upnpc -a", fresh(32000, "upnpc", "-a", c.Addr, "8080", "EXT", "TCP", "3600")),
	}, bar{a: 1, b: 0, limit: 1.4})
	l.Router.Forget(t)
	race(t, []contestant{
		program(t, l, "floor, URL known", fresh(33000, floor, "add", "EXT", "8080", url)),
		given, remembered,
		program(t, l, "goupnp, URL known", fresh(34000, goupnp, "-u", url, "add", "EXT", "8080")),
		program(t, l, "upnpc -u URL -a", fresh(35000, "upnpc", "-u", url, "-a", c.Addr, "8080", "EXT", "TCP", "3600")),
	}, bar{a: 1, b: 0, limit: 2}, bar{a: 2, b: 0, limit: 2})
}

// fresh gives each round a port of its own in place of EXT.
func fresh(first int, args ...string) func(round int) []string {
	return func(round int) []string {
		var filled []string
		for _, arg := range args {
			filled = append(filled, strings.ReplaceAll(arg, "EXT", fmt.Sprint(first+round)))
		}
		return filled
	}
}

// TestSpeedRequests: upnp add asks for no more than upnpc -a does, searched and remembered. Of
// several runs the one with the fewest requests counts: a router that is late is asked again.
func TestSpeedRequests(t *testing.T) {
	lab.Need(t, "upnpc")
	l := lab.Up(t, lab.Options{})
	c := l.Clients[0]
	port := 20000
	fewest := func(f func(mapping string)) (best lab.Requests) {
		for range 5 {
			port++
			r := c.Count(t, func() { f(fmt.Sprint(port)) })
			if best == (lab.Requests{}) || r.Total() < best.Total() {
				best = r
			}
		}
		return best
	}
	theirs := fewest(func(p string) { upnpc(t, c, "-a", c.Addr, "8080", p, "TCP", "3600") })
	cold := fewest(func(p string) { newUser(t, c).must(t, "add", p+":8080") })
	regular := newUser(t, c)
	regular.must(t, "ip")
	remembered := fewest(func(p string) { regular.must(t, "add", p+":8080") })
	t.Logf("\n  upnpc -a              %v\n  upnp add, cold        %v\n  upnp add, remembered  %v", theirs, cold, remembered)
	for name, ours := range map[string]lab.Requests{"cold": cold, "remembered": remembered} {
		if ours.Total() > theirs.Total() {
			t.Errorf("upnp add, %s: %v; upnpc -a: %v", name, ours, theirs)
		}
	}
}

// listMemory is what a listing of any length may take.
const listMemory = 32 << 20

// TestSpeedList: long tables, with the daemon alive afterwards (it has a fault that a wide
// GetListOfPortMappings kills it by).
func TestSpeedList(t *testing.T) {
	lab.Need(t, "upnpc")
	for _, test := range []struct {
		igd1  bool
		n     int
		limit float64 // of upnpc's time
		ahead bool
	}{
		{igd1: true, n: 5, limit: 1.5, ahead: true},
		{igd1: false, n: 5, limit: 1.5, ahead: true},
		{igd1: true, n: 1000, limit: 1 / 1.5, ahead: true},
		{igd1: false, n: 1000, limit: 1 / 1.5},
		{igd1: false, n: 5000, limit: 1.0 / 4},
	} {
		t.Run(fmt.Sprintf("%s/%d", map[bool]string{true: "IGD1", false: "IGD2"}[test.igd1], test.n), func(t *testing.T) {
			l := lab.Up(t, lab.Options{IGD1: test.igd1})
			c := l.Clients[0]
			l.Router.Fill(t, c, 10000, test.n)
			regular := newUser(t, c)
			wantAll(t, regular.must(t, "list", "--json", "--gateway", l.Router.URL), c.Addr, test.n)
			race(t, []contestant{
				program(t, l, "upnpc -u URL -l", always("upnpc", "-u", l.Router.URL, "-l")),
				{name: "upnp list --gateway URL", run: func(int) lab.Result {
					return regular.upnp(t, "list", "--gateway", l.Router.URL)
				}},
			}, bar{a: 1, b: 0, limit: test.limit, ahead: test.ahead})
			peak := regular.PeakMemory(t, regular.env(), built(t, upnpBinary), "list", "--gateway", l.Router.URL)
			t.Logf("peak memory %.1f MiB", float64(peak)/(1<<20))
			if peak > listMemory {
				t.Errorf("peak memory %d bytes, want at most %d", peak, listMemory)
			}
			if !l.Router.Alive() {
				t.Fatal("the router's daemon died")
			}
		})
	}
}

// wantAll checks that a listing holds the n mappings from port 10000 on, each once.
func wantAll(t *testing.T, r lab.Result, client string, n int) {
	t.Helper()
	seen := map[int]int{}
	for _, m := range parse[[]mapping](t, r.Stdout) {
		description := fmt.Sprintf("entry %d of the lab", m.ExternalPort)
		if m.Protocol == "TCP" && m.InternalPort == m.ExternalPort && m.InternalClient == client && m.Description == description {
			seen[m.ExternalPort]++
		} else {
			t.Errorf("listed: %+v", m)
		}
	}
	for port := 10000; port < 10000+n; port++ {
		if seen[port] != 1 {
			t.Fatalf("port %d is listed %d times; %d of %d ports are", port, seen[port], len(seen), n)
		}
	}
}

//go:build linux

package lab_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"upnp/testdata/lab"
)

// runs is how often each bad company is met; every one has to end well.
const runs = 20

// adds has a newcomer run `upnp add` again and again, for another port each time, and checks with
// the router's packet filter, which is what counts. It returns what the runs were like.
func adds(t *testing.T, l *lab.Lab) []lab.Result {
	t.Helper()
	var results []lab.Result
	for i := range runs {
		port := 20000 + i
		args := []string{"add", fmt.Sprintf("%d:8080", port)}
		r := newUser(t, l.Clients[0]).upnp(t, args...)
		if r.Code != 0 {
			t.Errorf("run %d: upnp %s", i+1, told(args, r))
		}
		results = append(results, r)
	}
	held := l.Router.Holds(t)
	for i := range runs {
		if want := l.Clients[0].Addr + ":8080"; held[20000+i] != want {
			t.Errorf("run %d: the router sends port %d to %q, want %q", i+1, 20000+i, held[20000+i], want)
		}
	}
	t.Logf("upnp add in %s: median %v, longest %v", t.Name(), median(times(results)).Round(time.Millisecond), longest(results).Round(time.Millisecond))
	return results
}

func times(results []lab.Result) (d []time.Duration) {
	for _, r := range results {
		d = append(d, r.Took)
	}
	return d
}

func longest(results []lab.Result) (d time.Duration) {
	for _, r := range results {
		d = max(d, r.Took)
	}
	return d
}

// TestFramesLost: one time in five a frame is lost. What comes of that is spread wide, so the median
// is that of three labs' runs.
func TestFramesLost(t *testing.T) {
	t.Parallel()
	var all [3][]time.Duration
	t.Run("labs", func(t *testing.T) {
		for i := range all {
			t.Run(fmt.Sprint(i+1), func(t *testing.T) {
				t.Parallel()
				all[i] = times(adds(t, lab.Up(t, lab.Options{Loss: 0.2})))
			})
		}
	})
	took := slices.Concat(all[:]...)
	if len(took) == len(all)*runs && median(took) >= 2*time.Second {
		t.Errorf("median %v of %d runs, want under 2 s", median(took), len(took))
	}
}

func TestFarRouter(t *testing.T) {
	t.Parallel()
	adds(t, lab.Up(t, lab.Options{Delay: 100 * time.Millisecond}))
}

func TestOtherDevices(t *testing.T) {
	t.Parallel()
	adds(t, lab.Up(t, lab.Options{Others: 4}))
}

// TestTwoRouters: the default gateway's is taken, the other is told of, nothing is an error.
func TestTwoRouters(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, lab.Options{SecondIGD: true})
	adds(t, l)
	if held := l.Router2.Holds(t); len(held) != 0 {
		t.Errorf("the other router holds %v", held)
	}
	for range runs {
		args := []string{"discover", "--timeout", "500ms"}
		want(t, newUser(t, l.Clients[0]).must(t, args...).Stdout, l.Router.URL, l.Router2.URL)
	}
	named := 0
	for range runs {
		if r := newUser(t, l.Clients[0]).must(t, "ip"); strings.Contains(r.Stderr, l.Router2.URL) {
			named++
		}
	}
	// Both daemons wait 50 ms before they answer; on a busy machine one may be late for once.
	if named < runs*9/10 {
		t.Errorf("the other router was named in %d of %d runs", named, runs)
	}
}

// TestBehindNAT: a router whose outside is private cannot be reached, and that is said in words.
func TestBehindNAT(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, lab.Options{BehindNAT: true})
	args := []string{"add", "20000:8080"}
	r := newUser(t, l.Clients[0]).upnp(t, args...)
	if words := regexp.MustCompile(`another NAT`); r.Code != 4 || !words.MatchString(r.Stderr) {
		t.Errorf("want exit 4 and words about the NAT: upnp %s", told(args, r))
	}
}

// TestLongDescription: miniupnpd 2.3.1 tells a description of more than 63 bytes with stray bytes
// behind it. All seven entries are there all the same.
func TestLongDescription(t *testing.T) {
	bothModes(t, func(t *testing.T, l *lab.Lab) {
		lab.Need(t, "upnpc")
		c := l.Clients[0]
		for i := range 7 {
			description := fmt.Sprint("entry ", i)
			if i == 3 {
				description = strings.Repeat("0123456789", 20)
			}
			upnpc(t, c, "-u", l.Router.URL, "-e", description, "-a", c.Addr, "8080", fmt.Sprint(20000+i), "TCP", "600")
		}
		seen := map[int]bool{}
		for _, m := range parse[[]mapping](t, newUser(t, c).must(t, "list", "--json").Stdout) {
			seen[m.ExternalPort] = true
		}
		for i := range 7 {
			if !seen[20000+i] {
				t.Errorf("port %d is not listed", 20000+i)
			}
		}
	})
}

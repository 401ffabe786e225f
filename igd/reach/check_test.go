package reach_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/reach"
)

// want is a verdict and a part of its reason.
type want struct {
	verdict reach.Verdict
	reason  string
}

func (w want) holds(f reach.Finding) bool {
	return f.Verdict == w.verdict && strings.Contains(f.Reason, w.reason)
}

func reads(path string) func(*http.Request) string {
	return func(r *http.Request) string {
		return strings.ReplaceAll(path, "NONCE", r.URL.Query().Get("nonce"))
	}
}

var reachable = map[string]any{"ip": "11.22.33.44", "port": 9542, "reachable": true}
var unreachable = map[string]any{"ip": "11.22.33.44", "port": 9542, "reachable": false, "error": "no answer"}

const page = "GET /r/NONCE HTTP/1.0\r\n\r\n"

// cases are what can be the matter with a port, and what a check says of it.
var cases = []struct {
	name   string
	router emulator.Profile
	set    func(*world, *reach.Checker)
	ask    igd.Mapping
	want   map[reach.Look]want
	open   reach.Answer
}{
	{name: "proven", set: func(w *world, c *reach.Checker) {
		w.put(selfAddr, 8080)
		c.Serve, c.Probes = true, []reach.Probe{w.probe(w.fetches(w.far, "8080", reads(page), reachable))}
	}, want: map[reach.Look]want{
		reach.Local:   {reach.Pass, "the test server answers at 192.168.1.7:8080"},
		reach.Mapped:  {reach.Pass, "it leads to 192.168.1.7 port 8080, permanent"},
		reach.Public:  {reach.Pass, "11.22.33.44"},
		reach.Hairpin: {reach.Fail, "no proof"},
		reach.Outside: {reach.Pass, "the nonce told to 11.22.33.9 arrived from 11.22.33.9"},
	}, open: reach.Yes},

	{name: "a probe's word is not enough", set: func(w *world, c *reach.Checker) {
		w.put(selfAddr, 8080)
		c.Serve, c.Probes = true, []reach.Probe{w.probe(says(reachable))}
	}, want: map[reach.Look]want{reach.Outside: {reach.Unknown, "says that it connected, but nothing arrived here"}}, open: reach.NotKnown},

	{name: "a program listens and a probe says it connected", set: func(w *world, c *reach.Checker) {
		w.put(selfAddr, 8080)
		w.listen(w.self, ":8080")
		c.Probes = []reach.Probe{w.probe(says(reachable))}
	}, want: map[reach.Look]want{
		reach.Local:   {reach.Pass, "something listens at 192.168.1.7:8080"},
		reach.Outside: {reach.Unknown, "only a test server could prove it"},
	}, open: reach.NotKnown},

	{name: "an echoip server connects without a nonce", set: func(w *world, c *reach.Checker) {
		w.put(selfAddr, 8080)
		c.Serve, c.Probes = true, []reach.Probe{w.probe(w.fetches(w.far, "8080", reads("\r\n\r\n"), reachable))}
	}, want: map[reach.Look]want{reach.Outside: {reach.Pass, "a connection from 11.22.33.9 arrived (without a nonce)"}}, open: reach.Yes},

	{name: "the router puts its own address in place of the caller's", set: func(w *world, c *reach.Checker) {
		w.put(selfAddr, 8080)
		c.Serve, c.Probes = true, []reach.Probe{w.probe(w.fetches(w.other, "8080", reads(page), reachable))}
	}, want: map[reach.Look]want{reach.Outside: {reach.Pass, "by way of 192.168.1.20"}}, open: reach.Yes},

	{name: "a connection from inside is none from outside", set: func(w *world, c *reach.Checker) {
		w.put(selfAddr, 8080)
		c.Serve, c.Probes = true, []reach.Probe{w.probe(w.fetches(w.other, "8080", reads("\r\n\r\n"), reachable))}
	}, want: map[reach.Look]want{reach.Outside: {reach.Unknown, "nothing arrived"}}, open: reach.NotKnown},

	{name: "a probe inside proves nothing", set: func(w *world, c *reach.Checker) {
		w.put(selfAddr, 8080)
		w.serve(w.other, ":80", w.fetches(w.other, "8080", reads(page), reachable))
		c.Serve, c.Probes = true, []reach.Probe{w.asking("http://192.168.1.20")}
	}, want: map[reach.Look]want{reach.Outside: {reach.Unknown, "which is not on the Internet"}}, open: reach.NotKnown},

	{name: "closed although it is listed", set: func(w *world, c *reach.Checker) {
		w.put(selfAddr, 8080)
		c.Serve, c.Probes = true, []reach.Probe{w.probe(says(unreachable))}
	}, want: map[reach.Look]want{
		reach.Mapped:  {reach.Pass, ""},
		reach.Outside: {reach.Fail, "could not get through to port 9542 of 11.22.33.44 (no answer): the router does not forward what its table lists, or a firewall"},
	}, open: reach.No},

	{name: "nothing listens", set: func(w *world, c *reach.Checker) {
		w.put(selfAddr, 8080)
		c.Probes = []reach.Probe{w.probe(says(unreachable))}
	}, want: map[reach.Look]want{
		reach.Local:   {reach.Fail, "nothing listens at 192.168.1.7:8080"},
		reach.Outside: {reach.Fail, ": nothing listens here"},
	}, open: reach.No},

	{name: "it listens to itself only", set: func(w *world, c *reach.Checker) {
		w.put(selfAddr, 8080)
		w.listen(w.self, "127.0.0.1:8080")
	}, want: map[reach.Look]want{
		reach.Local:   {reach.Fail, "listens at 127.0.0.1 only: have it listen at 192.168.1.7"},
		reach.Outside: {reach.Skipped, "nobody was asked"},
	}, open: reach.No},

	{name: "the port is a program's", set: func(w *world, c *reach.Checker) {
		w.put(selfAddr, 8080)
		w.listen(w.self, ":8080")
		c.Serve = true
	}, want: map[reach.Look]want{reach.Local: {reach.Pass, "something listens at 192.168.1.7:8080, so the test server cannot"}}, open: reach.NotKnown},

	{name: "no mapping", set: func(w *world, c *reach.Checker) { w.listen(w.self, ":9542") }, want: map[reach.Look]want{
		reach.Mapped:  {reach.Fail, "no mapping of 9542/tcp"},
		reach.Local:   {reach.Pass, "192.168.1.7:9542"},
		reach.Hairpin: {reach.Skipped, "no mapping"},
	}, open: reach.NotKnown},

	{name: "another machine's", set: func(w *world, c *reach.Checker) {
		w.put(otherAddr, 8080)
		w.listen(w.other, ":8080")
	}, want: map[reach.Look]want{
		reach.Mapped: {reach.Fail, "another machine, 192.168.1.20 port 8080"},
		reach.Local:  {reach.Pass, "192.168.1.20:8080"},
	}, open: reach.No},

	{name: "another machine's, and asked for", ask: igd.Mapping{InternalClient: otherAddr, InternalPort: 8080}, set: func(w *world, c *reach.Checker) {
		w.put(otherAddr, 8080)
		c.Serve = true
	}, want: map[reach.Look]want{
		reach.Mapped: {reach.Pass, "192.168.1.20 port 8080"},
		reach.Local:  {reach.Fail, "nothing listens at 192.168.1.20:8080"},
	}, open: reach.No},

	{name: "another port", ask: igd.Mapping{InternalPort: 80}, set: func(w *world, c *reach.Checker) { w.put(selfAddr, 8080) },
		want: map[reach.Look]want{reach.Mapped: {reach.Fail, "and not to port 80"}}, open: reach.No},

	{name: "disabled", set: func(w *world, c *reach.Checker) {
		w.put(selfAddr, 8080, func(m *igd.Mapping) { m.Disabled = true })
		w.listen(w.self, ":8080")
	}, want: map[reach.Look]want{reach.Mapped: {reach.Fail, "disabled"}}, open: reach.No},

	{name: "its lease ends", set: func(w *world, c *reach.Checker) {
		w.put(selfAddr, 8080, func(m *igd.Mapping) { m.Lease = time.Hour })
		w.listen(w.self, ":8080")
		time.Sleep(30 * time.Minute)
	}, want: map[reach.Look]want{reach.Mapped: {reach.Pass, "for another 30 min"}}, open: reach.NotKnown},

	{name: "expired", set: func(w *world, c *reach.Checker) {
		w.ask()
		time.Sleep(90 * time.Minute)
	}, want: map[reach.Look]want{reach.Mapped: {reach.Fail, "expired: the lease of 9542/tcp ended 30 min ago"}}, open: reach.No},

	{name: "lost by the router", set: func(w *world, c *reach.Checker) {
		w.ask()
		time.Sleep(20 * time.Minute)
		w.router.Wipe()
	}, want: map[reach.Look]want{reach.Mapped: {reach.Fail, "has lost the mapping of 9542/tcp, whose lease had another 40 min"}}, open: reach.No},

	{name: "removed again", set: func(w *world, c *reach.Checker) {
		w.ask()
		if _, err := w.gateway.Remove(w.t.Context(), key); err != nil {
			w.t.Fatal(err)
		}
	}, want: map[reach.Look]want{reach.Mapped: {reach.Fail, "no mapping of 9542/tcp"}}, open: reach.No},

	{name: "for one remote host", set: func(w *world, c *reach.Checker) {
		w.put(selfAddr, 8080, func(m *igd.Mapping) { m.RemoteHost = "11.22.33.5" })
		c.Serve, c.Probes = true, []reach.Probe{w.probe(says(unreachable))}
	}, want: map[reach.Look]want{
		reach.Mapped:  {reach.Pass, "for 11.22.33.5 only"},
		reach.Outside: {reach.Unknown, "lets only 11.22.33.5 in"},
	}, open: reach.NotKnown},

	{name: "behind another NAT", router: emulator.Profile{External: addr("10.0.0.2")}, set: func(w *world, c *reach.Checker) {
		w.put(selfAddr, 8080)
		c.Serve, c.Probes = true, []reach.Probe{w.probe(says(unreachable))}
	}, want: map[reach.Look]want{
		reach.Public:  {reach.Fail, "10.0.0.2 is private: it stands behind another router"},
		reach.Outside: {reach.Fail, "what stands before the router does not let it in"},
	}, open: reach.No},

	{name: "behind a carrier's NAT, and nobody asked", router: emulator.Profile{External: addr("100.64.0.2")}, set: func(w *world, c *reach.Checker) {
		w.put(selfAddr, 8080)
		c.Serve = true
	}, want: map[reach.Look]want{reach.Public: {reach.Fail, "CGNAT"}, reach.Outside: {reach.Skipped, ""}}, open: reach.NotKnown},

	{name: "a way to the Internet beside the router", set: func(w *world, c *reach.Checker) {
		w.put(selfAddr, 8080)
		c.Serve, c.Probes = true, []reach.Probe{w.probe(says(map[string]any{"ip": "11.22.33.77", "port": 9542, "reachable": false}))}
	}, want: map[reach.Look]want{reach.Outside: {reach.Unknown, "looked at 11.22.33.77, which is not the router's address"}}, open: reach.NotKnown},

	{name: "the second probe is of use", set: func(w *world, c *reach.Checker) {
		w.put(selfAddr, 8080)
		c.Serve, c.Probes = true, []reach.Probe{w.asking("http://11.22.33.9:81"), w.probe(w.fetches(w.far, "8080", reads(page), reachable))}
	}, want: map[reach.Look]want{reach.Outside: {reach.Pass, "arrived from 11.22.33.9"}}, open: reach.Yes},

	{name: "a probe that only fetches a page", set: func(w *world, c *reach.Checker) {
		w.put(selfAddr, 8080)
		w.serve(w.far, ":80", func(rw http.ResponseWriter, r *http.Request) {
			path := "GET " + strings.TrimPrefix(r.URL.Query().Get("url"), "http://11.22.33.44:9542") + " HTTP/1.1\r\nHost: x\r\n\r\n"
			w.fetches(w.far, "8080", reads(path), map[string]any{"page": "it works"})(rw, r)
		})
		c.Serve, c.Probes = true, []reach.Probe{w.asking("http://11.22.33.9/get?url=http://{address}:{port}/r/{nonce}")}
	}, want: map[reach.Look]want{reach.Outside: {reach.Pass, "arrived from 11.22.33.9"}}, open: reach.Yes},

	{name: "a probe that talks nonsense", set: func(w *world, c *reach.Checker) {
		w.put(selfAddr, 8080)
		c.Serve, c.Probes = true, []reach.Probe{w.probe(func(rw http.ResponseWriter, _ *http.Request) { rw.Write([]byte("<html>\x1b[31m")) })}
	}, want: map[reach.Look]want{reach.Outside: {reach.Unknown, "no answer that can be understood"}}, open: reach.NotKnown},
}

func TestCheck(t *testing.T) {
	for _, row := range cases {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, row.router)
				var c reach.Checker
				row.set(w, &c)
				told := map[reach.Look]reach.Finding{}
				c.Found = func(l reach.Look, f reach.Finding) { told[l] = f }
				r := w.check(c, row.ask)
				for look, want := range row.want {
					if got := *r.Finding(look); !want.holds(got) {
						t.Errorf("%s: %v", look, got)
					}
				}
				for _, look := range reach.Looks() {
					if told[look] != *r.Finding(look) {
						t.Errorf("%s was told as %v and is %v", look, told[look], *r.Finding(look))
					}
				}
				if r.Open != row.open {
					t.Errorf("open: %s, want %s", r.Open, row.open)
				}
			})
		})
	}
}

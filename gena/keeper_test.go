package gena

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"upnp/igd/wire"
)

func TestRenewal(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer func(int, *http.Request, http.Header) int
		after  time.Duration
		want   []string
		sid    string
	}{
		{"at half the time", grant("Second-600"), 310 * time.Second, []string{"SUBSCRIBE uuid:0"}, "uuid:0"},
		{"again", grant("Second-600"), 610 * time.Second, []string{"SUBSCRIBE uuid:0", "SUBSCRIBE uuid:0"}, "uuid:0"},
		{"infinite", grant("Second-infinite"), 15 * time.Minute, []string{"SUBSCRIBE uuid:0"}, "uuid:0"},
		{"next to nothing", grant("Second-1"), 26 * time.Second, []string{"SUBSCRIBE new", "SUBSCRIBE new", "SUBSCRIBE new", "SUBSCRIBE new", "SUBSCRIBE new"}, "uuid:5"},
		{"no SID in the answer", func(n int, r *http.Request, h http.Header) int {
			if n == 0 {
				h["SID"] = []string{"uuid:0"}
			}
			h["TIMEOUT"] = []string{"Second-600"}
			return 200
		}, 310 * time.Second, []string{"SUBSCRIBE uuid:0"}, "uuid:0"},
		{"another SID in the answer", func(n int, r *http.Request, h http.Header) int {
			h["SID"] = []string{fmt.Sprintf("uuid:%d", n)}
			h["TIMEOUT"] = []string{"Second-600"}
			return 200
		}, 310 * time.Second, []string{"SUBSCRIBE uuid:0"}, "uuid:1"},
		{"the same SID, spelt otherwise", func(n int, r *http.Request, h http.Header) int {
			h["SID"] = []string{[]string{"uuid:A", "a"}[n]}
			h["TIMEOUT"] = []string{"Second-600"}
			return 200
		}, 310 * time.Second, []string{"SUBSCRIBE uuid:A"}, "uuid:A"},
		{"412", forgetful(412), 310 * time.Second, []string{"SUBSCRIBE uuid:0", "SUBSCRIBE new"}, "uuid:2"},
		{"404 (async_upnp_client 321)", forgetful(404), 310 * time.Second, []string{"SUBSCRIBE uuid:0", "SUBSCRIBE new"}, "uuid:2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				d := w.device(tt.answer)
				sub := w.subscribe()
				time.Sleep(tt.after)
				if got := d.requests()[1:]; !slices.Equal(got, tt.want) {
					t.Errorf("got %q\nwant %q", got, tt.want)
				}
				if sub.SID() != tt.sid {
					t.Errorf("SID %s", sub.SID())
				}
				if h := d.headers[1]; h.Get("SID") != "" && (h.Get("NT") != "" || h.Get("CALLBACK") != "" || h.Get("TIMEOUT") != "Second-1800") {
					t.Errorf("renewal with %v", h)
				}
				if first := d.at[1].Sub(d.at[0]); first > parseTimeout("")/2 || tt.name == "at half the time" && (first < 240*time.Second || first > 300*time.Second) {
					t.Errorf("renewed after %v", first)
				}
			})
		})
	}
}

// TestRenewalTried has a router that is too busy to renew anything: until the time is over, only
// renewing is tried.
func TestRenewalTried(t *testing.T) {
	inWorld(t, func(w *world) {
		d := w.device(forgetful(503))
		sub := w.subscribe()
		next := w.events(sub)
		time.Sleep(601 * time.Second)
		asked := d.requests()
		renewed := slices.Index(asked[1:], "SUBSCRIBE new")
		if renewed < 6 || renewed > 8 || sub.SID() == "uuid:0" || len(next()) != renewed {
			t.Errorf("asked %q", asked)
		}
	})
}

// forgetful grants ten minutes and answers every renewal with a status.
func forgetful(status int) func(int, *http.Request, http.Header) int {
	return func(n int, r *http.Request, h http.Header) int {
		if r.Header.Get("SID") != "" {
			return status
		}
		return grant("Second-600")(n, r, h)
	}
}

// TestResubscribed follows the events over a restart of the router.
func TestResubscribed(t *testing.T) {
	inWorld(t, func(w *world) {
		var down atomic.Bool
		d := w.device(func(n int, r *http.Request, h http.Header) int {
			if down.Load() {
				return http.StatusServiceUnavailable
			}
			if r.Header.Get("SID") == "uuid:0" {
				return http.StatusPreconditionFailed
			}
			return grant("Second-600")(n, r, h)
		})
		sub := w.subscribe()
		next := w.events(sub)
		raw(w.router, pcAddr+":4004", notify(d.path(), "uuid:0", 0, status))
		old := d.path()

		down.Store(true)
		sub.Renew()
		if got := strings.Join(append(next(), next()...), ","); !strings.Contains(got, "0 initial Status=Up") || !strings.Contains(got, "503") {
			t.Errorf("restarting: %q", got)
		}
		down.Store(false)
		time.Sleep(firstRetry)
		if answer := raw(w.router, pcAddr+":4004", notify(old, "uuid:0", 1, status)); answer != unknown {
			t.Errorf("the old subscription still counts: %s", answer)
		}
		raw(w.router, pcAddr+":4004", notify(d.path(), sub.SID(), 0, Property{"Status", "Down"}))
		if got := next(); !slices.Equal(got, []string{"0 initial lost Status=Down"}) {
			t.Errorf("after: %q", got)
		}
	})
}

// TestGone has a router that goes away for a day: the pauses grow, the errors are told.
func TestGone(t *testing.T) {
	inWorld(t, func(w *world) {
		var gone atomic.Bool
		d := w.device(func(n int, r *http.Request, h http.Header) int {
			if gone.Load() {
				return http.StatusNotFound
			}
			return grant("Second-600")(n, r, h)
		})
		sub := w.subscribe()
		next := w.events(sub)
		gone.Store(true)
		time.Sleep(24 * time.Hour)
		errs := next()
		if n := len(errs); n < 140 || n > 170 || !strings.Contains(errs[n-1], "404") {
			t.Errorf("%d errors, the last %q", n, errs[n-1])
		}
		if sub.SID() != "" || !sub.Expires().IsZero() {
			t.Errorf("still subscribed as %q", sub.SID())
		}
		gone.Store(false)
		time.Sleep(lastRetry)
		if sub.SID() == "" || len(d.requests()) < 140 {
			t.Error("not subscribed again")
		}
	})
}

// TestCloseUnheard closes a subscription at a router that is gone.
func TestCloseUnheard(t *testing.T) {
	inWorld(t, func(w *world) {
		w.device(grant(""))
		sub := w.subscribe()
		w.subscribe()
		w.mem.LAN("").SetConditions(wire.Conditions{Cut: true})
		err := sub.Close(w.ctx)
		if e, ok := errors.AsType[net.Error](err); !ok || !e.Timeout() {
			t.Errorf("Close: %v", err)
		}
		began := time.Now()
		w.stop()
		if err := <-w.stopped; err != nil || time.Since(began) > farewell {
			t.Errorf("Serve: %v after %v", err, time.Since(began))
		}
		w.stopped <- nil
	})
}

func TestTimeout(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"Second-300": 300 * time.Second, "second-300": 300 * time.Second, "300": 300 * time.Second, " Second - 300 ": 300 * time.Second,
		"Second-infinite": DefaultTimeout, "infinite": DefaultTimeout, "": DefaultTimeout, "Second-": DefaultTimeout, "Second-0": DefaultTimeout,
		"Infinite, Second-4100000000": MaxTimeout, "Second-99999999999999999999": MaxTimeout, "Second-1": time.Second, "soon": DefaultTimeout,
	} {
		if got := parseTimeout(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if got := formatTimeout(1801 * time.Second); got != "Second-1801" {
		t.Error(got)
	}
}

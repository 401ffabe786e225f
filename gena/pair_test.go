package gena

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"upnp/igd/wire"
)

// publisher serves a Publisher on the router of a world.
func (w *world) publisher() *Publisher {
	p := &Publisher{SCPD: connection(), HTTP: wire.HTTPClient(w.router)}
	w.tasks.Go(func() { _ = p.Serve(w.ctx) })
	w.web(w.router, routerAddr+":5000", p)
	synctest.Wait()
	return p
}

// TestPair lets both halves talk for a day.
func TestPair(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.publisher()
		sub := w.subscribe()
		sid := sub.SID()
		next := w.events(sub)
		if got := next(); !slices.Equal(got, []string{"0 initial Status=Down Entries="}) {
			t.Errorf("first %q", got)
		}
		for hour := range 24 {
			time.Sleep(time.Hour)
			_ = p.Publish(Property{"Entries", fmt.Sprint(hour)})
			if got, want := next(), []string{fmt.Sprintf("%d Entries=%d", hour+1, hour)}; !slices.Equal(got, want) {
				t.Errorf("after %d hours %q", hour+1, got)
			}
		}
		if sub.SID() != sid || p.Subscriptions() != 1 {
			t.Errorf("SID %s, was %s; %d subscriptions", sub.SID(), sid, p.Subscriptions())
		}
		if err := sub.Close(w.ctx); err != nil || p.Subscriptions() != 0 {
			t.Errorf("%v, %d subscriptions", err, p.Subscriptions())
		}
	})
}

// TestPairBurst publishes faster than events are read and sent: the end of it is right.
func TestPairBurst(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.publisher()
		sub := w.subscribe()
		w.mem.LAN("").SetConditions(wire.Conditions{Delay: time.Millisecond})
		var state = make(map[string]string)
		var events, lost int
		w.tasks.Go(func() {
			for e := range sub.Events(w.ctx) {
				events++
				if e.Lost {
					lost++
				}
				for _, p := range e.Properties {
					state[p.Name] = p.Value
				}
			}
		})
		for i := range 500 {
			_ = p.Publish(Property{"Entries", fmt.Sprint(i)})
			if i == 250 {
				_ = p.Publish(Property{"Status", "Up"})
			}
			time.Sleep(200 * time.Microsecond)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if diff := cmp.Diff(map[string]string{"Entries": "499", "Status": "Up"}, state); diff != "" || lost > 0 || events > 100 {
			t.Errorf("%s; %d events, %d lost", diff, events, lost)
		}
	})
}

// TestPairRestart restarts the device: it has forgotten the subscription.
func TestPairRestart(t *testing.T) {
	inWorld(t, func(w *world) {
		var now atomic.Pointer[Publisher]
		w.web(w.router, routerAddr+":5000", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { now.Load().ServeHTTP(rw, r) }))
		begin := func() {
			p := &Publisher{SCPD: connection(), HTTP: wire.HTTPClient(w.router)}
			now.Store(p)
			w.tasks.Go(func() { _ = p.Serve(w.ctx) })
			synctest.Wait()
		}
		begin()
		sub := w.subscribe()
		next := w.events(sub)
		next()
		begin()
		time.Sleep(DefaultTimeout / 2)
		if got := next(); !slices.Equal(got, []string{"0 initial lost Status=Down Entries="}) {
			t.Errorf("after the renewal %q", got)
		}
		begin()
		sub.Renew()
		if got := next(); !slices.Equal(got, []string{"0 initial lost Status=Down Entries="}) {
			t.Errorf("after Renew %q", got)
		}
	})
}

// TestPairCut cuts the cable for longer than the publisher is patient: its event is lost, which
// the subscriber learns with the next one, and gets the whole state.
func TestPairCut(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.publisher()
		next := w.events(w.subscribe())
		next()
		w.mem.LAN("").SetConditions(wire.Conditions{Cut: true})
		_ = p.Publish(Property{"Status", "Up"})
		time.Sleep(eventTimeout + time.Second)
		w.mem.LAN("").SetConditions(wire.Conditions{})
		_ = p.Publish(Property{"Entries", "1"})
		time.Sleep(2 * patience)
		got := strings.Join(next(), ", ")
		if want := "2 lost Entries=1, 0 initial lost Status=Up Entries=1"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// TestPairLossy has a bad LAN: a fifth of all packets is lost.
func TestPairLossy(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.publisher()
		sub := w.subscribe()
		w.mem.LAN("").SetConditions(wire.Conditions{Seed: 1, Loss: 0.2, Delay: time.Millisecond})
		last := ""
		w.tasks.Go(func() {
			for e := range sub.Events(w.ctx) {
				if v, ok := e.Get("Entries"); ok {
					last = v
				}
			}
		})
		for i := range 200 {
			_ = p.Publish(Property{"Entries", fmt.Sprint(i)})
			time.Sleep(time.Second)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if last != "199" {
			t.Errorf("the last known is %s", last)
		}
	})
}

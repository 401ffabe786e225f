package gena

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd/wire"
)

// TestBadSubscribers is what subscribers do to events.
func TestBadSubscribers(t *testing.T) {
	answer := func(status int, header ...string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
		}
	}
	tests := []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request)
		stays  bool
		after  time.Duration
		want   []string
	}{
		{"200", answer(200), true, 0, []string{"0", "1"}},
		{"412 ends it", answer(412), false, 0, []string{"0"}},
		{"500", answer(500), true, 0, []string{"0", "1"}},
		{"404", answer(404), true, 0, []string{"0", "1"}},
		{"29 redirect", answer(307, "Location", "http://"+otherAddr+":9000/"), true, 0, []string{"0", "1"}},
		{"31 slow", func(w http.ResponseWriter, r *http.Request) { time.Sleep(time.Minute) }, true, notifyTimeout, []string{"0", "1"}},
		{"30 endless answer", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<10)); err != nil {
					return
				}
				time.Sleep(time.Millisecond)
			}
		}, true, time.Second, []string{"0", "1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				var canary atomic.Int64
				h.web(h.other, ":9000", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { canary.Add(1) }))
				s := &sink{answer: tt.answer}
				h.web(h.pc, ":9000", s)
				h.subscribe()
				synctest.Wait()
				_ = h.pub.Publish(status)
				time.Sleep(tt.after + time.Millisecond)
				var got []string
				for _, e := range s.events() {
					got = append(got, e[:1])
				}
				if !slices.Equal(got, tt.want) || (h.pub.Subscriptions() == 1) != tt.stays || canary.Load() > 0 {
					t.Errorf("events %q, %d subscriptions, canary %d", got, h.pub.Subscriptions(), canary.Load())
				}
				time.Sleep(2 * time.Minute)
			})
		})
	}
}

// TestSubscribesAgain is number 32: a callback that subscribes again with each event.
func TestSubscribesAgain(t *testing.T) {
	inHouse(t, func(h *house) {
		s := new(sink)
		s.answer = func(http.ResponseWriter, *http.Request) {
			h.tasks.Go(func() { h.ask(h.pc, "SUBSCRIBE", "CALLBACK: <http://192.168.1.7:9000/e>", "NT: upnp:event") })
		}
		h.web(h.pc, ":9000", s)
		h.subscribe()
		time.Sleep(time.Minute)
		if n, got := h.pub.Subscriptions(), s.events(); n != DefaultPerSource || len(got) != DefaultPerSource {
			t.Errorf("%d subscriptions, %d events", n, len(got))
		}
	})
}

// TestSlowSubscriber misses no latest value.
func TestSlowSubscriber(t *testing.T) {
	inHouse(t, func(h *house) {
		s := &sink{answer: func(http.ResponseWriter, *http.Request) { time.Sleep(time.Second) }}
		h.web(h.pc, ":9000", s)
		h.subscribe()
		synctest.Wait()
		for i := range 100 {
			_ = h.pub.Publish(Property{"Entries", fmt.Sprint(i)})
		}
		_ = h.pub.Publish(Property{"Status", "Up"})
		time.Sleep(5 * time.Second)
		if got, want := s.events(), []string{"0 Status=Down Entries=", "1 Entries=99 Status=Up"}; !slices.Equal(got, want) {
			t.Errorf("events %q", got)
		}
	})
}

// TestSecondURL tries the URLs in their order, for each event.
func TestSecondURL(t *testing.T) {
	inHouse(t, func(h *house) {
		second := new(sink)
		h.web(h.pc, ":9001", second)
		h.ask(h.pc, "SUBSCRIBE", "CALLBACK: <http://192.168.1.7:9000/><http://192.168.1.7:9001/>", "NT: upnp:event")
		if got := second.events(); len(got) != 1 {
			t.Errorf("events %q", got)
		}
		first := new(sink)
		h.web(h.pc, ":9000", first)
		_ = h.pub.Publish(status)
		if got := first.events(); len(got) != 1 || len(second.events()) > 0 {
			t.Errorf("events %q", got)
		}
	})
}

// TestInitialAfterAnswer has a subscriber that knows its SID when the first event comes, and one
// that unsubscribes before.
func TestInitialAfterAnswer(t *testing.T) {
	inHouse(t, func(h *house) {
		h.mem.LAN("").SetConditions(wire.Conditions{Delay: 10 * time.Millisecond})
		s := new(sink)
		h.web(h.pc, ":9000", s)
		sid := h.subscribe()
		if got := s.events(); len(got) > 0 {
			t.Errorf("before the answer: %q", got)
		}
		h.pub.mu.Lock()
		h.pub.end(sid)
		h.pub.mu.Unlock()
		time.Sleep(time.Second)
		if got := s.events(); len(got) != 1 {
			t.Errorf("events %q", got)
		}
	})
}

func TestSequenceWraps(t *testing.T) {
	inHouse(t, func(h *house) {
		s := new(sink)
		h.web(h.pc, ":9000", s)
		sid := h.subscribe()
		s.events()
		h.pub.mu.Lock()
		h.pub.subs[sid].next = 1<<32 - 1
		h.pub.mu.Unlock()
		for range 2 {
			_ = h.pub.Publish(status)
			synctest.Wait()
		}
		if got := s.events(); !slices.Equal(got, []string{"4294967295 Status=Up", "1 Status=Up"}) {
			t.Errorf("events %q", got)
		}
	})
}

// TestManySubscribers has a thousand of them, ten of which take the connection and never answer. All others
// see every event, in order.
func TestManySubscribers(t *testing.T) {
	const subscribers, stuck, rounds = 1000, 10, 8
	inHouse(t, func(h *house) {
		h.pub.MaxSubscriptions, h.pub.MaxPerSource = subscribers, subscribers
		h.pc.SetBacklog(subscribers)
		var mu sync.Mutex
		got := make(map[string][]string)
		h.web(h.pc, ":9000", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			properties, _, _ := ParseProperties(body)
			mu.Lock()
			got[r.URL.Path] = append(got[r.URL.Path], r.Header.Get("SEQ")+"="+properties[len(properties)-1].Value)
			mu.Unlock()
			if strings.HasPrefix(r.URL.Path, "/stuck") {
				<-h.ctx.Done()
			}
		}))
		for i := range subscribers {
			path := fmt.Sprintf("/%d", i)
			if i < stuck {
				path = fmt.Sprintf("/stuck%d", i)
			}
			if status, _ := h.ask(h.pc, "SUBSCRIBE", "CALLBACK: <http://192.168.1.7:9000"+path+">", "NT: upnp:event"); status != 200 {
				t.Fatalf("%d: %d", i, status)
			}
		}
		synctest.Wait()
		var early, late int64
		for round := range rounds {
			if round == 2 {
				early = heap()
			}
			_ = h.pub.Publish(Property{"Entries", fmt.Sprint(round)})
			time.Sleep(3 * time.Second)
		}
		late = heap()
		mu.Lock()
		defer mu.Unlock()
		for i := stuck; i < subscribers; i++ {
			events := got[fmt.Sprintf("/%d", i)]
			if len(events) != rounds+1 {
				t.Fatalf("%d got %d events", i, len(events))
			}
			for n, e := range events[1:] {
				if e != fmt.Sprintf("%d=%d", n+1, n) {
					t.Fatalf("%d: event %d is %s", i, n, e)
				}
			}
		}
		t.Logf("stuck ones got %q; heap grew by %d KiB in %d rounds", got["/stuck0"], (late-early)>>10, rounds-2)
		if late-early > 4<<20 {
			t.Errorf("heap grew by %d bytes", late-early)
		}
	})
}

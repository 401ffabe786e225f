package emulator

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"upnp/igd"
)

// events are the ways of telling subscribers.
func events() []kind {
	return []kind{
		{"subscribe-refused", "refuses every subscription; =N with which status, 412 if not given (Technicolor CobraXh; 500 by a router of Home Assistant #52373)", subscribeRefused},
		{"never-notifies", "accepts subscriptions and sends nothing (seen by Cling and upnp-router-control)", neverNotifies},
		{"notify-before-answer", "sends the first event before the answer to SUBSCRIBE; =D how long the answer takes, 1s if not given (miniupnpd in half of all cases)", notifyBeforeAnswer},
		{"drops-while-in-flight", "forgets to tell of what changes soon after another change; =D how soon, 100ms if not given (miniupnpd with a slow subscriber)", dropsWhileInFlight},
		{"second-infinite", "grants subscriptions for ever: TIMEOUT: Second-infinite (UPnP 1.0 devices)",
			subscribing(func(_ *question, a *answer) { a.header["TIMEOUT"] = []string{"Second-infinite"} })},
		{"renewal-without-sid", "leaves the SID out of the answer to a renewal (routers of async_upnp_client's list)",
			subscribing(func(q *question, a *answer) {
				if q.Header.Get("SID") != "" {
					delete(a.header, "SID")
				}
			})},
	}
}

const subscribe = "SUBSCRIBE"

// subscribing is after for subscriptions that are granted.
func subscribing(edit func(*question, *answer)) func(*parameter) Quirk {
	return after(func(q *question, a *answer) {
		if q.Method == subscribe && a.status == http.StatusOK {
			edit(q, a)
		}
	})
}

// atSubscription is the quirk of doing something about a request before it is handled, or instead.
func atSubscription(handle func(w http.ResponseWriter, r *http.Request) (done bool)) Quirk {
	return Quirk{HTTP: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			about := r.Method == subscribe || r.Method == "UNSUBSCRIBE"
			if !about || !handle(w, r) {
				next.ServeHTTP(w, r)
			}
		})
	}}
}

func subscribeRefused(p *parameter) Quirk {
	status := p.number(http.StatusPreconditionFailed)
	return atSubscription(func(w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(status)
		return true
	})
}

// neverNotifies has no subscribers at all behind what it says.
func neverNotifies(*parameter) Quirk {
	var mu sync.Mutex
	count := 0
	return atSubscription(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == subscribe {
			mu.Lock()
			count++
			sid := "uuid:00000000-0000-8000-8000-" + strconv.Itoa(100000000000+count)
			mu.Unlock()
			if known := r.Header.Get("SID"); known != "" {
				sid = known
			}
			w.Header()["SID"], w.Header()["TIMEOUT"] = []string{sid}, []string{"Second-1800"}
		}
		w.WriteHeader(http.StatusOK)
		return true
	})
}

func notifyBeforeAnswer(p *parameter) Quirk {
	d := p.duration(time.Second)
	return atSubscription(func(w http.ResponseWriter, r *http.Request) bool {
		if a, ok := w.(*answer); ok && r.Method == subscribe {
			a.hold = d
		}
		return false
	})
}

// dropsWhileInFlight takes every event to be under way for as long.
func dropsWhileInFlight(p *parameter) Quirk {
	d := p.duration(100 * time.Millisecond)
	var mu sync.Mutex
	var busy time.Time
	return Quirk{Tell: func(igd.Change) bool {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		if now.Before(busy) {
			return false
		}
		busy = now.Add(d)
		return true
	}}
}

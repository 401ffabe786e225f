package gena

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upnp/description"
	"upnp/igd/wire"
)

// connection describes a service with two evented variables.
func connection() *description.SCPD {
	return &description.SCPD{Variables: []*description.Variable{
		{Name: "Status", Evented: true, Default: "Down"},
		{Name: "Uptime"},
		{Name: "Entries", Evented: true},
	}}
}

// A house is a publisher that serves on the router, and hosts that may hear of it.
type house struct {
	*testing.T
	mem               *wire.Memory
	router, pc, other *wire.Host
	pub               *Publisher
	ctx               context.Context
	tasks             sync.WaitGroup
}

// inHouse runs f in virtual time.
func inHouse(t *testing.T, f func(h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		mem := wire.NewMemory()
		h := &house{T: t, mem: mem, router: newHost(mem, "router", routerAddr), pc: newHost(mem, "pc", pcAddr), other: newHost(mem, "other", otherAddr)}
		ctx, stop := context.WithCancel(t.Context())
		h.ctx = ctx
		h.pub = &Publisher{SCPD: connection(), HTTP: wire.HTTPClient(h.router), Server: "Test/1 UPnP/1.1 test/1"}
		h.tasks.Go(func() {
			if err := h.pub.Serve(ctx); err != nil {
				t.Errorf("Serve: %v", err)
			}
		})
		server := h.web(h.router, ":5000", h.pub)
		defer func() {
			stop()
			server.Close()
			h.tasks.Wait()
		}()
		synctest.Wait()
		f(h)
	})
}

func (h *house) web(on *wire.Host, addr string, handler http.Handler) *http.Server {
	l, err := on.Listen(h.ctx, "tcp", addr)
	if err != nil {
		h.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	h.tasks.Go(func() { _ = server.Serve(l) })
	context.AfterFunc(h.ctx, func() { server.Close() })
	return server
}

// A sink takes events and says how it answers.
type sink struct {
	mu     sync.Mutex
	got    []string // SEQ and properties
	raw    []*http.Request
	answer func(w http.ResponseWriter, r *http.Request) // nil answers 200
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	properties, _, _ := ParseProperties(body)
	text := r.Header.Get("SEQ")
	for _, p := range properties {
		text += " " + p.Name + "=" + p.Value
	}
	s.mu.Lock()
	s.got = append(s.got, text)
	s.raw = append(s.raw, r)
	s.mu.Unlock()
	if s.answer != nil {
		s.answer(w, r)
	}
}

func (s *sink) events() []string {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	got := s.got
	s.got = nil
	return got
}

// ask sends header lines to the publisher and returns the status and the header.
func (h *house) ask(from *wire.Host, method string, lines ...string) (int, http.Header) {
	h.Helper()
	return h.askAt(from, routerAddr, method, lines...)
}

func (h *house) askAt(from *wire.Host, addr, method string, lines ...string) (int, http.Header) {
	h.Helper()
	request, err := http.NewRequestWithContext(h.ctx, method, "http://"+addr+":5000/evt", nil)
	if err != nil {
		h.Fatal(err)
	}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		request.Header[name] = append(request.Header[name], value)
	}
	answer, err := wire.HTTPClient(from).Do(request)
	if err != nil {
		return 0, nil
	}
	defer answer.Body.Close()
	return answer.StatusCode, answer.Header
}

// subscribe makes a good subscription of the pc, to be called at port 9000.
func (h *house) subscribe(lines ...string) (sid string) {
	h.Helper()
	status, header := h.ask(h.pc, "SUBSCRIBE", append(lines, "CALLBACK: <http://192.168.1.7:9000/e>", "NT: upnp:event")...)
	if status != 200 {
		h.Fatalf("status %d", status)
	}
	return header.Get("SID")
}

func TestPublisherAnswers(t *testing.T) {
	const callback, nt = "CALLBACK: <http://192.168.1.7:9000/e>", "NT: upnp:event"
	tests := []struct {
		name, method string
		lines        []string // "SID: ok" is a good one
		status       int
		timeout      string
	}{
		{"new", "SUBSCRIBE", []string{callback, nt}, 200, "Second-1800"},
		{"with a time", "SUBSCRIBE", []string{callback, nt, "TIMEOUT: Second-300"}, 200, "Second-300"},
		{"too short", "SUBSCRIBE", []string{callback, nt, "TIMEOUT: Second-1"}, 200, "Second-60"},
		{"shortest", "SUBSCRIBE", []string{callback, nt, "TIMEOUT: Second-60"}, 200, "Second-60"},
		{"too long", "SUBSCRIBE", []string{callback, nt, "TIMEOUT: Second-86401"}, 200, "Second-86400"},
		{"infinite is absent", "SUBSCRIBE", []string{callback, nt, "TIMEOUT: Second-infinite"}, 200, "Second-1800"},
		{"STATEVAR is ignored", "SUBSCRIBE", []string{callback, nt, "STATEVAR: Status"}, 200, "Second-1800"},
		{"renewal", "SUBSCRIBE", []string{"SID: ok", "TIMEOUT: Second-600"}, 200, "Second-600"},
		{"UNSUBSCRIBE", "UNSUBSCRIBE", []string{"SID: ok"}, 200, ""},

		{"38 SID and CALLBACK", "SUBSCRIBE", []string{"SID: ok", callback}, 400, ""},
		{"39 SID and NT", "SUBSCRIBE", []string{"SID: ok", nt}, 400, ""},
		{"all three", "SUBSCRIBE", []string{"SID: ok", nt, callback}, 400, ""},
		{"40 no NT", "SUBSCRIBE", []string{callback}, 412, ""},
		{"wrong NT", "SUBSCRIBE", []string{callback, "NT: upnp:rootdevice"}, 412, ""},
		{"no CALLBACK", "SUBSCRIBE", []string{nt}, 412, ""},
		{"nothing", "SUBSCRIBE", nil, 412, ""},
		{"empty SID", "SUBSCRIBE", []string{"SID: "}, 412, ""},
		{"unknown SID", "SUBSCRIBE", []string{"SID: uuid:x"}, 412, ""},
		{"42 UNSUBSCRIBE with NT", "UNSUBSCRIBE", []string{"SID: ok", nt}, 400, ""},
		{"UNSUBSCRIBE with CALLBACK", "UNSUBSCRIBE", []string{"SID: ok", callback}, 400, ""},
		{"UNSUBSCRIBE of an unknown SID", "UNSUBSCRIBE", []string{"SID: uuid:x"}, 412, ""},
		{"UNSUBSCRIBE without SID", "UNSUBSCRIBE", nil, 412, ""},
		{"another method", "GET", nil, 405, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				h.web(h.pc, ":9000", new(sink))
				sid := h.subscribe()
				lines := slices.Clone(tt.lines)
				for i, line := range lines {
					lines[i] = strings.Replace(line, "SID: ok", "SID: "+sid, 1)
				}
				status, header := h.ask(h.pc, tt.method, lines...)
				if status != tt.status || header.Get("TIMEOUT") != tt.timeout || header.Get("Content-Length") != "0" ||
					header.Get("SERVER") != "Test/1 UPnP/1.1 test/1" || header.Get("Date") == "" {
					t.Errorf("%d %v", status, header)
				}
				if got := header.Get("SID"); (got != "") != (tt.timeout != "") || strings.Contains(fmt.Sprint(lines), sid) && got != "" && got != sid {
					t.Errorf("SID %q", got)
				}
				if status == 405 && header.Get("Allow") != "SUBSCRIBE, UNSUBSCRIBE" {
					t.Errorf("Allow %q", header.Get("Allow"))
				}
			})
		})
	}
}

// TestNotify looks at the requests as they come.
func TestNotify(t *testing.T) {
	inHouse(t, func(h *house) {
		s := new(sink)
		h.web(h.pc, ":9000", s)
		sid := h.subscribe()
		if got, want := s.events(), []string{"0 Status=Down Entries="}; !slices.Equal(got, want) {
			t.Errorf("initial event %q", got)
		}
		for _, p := range [][]Property{{{"Status", "Up"}}, {{"Status", "Up"}, {"Entries", "1"}}} {
			if err := h.pub.Publish(p...); err != nil {
				t.Error(err)
			}
			synctest.Wait()
		}
		if got, want := s.events(), []string{"1 Status=Up", "2 Status=Up Entries=1"}; !slices.Equal(got, want) {
			t.Errorf("events %q", got)
		}
		r := s.raw[0]
		for name, want := range map[string]string{"Nt": eventType, "Nts": propertyChange, "Sid": sid, "Seq": "0", "Content-Type": `text/xml; charset="utf-8"`} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s %q", name, got)
			}
		}
		if r.Method != "NOTIFY" || r.URL.Path != "/e" || r.Host != "192.168.1.7:9000" {
			t.Errorf("%s %s at %s", r.Method, r.URL, r.Host)
		}
		if status, _ := h.ask(h.pc, "UNSUBSCRIBE", "SID: "+sid); status != 200 || h.pub.Subscriptions() != 0 {
			t.Errorf("UNSUBSCRIBE: %d", status)
		}
		_ = h.pub.Publish(status)
		if got := s.events(); len(got) > 0 {
			t.Errorf("after the end: %q", got)
		}
	})
}

func TestPublishRefuses(t *testing.T) {
	p := &Publisher{SCPD: connection()}
	if err := p.Publish(Property{"Uptime", "1"}); !errors.Is(err, ErrNotEvented) {
		t.Error(err)
	}
	if err := p.Publish(Property{"Status", "Up"}, Property{"a b", ""}); err == nil || p.state[0].Value != "Down" {
		t.Errorf("%v, %v", err, p.state)
	}
	if err := p.Publish(Property{"Status", "Up"}); err != nil || p.state[0].Value != "Up" {
		t.Errorf("%v, %v", err, p.state)
	}
}

func TestSubscriptionLimits(t *testing.T) {
	inHouse(t, func(h *house) {
		ask := func(source int) int {
			request := httptest.NewRequest("SUBSCRIBE", "/evt", nil)
			addr := fmt.Sprintf("192.168.1.%d", source)
			request.RemoteAddr = addr + ":50000"
			request.Header = http.Header{"Callback": {"<http://" + addr + ":9000/>"}, "Nt": {eventType}, "Timeout": {"Second-60"}}
			answer := httptest.NewRecorder()
			h.pub.ServeHTTP(answer, request)
			return answer.Code
		}
		for i := range DefaultSubscriptions {
			if status := ask(10 + i/DefaultPerSource); status != 200 {
				t.Errorf("%d: %d", i, status)
			}
			if i == DefaultPerSource-1 {
				if status := ask(10); status != 503 {
					t.Errorf("one more of a source: %d", status)
				}
			}
		}
		if status := ask(100); status != 503 {
			t.Errorf("one more: %d", status)
		}
		time.Sleep(time.Minute)
		if status := ask(100); status != 200 || h.pub.Subscriptions() != 1 {
			t.Errorf("after the others expired: %d, %d subscriptions", status, h.pub.Subscriptions())
		}
	})
}

// TestExpiry is number 41: what is not renewed in time is gone, what is renewed is not.
func TestExpiry(t *testing.T) {
	inHouse(t, func(h *house) {
		s := new(sink)
		h.web(h.pc, ":9000", s)
		kept, lost := h.subscribe("TIMEOUT: Second-60"), h.subscribe("TIMEOUT: Second-60")
		time.Sleep(59 * time.Second)
		if status, _ := h.ask(h.pc, "SUBSCRIBE", "SID: "+kept, "TIMEOUT: Second-60"); status != 200 {
			t.Errorf("renewal: %d", status)
		}
		time.Sleep(time.Second)
		s.events()
		_ = h.pub.Publish(status)
		if got := s.events(); !slices.Equal(got, []string{"1 Status=Up"}) {
			t.Errorf("events %q", got)
		}
		if status, _ := h.ask(h.pc, "SUBSCRIBE", "SID: "+lost); status != 412 {
			t.Errorf("late renewal: %d", status)
		}
	})
}

// TestBeforeAndAfterServe keeps events for when Serve begins, and takes no subscription after it.
func TestBeforeAndAfterServe(t *testing.T) {
	inHouse(t, func(h *house) {
		s := new(sink)
		h.web(h.pc, ":9000", s)
		p := &Publisher{HTTP: wire.HTTPClient(h.router)}
		h.web(h.router, ":5001", p)
		_ = p.Publish(status)
		ask := func() int {
			request := httptest.NewRequest("SUBSCRIBE", "/evt", nil)
			request.RemoteAddr = pcAddr + ":50000"
			request.Header = http.Header{"Callback": {"<http://192.168.1.7:9000/>"}, "Nt": {eventType}}
			answer := httptest.NewRecorder()
			p.ServeHTTP(answer, request)
			return answer.Code
		}
		if code := ask(); code != 200 || len(s.events()) > 0 {
			t.Errorf("before: %d", code)
		}
		ctx, cancel := context.WithCancel(h.ctx)
		var task sync.WaitGroup
		task.Go(func() { _ = p.Serve(ctx) })
		if got := s.events(); !slices.Equal(got, []string{"0 Status=Up"}) {
			t.Errorf("events %q", got)
		}
		cancel()
		task.Wait()
		if code := ask(); code != 503 || p.Subscriptions() != 0 {
			t.Errorf("after: %d", code)
		}
	})
}

// TestServeAgain serves one time after the other, but not twice at a time.
func TestServeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(Publisher)
		for range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			var task sync.WaitGroup
			task.Go(func() { _ = p.Serve(ctx) })
			synctest.Wait()
			if err := p.Serve(ctx); err != errServing {
				t.Errorf("serves twice: %v", err)
			}
			task.Wait()
			cancel()
		}
	})
}

// TestDelay: the first event leaves the subscriber time to read its SID; later ones are at once.
func TestDelay(t *testing.T) {
	inHouse(t, func(h *house) {
		h.pub.Delay = 100 * time.Millisecond
		s := &sink{}
		h.web(h.pc, ":9000", s)
		h.subscribe()
		if got := s.events(); len(got) != 0 {
			t.Errorf("at once %q", got)
		}
		_ = h.pub.Publish(Property{"Status", "Up"})
		time.Sleep(h.pub.Delay)
		synctest.Wait()
		if got, want := s.events(), []string{"0 Status=Up Entries="}; !slices.Equal(got, want) {
			t.Errorf("first event %q, want %q", got, want)
		}
		_ = h.pub.Publish(Property{"Entries", "1"})
		synctest.Wait()
		if got, want := s.events(), []string{"1 Entries=1"}; !slices.Equal(got, want) {
			t.Errorf("then %q, want %q", got, want)
		}
	})
}

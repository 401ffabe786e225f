package gena

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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

// TestCallbacks is the list of delivery URLs an attacker may give, and of good ones. Nobody but
// the subscriber may ever be connected to.
func TestCallbacks(t *testing.T) {
	long := "<http://192.168.1.7:9000/" + strings.Repeat("x", maxCallbackURL) + ">"
	longest := "<http://192.168.1.7:9000/" + strings.Repeat("x", maxCallbackURL-len("http://192.168.1.7:9000/")) + ">"
	tests := []struct {
		name, callback string
		status         int
	}{
		{"1 other LAN host", "<http://192.168.1.66:9000/>", 412},
		{"2 WAN host", "<http://203.0.113.9:9000/>", 412},
		{"3 loopback", "<http://127.0.0.1:9000/>", 412},
		{"4 unspecified", "<http://0.0.0.0:9000/>", 412},
		{"5 multicast", "<http://239.255.255.250:9000/>", 412},
		{"6 broadcast", "<http://255.255.255.255:9000/>", 412},
		{"6 broadcast of the LAN", "<http://192.168.1.255:9000/>", 412},
		{"7 link-local", "<http://[fe80::7]:9000/>", 412},
		{"8 loopback, mapped", "<http://[::ffff:127.0.0.1]:9000/>", 412},
		{"8 other host, mapped", "<http://[::ffff:192.168.1.66]:9000/>", 412},
		{"9 decimal", "<http://3232235783:9000/>", 412},
		{"10 hexadecimal", "<http://0xc0a80107:9000/>", 412},
		{"11 octal", "<http://0300.0250.1.7:9000/>", 412},
		{"12 name", "<http://other.lan:9000/>", 412},
		{"13 name of the peer", "<http://192.168.1.7.nip.io:9000/>", 412},
		{"14 empty", "", 412},
		{"14 empty URL", "<>", 412},
		{"14 no host", "<http://:9000/>", 412},
		{"15 https", "<https://192.168.1.7:9000/>", 412},
		{"16 ftp", "<ftp://192.168.1.7:9000/>", 412},
		{"16 no scheme", "<192.168.1.7:9000/>", 412},
		{"16 opaque", "<http:192.168.1.7:9000>", 412},
		{"17 user", "<http://192.168.1.7:9000@192.168.1.66/>", 412},
		{"17 user of the peer", "<http://u:p@192.168.1.7:9000/>", 412},
		{"18 port 0", "<http://192.168.1.7:0/>", 412},
		{"18 no port after a colon", "<http://192.168.1.7:/>", 412},
		{"20 port over 65535", "<http://192.168.1.7:74536/>", 412},
		{"21 two good and a bad one", "<http://192.168.1.7:9000/><http://192.168.1.7:9001/><http://192.168.1.66:9000/>", 412},
		{"22 three", "<http://192.168.1.7:9000/><http://192.168.1.7:9001/><http://192.168.1.7:9002/>", 412},
		{"23 10 KiB", "<http://192.168.1.7:9000/" + strings.Repeat("x", 10<<10) + ">", 412},
		{"23 one byte too long", long, 412},
		{"24 no brackets", "http://192.168.1.7:9000/", 412},
		{"24 half a bracket", "<http://192.168.1.7:9000/", 412},
		{"25 nested brackets", "<<http://192.168.1.7:9000/>>", 412},
		{"25 nested URL", "<http://192.168.1.7:9000/<http://192.168.1.66:9000/>>", 412},
		{"26 CRLF inside", "<http://192.168.1.7:9000/\r\nX: y>", 412},
		{"27 blanks inside", "< http://192.168.1.7:9000/ >", 412},
		{"27 tab inside", "<http://192.168.1.7:9000/\tx>", 412},
		{"28 unicode host", "<http://１９２.168.1.7:9000/>", 412},
		{"28 unicode dots", "<http://192。168。1。7:9000/>", 412},
		{"backslash", `<http://192.168.1.66\@192.168.1.7:9000/>`, 412},
		{"one good, one of another host", "<http://192.168.1.66:9000/><http://192.168.1.7:9000/>", 200},
		{"34 good", "<http://192.168.1.7:9000/e>", 200},
		{"35 good with query", "<http://192.168.1.7:9000/e?x=<1>", 412},
		{"35 good with path and query", "<http://192.168.1.7:9000/e/f?x=1&y=2>", 200},
		{"36 good without path", "<http://192.168.1.7:9000>", 200},
		{"good, blanks around", " \t<http://192.168.1.7:9000/e> ", 200},
		{"good, mapped", "<http://[::ffff:192.168.1.7]:9000/e>", 200},
		{"good, upper case", "<HTTP://192.168.1.7:9000/e>", 200},
		{"good, longest", longest, 200},
		{"good, two", "<http://192.168.1.7:9000/e> <http://192.168.1.7:9001/e>", 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				var canary atomic.Int64
				h.web(h.other, ":9000", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { canary.Add(1) }))
				h.web(h.router, ":9000", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { canary.Add(1) }))
				s := new(sink)
				h.web(h.pc, ":9000", s)
				// Not over HTTP: no client would send some of these.
				request := httptest.NewRequest("SUBSCRIBE", "/evt", nil)
				request.RemoteAddr = pcAddr + ":50000"
				request.Header = http.Header{"Callback": {tt.callback}, "Nt": {eventType}}
				answer := httptest.NewRecorder()
				h.pub.ServeHTTP(answer, request)
				got := s.events()
				if answer.Code != tt.status || canary.Load() > 0 || (len(got) > 0) != (tt.status == 200) {
					t.Errorf("status %d, events %q, canary %d", answer.Code, got, canary.Load())
				}
			})
		})
	}
}

// TestCallbackOfSocket has rules that depend on the connection.
func TestCallbackOfSocket(t *testing.T) {
	local := "192.168.1.1:5000"
	tests := []struct {
		name, peer, callback, want string
	}{
		{"7 zone of another link", "[fe80::7%eth0]:1", "<http://[fe80::7%25eth1]:9000/>", ""},
		{"37 zone of the socket", "[fe80::7%eth0]:1", "<http://[fe80::7%25eth0]:9000/>", "http://[fe80::7%25eth0]:9000/"},
		{"37 no zone", "[fe80::7%eth0]:1", "<http://[fe80::7]:9000/>", "http://[fe80::7%25eth0]:9000/"},
		{"33 IPv4 from IPv6", "[2001:db8::7]:1", "<http://192.168.1.7:9000/>", ""},
		{"IPv6 from IPv4", "192.168.1.7:1", "<http://[2001:db8::7]:9000/>", ""},
		{"mapped peer", "[::ffff:192.168.1.7]:1", "<http://192.168.1.7:9000/>", "http://192.168.1.7:9000/"},
		{"19 our own port", "192.168.1.1:1", "<http://192.168.1.1:5000/evt>", ""},
		{"19 our own port, mapped", "192.168.1.1:1", "<http://[::ffff:192.168.1.1]:5000/evt>", ""},
		{"another port of ours, by ourselves", "192.168.1.1:1", "<http://192.168.1.1:9000/>", "http://192.168.1.1:9000/"},
		{"allowed network", "192.168.1.7:1", "<http://10.9.8.7:9000/>", "http://10.9.8.7:9000/"},
		{"this machine in an allowed network", "10.9.8.7:1", "<http://192.168.1.1:5000/>", ""},
		{"no peer", "pipe", "<http://192.168.1.7:9000/>", ""},
		{"fragment", "192.168.1.7:1", "<http://192.168.1.7/a#b>", "http://192.168.1.7:80/a"},
	}
	for _, tt := range tests {
		g := &guard{peer: addrPort(tt.peer), local: addrPort(local), allowed: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.168.1.1/32"), netip.MustParsePrefix("127.0.0.0/8")}}
		if got, err := g.callbacks(tt.callback); strings.Join(got, " ") != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: %q, %v", tt.name, got, err)
		}
	}
	g := &guard{peer: addrPort("10.9.8.7:1"), local: addrPort(local), allowed: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}
	for _, bad := range []string{"127.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "192.168.1.1", "169.254.1.1"} {
		if got, err := g.callbacks("<http://" + bad + ":9000/>"); err == nil {
			t.Errorf("%s allowed: %q", bad, got)
		}
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

// TestManySubscribers has a thousand of them, ten of which take the connection and never answer. All others
// see every event, in order.
func TestManySubscribers(t *testing.T) {
	const subscribers, stuck, rounds = 1000, 10, 20
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
			if round == 5 {
				early = heap()
			}
			_ = h.pub.Publish(Property{"Entries", fmt.Sprint(round)})
			time.Sleep(time.Second)
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
		t.Logf("stuck ones got %q; heap grew by %d KiB in %d rounds", got["/stuck0"], (late-early)>>10, rounds-5)
		if late-early > 4<<20 {
			t.Errorf("heap grew by %d bytes", late-early)
		}
	})
}

// FuzzSubscribe throws header fields at a publisher: no URL may come of them that is not of the
// one who asks.
func FuzzSubscribe(f *testing.F) {
	f.Add("SUBSCRIBE", "<http://192.168.1.7:9000/>", "upnp:event", "", "Second-300")
	f.Add("SUBSCRIBE", "<http://192.168.1.66@192.168.1.7:9000/><http://192.168.1.7/>", "upnp:event", "", "Second-infinite")
	f.Add("UNSUBSCRIBE", "", "", "uuid:1", "")
	f.Fuzz(func(t *testing.T, method, callback, nt, sid, timeout string) {
		p := new(Publisher) // that does not serve and sends nothing
		request := httptest.NewRequest("SUBSCRIBE", "/evt", nil)
		request.Method = method
		request.RemoteAddr = pcAddr + ":50000"
		request.Header = http.Header{"Timeout": {timeout}}
		for name, value := range map[string]string{"Callback": callback, "Nt": nt, "Sid": sid} {
			if value != "" {
				request.Header[name] = []string{value}
			}
		}
		answer := httptest.NewRecorder()
		p.ServeHTTP(answer, request)
		if !slices.Contains([]int{200, 400, 405, 412}, answer.Code) {
			t.Errorf("status %d", answer.Code)
		}
		for _, r := range p.subs {
			for _, url := range r.urls {
				request, err := http.NewRequest("NOTIFY", url, nil)
				if err != nil || request.URL.Hostname() != pcAddr || request.URL.Scheme != "http" || request.URL.User != nil || request.URL.Port() == "0" {
					t.Errorf("%q gives %q, %v", callback, url, err)
				}
			}
		}
	})
}

package gena

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"upnp/description"
	"upnp/igd/wire"
)

var status = Property{"Status", "Up"}

func TestSubscribeRequest(t *testing.T) {
	inWorld(t, func(w *world) {
		d := w.device(grant("Second-300"))
		sub := w.subscribe()
		h := d.headers[0]
		if !strings.HasPrefix(h.Get("CALLBACK"), "<http://192.168.1.7:4004/") || len(d.path()) != 33 || h.Get("NT") != "upnp:event" ||
			h.Get("TIMEOUT") != "Second-1800" || h.Get("SID") != "" || h.Get("User-Agent") == "" {
			t.Errorf("header %v", h)
		}
		if sub.SID() != "uuid:0" || sub.URL() != eventURL || time.Until(sub.Expires()) != 300*time.Second {
			t.Errorf("%s %s %v", sub.SID(), sub.URL(), sub.Expires())
		}
		second := w.subscribe()
		if d.paths[0] == d.paths[1] || second.SID() == sub.SID() {
			t.Errorf("one path for two subscriptions: %v", d.paths)
		}
		if err := sub.Close(w.ctx); err != nil {
			t.Error(err)
		}
		if err := sub.Close(w.ctx); err != nil {
			t.Errorf("second Close: %v", err)
		}
		w.stop()
		<-time.After(time.Second)
		want := []string{"SUBSCRIBE new", "SUBSCRIBE new", "UNSUBSCRIBE uuid:0", "UNSUBSCRIBE uuid:1"}
		if diff := cmp.Diff(want, d.requests()); diff != "" {
			t.Error(diff)
		}
		if _, err := w.sub.Subscribe(w.ctx, eventURL); err != ErrClosed {
			t.Errorf("after Serve: %v", err)
		}
	})
}

func TestSubscribeFails(t *testing.T) {
	t.Run("refused", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.device(func(int, *http.Request, http.Header) int { return http.StatusPreconditionFailed })
			_, err := w.sub.Subscribe(w.ctx, eventURL)
			if e, ok := errors.AsType[*description.StatusError](err); !ok || e.Code != 412 || e.URL != eventURL {
				t.Errorf("refused: %v", err)
			}
		})
	})
	t.Run("silent", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.listen(w.router, routerAddr+":5000").Close()
			w.mem.LAN("").SetConditions(wire.Conditions{Cut: true})
			_, err := w.sub.Subscribe(w.ctx, eventURL)
			if e, ok := errors.AsType[net.Error](err); !ok || !e.Timeout() {
				t.Errorf("silent: %v", err)
			}
		})
	})
	t.Run("no SID", func(t *testing.T) {
		inWorld(t, func(w *world) {
			w.device(func(int, *http.Request, http.Header) int { return http.StatusOK })
			if sub, err := w.sub.Subscribe(w.ctx, eventURL); sub != nil || err != errNoSID {
				t.Errorf("%v", err)
			}
			if len(w.sub.doors) > 0 || len(w.sub.open) > 0 {
				t.Error("something stays")
			}
		})
	})
	for _, url := range []string{"https://192.168.1.1/", "http://router.lan/evt", "http://u:p@192.168.1.1/", "/evt", "http://[::1", ""} {
		if _, err := new(Subscriber).Subscribe(t.Context(), url); !errors.Is(err, description.ErrURL) {
			t.Errorf("%q: %v", url, err)
		}
	}
	if _, err := new(Subscriber).Subscribe(t.Context(), eventURL); err != ErrCallback {
		t.Errorf("no listener: %v", err)
	}
}

// TestEvents goes through what devices do to the request line, the header and the order.
func TestEvents(t *testing.T) {
	inWorld(t, func(w *world) {
		d := w.device(grant(""))
		next := w.events(w.subscribe())
		path := d.path()
		var seq uint32
		good := func(path string) string {
			return notify(path, "uuid:0", seq, Property{"N", fmt.Sprint(seq)})
		}
		replace := func(old, new string) func(string) string {
			return func(text string) string { return strings.Replace(text, old, new, 1) }
		}
		tests := []struct {
			name, path string
			change     func(string) string
		}{
			{"as it should be", path, nil},
			{"HTTP/1.0", path, replace("HTTP/1.1", "HTTP/1.0")},
			{"no version", path, replace(" HTTP/1.1", "")},
			{"LF", path, func(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }},
			{"empty lines before", path, func(s string) string { return "\r\n\r\n" + s }},
			{"blank before colons", path, func(s string) string {
				return strings.Replace(strings.Replace(s, "SID:", "SID :", 1), "SEQ:", "SEQ\t:", 1)
			}},
			{"no blank behind colons", path, func(s string) string {
				return strings.Replace(strings.Replace(s, "SID: ", "SID:", 1), "NT: ", "NT:", 1)
			}},
			{"no HOST", path, replace("HOST: 192.168.1.7:4004\r\n", "")},
			{"wrong HOST", path, replace("HOST: 192.168.1.7:4004", "HOST: localhost")},
			{"no CONTENT-TYPE", path, replace("CONTENT-TYPE: text/xml; charset=\"utf-8\"\r\n", "")},
			{"odd charset", path, replace("utf-8", "x-unknown")},
			{"lower case", path, func(s string) string {
				head, body, _ := strings.Cut(s, "\r\n\r\n")
				return strings.Replace(strings.ToLower(head), "notify", "NOTIFY", 1) + "\r\n\r\n" + body
			}},
			{"folded line", path, replace("SID: uuid", "SID:\r\n uuid")},
			{"bytes behind the body", path, func(s string) string { return s + "\r\n" }},
			{"chunked", path, func(s string) string {
				head, body, _ := strings.Cut(s, "\r\n\r\n")
				head = strings.Replace(head, "CONTENT-LENGTH", "Transfer-Encoding: chunked\r\nX-Old", 1)
				return fmt.Sprintf("%s\r\n\r\n5\r\n%s\r\n%x;x=y\r\n%s\r\n0\r\n\r\n", head, body[:5], len(body)-5, body[5:])
			}},
			{"no length, connection kept", path, func(s string) string { return strings.Replace(s, "CONTENT-LENGTH", "X-Length", 1) }},
			{"length too large, connection kept", path, replace("CONTENT-LENGTH: ", "CONTENT-LENGTH: 1")},
			{"expects 100", path, replace("NT:", "Expect: 100-continue\r\nNT:")},
			{"slash appended", path + "/", nil},
			{"query appended (Fuppes)", path + "?x=1", nil},
			{"garbage appended (Onkyo)", path + "\x01junk", nil},
			{"absolute target", "http://192.168.1.7:4004" + path, nil},
			{"path in front", "/upnp/" + path, nil},
			{"SID without uuid", path, replace("SID: uuid:", "SID: ")},
			{"SID in capitals", path, replace("uuid:0", "UUID:0")},
		}
		for _, tt := range tests {
			text := good(tt.path)
			if tt.change != nil {
				text = tt.change(text)
			}
			answer := raw(w.router, pcAddr+":4004", text)
			if tt.name == "expects 100" && answer == "HTTP/1.1 100 Continue" {
				answer = accepted
			}
			got := next()
			want := []string{fmt.Sprintf("%d N=%d", seq, seq)}
			if seq == 0 {
				want[0] = "0 initial N=0"
			}
			if answer != accepted || !slices.Equal(got, want) {
				t.Errorf("%s: %s, %q, want %q", tt.name, answer, got, want)
			}
			seq++
		}
	})
}

// TestHints has events whose content is beyond repair.
func TestHints(t *testing.T) {
	inWorld(t, func(w *world) {
		d := w.device(grant(""))
		next := w.events(w.subscribe())
		raw(w.router, pcAddr+":4004", notify(d.path(), "uuid:0", 0, status))
		next()
		for i, body := range []string{"", "\xff\xfe\xfd", "<html>Log in</html>", strings.Repeat("<a>", 1000)} {
			head, _, _ := strings.Cut(notify(d.path(), "uuid:0", i+1), "CONTENT-LENGTH")
			answer := raw(w.router, pcAddr+":4004", fmt.Sprintf("%sCONTENT-LENGTH: %d\r\n\r\n%s", head, len(body), body))
			if got := next(); answer != accepted || len(got) != 1 || got[0] != fmt.Sprintf("%d lost", i+1) {
				t.Errorf("%.20q: %s, %q", body, answer, got)
			}
		}
		answer := raw(w.router, pcAddr+":4004", strings.Replace(notify(d.path(), "uuid:0", 5, status), "SEQ: 5\r\n", "", 1))
		if got := next(); answer != accepted || !slices.Equal(got, []string{"0 lost Status=Up"}) {
			t.Errorf("no SEQ: %s, %q", answer, got)
		}
		raw(w.router, pcAddr+":4004", notify(d.path(), "uuid:0", 5, status))
		if got := next(); !slices.Equal(got, []string{"5 Status=Up"}) {
			t.Errorf("after one without SEQ: %q", got)
		}
	})
}

// TestEarly has a router that sends the first event, twice, before it answers the SUBSCRIBE.
func TestEarly(t *testing.T) {
	for _, tt := range []struct {
		name, sid string
		wait      time.Duration
		want      []string
	}{
		{"right SID", "uuid:0", 0, []string{"1 initial Status=Down B=1"}},
		{"another SID", "uuid:other", 0, nil},
		{"too long ago", "uuid:0", maxEarly + time.Second, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				// Of more patience than the usual one.
				w.sub.HTTP = &http.Client{Transport: &http.Transport{DialContext: w.pc.Dial, DisableKeepAlives: true}}
				var d *device
				d = w.device(func(n int, r *http.Request, h http.Header) int {
					if r.Method == methodUnsubscribe {
						return http.StatusOK
					}
					first := raw(w.router, pcAddr+":4004", notify(d.path(), tt.sid, 0, status, Property{"B", "1"}))
					second := raw(w.router, pcAddr+":4004", notify(d.path(), tt.sid, 1, Property{"Status", "Down"}))
					third := raw(w.router, pcAddr+":4004", notify(d.path(), "uuid:third", 1, status))
					if first != accepted || second != accepted || third != unknown {
						t.Errorf("early: %s, %s, %s", first, second, third)
					}
					time.Sleep(tt.wait)
					h["SID"] = []string{"uuid:0"}
					return http.StatusOK
				})
				if got := w.events(w.subscribe())(); !slices.Equal(got, tt.want) {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			})
		})
	}
}

// TestServeFails takes the listener away.
func TestServeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Subscriber{Listener: brokenListener{}}
		if err := s.Serve(t.Context()); !errors.Is(err, os.ErrPermission) {
			t.Errorf("%v", err)
		}
	})
}

type brokenListener struct{ net.Listener }

func (brokenListener) Accept() (net.Conn, error) { return nil, os.ErrPermission }
func (brokenListener) Close() error              { return nil }

// TestMounted uses a Subscriber as a handler of somebody else's server.
func TestMounted(t *testing.T) {
	inWorld(t, func(w *world) {
		w.sub.Callback = "http://192.168.1.7:8080/events/"
		w.web(w.pc, pcAddr+":8080", http.StripPrefix("/events", w.sub))
		d := w.device(grant(""))
		next := w.events(w.subscribe())
		path := strings.TrimPrefix(d.path(), "http://192.168.1.7:8080")
		if !strings.HasPrefix(path, "/events/") {
			t.Errorf("path %s", path)
		}
		for text, want := range map[string]string{
			notify(path, "uuid:0", 0, status):                                      accepted,
			notify(path, "uuid:1", 1, status):                                      unknown,
			strings.Replace(notify(path, "uuid:0", 1), "NOTIFY", "POST", 1):        "HTTP/1.1 405 Method Not Allowed",
			notify(path, "uuid:0", 1, Property{"A", strings.Repeat("x", MaxBody)}): tooLarge,
		} {
			if got := raw(w.router, pcAddr+":8080", strings.Replace(text, "HOST", "Connection: close\r\nHOST", 1)); got != want {
				t.Errorf("%.60q: %s, want %s", text, got, want)
			}
		}
		if got := next(); !slices.Equal(got, []string{"0 initial Status=Up"}) {
			t.Errorf("got %q", got)
		}
		w.stop()
	})
}

// TestLinkLocal has a router that is known by its IPv6 address only.
func TestLinkLocal(t *testing.T) {
	inWorld(t, func(w *world) {
		w.sub.Listener.Close()
		<-w.stopped
		w.stopped <- nil
		s := &Subscriber{HTTP: wire.HTTPClient(w.pc), Listener: w.listen(w.pc, "[fe80::7%eth0]:4004")}
		w.tasks.Go(func() { _ = s.Serve(w.ctx) })
		d := &device{answer: grant("")}
		w.web(w.router, "[fe80::1%eth0]:5000", d)
		sub, err := s.Subscribe(w.ctx, "http://[fe80::1%25eth0]:5000/evt")
		if err != nil {
			t.Fatal(err)
		}
		callback := d.headers[0].Get("CALLBACK")
		path, ok := strings.CutPrefix(callback, "<http://[fe80::7]:4004")
		if !ok {
			t.Fatalf("CALLBACK %s", callback)
		}
		if answer := raw(w.router, "[fe80::7%eth0]:4004", notify(strings.Trim(path, ">"), "uuid:0", 0)); answer != accepted {
			t.Error(answer)
		}
		if got := w.events(sub)(); !slices.Equal(got, []string{"0 initial"}) {
			t.Errorf("got %q", got)
		}
		_ = sub.Close(w.ctx)
	})
}

// TestDefaultClient subscribes over real sockets, on loopback.
func TestDefaultClient(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip(err)
	}
	var from string
	d := &device{answer: grant("")}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from = r.RemoteAddr
		d.ServeHTTP(w, r)
	}))
	defer server.Close()
	s := &Subscriber{Listener: l}
	sub, err := s.Subscribe(t.Context(), server.URL+"/evt", netip.MustParseAddr("192.0.2.1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := sub.Close(t.Context()); err != nil || !strings.HasPrefix(from, "127.0.0.1:") || !sub.accepts(netip.MustParseAddr("::ffff:192.0.2.1")) {
		t.Errorf("%v, from %s", err, from)
	}
}

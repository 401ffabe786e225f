package gena

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

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

// TestCallbackHere has somebody on the publisher's own machine give its own port, over a real server.
func TestCallbackHere(t *testing.T) {
	inHouse(t, func(h *house) {
		h.web(h.router, ":9000", new(sink))
		for port, want := range map[string]int{"5000": 412, "9000": 200} {
			status, _ := h.ask(h.router, "SUBSCRIBE", "CALLBACK: <http://192.168.1.1:"+port+"/evt>", "NT: upnp:event")
			if status != want {
				t.Errorf("port %s: %d, want %d", port, status, want)
			}
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

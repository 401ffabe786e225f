package web

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd"
	"upnp/igd/wire"
)

// A target is a page on a real loopback port.
type target struct {
	*testing.T
	at, port, secret string
}

// serve runs a page with nobody on its network until the test ends.
func serve(t *testing.T) *target {
	ctx, stop := context.WithCancel(context.Background())
	address, ended := make(chan string, 1), make(chan error, 1)
	s := &Server{Client: igd.Client{Network: wire.NewMemory().Host("self")}, Ready: func(url string) { address <- url }}
	go func() { ended <- s.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case url := <-address:
		at, secret, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/#t=")
		return &target{t, at, at[strings.LastIndexByte(at, ':')+1:], secret}
	case err := <-ended:
		ended <- err
		t.Fatal(err)
		return nil
	}
}

// raw sends bytes and reads the answer; {port}, {secret} and so on are filled in.
func (g *target) raw(request string) (*http.Response, string, error) {
	g.Helper()
	c, err := net.Dial("tcp", g.at)
	if err != nil {
		g.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(c, g.fill(request))
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return nil, "", err
	}
	body, _ := io.ReadAll(answer.Body)
	return answer, string(body), nil
}

func (g *target) fill(s string) string {
	host, _ := os.Hostname()
	return strings.NewReplacer("{port}", g.port, "{secret}", g.secret, "{hostname}", host, "{lan}", lanAddress(), "\n", "\r\n").Replace(s)
}

// lanAddress is an address of this machine that is not loopback, or one that looks like it.
func lanAddress() string {
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && !p.Addr().IsLoopback() {
			return p.Addr().String()
		}
	}
	return "192.168.1.2"
}

// ask is a request for the API that lacks nothing, but for a line that is put in the place of its
// Host line, and others that are added.
func ask(host string, more ...string) string {
	lines := []string{"GET /api/state HTTP/1.1", host, "Authorization: Bearer {secret}"}
	return strings.Join(append(lines, append(more, "Connection: close", "", "")...), "\n")
}

const good = "Host: 127.0.0.1:{port}"

// cross is a request a foreign page can bring about: without the secret.
func cross(first string, body string, more ...string) string {
	lines := append([]string{first, good}, more...)
	if body != "" {
		lines = append(lines, fmt.Sprintf("Content-Length: %d", len(body)))
	}
	return strings.Join(append(lines, "Connection: close", "", body), "\n")
}

// attacks are the list of SECURITY 12.1, by its numbers.
var attacks = []struct {
	number  int
	what    string
	request string
}{
	{1, "foreign name", ask("Host: evil.test")},
	{2, "foreign name with the port", ask("Host: evil.test:{port}")},
	{3, "empty Host", ask("Host: ")},
	{4, "only a port", ask("Host: :{port}")},
	{5, "no Host", "GET /api/state HTTP/1.0\nAuthorization: Bearer {secret}\n\n"},
	{6, "localhost as a label", ask("Host: localhost.evil.test:{port}")},
	{7, "a name that resolves to loopback", ask("Host: 127.0.0.1.nip.io:{port}")},
	{8, "a dot behind the address", ask("Host: 127.0.0.1.:{port}")},
	{9, "a dot behind the name", ask("Host: localhost.:{port}")},
	{10, "unspecified", ask("Host: 0.0.0.0:{port}")},
	{11, "unspecified, IPv6", ask("Host: [::]:{port}")},
	{12, "short address", ask("Host: 127.1:{port}")},
	{13, "address as a number", ask("Host: 2130706433:{port}")},
	{14, "hexadecimal address", ask("Host: 0x7f.1:{port}")},
	{15, "mapped address", ask("Host: [::ffff:127.0.0.1]:{port}")},
	{16, "own address on the LAN", ask("Host: {lan}:{port}")},
	{17, "own name", ask("Host: {hostname}:{port}")},
	{18, "a name below localhost", ask("Host: x.localhost:{port}")},
	{19, "another port", ask("Host: 127.0.0.1:1")},
	{19, "no port", ask("Host: 127.0.0.1")},
	{20, "two Host lines", ask(good + "\nHost: evil.test")},
	{20, "two Host lines, the good one last", ask("Host: evil.test\n" + good)},
	{21, "absolute target, good Host", strings.Replace(ask(good), "GET /", "GET http://127.0.0.1:{port}/", 1)},
	{21, "absolute foreign target, good Host", strings.Replace(ask(good), "GET /", "GET http://evil.test/", 1)},
	{22, "absolute good target, bad Host", strings.Replace(ask("Host: evil.test"), "GET /", "GET http://127.0.0.1:{port}/", 1)},
	{23, "user in Host", ask("Host: user@127.0.0.1:{port}")},
	{24, "zone in Host", ask("Host: [::1%25lo]:{port}")},
	{24, "zone in Host, bare", ask("Host: [::1%lo]:{port}")},
	{25, "forwarded good Host", ask("Host: evil.test", "X-Forwarded-Host: 127.0.0.1:{port}", "Forwarded: host=127.0.0.1:{port}")},
	{26, "foreign origin", ask(good, "Origin: http://evil.test")},
	{27, "null origin", ask(good, "Origin: null")},
	{28, "origin on another port", ask(good, "Origin: http://127.0.0.1:1")},
	{29, "https origin", ask(good, "Origin: https://127.0.0.1:{port}")},
	{30, "cross-site", ask(good, "Sec-Fetch-Site: cross-site")},
	{31, "same-site", ask(good, "Sec-Fetch-Site: same-site")},
	{32, "API opened as a page", ask(good, "Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")},
	{33, "no headers and no secret", cross("GET /api/state HTTP/1.1", "")},
	{34, "rebound page", ask("Host: evil.test:{port}", "Origin: http://evil.test:{port}", "Sec-Fetch-Site: same-origin")},
	{35, "form", cross("POST /api/mappings/add HTTP/1.1", "externalPort=9542", "Content-Type: application/x-www-form-urlencoded", "Origin: null", "Sec-Fetch-Site: cross-site")},
	{36, "multipart form", cross("POST /api/mappings/add HTTP/1.1", "--x--", "Content-Type: multipart/form-data; boundary=x")},
	{37, "JSON as plain text", cross("POST /api/mappings/add HTTP/1.1", `{"externalPort":9542}`, "Content-Type: text/plain")},
	{38, "no-cors fetch", cross("POST /api/refresh HTTP/1.1", "{}", "Content-Type: text/plain", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Site: cross-site")},
	{39, "image", cross("GET /api/export HTTP/1.1", "", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Dest: image")},
	{40, "script of the API", cross("GET /api/state?callback=x HTTP/1.1", "", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Dest: script")},
	{40, "script of the page", cross("GET /app.js HTTP/1.1", "", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Dest: script")},
	{41, "preflight", strings.Replace(ask(good, "Origin: http://evil.test", "Access-Control-Request-Method: POST"), "GET", "OPTIONS", 1)},
	{41, "preflight with all else right", strings.Replace(ask(good, "Access-Control-Request-Method: POST"), "GET", "OPTIONS", 1)},
	{41, "OPTIONS *", strings.Replace(ask(good), "GET /api/state", "OPTIONS *", 1)},
	{42, "WebSocket", strings.Replace(ask(good, "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="), "Connection: close", "Connection: Upgrade", 1)},
	{43, "framed page", cross("GET / HTTP/1.1", "", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe")},
	{43, "framed by itself", cross("GET / HTTP/1.1", "", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe")},
	{44, "opened by a foreign page", cross("GET / HTTP/1.1", "", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")},
	{45, "wrong secret", strings.Replace(ask(good), "{secret}", strings.Repeat("A", 43), 1)},
	{45, "empty secret", strings.Replace(ask(good), "{secret}", "", 1)},
	{45, "no scheme", strings.Replace(ask(good), "Bearer ", "", 1)},
	{45, "two secrets", ask(good, "Authorization: Bearer wrong")},
	{46, "secret in the query", cross("GET /api/state?t={secret}&access_token={secret} HTTP/1.1", "")},
	{47, "secret in a cookie", cross("GET /api/state HTTP/1.1", "", "Cookie: t={secret}; token={secret}")},
	{48, "right secret, foreign origin", ask(good, "Origin: http://evil.test", "Sec-Fetch-Site: cross-site")},
}

func TestAttacks(t *testing.T) {
	g := serve(t)
	seen := map[int]bool{}
	for _, a := range attacks {
		seen[a.number] = true
		requests := []string{a.request}
		if a.number <= 25 { // about Host: static files are guarded too
			requests = append(requests, strings.Replace(a.request, "/api/state", "/", 1))
		}
		for _, r := range requests {
			answer, body, err := g.raw(r)
			switch {
			case err != nil:
				t.Errorf("%d %s: %v", a.number, a.what, err)
			case answer.StatusCode != http.StatusForbidden && answer.StatusCode != http.StatusBadRequest:
				t.Errorf("%d %s: %s", a.number, a.what, answer.Status)
			case answer.StatusCode == http.StatusForbidden && (body != "" || answer.Header.Get("Content-Security-Policy") == ""):
				t.Errorf("%d %s: %v %q", a.number, a.what, answer.Header, body)
			}
			for name := range answer.Header {
				if strings.HasPrefix(name, "Access-Control") || name == "Set-Cookie" {
					t.Errorf("%d %s: %s", a.number, a.what, name)
				}
			}
		}
	}
	for n := 1; n <= 48; n++ {
		if !seen[n] {
			t.Errorf("attack %d is not tried", n)
		}
	}
}

// TestNotOverblocked: what honest browsers and scripts send is let in.
func TestNotOverblocked(t *testing.T) {
	g := serve(t)
	page := func(host string, more ...string) string {
		return strings.Join(append([]string{"GET / HTTP/1.1", host}, append(more, "Connection: close", "", "")...), "\n")
	}
	for _, r := range []string{
		ask(good), ask("Host: localhost:{port}"), ask("Host: LocalHost:{port}"), ask("Host: [::1]:{port}"),
		ask(good, "Origin: http://127.0.0.1:{port}", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"),
		page(good), page("Host: localhost:{port}"),
		page(good, "Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-User: ?1", "Upgrade-Insecure-Requests: 1"),
		page(good, "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"),
		strings.Replace(page(good, "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: script"), "GET /", "GET /app.js", 1),
	} {
		answer, _, err := g.raw(r)
		if err != nil || answer.StatusCode != 200 {
			t.Errorf("%s: %v %v", r, answer, err)
			continue
		}
		for name, want := range map[string]string{
			"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if answer.Header.Get(name) != want {
				t.Errorf("%s: %q", name, answer.Header.Get(name))
			}
		}
		csp := answer.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
			contains(t, csp, part)
		}
		if strings.Contains(csp, "unsafe") {
			t.Error(csp)
		}
	}
}

// TestOddities: what is refused by other codes, without a word of the request in the answer.
func TestOddities(t *testing.T) {
	g := serve(t)
	post := func(path, kind, body string) string {
		return fmt.Sprintf("POST %s HTTP/1.1\n%s\nAuthorization: Bearer {secret}\nContent-Type: %s\nContent-Length: %d\nConnection: close\n\n%s", path, good, kind, len(body), body)
	}
	as := func(method string) string { return strings.Replace(ask(good), "GET", method, 1) }
	for _, o := range []struct {
		request string
		status  int
	}{
		{post("/api/refresh", "application/json", `{"x":"`+strings.Repeat("A", maxBody)+`"}`), http.StatusConflict}, // nothing of it is read
		{post("/api/search", "application/json", `{"target":"`+strings.Repeat("A", maxBody)+`"}`), http.StatusRequestEntityTooLarge},
		{post("/api/search", "text/plain", `{}`), http.StatusUnsupportedMediaType},
		{post("/api/search", "application/x-www-form-urlencoded", `{}`), http.StatusUnsupportedMediaType},
		{strings.Replace(post("/api/search", "application/json", `{}`), "Content-Type: application/json\n", "", 1), http.StatusUnsupportedMediaType},
		{post("/api/state", "application/json", `{}`), http.StatusMethodNotAllowed},
		{as("PUT"), http.StatusMethodNotAllowed}, {as("DELETE"), http.StatusMethodNotAllowed}, {as("HEAD"), http.StatusMethodNotAllowed}, {as("TRACE"), http.StatusMethodNotAllowed},
		{strings.Replace(ask(good), "/api/state", "/api/<b>evil", 1), http.StatusNotFound},
		{strings.Replace(ask(good), "/api/state", "/api//state", 1), http.StatusNotFound},
		{strings.Replace(ask(good), "/api/state", "/api/../api/state", 1), http.StatusNotFound},
		{strings.Replace(ask(good), "/api/state", "/../guard.go", 1), http.StatusNotFound},
		{strings.Replace(ask(good), "/api/state", "/evil.js", 1), http.StatusNotFound},
		{strings.Replace(ask(good), "/api/state", "/e2e/", 1), http.StatusNotFound},
		{strings.Replace(ask(good, "X: "+strings.Repeat("A", 2*maxHeader)), "GET", "GET", 1), http.StatusRequestHeaderFieldsTooLarge},
	} {
		answer, body, err := g.raw(o.request)
		if err != nil || answer.StatusCode != o.status {
			t.Errorf("%.80q: %v %v, want %d", o.request, answer, err, o.status)
			continue
		}
		if strings.Contains(body, "evil") || answer.Header.Get("Location") != "" {
			t.Errorf("%.80q: %q", o.request, body)
		}
	}
}

// TestSlowHeader: who does not end a request is cut off.
func TestSlowHeader(t *testing.T) {
	t.Parallel()
	g := serve(t)
	c, err := net.Dial("tcp", g.at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: ")
	c.SetDeadline(time.Now().Add(time.Minute))
	if rest, err := io.ReadAll(c); err != nil || strings.Contains(string(rest), "200") {
		t.Errorf("%q, %v", rest, err)
	}
}

// TestGuessing: after ten wrong secrets each takes a second; the right one never waits.
func TestGuessing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &guard{hosts: []string{"127.0.0.1:80"}, next: http.NotFoundHandler()}
		try := func() time.Duration {
			r := httptest.NewRequest("GET", "/api/state", nil)
			r.Host = "127.0.0.1:80"
			began := time.Now()
			g.ServeHTTP(httptest.NewRecorder(), r)
			return time.Since(began)
		}
		for i := range 20 {
			if took, wait := try(), i >= freeFailures; wait != (took >= failureDelay) {
				t.Errorf("guess %d took %v", i+1, took)
			}
		}
	})
}

// TestConnectionsAreCounted: the 65th waits until one of the others ends.
func TestConnectionsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := wire.NewMemory().Host("self", netip.MustParsePrefix("192.168.1.2/24"))
		inner, err := host.Listen(t.Context(), "tcp", "192.168.1.2:80")
		if err != nil {
			t.Fatal(err)
		}
		l := &limited{Listener: inner, room: make(chan struct{}, 2), closed: make(chan struct{})}
		var clients []net.Conn
		for range 3 {
			c, err := host.Dial(t.Context(), "tcp", "192.168.1.2:80")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			clients = append(clients, c)
		}
		first, _ := l.Accept()
		second, _ := l.Accept()
		third := make(chan net.Conn, 1)
		go func() { c, _ := l.Accept(); third <- c }()
		synctest.Wait()
		if len(third) != 0 {
			t.Error("accepted beyond the limit")
		}
		first.Close()
		first.Close() // twice makes no more room
		synctest.Wait()
		if len(third) != 1 {
			t.Fatal("not accepted though there is room")
		}
		go func() { c, _ := l.Accept(); third <- c }()
		synctest.Wait()
		if len(third) != 1 {
			t.Error("accepted beyond the limit")
		}
		l.Close()
		(<-third).Close()
		if c := <-third; c != nil {
			t.Error("accepted after Close")
		}
		second.Close()
	})
}

package wire_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd/wire"
)

const routerURL = "http://192.168.1.1:5000/x.xml"

func TestRequestBytes(t *testing.T) {
	tests := []struct {
		name, method, url, body string
		header                  http.Header
		want                    string
	}{
		{
			name: "get", method: "GET", url: "http://192.168.1.1:5000/a%20b?c=d",
			want: "GET /a%20b?c=d HTTP/1.1\r\nHost: 192.168.1.1:5000\r\nConnection: close\r\n\r\n",
		},
		{
			name: "no path, port of the scheme", method: "GET", url: "http://192.168.1.1",
			want: "GET / HTTP/1.1\r\nHost: 192.168.1.1\r\nConnection: close\r\n\r\n",
		},
		{
			name: "names and order of a call", method: "POST", url: "http://192.168.1.1:5000/ctl", body: "<a/>",
			header: http.Header{"User-Agent": {"me"}, "SOAPACTION": {`"u#A"`}, "Content-Type": {"text/xml"}, "aBc": {"1", "2"}},
			want: "POST /ctl HTTP/1.1\r\nHost: 192.168.1.1:5000\r\nContent-Length: 4\r\nContent-Type: text/xml\r\n" +
				"SOAPACTION: \"u#A\"\r\nUser-Agent: me\r\naBc: 1\r\naBc: 2\r\nConnection: close\r\n\r\n<a/>",
		},
		{
			name: "what is ours stays ours", method: "GET", url: "http://192.168.1.1:5000/",
			header: http.Header{"HOST": {"evil"}, "connection": {"keep-alive"}, "Content-Length": {"9"}, "Transfer-Encoding": {"chunked"}},
			want:   "GET / HTTP/1.1\r\nHost: 192.168.1.1:5000\r\nConnection: close\r\n\r\n",
		},
		{
			name: "zone stays here", method: "GET", url: "http://[fe80::1%25eth0]:5000/",
			want: "GET / HTTP/1.1\r\nHost: [fe80::1]:5000\r\nConnection: close\r\n\r\n",
		},
		{
			name: "subscribe has no body", method: "SUBSCRIBE", url: "http://192.168.1.1:5000/e",
			header: http.Header{"TIMEOUT": {"Second-300"}, "NT": {"upnp:event"}, "CALLBACK": {"<http://192.168.1.7:1/>"}},
			want: "SUBSCRIBE /e HTTP/1.1\r\nHost: 192.168.1.1:5000\r\nCALLBACK: <http://192.168.1.7:1/>\r\nNT: upnp:event\r\n" +
				"TIMEOUT: Second-300\r\nConnection: close\r\n\r\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { checkRequest(t, tt.method, tt.url, tt.header, tt.body, tt.want) })
		})
	}
}

func checkRequest(t *testing.T, method, url string, header http.Header, body, want string) {
	_, pc, router := home()
	got := make(chan string, 2)
	handle := func(c net.Conn) {
		buf := make([]byte, 1<<16)
		n, _ := c.Read(buf) // all of it must be in the first segment
		got <- string(buf[:n])
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	}
	defer serve(t, router, ":5000", handle)()
	defer serve(t, router, ":80", handle)()
	// A body of unknown length is sent with its length all the same.
	var reader io.Reader
	if body != "" {
		reader = io.MultiReader(strings.NewReader(body))
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, reader)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	resp, err := wire.HTTPClient(pc).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := <-got; got != want {
		t.Errorf("sent\n%q, want\n%q", got, want)
	}
}

func TestRequestRefused(t *testing.T) {
	_, pc, _ := home()
	tests := []struct {
		name string
		url  string
		key  string
		text string
	}{
		{name: "name", url: "http://router.lan/"},
		{name: "localhost", url: "http://localhost:80/"},
		{name: "decimal", url: "http://2130706433/"},
		{name: "hex", url: "http://0x7f.1:80/"},
		{name: "https", url: "https://192.168.1.1/"},
		{name: "user", url: "http://u:p@192.168.1.1/"},
		{name: "port 0", url: "http://192.168.1.1:0/"},
		{name: "no port", url: "http://192.168.1.1:/"},
		{name: "unspecified", url: "http://0.0.0.0/"},
		{name: "unspecified 6", url: "http://[::]/"},
		{name: "unspecified mapped", url: "http://[::ffff:0.0.0.0]/"},
		{name: "group", url: "http://239.255.255.250/"},
		{name: "line end in a value", url: routerURL, key: "SID", text: "a\r\nX: y"},
		{name: "blank in a name", url: routerURL, key: "S ID", text: "a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequest("GET", tt.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.key != "" {
				req.Header[tt.key] = []string{tt.text}
			}
			_, err = wire.HTTPClient(pc).Do(req)
			if _, ok := errors.AsType[*wire.ConnectError](err); !ok {
				t.Errorf("error %v, want a ConnectError", err)
			}
		})
	}
}

func TestTooLongRequestBody(t *testing.T) {
	_, pc, _ := home()
	body := strings.Repeat("x", 1<<20+1)
	for _, r := range []io.Reader{strings.NewReader(body), io.MultiReader(strings.NewReader(body))} {
		if _, err := wire.HTTPClient(pc).Post(routerURL, "text/xml", r); err == nil || !strings.Contains(err.Error(), "over 1048576") {
			t.Errorf("error %v", err)
		}
	}
}

// answerTests are answers that must be understood, named by what is odd about them.
var answerTests = []struct {
	name   string
	pieces []string
	code   int
	body   string
}{
	{"plain", []string{"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"}, 200, "body"},
	{"Q-22 no length", []string{"HTTP/1.1 200 OK\r\nA: b\r\n\r\nbo", "dy"}, 200, "body"},
	{"body in a segment of its own", []string{"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", "bo", "dy"}, 200, "body"},
	{"head in many segments", []string{"HT", "TP/1.1 200 ", "OK\r", "\nContent-Length: 4\r\n", "\r", "\nbody"}, 200, "body"},
	{"more than announced", []string{"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbodyHTTP/1.1 405 No\r\n\r\n"}, 200, "body"},
	{"length 0 with a body", []string{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nbody"}, 200, "body"},
	{"negative length", []string{"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nbody"}, 200, "body"},
	{"length 2^63-1", []string{"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\nbody"}, 200, "body"},
	{"length 2^64", []string{"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\nbody"}, 200, "body"},
	{"two lengths, the same", []string{"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nbody!"}, 200, "body"},
	{"two lengths that differ", []string{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nbody"}, 200, "body"},
	{"announced longer, document whole", []string{"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n<?xml?>\n<a:r x='1'>b</a:r>\n"}, 200, "<?xml?>\n<a:r x='1'>b</a:r>\n"},
	{"G-35 no slash", []string{"HTTP1.1 400 Bad Request\r\nContent-Length: 4\r\n\r\nbody"}, 400, "body"},
	{"no reason", []string{"HTTP/1.1 500\r\nContent-Length: 4\r\n\r\nbody"}, 500, "body"},
	{"HTTP/1.0", []string{"HTTP/1.0 200 OK\r\n\r\nbody"}, 200, "body"},
	{"lower case, blanks", []string{"http/1.1   200   fine \r\ncontent-length : 4 \r\n\r\nbody"}, 200, "body"},
	{"line feeds only", []string{"HTTP/1.1 200 OK\nContent-Length: 4\n\nbody"}, 200, "body"},
	{"blank lines first", []string{"\r\n\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"}, 200, "body"},
	{"NUL first", []string{"\x00\x00HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"}, 200, "body"},
	{"stray line first", []string{"left over\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"}, 200, "body"},
	{"100 first", []string{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"}, 200, "body"},
	{"lines that are no field", []string{"HTTP/1.1 200 OK\r\nnonsense\r\n: x\r\nContent-Length: 4\r\n\r\nbody"}, 200, "body"},
	{"head without blank line", []string{"HTTP/1.1 412 Precondition Failed\r\nServer: x\r\nContent-Length: 0\r\n"}, 412, ""},
	{"chunked", []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n", "2\r\ndy\r\n0\r\n\r\n"}, 200, "body"},
	{"chunked, odd spellings", []string{"HTTP/1.1 200 OK\r\nTRANSFER-ENCODING: Chunked\r\n\r\n 0x2 ;a=b\nbo\n0002\r\ndy0\n"}, 200, "body"},
	{"chunked with a length", []string{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"}, 200, "body"},
	{"chunked, size in pieces", []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "0", "4", "\r", "\nbo", "dy", "\r\n0", "\r\n\r\n"}, 200, "body"},
	{"chunked, no last chunk, document whole", []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n<a>b</a>\r\n"}, 200, "<a>b</a>"},
	{"chunked, dirt after the document", []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n<a>b</a>\r\nzz\r\n"}, 200, "<a>b</a>"},
	{"announced as chunked and is not", []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n<a>b</a>"}, 200, "<a>b</a>"},
	{"204", []string{"HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n"}, 204, ""},
	{"redirect is not followed", []string{"HTTP/1.1 302 Found\r\nLocation: http://192.168.1.1/\r\nContent-Length: 0\r\n\r\n"}, 302, ""},
}

func TestAnswers(t *testing.T) {
	for _, tt := range answerTests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, pc, router := home()
				defer serve(t, router, ":5000", answer(tt.pieces...))()
				resp, body, err := get(t.Context(), wire.HTTPClient(pc), routerURL)
				if err != nil {
					t.Fatal(err)
				}
				if resp.StatusCode != tt.code || body != tt.body {
					t.Errorf("got %d %q, want %d %q", resp.StatusCode, body, tt.code, tt.body)
				}
			})
		})
	}
}

// Some routers neither announce a length nor close. The document says that it is over.
func TestBodyThatNeverEnds(t *testing.T) {
	heads := map[string]string{
		"no length":    "HTTP/1.1 200 OK\r\n\r\n",
		"long length":  "HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n",
		"chunk missed": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n",
	}
	for name, head := range heads {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, pc, router := home()
				defer serve(t, router, ":5000", func(c net.Conn) {
					answer(head+"<root><root>1</roo", "t><b/></root>\n")(c)
					io.Copy(io.Discard, c) // until the client hangs up
				})()
				start := time.Now()
				_, body, err := get(t.Context(), wire.HTTPClient(pc), routerURL)
				if err != nil || !strings.HasSuffix(body, "<b/></root>\n") {
					t.Errorf("got %q, %v", body, err)
				}
				if took := time.Since(start); took > time.Second {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

func TestHeaderFields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, pc, router := home()
		defer serve(t, router, ":5000", answer("HTTP/1.1 200 OK\r\nsid : uuid:1 \r\nTIMEOUT:Second-300\r\nX: 1\r\n  2\r\nX: 3\r\nEmpty:\r\n\r\n"))()
		resp, _, err := get(t.Context(), wire.HTTPClient(pc), routerURL)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"Sid": "uuid:1", "Timeout": "Second-300", "X": "1 2|3", "Empty": ""}
		for name, value := range want {
			if got := strings.Join(resp.Header[name], "|"); got != value {
				t.Errorf("%s: %q, want %q", name, got, value)
			}
		}
	})
}

func TestConnectFailures(t *testing.T) {
	tests := []struct {
		name  string
		url   string
		world func(*wire.Memory, *wire.Host, *wire.Host)
		took  time.Duration
		cause error
	}{
		{"nobody listens", routerURL, nil, 0, syscall.ECONNREFUSED},
		{"nobody there", "http://192.168.1.99/", nil, 3 * time.Second, syscall.EHOSTUNREACH},
		{"cable out", routerURL, func(m *wire.Memory, _, r *wire.Host) { r.Link("eth0").SetUp(false) }, 3 * time.Second, context.DeadlineExceeded},
		{"no way", "http://10.0.0.1/", func(_ *wire.Memory, pc, _ *wire.Host) { pc.Link("eth0").SetGateways() }, 0, syscall.ENETUNREACH},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mem, pc, router := home()
				if tt.world != nil {
					tt.world(mem, pc, router)
				}
				start := time.Now()
				_, _, err := get(t.Context(), wire.HTTPClient(pc), tt.url)
				if _, ok := errors.AsType[*wire.ConnectError](err); !ok || !errors.Is(err, tt.cause) {
					t.Errorf("error %v, want %v", err, tt.cause)
				}
				if took := time.Since(start); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
			})
		})
	}
}

func TestReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, pc, router := home()
		defer serve(t, router, ":5000", func(c net.Conn) { c.(interface{ SetLinger(int) error }).SetLinger(0) })()
		_, _, err := get(t.Context(), wire.HTTPClient(pc), routerURL)
		if _, ok := errors.AsType[*wire.AnswerError](err); !ok || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("error %v", err)
		}
	})
}

// A context ends a request at any stage at once, and with its own error.
func TestContext(t *testing.T) {
	stages := map[string]struct {
		url    string
		device func(net.Conn)
	}{
		"connect": {"http://192.168.1.99/", nil},
		"head":    {routerURL, func(c net.Conn) { io.Copy(io.Discard, c) }},
		"body":    {routerURL, drip("HTTP/1.1 200 OK\r\n\r\n<a>", "", time.Minute)},
	}
	for name, stage := range stages {
		for _, want := range []error{context.Canceled, context.DeadlineExceeded} {
			t.Run(name+" "+want.Error(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					_, pc, router := home()
					defer serve(t, router, ":5000", stage.device)()
					ctx, cancel := context.WithCancel(t.Context())
					if want == context.DeadlineExceeded {
						ctx, cancel = context.WithTimeout(t.Context(), time.Second)
					} else {
						time.AfterFunc(time.Second, cancel)
					}
					defer cancel()
					start := time.Now()
					_, _, err := get(ctx, wire.HTTPClient(pc), stage.url)
					if took := time.Since(start); !errors.Is(err, want) || took != time.Second {
						t.Errorf("after %v: %v", took, err)
					}
				})
			})
		}
	}
}

func TestCloseEndsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, pc, router := home()
		defer serve(t, router, ":5000", func(c net.Conn) {
			answer("HTTP/1.1 200 OK\r\n\r\n<a>")(c)
			io.Copy(io.Discard, c)
		})()
		resp, err := wire.HTTPClient(pc).Get(routerURL)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() {
			_, err := io.ReadAll(resp.Body)
			done <- err
		}()
		synctest.Wait()
		resp.Body.Close()
		if err := <-done; err == nil {
			t.Error("Read went on after Close")
		}
		if _, err := resp.Body.Read(make([]byte, 1)); err == nil {
			t.Error("Read after Close")
		}
	})
}

// net/http is served and understood over memory like over sockets.
func TestNetHTTPServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, pc, router := home()
		l, err := router.Listen(t.Context(), "tcp", "192.168.1.1:5000")
		if err != nil {
			t.Fatal(err)
		}
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			io.WriteString(w, r.Method+" "+r.RemoteAddr+" "+string(body))
			w.(http.Flusher).Flush() // makes it chunked
		})}
		done := make(chan error)
		go func() { done <- srv.Serve(l) }()
		ctx := wire.WithLocalAddr(t.Context(), netip.MustParseAddr("192.168.1.7"))
		req, _ := http.NewRequestWithContext(ctx, "POST", routerURL, strings.NewReader("hello"))
		resp, err := wire.HTTPClient(pc).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || !strings.HasPrefix(string(body), "POST 192.168.1.7:") || !strings.HasSuffix(string(body), " hello") {
			t.Errorf("%q, %v", body, err)
		}
		srv.Close()
		<-done
	})
}

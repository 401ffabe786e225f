package wire_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd/wire"
	"upnp/ssdp"
)

// brokenTests are answers that end in an error of the wanted kind.
var brokenTests = []struct {
	name   string
	pieces []string
	want   func(error) bool
}{
	{"silent close", nil, answerError(0, io.EOF)},
	{"cut status", []string{"HTTP/1."}, answerError(7, io.ErrUnexpectedEOF)},
	{"cut field", []string{"HTTP/1.1 200 OK\r\nContent-Le"}, answerError(27, io.ErrUnexpectedEOF)},
	{"cut body", []string{"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n<a>b</"}, answerError(46, io.ErrUnexpectedEOF)},
	{"head without blank line, body missing", []string{"HTTP/1.1 200 OK\r\nServer: x\r\n"}, answerError(28, io.ErrUnexpectedEOF)},
	{"cut chunk", []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n<a>b"}, answerError(54, io.ErrUnexpectedEOF)},
	{"no last chunk", []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n"}, answerError(56, io.ErrUnexpectedEOF)},
	{"broken chunk size", []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\nzz\r\n"}, headError("zz")},
	{"document without head", []string{"<html>login</html>"}, headError("<html>")},
	{"words without head", []string{"hello"}, headError("hello")},
	{"other protocol", []string{"SSH-2.0-dropbear\r\n" + strings.Repeat("\x01", 600)}, headError("SSH-2.0")},
	{"gzip", []string{"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx"}, headError("HTTP/1.1 200")},
	{"change of protocol", []string{"HTTP/1.1 101 Switching\r\n\r\n"}, headError("HTTP/1.1 101")},
	{"header too long", []string{"HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", 1<<17)}, tooLarge("header")},
	{"too many fields", []string{"HTTP/1.1 200 OK\r\n" + strings.Repeat("a:\r\n", 257) + "\r\n"}, tooLarge("header")},
	{"1xx flood", []string{strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 10000)}, tooLarge("header")},
	{"body over its limit", []string{"HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("x", 1<<20+1)}, tooLarge("body")},
	{"chunk over the limit", []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\nbody"}, tooLarge("body")},
	{"chunk size overflows", []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\nbody"}, tooLarge("body")},
	{"negative chunk", []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n-4\r\nbody"}, headError("-4")},
	{"chunk extension too long, whole", []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;" + strings.Repeat("e", 1000) + "\r\nbody\r\n0\r\n\r\n"}, tooLarge("chunk size")},
	{"chunk extension too long", []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;" + strings.Repeat("e", 1000)}, tooLarge("chunk size")},
}

func answerError(received int, cause error) func(error) bool {
	return func(err error) bool {
		e, ok := errors.AsType[*wire.AnswerError](err)
		return ok && e.Received == received && errors.Is(err, cause)
	}
}

func headError(first string) func(error) bool {
	return func(err error) bool {
		e, ok := errors.AsType[*wire.HeadError](err)
		return ok && strings.HasPrefix(e.First, first)
	}
}

func tooLarge(what string) func(error) bool {
	return func(err error) bool {
		e, ok := errors.AsType[*wire.TooLargeError](err)
		return ok && e.What == what
	}
}

func TestBrokenAnswers(t *testing.T) {
	for _, tt := range brokenTests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, pc, router := home()
				defer serve(t, router, ":5000", answer(tt.pieces...))()
				if _, body, err := get(t.Context(), wire.HTTPClient(pc), routerURL); !tt.want(err) {
					t.Errorf("got %.60q, %v (%T)", body, err, errors.Unwrap(err))
				}
			})
		})
	}
}

func TestBodyLimit(t *testing.T) {
	heads := map[string]string{
		"close":   "HTTP/1.1 200 OK\r\n\r\n%s",
		"chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n",
		"length":  "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s",
	}
	const limit = 1000
	for name := range heads {
		for _, size := range []int{limit - 1, limit, limit + 1, 50 * limit} {
			synctest.Test(t, func(t *testing.T) {
				_, pc, router := home()
				defer serve(t, router, ":5000", answer(framed(name, size)))()
				_, body, err := get(wire.WithBodyLimit(t.Context(), limit), wire.HTTPClient(pc), routerURL)
				if ok := err == nil && len(body) == size; ok != (size <= limit) || err != nil && !tooLarge("body")(err) {
					t.Errorf("%s body of %d: %d bytes, %v", name, size, len(body), err)
				}
			})
		}
	}
}

func framed(how string, size int) string {
	body := strings.Repeat("x", size)
	switch how {
	case "close":
		return "HTTP/1.1 200 OK\r\n\r\n" + body
	case "length":
		return "HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(size) + "\r\n\r\n" + body
	}
	return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strconv.FormatInt(int64(size/2), 16) + "\r\n" + body[:size/2] + "\r\n" +
		strconv.FormatInt(int64(size-size/2), 16) + "\r\n" + body[size/2:] + "\r\n0\r\n\r\n"
}

// slowTests are devices that take for ever. Each must end by its deadline.
var slowTests = []struct {
	name   string
	device func(net.Conn)
	limit  time.Duration
}{
	{"F29 says nothing", func(c net.Conn) { io.Copy(io.Discard, c) }, wire.HeaderTimeout},
	{"head a byte at a time", drip("HTTP/1.1 200 OK\r\nX: ", "x", 900*time.Millisecond), wire.HeaderTimeout},
	{"body a byte at a time", drip("HTTP/1.1 200 OK\r\n\r\n", "x", 900*time.Millisecond), wire.ExchangeTimeout},
	{"chunks a byte at a time", drip("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", 900*time.Millisecond), wire.ExchangeTimeout},
	{"head, then nothing", drip("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", "", time.Minute), wire.ExchangeTimeout},
}

// drip writes first and then more at each interval until the peer is gone.
func drip(first, more string, every time.Duration) func(net.Conn) {
	return func(c net.Conn) {
		readRequest(c)
		for _, err := io.WriteString(c, first); err == nil; _, err = io.WriteString(c, more) {
			time.Sleep(every)
			if more == "" {
				return
			}
		}
	}
}

func TestSlowDevices(t *testing.T) {
	for _, tt := range slowTests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, pc, router := home()
				defer serve(t, router, ":5000", tt.device)()
				start := time.Now()
				_, _, err := get(t.Context(), wire.HTTPClient(pc), routerURL)
				if took := time.Since(start); took != tt.limit {
					t.Errorf("took %v, want %v", took, tt.limit)
				}
				if _, ok := errors.AsType[*wire.AnswerError](err); !ok || !errors.Is(err, os.ErrDeadlineExceeded) || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

// endlessTests never stop sending. Memory must stay bounded, on real sockets.
var endlessTests = []struct {
	name  string
	first string
	more  string
	want  func(error) bool
}{
	{"dirt", "", strings.Repeat("dirt\r\n", 1000), headError("dirt")},
	{"text", "", strings.Repeat("text", 1000), headError("text")},
	{"status line", "HTTP/1.1 200 ", strings.Repeat("O", 4000), headError("HTTP/1.1 200 O")},
	{"field", "HTTP/1.1 200 OK\r\nA: ", strings.Repeat("x", 4000), tooLarge("header")},
	{"fields", "HTTP/1.1 200 OK\r\n", strings.Repeat("A: b\r\n", 1000), tooLarge("header")},
	{"1xx", "", strings.Repeat("HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n", 100), tooLarge("header")},
	{"body", "HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("<device/>", 1000), tooLarge("body")},
	{"body of a huge length", "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n", strings.Repeat("x", 4000), tooLarge("body")},
	{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", strings.Repeat("5\r\n<a/>x\r\n", 500), tooLarge("body")},
	{"chunk extension", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", strings.Repeat("x", 4000), tooLarge("chunk size")},
}

func TestEndlessAnswers(t *testing.T) {
	for _, tt := range endlessTests {
		t.Run(tt.name, func(t *testing.T) {
			addr := freeAddr(t)
			defer serve(t, wire.System(), addr, drip(tt.first, tt.more, 0))()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, _, err := get(t.Context(), wire.HTTPClient(nil), "http://"+addr+"/")
			runtime.ReadMemStats(&after)
			if !tt.want(err) {
				t.Errorf("error %v", err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
				t.Errorf("allocated %d bytes", grown)
			}
		})
	}
}

// A script is a Network whose every connection sends the same bytes, whatever it is told.
type script struct {
	wire.Network
	answer []byte
	piece  int
	sent   *bytes.Buffer
}

func (s *script) Dial(context.Context, string, string) (net.Conn, error) {
	return &scriptConn{script: s, left: s.answer}, nil
}

type scriptConn struct {
	*script
	left []byte
}

func (c *scriptConn) Read(p []byte) (int, error) {
	if len(c.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), c.piece)], c.left)
	c.left = c.left[n:]
	return n, nil
}

func (c *scriptConn) Write(p []byte) (int, error)      { return c.sent.Write(p) }
func (c *scriptConn) Close() error                     { return nil }
func (c *scriptConn) LocalAddr() net.Addr              { return nil }
func (c *scriptConn) RemoteAddr() net.Addr             { return nil }
func (c *scriptConn) SetDeadline(time.Time) error      { return nil }
func (c *scriptConn) SetReadDeadline(time.Time) error  { return nil }
func (c *scriptConn) SetWriteDeadline(time.Time) error { return nil }

func (s *script) Interfaces() ([]ssdp.Interface, error) { return nil, nil }

func (s *script) ListenPacket(context.Context, ssdp.Interface, netip.AddrPort) (ssdp.PacketConn, error) {
	return nil, errors.ErrUnsupported
}

// Whatever a device sends: no panic, an end, and no more than the limit.
func FuzzAnswer(f *testing.F) {
	for _, tt := range answerTests {
		f.Add([]byte(strings.Join(tt.pieces, "")), 7)
	}
	for _, tt := range brokenTests {
		if s := strings.Join(tt.pieces, ""); len(s) < 1000 {
			f.Add([]byte(s), 1000)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, piece int) {
		const limit = 100
		n := &script{answer: data, piece: max(1, piece), sent: new(bytes.Buffer)}
		resp, body, err := get(wire.WithBodyLimit(t.Context(), limit), wire.HTTPClient(n), routerURL)
		if len(body) > limit {
			t.Errorf("body of %d bytes", len(body))
		}
		if err == nil && (resp.StatusCode < 100 || resp.StatusCode > 999 || len(resp.Header) > wire.MaxFields) {
			t.Errorf("status %d with %d fields", resp.StatusCode, len(resp.Header))
		}
	})
}

// What is sent is the request and nothing that hides in it.
func FuzzRequest(f *testing.F) {
	f.Add("POST", "/ctl?a=b", "SOAPACTION", `"u#A"`, "<a/>")
	f.Add("GET", "/\r\nX: y", "A", "b\r\n\r\nGET / HTTP/1.1", "")
	f.Fuzz(func(t *testing.T, method, path, name, value, body string) {
		req, err := http.NewRequest(method, "http://192.168.1.1"+path, strings.NewReader(body))
		if err != nil || req.URL.Host != "192.168.1.1" {
			return
		}
		req.Header = http.Header{name: {value}}
		n := &script{answer: []byte("HTTP/1.1 200 OK\r\n\r\n"), piece: 99, sent: new(bytes.Buffer)}
		if _, err := wire.HTTPClient(n).Do(req); err != nil {
			return
		}
		got, err := http.ReadRequest(bufio.NewReader(n.sent))
		if err != nil {
			return // net/http refuses some names and methods that are tokens
		}
		sent, err := io.ReadAll(got.Body)
		if err != nil || string(sent) != body || got.Method != req.Method || len(got.Header) > 4 {
			t.Errorf("sent %+v with body %q, %v", got, sent, err)
		}
	})
}

package wire_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"upnp/igd/wire"
)

func TestSystemDial(t *testing.T) {
	n := wire.System()
	addr := freeAddr(t)
	stop := serve(t, n, addr, answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "ok"))
	defer stop()
	never := func(netip.Addr) bool { return false }
	loopback := func(a netip.Addr) bool { return a == netip.MustParseAddr("127.0.0.1") }
	_, port, _ := net.SplitHostPort(addr)
	tests := []struct {
		name string
		ctx  context.Context
		addr string
		want error
	}{
		{"plain", t.Context(), addr, nil},
		{"allowed", wire.WithAllowed(t.Context(), loopback), addr, nil},
		{"allowed, mapped", wire.WithAllowed(t.Context(), loopback), "[::ffff:127.0.0.1]:" + port, nil},
		{"not allowed", wire.WithAllowed(t.Context(), never), addr, wire.ErrNotAllowed},
		{"not allowed, other address", wire.WithAllowed(t.Context(), loopback), "127.0.0.2:" + port, wire.ErrNotAllowed},
		{"unspecified", t.Context(), "0.0.0.0:" + port, wire.ErrNotAllowed},
		{"unspecified 6", t.Context(), "[::]:" + port, wire.ErrNotAllowed},
		{"name", t.Context(), "localhost:" + port, wire.ErrNotLiteral},
		{"number", t.Context(), "2130706433:" + port, wire.ErrNotLiteral},
		{"refused", t.Context(), freeAddr(t), syscall.ECONNREFUSED},
		{"foreign source", wire.WithLocalAddr(t.Context(), netip.MustParseAddr("192.0.2.1")), addr, syscall.EADDRNOTAVAIL},
	}
	for _, tt := range tests {
		c, err := n.Dial(tt.ctx, "tcp", tt.addr)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: error %v, want %v", tt.name, err, tt.want)
		}
		if err == nil {
			c.Close()
		}
	}
}

func TestSystemLocalAddr(t *testing.T) {
	addr := freeAddr(t)
	from := make(chan string, 1)
	defer serve(t, wire.System(), addr, func(c net.Conn) {
		from <- c.RemoteAddr().(*net.TCPAddr).IP.String()
		answer("HTTP/1.1 200 OK\r\n\r\n")(c)
	})()
	ctx := wire.WithLocalAddr(t.Context(), netip.MustParseAddr("127.0.0.1"))
	if _, _, err := get(ctx, wire.HTTPClient(nil), "http://"+addr+"/"); err != nil {
		t.Fatal(err)
	}
	if got := <-from; got != "127.0.0.1" {
		t.Errorf("came from %s", got)
	}
}

// What memory says about deadlines, contexts and broken answers holds for sockets.
func TestSystemExchange(t *testing.T) {
	for _, tt := range answerTests {
		t.Run(tt.name, func(t *testing.T) {
			addr := freeAddr(t)
			defer serve(t, wire.System(), addr, answer(tt.pieces...))()
			resp, body, err := get(t.Context(), wire.HTTPClient(nil), "http://"+addr+"/")
			if err != nil || resp.StatusCode != tt.code || body != tt.body {
				t.Errorf("got %q, %v", body, err)
			}
		})
	}
}

func TestSystemCancel(t *testing.T) {
	addr := freeAddr(t)
	defer serve(t, wire.System(), addr, func(c net.Conn) { io.Copy(io.Discard, c) })()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, _, err := get(ctx, wire.HTTPClient(nil), "http://"+addr+"/"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("took %v", took)
	}
}

// freeAddr is an address on loopback where nobody listens.
func freeAddr(t *testing.T) string {
	l, err := wire.System().Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

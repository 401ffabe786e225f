package wire_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"upnp/igd/wire"
)

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// home is a LAN with a control point and a router.
func home() (mem *wire.Memory, pc, router *wire.Host) {
	mem = wire.NewMemory()
	pc = mem.Host("pc", prefix("192.168.1.7/24"), prefix("fe80::7/64"))
	router = mem.Host("router", prefix("192.168.1.1/24"), prefix("fe80::1/64"))
	pc.SetGateway(netip.MustParseAddr("192.168.1.1"))
	return mem, pc, router
}

// serve lets handle answer each connection to n at addr, until stop is called, which waits.
func serve(t testing.TB, n wire.Network, addr string, handle func(net.Conn)) (stop func()) {
	t.Helper()
	l, err := n.Listen(context.Background(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			handle(c)
			c.Close()
		}
	}()
	return func() { l.Close(); <-done }
}

// readRequest reads one whole request off c and returns its bytes.
func readRequest(c net.Conn) string {
	var got []byte
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		got = append(got, buf[:n]...)
		head, body, ok := strings.Cut(string(got), "\r\n\r\n")
		if err != nil || ok && !strings.Contains(head, "Content-Length") || ok && strings.HasSuffix(body, ">") {
			return string(got)
		}
	}
}

// answer is a handler that reads a request and writes the pieces, each in a write of its own.
func answer(pieces ...string) func(net.Conn) {
	return func(c net.Conn) {
		readRequest(c)
		for _, p := range pieces {
			if _, err := io.WriteString(c, p); err != nil {
				return
			}
		}
	}
}

// get asks for url and reads all of the answer.
func get(ctx context.Context, client *http.Client, url string) (resp *http.Response, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, "", err
	}
	resp, err = client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp, string(data), err
}

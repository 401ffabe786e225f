package igdtest

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"sync"
	"testing"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/wire"
)

// The hosts of Start.
var (
	routerPrefix = netip.MustParsePrefix("192.168.1.1/24")
	clientPrefix = netip.MustParsePrefix("192.168.1.7/24")
)

// Start is a router with that profile on a LAN in memory, and a gateway that a client on the
// same LAN found it by. Both end with the test; when it fails, all that went over the wire is
// in its log. It works inside and outside of testing/synctest bubbles.
func Start(t *testing.T, p emulator.Profile) (*emulator.Router, *igd.Gateway) {
	t.Helper()
	router, client := Router(t, p)
	gateway, err := client.Discover(t.Context())
	if err != nil {
		t.Fatalf("igdtest: %v", err)
	}
	return router, gateway
}

// Router is Start without the search: a served router and a client that may look for it.
func Router(t *testing.T, p emulator.Profile) (*emulator.Router, *igd.Client) {
	t.Helper()
	world := wire.NewMemory()
	router := emulator.New(p)
	Serve(t, router, igd.Server{Network: world.Host("router", routerPrefix), Interface: "eth0"})
	host := world.Host("client", clientPrefix)
	host.SetGateway(routerPrefix.Addr())
	return router, &igd.Client{Network: Tapped(t, host)}
}

// Serve serves a router until the test ends. It returns when the router can be found, with the
// URL of its description.
func Serve(t *testing.T, r *emulator.Router, s igd.Server) (location string) {
	t.Helper()
	return serve(t, s, r.Serve)
}

// ServeBackend is Serve for any server.
func ServeBackend(t *testing.T, s igd.Server) (location string) {
	t.Helper()
	return serve(t, s, func(ctx context.Context, s igd.Server) error { return s.Serve(ctx) })
}

func serve(t *testing.T, s igd.Server, run func(context.Context, igd.Server) error) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ready, done := make(chan string, 1), make(chan error, 1)
	s.Ready = func(location string) {
		select {
		case ready <- location:
		default: // a reboot
		}
	}
	go func() { done <- run(ctx, s) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("igdtest: serve: %v", err)
		}
	})
	select {
	case location := <-ready:
		return location
	case err := <-done:
		done <- err
		t.FailNow()
	}
	return ""
}

// Tapped is a network whose conversation is in the log of a test that fails.
func Tapped(t *testing.T, n wire.Network) wire.Network {
	var log transcript
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("wire:\n%s", log.text())
		}
	})
	return wire.NewTap(n, wire.Print(&log))
}

// maxTranscript keeps a test that loops from filling the disk with its log.
const maxTranscript = 256 << 10

// A transcript is the beginning of a conversation.
type transcript struct {
	mu   sync.Mutex
	data bytes.Buffer
}

func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.data.Len() < maxTranscript {
		l.data.Write(p)
	}
	return len(p), nil
}

func (l *transcript) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.data.String()
}

// Answer has serve take the connections to an address, one after the other, until the test ends. Each is
// closed after it.
func Answer(t testing.TB, n wire.Network, addr string, serve func(net.Conn)) {
	t.Helper()
	l, err := n.Listen(t.Context(), "tcp", addr)
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
			serve(c)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
}

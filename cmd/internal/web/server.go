package web

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"upnp/igd"
	"upnp/igd/reach"
	"upnp/igd/wire"
)

// Limits of the listener (SECURITY G11).
const (
	maxConnections = 64
	maxHeader      = 16 << 10
	headerTime     = 5 * time.Second
	bodyTime       = 30 * time.Second
	writeTime      = 10 * time.Second // of one write
	idleTime       = time.Minute
	goodbyeTime    = 2 * time.Second
)

// A Server is the page with all that stands behind it.
type Server struct {
	// Client finds the gateway. What passes on its network is what the page shows as messages.
	Client igd.Client
	// Target is the gateway as [igd.Client.Open] takes it; empty: the best that is found.
	Target string
	// Emulator is the router on the client's network if it is emulated, else nil.
	Emulator *Emulator
	// Probes look from outside whether a port is open; without any that is not known.
	Probes []reach.Probe
	// Journal is a file for [igd.Keeper.Journal]; empty: none.
	Journal string
	// Listen is where the page is; the zero value is any free port of 127.0.0.1 and, if it is free
	// there too, of ::1. Away from loopback everybody on that network can see the page's address,
	// but not use it without the secret.
	Listen netip.AddrPort
	// Assets are the files of the page; nil is [Assets].
	Assets fs.FS
	// Version is what the program calls itself.
	Version string
	// Ready is called with the address of the page, secret included, when it can be opened.
	Ready func(url string)
}

// Serve works until ctx ends, and then waits for what it started and returns nil. It fails at
// once when it cannot listen.
func (s *Server) Serve(ctx context.Context) error {
	listeners, err := s.listen(ctx)
	if err != nil {
		return err
	}
	secret := newSecret()
	at := listeners[0].Addr().(*net.TCPAddr).AddrPort()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := newPage(ctx, s)
	p.port = at.Port()
	g := &guard{hosts: hostsOf(at), secret: sha256.Sum256([]byte(secret)), next: p.handler()}
	var working sync.WaitGroup
	working.Go(func() { p.run(ctx) })
	ended := serveAll(listeners, g)
	if s.Ready != nil {
		s.Ready("http://" + at.String() + "/#t=" + secret)
	}
	select {
	case <-ctx.Done():
	case err = <-ended.failed:
		cancel()
	}
	p.hub.end()
	ended.close()
	working.Wait()
	return err
}

// network is the client's network.
func (s *Server) network() wire.Network {
	if s.Client.Network == nil {
		return wire.System()
	}
	return s.Client.Network
}

// listen opens the listeners, one port for both loopback addresses.
func (s *Server) listen(ctx context.Context) ([]net.Listener, error) {
	at := s.Listen
	if !at.IsValid() {
		at = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)
	}
	if at.Addr().IsUnspecified() || at.Addr().IsMulticast() || at.Addr().Is4In6() {
		return nil, fmt.Errorf("web: %s is no address a browser could be told", at.Addr())
	}
	first, err := (&net.ListenConfig{}).Listen(ctx, "tcp", at.String())
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	all := []net.Listener{first}
	if !s.Listen.IsValid() {
		port := first.Addr().(*net.TCPAddr).Port
		if second, err := (&net.ListenConfig{}).Listen(ctx, "tcp6", net.JoinHostPort("::1", strconv.Itoa(port))); err == nil {
			all = append(all, second) // without it "localhost" may take a moment longer
		}
	}
	return all, nil
}

func portText(port uint16) string { return strconv.Itoa(int(port)) }

// A serving is an HTTP server on some listeners.
type serving struct {
	server *http.Server
	loops  sync.WaitGroup
	failed chan error
}

func serveAll(listeners []net.Listener, h http.Handler) *serving {
	s := &serving{failed: make(chan error, len(listeners)), server: &http.Server{
		Handler: h, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		DisableGeneralOptionsHandler: true, ErrorLog: log.New(io.Discard, "", 0),
	}}
	room := make(chan struct{}, maxConnections)
	for _, l := range listeners {
		s.loops.Go(func() {
			if err := s.server.Serve(&limited{Listener: l, room: room, closed: make(chan struct{})}); !errors.Is(err, http.ErrServerClosed) {
				s.failed <- err
			}
		})
	}
	return s
}

// close lets what is under way end, but not for long.
func (s *serving) close() {
	ctx, cancel := context.WithTimeout(context.Background(), goodbyeTime)
	defer cancel()
	if s.server.Shutdown(ctx) != nil {
		s.server.Close()
	}
	s.loops.Wait()
}

// limited accepts no more connections than there is room for; further ones wait.
type limited struct {
	net.Listener
	room   chan struct{}
	once   sync.Once
	closed chan struct{}
}

func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.room <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.room
		return nil, err
	}
	return &counted{Conn: c, leave: sync.OnceFunc(func() { <-l.room })}, nil
}

func (l *limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

type counted struct {
	net.Conn
	leave func()
}

func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

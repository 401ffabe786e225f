package emulator

import (
	"context"
	"net"
	"net/http"
	"net/netip"

	"upnp/description"
	"upnp/igd"
	"upnp/igd/wire"
	"upnp/soap"
	"upnp/ssdp"
)

// Serve puts the router on a network until ctx ends, reboots included. The server s says where
// and who watches: its hooks come after those of the quirks. Backend, Device, Root, Policy and
// BootID are the router's. Ready is called after every boot.
func (r *Router) Serve(ctx context.Context, s igd.Server) error {
	for {
		r.power(true)
		rebooting, err := r.serveOnce(ctx, s)
		if err != nil || !rebooting {
			return err
		}
		sleep(ctx, r.profile.BootTime)
		if ctx.Err() != nil {
			return nil
		}
	}
}

// serveOnce serves from boot to reboot.
func (r *Router) serveOnce(ctx context.Context, s igd.Server) (rebooting bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cut := r.cut()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-cut:
			cancel()
		case <-ctx.Done():
		}
	}()
	err = r.Server(s).Serve(ctx)
	cancel()
	<-stopped
	select {
	case <-cut:
		rebooting = true
	default:
	}
	return rebooting, err
}

func (r *Router) cut() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reboot
}

func (r *Router) power(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.off = !on
}

// Server is s made into this router, to be served once. See [Router.Serve] for more.
func (r *Router) Server(s igd.Server) *igd.Server {
	if s.Network == nil {
		s.Network = wire.System()
	}
	r.mu.Lock()
	s.BootID = r.boots
	r.mu.Unlock()
	s.Network = network{s.Network, r}
	s.Backend, s.Device = r, r.profile.Device
	s.Root = r.profile.root()
	s.Describe = both(r.describe, s.Describe)
	s.Connection = r.connection
	s.Policy = r.policy()
	s.WrapHTTP = around(r.wrapHTTP, s.WrapHTTP)
	s.Answer = r.answer(s.Answer)
	return &s
}

func both(first, then func(*description.Root)) func(*description.Root) {
	if then == nil {
		return first
	}
	return func(root *description.Root) {
		first(root)
		then(root)
	}
}

func around(inner, outer func(http.Handler) http.Handler) func(http.Handler) http.Handler {
	if outer == nil {
		return inner
	}
	return func(h http.Handler) http.Handler { return outer(inner(h)) }
}

func (r *Router) describe(root *description.Root) {
	for _, q := range r.Quirks() {
		if q.Root != nil {
			q.Root(root)
		}
	}
}

func (r *Router) connection(s *description.Service) igd.Backend {
	for _, q := range r.Quirks() {
		if q.Connection == nil {
			continue
		}
		if b := q.Connection(s); b != nil {
			return b
		}
	}
	return nil
}

// policy is that of the outermost quirk that has one; nil is the server's own.
func (r *Router) policy() (p igd.Policy) {
	for _, q := range r.Quirks() {
		if q.Policy != nil {
			p = q.Policy
		}
	}
	return p
}

func (r *Router) wrapHTTP(next http.Handler) http.Handler {
	return answering(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		h := next
		for _, q := range r.Quirks() {
			if q.HTTP != nil {
				h = q.HTTP(h)
			}
		}
		h.ServeHTTP(w, req)
	}))
}

type answerFunc = func(search *ssdp.Packet, answer ssdp.Reply) []ssdp.Reply

// answer passes every answer of one quirk to the next, and last to outer.
func (r *Router) answer(outer answerFunc) answerFunc {
	return func(search *ssdp.Packet, first ssdp.Reply) []ssdp.Reply {
		replies := []ssdp.Reply{first}
		for _, q := range r.Quirks() {
			replies = each(q.Answer, search, replies)
		}
		return each(outer, search, replies)
	}
}

func each(f answerFunc, search *ssdp.Packet, replies []ssdp.Reply) []ssdp.Reply {
	if f == nil {
		return replies
	}
	var changed []ssdp.Reply
	for _, reply := range replies {
		changed = append(changed, f(search, reply)...)
	}
	return changed
}

// lose is the fate of a datagram: none passes while the router is off.
func (r *Router) lose() bool {
	r.mu.Lock()
	off, quirks := r.off, r.quirks
	r.mu.Unlock()
	for _, q := range quirks {
		if q.Lose != nil && q.Lose() {
			return true
		}
	}
	return off
}

// callerOf is who called an action, as the backend behind a server sees it; the zero Addr
// without a server.
func callerOf(ctx context.Context) netip.Addr {
	return soap.RemoteAddr(ctx).Addr().Unmap().WithZone("")
}

// A network is the one the router is on, with the router's way of using it.
type network struct {
	wire.Network
	r *Router
}

func (n network) Listen(ctx context.Context, kind, addr string) (net.Listener, error) {
	l, err := n.Network.Listen(ctx, kind, addr)
	if err != nil {
		return nil, err
	}
	return listener{l, n.r}, nil
}

func (n network) ListenPacket(ctx context.Context, ifi ssdp.Interface, group netip.AddrPort) (ssdp.PacketConn, error) {
	c, err := n.Network.ListenPacket(ctx, ifi, group)
	if err != nil {
		return nil, err
	}
	return packetConn{c, n.r}, nil
}

type listener struct {
	net.Listener
	r *Router
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	for _, q := range l.r.Quirks() {
		if q.Conn != nil {
			c = q.Conn(c)
		}
	}
	return c, nil
}

type packetConn struct {
	ssdp.PacketConn
	r *Router
}

func (c packetConn) ReadFrom(b []byte) (int, netip.AddrPort, error) {
	for {
		n, from, err := c.PacketConn.ReadFrom(b)
		if err != nil || !c.r.lose() {
			return n, from, err
		}
	}
}

func (c packetConn) WriteTo(b []byte, to netip.AddrPort) error {
	if c.r.lose() {
		return nil
	}
	return c.PacketConn.WriteTo(b, to)
}

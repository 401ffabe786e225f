package wire

import (
	"context"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// As a kernel has them: how often a SYN is repeated, a segment is repeated, and how long a
// neighbour that does not exist is looked for.
const (
	firstSYNRepeat   = time.Second
	segmentRepeat    = 200 * time.Millisecond
	neighbourTimeout = 3 * time.Second
)

// Dial implements [Network].
func (h *Host) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	target, err := parseTarget(addr)
	if err == nil {
		err = checkAllowed(ctx, target.Addr())
	}
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	conn, err := h.dial(ctx, target)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(target), Err: err}
	}
	return conn, nil
}

// dial sends a SYN, and again after one second, two, four, as long as ctx has patience.
func (h *Host) dial(ctx context.Context, target netip.AddrPort) (net.Conn, error) {
	began := time.Now()
	for wait := firstSYNRepeat; ; wait *= 2 {
		conn, trip, err := h.connect(localAddr(ctx), target)
		if err != nil {
			return nil, os.NewSyscallError("connect", err)
		}
		if conn != nil {
			if err := sleep(ctx, trip); err != nil {
				conn.abandon()
				return nil, err
			}
			return conn, nil
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
		if h.isMissing(ctx, target) && time.Since(began) >= neighbourTimeout {
			return nil, os.NewSyscallError("connect", syscall.EHOSTUNREACH)
		}
	}
}

func (h *Host) isMissing(ctx context.Context, target netip.AddrPort) bool {
	h.mem.mu.Lock()
	defer h.mem.mu.Unlock()
	p, err := h.route(localAddr(ctx), target.Addr())
	return err == nil && p.to == nil
}

// connect is one attempt: a connection and how long its handshake takes, an error, or neither if
// the SYN got lost.
func (h *Host) connect(local netip.Addr, target netip.AddrPort) (*memoryConn, time.Duration, error) {
	h.mem.mu.Lock()
	defer h.mem.mu.Unlock()
	p, err := h.route(local, target.Addr())
	if err != nil {
		return nil, 0, err
	}
	lan := p.from.lan
	if !p.works() || lan.chance(lan.conditions.Loss) {
		return nil, 0, nil
	}
	l := p.to.host.listener(target)
	if l == nil || lan.chance(lan.conditions.Refuse) {
		return nil, 0, syscall.ECONNREFUSED
	}
	if len(l.queue) >= p.to.host.backlog {
		return nil, 0, nil
	}
	conn := h.mem.connect(p, h.freePort(), target.Port())
	l.queue = append(l.queue, conn.peer)
	l.changed.Broadcast()
	return conn, lan.delay() + lan.delay(), nil
}

// sleep waits for d, for ctx, or for the deadline of ctx, which may be kept by no timer.
func sleep(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return ctx.Err()
	}
	end, bounded := ctx.Deadline()
	bounded = bounded && time.Until(end) < d
	if bounded {
		d = time.Until(end)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
	}
	if bounded {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// Listen implements [Network].
func (h *Host) Listen(ctx context.Context, network, addr string) (net.Listener, error) {
	if err := ctx.Err(); err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	l, err := h.listen(addr)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	return l, nil
}

func (h *Host) listen(addr string) (*memoryListener, error) {
	ip, port, err := parseListen(addr)
	if err != nil {
		return nil, err
	}
	h.mem.mu.Lock()
	defer h.mem.mu.Unlock()
	if !ip.IsUnspecified() && !ip.IsLoopback() && h.linkOf(ip) == nil {
		return nil, os.NewSyscallError("bind", syscall.EADDRNOTAVAIL)
	}
	if port == 0 {
		port = h.freePort()
	}
	if h.isTaken(ip, port) {
		return nil, os.NewSyscallError("bind", syscall.EADDRINUSE)
	}
	l := &memoryListener{host: h, addr: ip, port: port, changed: h.mem.condition()}
	h.listeners = append(h.listeners, l)
	return l, nil
}

// parseListen reads an address to listen on; no host means all, which IPv6's unspecified
// address stands for.
func parseListen(addr string) (netip.Addr, uint16, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return netip.Addr{}, 0, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.Addr{}, 0, &net.AddrError{Err: "invalid port", Addr: addr}
	}
	if host == "" {
		return netip.IPv6Unspecified(), uint16(n), nil
	}
	ip, err := netip.ParseAddr(host)
	return ip.Unmap(), uint16(n), err
}

func (h *Host) linkOf(addr netip.Addr) *Link {
	for _, l := range h.links {
		if l.owns(addr.WithZone("")) && (addr.Zone() == "" || addr.Zone() == l.name) {
			return l
		}
	}
	return nil
}

func (h *Host) isTaken(ip netip.Addr, port uint16) bool {
	return slices.ContainsFunc(h.listeners, func(l *memoryListener) bool {
		return l.port == port && (l.covers(ip) || ip.IsUnspecified())
	})
}

// listener is who accepts connections to an address: of it alone, or else of all.
func (h *Host) listener(to netip.AddrPort) *memoryListener {
	var found *memoryListener
	for _, l := range h.listeners {
		if l.port == to.Port() && l.covers(to.Addr()) && (found == nil || found.addr.IsUnspecified()) {
			found = l
		}
	}
	return found
}

type memoryListener struct {
	host    *Host
	addr    netip.Addr
	port    uint16
	queue   []*memoryConn
	closed  bool
	changed *condition
}

func (l *memoryListener) covers(addr netip.Addr) bool {
	return l.addr.WithZone("") == addr.WithZone("") || l.addr == netip.IPv6Unspecified() ||
		l.addr == netip.IPv4Unspecified() && addr.Is4()
}

func (l *memoryListener) Accept() (net.Conn, error) {
	l.host.mem.mu.Lock()
	defer l.host.mem.mu.Unlock()
	for !l.closed && len(l.queue) == 0 {
		l.changed.Wait()
	}
	if l.closed {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	}
	conn := l.queue[0]
	l.queue = l.queue[1:]
	return conn, nil
}

func (l *memoryListener) Close() error {
	l.host.mem.mu.Lock()
	defer l.host.mem.mu.Unlock()
	if l.closed {
		return &net.OpError{Op: "close", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	}
	l.closed = true
	l.host.listeners = slices.DeleteFunc(l.host.listeners, func(o *memoryListener) bool { return o == l })
	for _, conn := range l.queue {
		conn.close(true)
	}
	l.queue = nil
	l.changed.Broadcast()
	return nil
}

func (l *memoryListener) Addr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(l.addr, l.port))
}

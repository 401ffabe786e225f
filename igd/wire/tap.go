package wire

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"upnp/ssdp"
)

// NewTap is next, nil being [System], with every message that passes shown to sink. Calls of sink
// come one at a time, in the order of the events' times, and hold up the traffic they tell of.
func NewTap(next Network, sink func(Event)) Network {
	return &tap{next: orSystem(next), sink: sink}
}

type tap struct {
	next  Network
	flows atomic.Int64
	mu    sync.Mutex // serialises sink
	sink  func(Event)
}

func (t *tap) emit(e Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.Time = time.Now()
	t.sink(e)
}

// A flow tells of one socket.
type flow struct {
	tap    *tap
	origin Event // what all its events have in common
	failed atomic.Bool
	ended  atomic.Bool
	closed atomic.Bool
}

func (t *tap) newFlow(network string, local, remote netip.AddrPort) *flow {
	return &flow{tap: t, origin: Event{Flow: int(t.flows.Add(1)), Net: network, Local: local, Remote: remote}}
}

func (f *flow) emit(kind Kind) {
	e := f.origin
	e.Kind = kind
	f.tap.emit(e)
}

func (f *flow) data(kind Kind, b []byte, remote netip.AddrPort) {
	e := f.origin
	e.Kind, e.Remote, e.Data = kind, remote, bytes.Clone(b)
	f.tap.emit(e)
}

// fail tells of the first error that was not asked for: a Close and a deadline of somebody who
// polls were.
func (f *flow) fail(err error) {
	if err == nil || errors.Is(err, net.ErrClosed) || f.failed.Swap(true) {
		return
	}
	e := f.origin
	e.Kind, e.Err = Failed, err.Error()
	f.tap.emit(e)
}

func (f *flow) close() {
	if f.closed.Swap(true) {
		return
	}
	e := f.origin
	e.Kind = Closed
	if f.ended.Load() {
		e.Err = "EOF"
	}
	f.tap.emit(e)
}

func (t *tap) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := t.next.Dial(ctx, network, addr)
	if err != nil {
		remote, _ := parseTarget(addr)
		t.newFlow("tcp", netip.AddrPort{}, remote).fail(err)
		return nil, err
	}
	return t.tapConn(conn, Opened), nil
}

func (t *tap) tapConn(conn net.Conn, how Kind) net.Conn {
	c := &tapConn{Conn: conn, flow: t.newFlow("tcp", addrPort(conn.LocalAddr()), addrPort(conn.RemoteAddr())), polls: how == Accepted}
	c.flow.emit(how)
	return c
}

func addrPort(a net.Addr) netip.AddrPort {
	if tcp, ok := a.(*net.TCPAddr); ok {
		ap := tcp.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	ap, _ := netip.ParseAddrPort(a.String())
	return ap
}

func (t *tap) Listen(ctx context.Context, network, addr string) (net.Listener, error) {
	l, err := t.next.Listen(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &tapListener{l, t}, nil
}

type tapListener struct {
	net.Listener
	tap *tap
}

func (l *tapListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.tap.tapConn(conn, Accepted), nil
}

type tapConn struct {
	net.Conn
	flow  *flow
	polls bool // a server stops its reads with deadlines
}

func (c *tapConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.flow.data(Received, p[:n], c.flow.origin.Remote)
	}
	switch {
	case errors.Is(err, io.EOF):
		c.flow.ended.Store(true)
	case !c.polls || !errors.Is(err, os.ErrDeadlineExceeded):
		c.flow.fail(err)
	}
	return n, err
}

// Write tells of the bytes before they go: an answer to them must not come first.
func (c *tapConn) Write(p []byte) (int, error) {
	c.flow.data(Sent, p, c.flow.origin.Remote)
	n, err := c.Conn.Write(p)
	c.flow.fail(err)
	return n, err
}

func (c *tapConn) Close() error {
	err := c.Conn.Close()
	c.flow.close()
	return err
}

// CloseWrite ends our side if the connection can do so.
func (c *tapConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

func (t *tap) ListenPacket(ctx context.Context, ifi ssdp.Interface, group netip.AddrPort) (ssdp.PacketConn, error) {
	conn, err := t.next.ListenPacket(ctx, ifi, group)
	if err != nil {
		t.newFlow("udp", netip.AddrPort{}, group).fail(err)
		return nil, err
	}
	c := &tapPacketConn{conn, t.newFlow("udp", conn.LocalAddr(), group)}
	c.flow.emit(Opened)
	return c, nil
}

func (t *tap) Interfaces() ([]ssdp.Interface, error) { return t.next.Interfaces() }

type tapPacketConn struct {
	ssdp.PacketConn
	flow *flow
}

func (c *tapPacketConn) ReadFrom(b []byte) (int, netip.AddrPort, error) {
	n, from, err := c.PacketConn.ReadFrom(b)
	switch {
	case err == nil:
		c.flow.data(Received, b[:n], from)
	case !errors.Is(err, os.ErrDeadlineExceeded):
		c.flow.fail(err)
	}
	return n, from, err
}

func (c *tapPacketConn) WriteTo(b []byte, to netip.AddrPort) error {
	c.flow.data(Sent, b, to)
	err := c.PacketConn.WriteTo(b, to)
	c.flow.fail(err)
	return err
}

func (c *tapPacketConn) Close() error {
	err := c.PacketConn.Close()
	c.flow.close()
	return err
}

package igd

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"upnp/igd/wire"
)

// A lost SYN is repeated by the system after a second. On a link whose round trips are short, a
// new attempt after firstPatience costs a fifth of that. Where one frame in five is lost, every
// eighth connection needs a third attempt, so the second is given no longer than the first.
const firstPatience = 150 * time.Millisecond

// An insistent Network dials again when a connection takes suspiciously long, from the third
// attempt on twice as long each time, until ctx ends.
type insistent struct {
	wire.Network
	usual atomic.Int64               // nanoseconds the last connection took
	local atomic.Pointer[netip.Addr] // this host's end of it
}

// source is the own address the last connection came from; zero before the first.
func (n *insistent) source() netip.Addr {
	if addr := n.local.Load(); addr != nil {
		return *addr
	}
	return netip.Addr{}
}

func (n *insistent) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if ctx.Value(patientKey{}) != nil {
		return n.Network.Dial(ctx, network, addr)
	}
	ctx, cancel := context.WithCancel(ctx) // package net heeds the deadline only of what can be cancelled
	defer cancel()
	patience := max(firstPatience, 3*time.Duration(n.usual.Load()))
	for try := 0; ; try++ {
		conn, err := n.attempt(ctx, patience<<min(max(0, try-1), 5), network, addr)
		if !isLate(err) || isOver(ctx) {
			return conn, err
		}
	}
}

type patientKey struct{}

// patient makes an insistent Network dial once: for many quick calls to a router that has just
// answered many, where the timers of a second attempt would cost more than they could save.
func patient(ctx context.Context) context.Context {
	return context.WithValue(ctx, patientKey{}, true)
}

func (n *insistent) attempt(ctx context.Context, patience time.Duration, network, addr string) (net.Conn, error) {
	began := time.Now()
	conn, err := n.Network.Dial(until{ctx, began.Add(patience)}, network, addr)
	if err == nil {
		n.usual.Store(int64(time.Since(began)))
		n.learn(conn.LocalAddr())
	}
	return conn, err
}

func (n *insistent) learn(local net.Addr) {
	if tcp, ok := local.(*net.TCPAddr); ok {
		addr := tcp.AddrPort().Addr().Unmap()
		n.local.Store(&addr)
	}
}

func isLate(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}

func isOver(ctx context.Context) bool {
	end, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(end)
}

// until is a context with an earlier deadline, kept without a timer by those who look at it; a
// Network does.
type until struct {
	context.Context
	at time.Time
}

func (u until) Deadline() (time.Time, bool) {
	if end, ok := u.Context.Deadline(); ok && end.Before(u.at) {
		return end, true
	}
	return u.at, true
}

package ssdp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// How fast datagrams are looked at; what comes faster is dropped unread.
const (
	sourceRate, sourceBurst = 50, 200
	totalRate, totalBurst   = 2000, 2000
)

const (
	resultQueue     = 64
	maxReadFailures = 16 // in a row, before a socket is given up
)

type result struct {
	packet *Packet
	err    error
}

// A hearing is the sockets of one search or monitor, a reader for each, and the results on their way to the loop of
// the caller.
type hearing struct {
	ctx     context.Context // the sockets live as long
	client  *Client
	asked   []netip.Addr                // answers from these are taken wherever they are
	wanted  func(*Packet) (bool, error) // called by one reader at a time
	results chan result
	limiter *limiter
	readers sync.WaitGroup

	mu    sync.Mutex // guards wanted and what follows
	conns map[connKey]PacketConn
	told  map[string]bool // errors that were yielded
}

// A connKey is what a socket is for: an own address to send from, or a group that is joined.
type connKey struct {
	index int
	addr  netip.AddrPort
}

func (c *Client) newHearing(ctx context.Context, wanted func(*Packet) (bool, error)) *hearing {
	return &hearing{
		ctx: ctx, client: c, wanted: wanted, results: make(chan result, resultQueue),
		limiter: newLimiter(allowance{sourceRate, sourceBurst}, allowance{totalRate, totalBurst}),
		conns:   make(map[connKey]PacketConn), told: make(map[string]bool),
	}
}

// run has work open sockets and send, and yields the results, until ctx ends or the caller breaks out. Nothing of it
// is left when it returns. parent tells the end that was ordered from the one that was planned, after which what is
// queued is still yielded.
func (h *hearing) run(parent context.Context, cancel context.CancelFunc, work func(), yield func(*Packet, error) bool) {
	var worker sync.WaitGroup
	defer func() {
		cancel()
		worker.Wait() // opens no more sockets
		h.closeAll()
		h.readers.Wait()
	}()
	worker.Go(work)
	for {
		select {
		case r := <-h.results:
			if !yield(r.packet, r.err) {
				return
			}
		case <-h.ctx.Done():
			for parent.Err() == nil && len(h.results) > 0 {
				if r := <-h.results; !yield(r.packet, r.err) {
					return
				}
			}
			return
		}
	}
}

// open returns the socket on ifi for group, opening it the first time. For port 0 it is one per own address.
// ok is false if there is none; the reason has been reported then, unless it is only that ifi has no such address.
func (h *hearing) open(ifi Interface, group netip.AddrPort) (conn PacketConn, ok bool) {
	own, ok := ifi.Source(group.Addr())
	if !ok {
		return nil, false
	}
	key := connKey{ifi.Index, group}
	if group.Port() == 0 {
		key.addr = netip.AddrPortFrom(own, 0)
	}
	if conn, ok = h.conns[key]; ok {
		return conn, true
	}
	conn, err := h.client.listen()(h.ctx, ifi, group)
	if err != nil {
		h.fail(&InterfaceError{ifi, "listen", group, err})
		return nil, false
	}
	h.conns[key] = conn
	h.readers.Go(func() { h.read(conn, ifi, group) })
	return conn, true
}

func (h *hearing) closeAll() {
	for _, c := range h.conns {
		c.Close()
	}
}

// read hears one socket until it is closed. Errors that pass are passed over: Windows reports the port unreachable of
// a host we have sent to, and a datagram longer than the buffer, as errors of the next read.
func (h *hearing) read(conn PacketConn, ifi Interface, group netip.AddrPort) {
	buf := make([]byte, MaxDatagram+1)
	for failures := 0; ; {
		n, from, err := conn.ReadFrom(buf)
		switch {
		case err == nil:
			failures = 0
			h.hear(ifi, from, buf[:n])
		case errors.Is(err, net.ErrClosed) || h.ctx.Err() != nil:
			return
		default:
			if failures++; failures == maxReadFailures {
				h.fail(&InterfaceError{ifi, "receive", group, err})
				return
			}
		}
	}
}

// hear judges one datagram and passes it on.
func (h *hearing) hear(ifi Interface, from netip.AddrPort, data []byte) {
	now := time.Now()
	p, err := h.admit(now, ifi, from, data)
	if err != nil && h.client.Dropped != nil {
		h.client.Dropped(Drop{from, ifi, err})
	}
	if p != nil && err == nil {
		h.put(result{packet: p})
	}
}

func (h *hearing) admit(now time.Time, ifi Interface, from netip.AddrPort, data []byte) (*Packet, error) {
	addr := from.Addr()
	asked := slices.Contains(h.asked, addr.WithZone(""))
	if !asked && !reachable(ifi, addr, h.client.AllowOffLink) {
		return nil, ErrOffLink
	}
	if !h.limiter.allow(now, addr, asked || ifi.IsGateway(addr)) {
		return nil, ErrRate
	}
	m, err := Parse(data)
	if err != nil {
		return nil, err
	}
	p := &Packet{Message: m, From: from, Interface: ifi, Time: now}
	h.mu.Lock()
	ok, err := h.wanted(p)
	h.mu.Unlock()
	if !ok {
		return nil, err
	}
	p.Raw = slices.Clone(data)
	return p, nil
}

// reachable reports whether addr may talk to us on ifi (SECURITY A7).
func reachable(ifi Interface, addr netip.Addr, also []netip.Prefix) bool {
	if ifi.OnLink(addr) || ifi.IsGateway(addr) {
		return true
	}
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(also, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// fail reports an error, the same one only once.
func (h *hearing) fail(err error) {
	h.mu.Lock()
	again := h.told[err.Error()]
	h.told[err.Error()] = true
	h.mu.Unlock()
	if !again {
		h.put(result{err: err})
	}
}

func (h *hearing) put(r result) {
	select {
	case h.results <- r:
	case <-h.ctx.Done():
	}
}

package igd

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"upnp/igd/wire"
)

// A lost SYN is repeated by the system after a second. A second try after firstHedge costs
// little and is what makes a call on a bad radio link take a fifth of that.
const (
	firstHedge = 150 * time.Millisecond
	maxDials   = 3
)

// A hedge is a Network whose Dial tries again beside a connection attempt that takes
// suspiciously long. Several dials at once are left alone: they are a listing's, and more
// connections would only fill the router's queue.
type hedge struct {
	wire.Network
	dialing atomic.Int32
	usual   atomic.Int64 // nanoseconds the last connection took
}

func (h *hedge) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	defer h.dialing.Add(-1)
	if h.dialing.Add(1) > 1 {
		return h.Network.Dial(ctx, network, addr)
	}
	began := time.Now()
	r := race{dial: func(ctx context.Context) (net.Conn, error) { return h.Network.Dial(ctx, network, addr) }}
	conn, err := r.run(ctx, h.patience())
	if err == nil {
		h.usual.Store(int64(time.Since(began)))
	}
	return conn, err
}

// patience is how long an attempt is left alone: several round trips of a slow link.
func (h *hedge) patience() time.Duration {
	return max(firstHedge, 3*time.Duration(h.usual.Load()))
}

// A race is one connection wanted and up to maxDials attempts at it. The first runs on the
// caller's goroutine, which is all there is to it when it succeeds in time.
type race struct {
	dial   func(context.Context) (net.Conn, error)
	cancel context.CancelFunc
	others sync.WaitGroup

	mu   sync.Mutex
	conn net.Conn // of the winner
}

func (r *race) run(ctx context.Context, patience time.Duration) (net.Conn, error) {
	ctx, r.cancel = context.WithCancel(ctx)
	defer r.cancel()
	var timers []*time.Timer
	for i := 1; i < maxDials; i++ {
		r.others.Add(1)
		timers = append(timers, time.AfterFunc(time.Duration(2*i-1)*patience, func() {
			defer r.others.Done()
			conn, _ := r.dial(ctx)
			r.finish(conn)
		}))
	}
	conn, err := r.dial(ctx)
	r.finish(conn)
	for _, t := range timers {
		if t.Stop() {
			r.others.Done()
		}
	}
	r.others.Wait()
	if r.conn != nil {
		return r.conn, nil
	}
	return nil, err
}

// finish keeps the first connection and closes any other.
func (r *race) finish(conn net.Conn) {
	if conn == nil {
		return
	}
	r.cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn == nil {
		r.conn = conn
	} else {
		conn.Close()
	}
}

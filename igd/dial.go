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
	conn, err := h.race(ctx, network, addr)
	if err == nil {
		h.usual.Store(int64(time.Since(began)))
	}
	return conn, err
}

// patience is how long an attempt is left alone: several round trips of a slow link.
func (h *hedge) patience() time.Duration {
	return max(firstHedge, 3*time.Duration(h.usual.Load()))
}

type dialed struct {
	conn net.Conn
	err  error
}

// race starts attempts one after another and returns the first connection, or the last error.
func (h *hedge) race(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	results := make(chan dialed, maxDials)
	var wg sync.WaitGroup
	dial := func() {
		conn, err := h.Network.Dial(ctx, network, addr)
		results <- dialed{conn, err}
	}
	defer func() { cancel(); wg.Wait(); closeRest(results) }()
	timer := time.NewTimer(h.patience())
	defer timer.Stop()
	wg.Go(dial)
	for started, failed := 1, 0; ; {
		select {
		case r := <-results:
			if failed++; r.err == nil || failed == started {
				return r.conn, r.err
			}
		case <-timer.C:
			if started++; started < maxDials {
				timer.Reset(2 * h.patience())
			}
			wg.Go(dial)
		}
	}
}

// closeRest closes the connections that lost the race.
func closeRest(results chan dialed) {
	close(results)
	for r := range results {
		if r.conn != nil {
			r.conn.Close()
		}
	}
}

package igd

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"upnp/description"
	"upnp/igd/wire"
)

func wanService(udn, id string) *description.Service {
	return &description.Service{Type: WANIPConnection1, ID: id, Device: &description.Device{UDN: udn}}
}

func TestGateLetsOneThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gate
		var inside, most atomic.Int32
		for range 5 {
			go func() {
				if g.enter(t.Context()) != nil {
					return
				}
				most.Store(max(most.Load(), inside.Add(1)))
				time.Sleep(time.Second)
				inside.Add(-1)
				g.leave(nil)
			}()
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if most.Load() != 1 {
			t.Errorf("%d calls in flight at once", most.Load())
		}
	})
}

// TestGateGap: a cut connection makes the next calls wait, longer each time, and answers make
// them quick again.
func TestGateGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cut := &wire.AnswerError{Err: io.EOF}
		var g gate
		for i, row := range []struct {
			err  error
			wait time.Duration // before this call
		}{
			{nil, 0}, {cut, 0}, {cut, 100 * time.Millisecond}, {nil, 200 * time.Millisecond},
			{nil, 100 * time.Millisecond}, {nil, 50 * time.Millisecond}, {nil, 25 * time.Millisecond}, {nil, 0},
		} {
			began := time.Now()
			if err := g.enter(t.Context()); err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(began); waited != row.wait {
				t.Errorf("call %d waited %v, want %v", i, waited, row.wait)
			}
			g.leave(row.err)
		}
	})
}

func TestGateHeedsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gate
		if err := g.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := g.enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting for a turn ended with %v", err)
		}
	})
}

// slowDial is a network whose first connections hang for ever.
type slowDial struct {
	wire.Network
	hang, dialed int32
}

func (s *slowDial) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if n := atomic.AddInt32(&s.dialed, 1); n <= s.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	here, there := net.Pipe()
	context.AfterFunc(ctx, func() { there.Close() })
	return here, nil
}

// TestHedge: a lost SYN costs the time of a second try, not of the system's.
func TestHedge(t *testing.T) {
	for hang, want := range []time.Duration{0, firstHedge, 3 * firstHedge} {
		synctest.Test(t, func(t *testing.T) {
			s := &slowDial{hang: int32(hang)}
			h := &hedge{Network: s}
			began := time.Now()
			conn, err := h.Dial(t.Context(), "tcp", "192.168.7.1:5000")
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if took := time.Since(began); took != want || s.dialed != int32(hang)+1 {
				t.Errorf("%d lost: took %v and %d dials, want %v", hang, took, s.dialed, want)
			}
		})
	}
}

func TestHedgeGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		s := &slowDial{hang: 100}
		if _, err := (&hedge{Network: s}).Dial(ctx, "tcp", "192.168.7.1:5000"); !errors.Is(err, context.DeadlineExceeded) || s.dialed != maxDials {
			t.Errorf("%v after %d dials", err, s.dialed)
		}
	})
}

package igd

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
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

// slowDial is a network whose first connections hang until their deadline.
type slowDial struct {
	wire.Network
	hang, dialed int
}

func (s *slowDial) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if s.dialed++; s.dialed <= s.hang {
		end, _ := ctx.Deadline()
		if err := sleep(ctx, time.Until(end)); err != nil {
			return nil, err
		}
		return nil, os.ErrDeadlineExceeded
	}
	here, there := net.Pipe()
	there.Close()
	return here, nil
}

// TestInsistent: a lost SYN costs the time of another attempt, not of the system's.
func TestInsistent(t *testing.T) {
	for hang, want := range []time.Duration{0, firstPatience, 2 * firstPatience, 4 * firstPatience} {
		synctest.Test(t, func(t *testing.T) {
			s := &slowDial{hang: hang}
			began := time.Now()
			conn, err := (&insistent{Network: s}).Dial(t.Context(), "tcp", "192.168.7.1:5000")
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if took := time.Since(began); took != want || s.dialed != hang+1 {
				t.Errorf("%d lost: took %v and %d dials, want %v", hang, took, s.dialed, want)
			}
		})
	}
}

func TestInsistentGivesUp(t *testing.T) {
	for name, end := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"deadline": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 3*time.Second)
		},
		"cancel": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(3*time.Second, cancel)
			return ctx, cancel
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := end(t.Context())
			defer cancel()
			began := time.Now()
			_, err := (&insistent{Network: &slowDial{hang: 100}}).Dial(ctx, "tcp", "192.168.7.1:5000")
			if took := time.Since(began); err == nil || took != 3*time.Second {
				t.Errorf("%s: %v after %v", name, err, took)
			}
		})
	}
}

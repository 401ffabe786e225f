package gena

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	minRenewal = 5 * time.Second  // between renewals, however little the device grants
	firstRetry = 5 * time.Second  // after a failure; doubled with each one more
	lastRetry  = 10 * time.Minute // and no longer than this
	doubtPause = time.Minute      // least time between requests made because of the order of events
)

// An errand is something the keeper does out of turn.
type errand int

const (
	renew  errand = iota // ask whether the subscription still stands
	resync               // give it up and make a new one, whose initial event has everything
)

// begin starts the keeper, unless the subscription was closed meanwhile.
func (s *Subscription) begin() error {
	ctx, cancel := context.WithCancel(s.values)
	if s.start(ctx, cancel) {
		return nil
	}
	defer cancel()
	_ = s.unsubscribe(ctx) // that it is closed says more
	return ErrClosed
}

func (s *Subscription) start(ctx context.Context, cancel context.CancelFunc) bool {
	s.subscriber.mu.Lock()
	defer s.subscriber.mu.Unlock()
	if s.closed {
		return false
	}
	s.cancel = cancel
	s.kept.Go(func() { s.keep(ctx) })
	return true
}

// keep renews the subscription until ctx ends.
func (s *Subscription) keep(ctx context.Context) {
	wait := renewal(s.granted)
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-s.hurry:
			wait = s.tend(ctx, e)
		case <-time.After(wait):
			wait = s.tend(ctx, renew)
		}
	}
}

// tend does what is due and returns when to do more.
func (s *Subscription) tend(ctx context.Context, e errand) (wait time.Duration) {
	err := s.refresh(ctx, e)
	if err == nil {
		s.failures = 0
		return renewal(s.granted)
	}
	if ctx.Err() == nil {
		s.box.fail(err)
	}
	s.failures++
	wait = retry(s.failures)
	if left := time.Until(s.Expires()); left > 0 {
		wait = min(wait, left)
	}
	return wait
}

func (s *Subscription) refresh(ctx context.Context, e errand) error {
	switch {
	case s.SID() == "" || !time.Now().Before(s.Expires()):
		s.drop()
	case e == resync:
		_ = s.unsubscribe(ctx) // what the device keeps of it will expire
	default:
		err := s.renew(ctx)
		if !isRefused(err) {
			return err
		}
		s.drop()
	}
	return s.subscribe(ctx)
}

// renewal is when to renew: shortly before half of the time is over.
func renewal(granted time.Duration) time.Duration {
	return max(minRenewal, granted/2-jitter(granted/10))
}

// retry is when to try again after so many failures in a row.
func retry(failures int) time.Duration {
	wait := lastRetry
	if failures < 8 {
		wait = firstRetry << (failures - 1)
	}
	wait = min(wait, lastRetry)
	return wait - jitter(wait/10)
}

func jitter(most time.Duration) time.Duration { return rand.N(max(most, 1)) }

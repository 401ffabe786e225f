package gena

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	maxLetters   = 16                     // events kept unread; more are merged into the last
	maxOvertaken = 16                     // how far behind another an event is still put in its place
	patience     = 500 * time.Millisecond // how long an event waits for one that should come before it
)

// A letter is an event that nobody has read yet.
type letter struct {
	event    *Event
	first    uint32    // number of the oldest event merged into it
	numbered bool      // it has a number
	came     time.Time // when it arrived
}

// precedes reports whether l belongs before other, an event of the same subscription that
// overtook it on another connection.
func (l *letter) precedes(other *letter) bool {
	ahead := int32(other.first - l.event.Seq)
	return l.event.SID == other.event.SID && l.numbered && other.numbered && 0 < ahead && ahead <= maxOvertaken
}

// absorb makes one letter of two.
func (l *letter) absorb(newer *letter) {
	seq := l.event.Seq
	apart := newer.event.SID != l.event.SID || newer.numbered && newer.first != after(seq)
	l.event.absorb(newer.event)
	l.event.Lost = l.event.Lost || apart
	if !newer.numbered {
		l.event.Seq = seq
	}
	l.numbered = l.numbered || newer.numbered
}

// order is how a letter follows the one read before it.
type order int

const (
	inOrder order = iota
	unnumbered
	early // numbers before it are missing
	late
	repeated
	restarted // it is an initial event, and not the first
)

// A mailbox keeps the events of a subscription, in order, until they are read.
type mailbox struct {
	mu      sync.Mutex
	letters []*letter
	err     error // what the subscription suffered last, unread
	changed chan struct{}

	// What was read last.
	began bool
	sid   string
	last  uint32
}

func newMailbox() *mailbox { return &mailbox{changed: make(chan struct{}, 1)} }

func (m *mailbox) put(l *letter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := len(m.letters)
	for i > 0 && l.precedes(m.letters[i-1]) {
		i--
	}
	m.letters = slices.Insert(m.letters, i, l)
	if n := len(m.letters); n > maxLetters {
		m.letters[n-2].absorb(m.letters[n-1])
		m.letters = slices.Delete(m.letters, n-1, n)
	}
	m.signal()
}

func (m *mailbox) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
	m.signal()
}

func (m *mailbox) signal() {
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// next waits for an event or an error. Neither means that ctx or closed has ended.
func (m *mailbox) next(ctx context.Context, closed <-chan struct{}) (*Event, order, error) {
	for {
		event, order, wait, err := m.take()
		if event != nil || err != nil {
			return event, order, err
		}
		if !m.pause(ctx, closed, wait) {
			return nil, inOrder, nil
		}
	}
}

// pause waits for a change, at most for a time unless that is 0.
func (m *mailbox) pause(ctx context.Context, closed <-chan struct{}, most time.Duration) bool {
	var over <-chan time.Time
	if most > 0 {
		timer := time.NewTimer(most)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-closed:
		return false
	case <-m.changed:
	case <-over:
	}
	return true
}

// take removes the first event, or the error if there is no event. With nothing to take, wait is
// how long to be patient with an event that others should precede.
func (m *mailbox) take() (event *Event, o order, wait time.Duration, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.letters) == 0 {
		err, m.err = m.err, nil
		return nil, inOrder, 0, err
	}
	l := m.letters[0]
	o = m.order(l)
	if wait = time.Until(l.came.Add(patience)); o == early && wait > 0 {
		return nil, o, wait, nil
	}
	m.letters = slices.Delete(m.letters, 0, 1)
	l.event.Lost = l.event.Lost || o != inOrder || m.began && l.event.SID != m.sid
	m.began, m.sid = true, l.event.SID
	if l.numbered {
		m.last = l.event.Seq
	}
	return l.event, o, 0, nil
}

func (m *mailbox) order(l *letter) order {
	known := m.began && m.sid == l.event.SID
	expected := uint32(0)
	if known {
		expected = after(m.last)
	}
	switch {
	case !l.numbered:
		return unnumbered
	case l.first == expected:
		return inOrder
	case l.first == 0:
		return restarted
	case known && l.first == m.last:
		return repeated
	case int32(l.first-expected) > 0:
		return early
	}
	return late
}

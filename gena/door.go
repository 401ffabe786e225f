package gena

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"strings"
	"time"
)

const (
	tokenBytes = 16 // 128 bits that nobody guesses
	tokenText  = 2 * tokenBytes

	// maxEarly is how long an event may come before the answer that names its subscription.
	maxEarly = 10 * time.Second
)

// A door is where the device is told to send the events of one SUBSCRIBE: a path nobody can
// guess. The Subscriber's mutex guards it.
type door struct {
	token string
	to    *Subscription
	sid   string  // as in the answer; "" before it
	early *letter // what came before the answer
	odd   bool    // somebody else than the device has once used it rightly
}

func newToken() string { return hex.EncodeToString(secret()) }

func secret() []byte {
	bits := make([]byte, tokenBytes)
	_, _ = rand.Read(bits) // never fails
	return bits
}

// openDoor makes a door. The error is [ErrClosed].
func (s *Subscriber) openDoor(to *Subscription) (*door, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || to.closed {
		return nil, ErrClosed
	}
	if s.doors == nil {
		s.doors = make(map[string]*door)
	}
	d := &door{token: newToken(), to: to}
	s.doors[d.token] = d
	return d, nil
}

// settle tells the door which SID is right, and delivers what came early if it has that.
func (s *Subscriber) settle(d *door, sid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.sid = sid
	if d.waits() && sameSID(d.early.event.SID, sid) {
		d.deliver(d.early)
	}
	d.early = nil
}

func (s *Subscriber) closeDoor(d *door) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.doors, d.token)
}

// admit delivers a letter, or keeps it until the SID is known. By now the door may be shut.
func (s *Subscriber) admit(d *door, l *letter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.doors[d.token] != d || !d.fits(l.event.SID):
	case d.sid != "":
		d.deliver(l)
	case d.waits():
		d.early.absorb(l)
	default:
		d.early = l
	}
}

// deliver gives all events of a subscription the SID in one spelling.
func (d *door) deliver(l *letter) {
	l.event.SID = d.sid
	d.to.box.put(l)
}

// waits reports whether something came early and is not too old.
func (d *door) waits() bool { return d.early != nil && time.Since(d.early.came) <= maxEarly }

// fits reports whether the SID is right, as far as that is known.
func (d *door) fits(sid string) bool {
	switch {
	case d.sid != "":
		return sameSID(d.sid, sid)
	case d.waits():
		return sameSID(d.early.event.SID, sid)
	}
	return bareSID(sid) != ""
}

// find returns the door a path leads to. Devices append slashes and garbage to the path or
// put it behind one of their own (Onkyo, Yamaha, Fuppes), so any part that begins with
// a token will do.
func (s *Subscriber) find(path string) *door {
	for part := range strings.SplitSeq(path, "/") {
		if len(part) < tokenText {
			continue
		}
		if d := s.doors[part[:tokenText]]; d != nil {
			return d
		}
	}
	return nil
}

// sameSID compares in constant time, apart from what devices write one way in their answer and
// another way in their events: case, "uuid:" and brackets.
func sameSID(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(bareSID(a)), []byte(bareSID(b))) == 1
}

func bareSID(sid string) string {
	return strings.TrimPrefix(strings.Trim(strings.ToLower(sid), " \t<>"), "uuid:")
}

package gena

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// A notification is a request to the callback side, as received.
type notification struct {
	method, path string
	from         netip.Addr
	field        func(name string) string // "" if there is none
	body         []byte
	notes        []string
}

// number reads SEQ. Without one, numbered is false; ok is false for what is no number.
func (n *notification) number() (seq uint32, numbered, ok bool) {
	text := n.field("SEQ")
	if text == "" {
		return 0, false, true
	}
	v, err := strconv.ParseUint(text, 10, 32)
	return uint32(v), true, err == nil
}

// event reads the body. One that makes no sense still tells that something has changed.
func (n *notification) event() *Event {
	seq, numbered, _ := n.number()
	e := &Event{SID: strings.TrimSpace(n.field("SID")), Seq: seq, Initial: numbered && seq == 0, Lost: !numbered}
	properties, notes, err := ParseProperties(n.body)
	if err != nil {
		notes = append(notes, "unreadable: "+err.Error())
		e.Lost = true
	}
	e.Properties, e.Notes = properties, append(n.notes, notes...)
	return e
}

// check looks at the header fields, UPnP Device Architecture 1.1, section 4.3.2.
func (n *notification) check() (status int) {
	nt, nts := n.field("NT"), n.field("NTS")
	_, _, ok := n.number()
	switch {
	case nt == "" || nts == "" || !ok:
		return http.StatusBadRequest
	case !strings.EqualFold(nt, eventType) || !strings.EqualFold(nts, propertyChange):
		return http.StatusPreconditionFailed
	}
	return http.StatusOK
}

// judge decides on the answer to a notification that was read with the given status, and on what
// to do once it is given.
func (s *Subscriber) judge(n *notification, status int) (answer int, then func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	then = func() {}
	if status == http.StatusOK {
		status, then = s.examine(n)
	}
	switch status {
	case http.StatusOK:
		s.counters.Accepted++
	case http.StatusForbidden:
		s.counters.Foreign++
	default:
		s.counters.Refused++
	}
	return status, then
}

// examine goes from the method to the path, the header and the source. Reading the body has time
// until the answer is given.
func (s *Subscriber) examine(n *notification) (status int, then func()) {
	nothing := func() {}
	if n.method != methodNotify {
		return http.StatusMethodNotAllowed, nothing
	}
	d := s.find(n.path)
	if d == nil {
		return http.StatusPreconditionFailed, nothing
	}
	status = n.check()
	if status == http.StatusOK && !d.fits(n.field("SID")) {
		status = http.StatusPreconditionFailed
	}
	switch {
	case !d.to.accepts(n.from) && (status != http.StatusOK || d.sid == "" || d.odd):
		return http.StatusForbidden, nothing
	case !d.to.accepts(n.from):
		d.odd = true
		return status, func() { s.admit(d, n.hint()) }
	case status != http.StatusOK:
		return status, nothing
	}
	return status, func() { s.admit(d, n.letter()) }
}

// hint is for one who is not the device and knows both path and SID: a router that shares its
// address with another may send from its own. That is worth a look, once, and no values.
func (n *notification) hint() *letter {
	note := "from " + n.from.String() + ", which is not the device; values left out"
	return &letter{event: &Event{SID: n.field("SID"), Lost: true, Notes: []string{note}}, came: time.Now()}
}

func (n *notification) letter() *letter {
	e := n.event()
	_, numbered, _ := n.number()
	return &letter{event: e, first: e.Seq, numbered: numbered, came: time.Now()}
}

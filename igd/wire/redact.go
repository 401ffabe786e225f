package wire

import (
	"sync"
	"time"
)

// How much [Redact] holds back while it waits for the rest of a message.
const (
	maxHeldBytes  = 1 << 20
	maxHeldEvents = 4096
	maxHeldTime   = 10 * time.Second // on the clock of the events
)

// Redact hands events on to next with stand-ins for what tells whose network this is: public
// addresses (of IPv6 also those made from a MAC address), host names in their place, serial numbers,
// UUIDs, SIDs, MAC addresses, passwords, and the paths of callbacks. Private addresses stay, and so
// does everything a router's behaviour can depend on: a stand-in has the length of what it
// stands for and is of its kind, and one value has one stand-in for as long as the sink lives. So
// lengths hold, and the conversation can still be played again.
//
// A value may be split between two reads, so the events of a message are held back until all of it
// is there; the order stays. flush hands on what is held back; it is to be called at the end,
// when sink may still be in use.
func Redact(next func(Event)) (sink func(Event), flush func()) {
	r := &redactor{next: next, flows: make(map[int]*[2]stretch), values: newStandIns()}
	return r.take, r.flush
}

// Redacted is the log with stand-ins as [Redact] has them.
func (l *Log) Redacted() *Log {
	out := &Log{start: l.Start()}
	sink, flush := Redact(out.Record)
	for _, e := range l.Events() {
		sink(e)
	}
	flush()
	return out
}

type redactor struct {
	mu     sync.Mutex
	next   func(Event)
	queue  []*held
	size   int
	flows  map[int]*[2]stretch // of what went in the two directions
	values *standIns
}

// A held is an event that waits for its turn.
type held struct {
	event Event
	ready bool
}

// A stretch is what went in one direction of a connection and is not redacted yet.
type stretch struct {
	events []*held
	whole  []frame
	part   frame
}

func (r *redactor) take(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := &held{event: e}
	r.queue, r.size = append(r.queue, h), r.size+len(e.Data)
	switch {
	case e.Kind != Sent && e.Kind != Received:
		r.settleFlow(e.Flow)
		h.event.Err = string(r.values.text([]byte(e.Err)))
		h.ready = true
	case e.Net == "udp":
		h.event.Data = r.values.message(frameOf(e.Data))
		h.ready = true
	default:
		r.stretch(h)
	}
	r.pump(e.Time)
}

// frameOf is a datagram as a frame: everything behind the head is its body.
func frameOf(data []byte) frame {
	f := frame{answer: true}
	f.keep(data)
	if head, body, ok := splitHead(data); ok {
		f.head, f.body = len(head), []span{{len(head), len(head) + len(body)}}
	}
	return f
}

// stretch adds the bytes of a connection to what they may continue.
func (r *redactor) stretch(h *held) {
	pair := r.flows[h.event.Flow]
	if pair == nil {
		pair = new([2]stretch)
		r.flows[h.event.Flow] = pair
	}
	own, other := &pair[h.event.Kind-Sent], &pair[1-(h.event.Kind-Sent)]
	if other.part.missing() == 0 && other.part.kind != chunkedBody {
		r.settle(other)
	}
	own.events = append(own.events, h)
	for p := h.event.Data; len(p) > 0; {
		if own.part.size == 0 {
			own.part = frame{answer: !isRequestStart(p)}
		}
		if p = own.part.add(p); own.part.ended {
			own.whole, own.part = append(own.whole, own.part), frame{}
		}
	}
	if own.part.size == 0 {
		r.settle(own)
	}
}

func (r *redactor) settleFlow(flow int) {
	if pair := r.flows[flow]; pair != nil {
		r.settle(&pair[0])
		r.settle(&pair[1])
		delete(r.flows, flow)
	}
}

// settle redacts a stretch as far as it came.
func (r *redactor) settle(s *stretch) {
	var all []byte
	for _, f := range append(s.whole, s.part) {
		all = append(all, r.values.message(f)...)
	}
	for _, h := range s.events {
		n := len(h.event.Data)
		h.event.Data, all = all[:n:n], all[n:]
		h.ready = true
	}
	*s = stretch{}
}

// pump hands on what is ready, and what has waited for too long.
func (r *redactor) pump(now time.Time) {
	for len(r.queue) > 0 {
		first := r.queue[0]
		late := r.size > maxHeldBytes || len(r.queue) > maxHeldEvents || now.Sub(first.event.Time) > maxHeldTime
		if !first.ready && !late {
			return
		}
		if !first.ready {
			r.settleFlow(first.event.Flow)
		}
		r.queue, r.size = r.queue[1:], r.size-len(first.event.Data)
		e := first.event
		e.Local, e.Remote = r.values.addrPort(e.Local), r.values.addrPort(e.Remote)
		r.next(e)
	}
}

func (r *redactor) flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for flow := range r.flows {
		r.settleFlow(flow)
	}
	r.pump(time.Time{})
}

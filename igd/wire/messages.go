package wire

import (
	"cmp"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"
)

// What [Messages] remembers at most.
const (
	maxTalks    = 256 // flows
	maxWaiting  = 64  // requests of a flow that wait for their answers
	maxSearches = 64
)

// ReadMessages are the messages of a .wire file as it is read, with at most limit bytes of data each, 0
// being MaxMessageData. The incomplete ones at its end come last, before the error if there is one.
func ReadMessages(r io.Reader, limit int) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		more := true
		m := newMessages(func(m Message) { more = more && yield(m, nil) }, cmp.Or(limit, MaxMessageData))
		var failed error
		for e, err := range ReadEvents(r) {
			if failed = err; err == nil {
				m.take(e)
			}
			if !more {
				return
			}
		}
		m.finish()
		if failed != nil && more {
			yield(Message{}, failed)
		}
	}
}

// Messages is a sink that puts events together into messages: each is handed to yield when its last
// byte is there, or no more will come. What it remembers is bounded, so it may go on for days.
func Messages(yield func(Message)) func(Event) {
	return newMessages(yield, MaxMessageData).take
}

func newMessages(yield func(Message), limit int) *messages {
	return &messages{yield: yield, limit: limit, talks: make(map[int]*talk)}
}

type messages struct {
	yield     func(Message)
	limit     int // of the bytes kept of a message; 0 is none
	exchanges int // numbers given
	talks     map[int]*talk
	searches  []search // the latest, in their order
}

// A talk is what was heard on a connection and not told yet.
type talk struct {
	incoming bool
	last     time.Time
	request  frame
	asking   Event   // that brought the last of request
	skip     int64   // bytes of a request that was answered before it was complete
	waiting  []asked // told, and not answered
	answer   frame
	replying Event // that brought the last of answer
}

// An asked is a request that was told of.
type asked struct {
	exchange int
	kind     MessageKind
	at       time.Time
	label    string
	method   string
}

// A search is an M-SEARCH that was told of.
type search struct {
	asked
	flow   int
	peer   Event // whose addresses tell who asked, if the peer did
	target string
}

func (m *messages) take(e Event) {
	switch {
	case e.Kind == Failed && e.Net == "udp":
		m.failDatagram(e)
	case e.Net == "udp":
		m.datagram(e)
	case e.Kind == Opened || e.Kind == Accepted:
		m.talk(e).incoming = e.Kind == Accepted
	case e.Kind == Failed:
		m.fail(m.talk(e), e)
	case e.Kind == Closed:
		m.end(m.talk(e), e)
		delete(m.talks, e.Flow)
	case (e.Kind == Received) == m.talk(e).incoming:
		m.ask(m.talk(e), e)
	default:
		m.reply(m.talk(e), e)
	}
}

// talk is the talk of a flow. The one silent for longest makes room for a new one.
func (m *messages) talk(e Event) *talk {
	t := m.talks[e.Flow]
	if t == nil {
		if len(m.talks) >= maxTalks {
			m.forgetOldest()
		}
		t = &talk{}
		m.talks[e.Flow] = t
	}
	t.last = e.Time
	return t
}

func (m *messages) forgetOldest() {
	oldest, at := 0, time.Time{}
	for flow, t := range m.talks {
		if at.IsZero() || t.last.Before(at) {
			oldest, at = flow, t.last
		}
	}
	delete(m.talks, oldest)
}

// ask takes bytes of requests. What comes while an answer goes on that has no end of its own is
// the next request.
func (m *messages) ask(t *talk, e Event) {
	if t.request.size == 0 && t.answer.size > 0 && t.answer.kind != lengthBody && t.answer.kind != chunkedBody {
		m.endAnswer(t)
	}
	t.asking = e
	for p := t.late(e.Data); len(p) > 0; {
		t.request.limit = m.limit
		p = t.request.add(p)
		if t.request.ended {
			m.tellRequest(t)
		}
	}
}

// late is p without what belongs to a request that was refused before all of it was there.
func (t *talk) late(p []byte) []byte {
	if isRequestStart(p) {
		t.skip = 0
	}
	n := min(t.skip, int64(len(p)))
	t.skip -= n
	return p[n:]
}

// isRequestStart reports whether p begins with a request line.
func isRequestStart(p []byte) bool {
	method, rest, _ := strings.Cut(firstLine(p), " ")
	return isToken(method) && strings.Contains(rest, " HTTP/")
}

// tellRequest tells of the request as far as it came, and makes room for the next.
func (m *messages) tellRequest(t *talk) {
	if t.request.size == 0 {
		return
	}
	head, _ := t.request.parts()
	e := t.asking
	a := asked{exchange: m.number(), kind: kindOfRequest(head), at: e.Time, label: requestLabel(head), method: methodOf(head)}
	if len(t.waiting) < maxWaiting {
		t.waiting = append(t.waiting, a)
	}
	out := m.message(e, a, t.incoming)
	out.Sent = !t.incoming
	out.Data, out.Size, out.What = t.request.data, t.request.size, a.label
	t.skip, t.request = t.request.missing(), frame{}
	m.tell(out)
}

func (m *messages) number() int {
	m.exchanges++
	return m.exchanges
}

// message is what all messages of an exchange have in common.
func (m *messages) message(e Event, a asked, incoming bool) Message {
	return Message{
		Time: e.Time, Flow: e.Flow, Exchange: a.exchange, Kind: a.kind, Incoming: incoming,
		Net: e.Net, Local: e.Local, Remote: e.Remote,
	}
}

func (m *messages) tell(out Message) {
	out.What, out.Err = Sanitize(strings.TrimSpace(out.What), maxSummaryText), Sanitize(out.Err, maxSummaryText)
	m.yield(out)
}

// reply takes bytes of answers.
func (m *messages) reply(t *talk, e Event) {
	t.replying = e
	for p := e.Data; len(p) > 0; {
		if t.answer.size == 0 {
			t.answer = frame{limit: m.limit, answer: true, method: t.method()}
		}
		p = t.answer.add(p)
		if len(t.waiting) < 2 {
			t.answer.keep(p) // what no request asked for
			p = nil
		}
		if t.answer.ended {
			m.endAnswer(t)
		}
	}
}

// method is that of the request that is answered next.
func (t *talk) method() string {
	if len(t.waiting) == 0 {
		head, _ := t.request.parts()
		return methodOf(head)
	}
	return t.waiting[0].method
}

// answered takes the request that is answered next.
func (m *messages) answered(t *talk) asked {
	if len(t.waiting) == 0 {
		m.tellRequest(t)
	}
	if len(t.waiting) == 0 {
		return asked{kind: Failure}
	}
	a := t.waiting[0]
	t.waiting = slices.Delete(t.waiting, 0, 1)
	return a
}

// endAnswer tells of the answer as far as it came, and of what it is the answer to.
func (m *messages) endAnswer(t *talk) (of asked, begun bool) {
	if t.answer.size == 0 {
		return asked{}, false
	}
	e, a := t.replying, m.answered(t)
	if a.kind == Failure {
		a.kind, a.exchange = Fetch, m.number()
	}
	head, body := t.answer.parts()
	out := m.message(e, a, t.incoming)
	out.Answer, out.Sent = true, t.incoming
	out.Data, out.Size, out.RoundTrip = t.answer.data, t.answer.size, since(a.at, e.Time)
	out.What, out.Refused = answerLabel(a.label, head, body, t.answer.bodySize())
	t.answer = frame{}
	m.tell(out)
	return a, true
}

func since(asked, now time.Time) time.Duration {
	if asked.IsZero() {
		return 0
	}
	return max(0, now.Sub(asked))
}

// end tells of what came of an answer, or that none came.
func (m *messages) end(t *talk, e Event) {
	m.endAnswer(t)
	m.tellRequest(t)
	for len(t.waiting) > 0 {
		a := m.answered(t)
		m.lack(t, e, a, closedSilently, a.label+" "+closedSilently)
	}
}

// fail tells of what is known of an answer, then why there is no more.
func (m *messages) fail(t *talk, e Event) {
	a, begun := m.endAnswer(t)
	if !begun {
		a = m.answered(t)
	}
	if a.kind == Failure {
		a.exchange = m.number()
	}
	m.lack(t, e, a, e.Err, a.label+" failed: "+e.Err)
	if !e.Local.IsValid() { // a connection that never came about is not closed
		delete(m.talks, e.Flow)
	}
}

// lack tells that an answer will not come.
func (m *messages) lack(t *talk, e Event, a asked, why, what string) {
	out := m.message(e, a, t.incoming)
	out.Answer, out.Sent, out.Refused = a.kind != Failure, t.incoming == (a.kind != Failure), true
	out.What, out.Err, out.RoundTrip = what, why, since(a.at, e.Time)
	m.tell(out)
}

// finish tells of what is left where no more events come.
func (m *messages) finish() {
	for _, flow := range slices.Sorted(maps.Keys(m.talks)) {
		m.endAnswer(m.talks[flow])
		m.tellRequest(m.talks[flow])
	}
}

// closedSilently is the Err of a request whose connection ended without an answer.
const closedSilently = "closed without an answer"

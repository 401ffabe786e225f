package web

import (
	"math"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"upnp/igd/wire"
)

// Limits of what is remembered of the traffic.
const (
	maxMessages  = 20_000
	maxTraced    = 8 << 20 // bytes of messages, and as much again of what was on the sockets
	beginWith    = 1000    // messages that a stream begins with
	maxOpenLogs  = 4
	maxOpenBytes = 64 << 20
)

// A tracer keeps the latest of what passed on the client's network.
type tracer struct {
	hub  *hub
	feed func(wire.Event) // puts events together; called one at a time by the tap

	// Under the hub's lock:
	live   *trace
	events []wire.Event
	size   int // bytes in events
	opened []*trace
	last   int // number of the last opened file
}

// A trace is a row of messages with numbers: the live one, or that of a file.
type trace struct {
	id, name string
	file     []byte // of a .wire file, as it was sent
	messages []wire.Message
	first    int // number of the first of messages
	size     int
	asked    map[int]int // the number of the request of an exchange
}

// A message is a wire.Message as the page shows it.
type message struct {
	ID       int       `json:"id"`
	Time     time.Time `json:"time"`
	Flow     int       `json:"flow"`
	Exchange int       `json:"exchange"`
	Incoming bool      `json:"incoming"` // towards us
	Net      string    `json:"net"`
	Local    string    `json:"local"`
	Peer     string    `json:"peer"`
	Kind     string    `json:"kind"`
	Summary  string    `json:"summary"`
	Answers  int       `json:"answers"` // the number of the request, 0 of what is no answer
	Refused  bool      `json:"refused"`
	Trip     *float64  `json:"roundTripMs,omitempty"`
	Bytes    int       `json:"bytes"`
	Error    string    `json:"error"`
}

type wireLine struct {
	Type     string    `json:"type"`
	Messages []message `json:"messages"`
	Missed   int       `json:"missed"`
}

func newTracer(h *hub) *tracer {
	t := &tracer{hub: h, live: newTrace("live", "session.wire")}
	t.feed = wire.Messages(t.take)
	return t
}

func newTrace(id, name string) *trace {
	return &trace{id: id, name: name, first: 1, asked: map[int]int{}}
}

// sink takes what the tap sees.
func (t *tracer) sink(e wire.Event) {
	t.keep(e)
	t.feed(e)
}

func (t *tracer) keep(e wire.Event) {
	t.hub.mu.Lock()
	defer t.hub.mu.Unlock()
	t.events = append(t.events, e)
	if t.size += len(e.Data); t.size <= maxTraced && len(t.events) <= 4*maxMessages {
		return
	}
	old := len(t.events) / 4
	for _, e := range t.events[:old] {
		t.size -= len(e.Data)
	}
	t.events = slices.Clone(t.events[old:])
}

// take keeps a message and tells those who look.
func (t *tracer) take(m wire.Message) {
	t.hub.mu.Lock()
	defer t.hub.mu.Unlock()
	shown := t.live.add(m)
	t.live.trim()
	t.hub.tellSparing("wire", wireLine{"wire", []message{shown}, 0}, func(missed int) any {
		return wireLine{"wire", []message{}, missed}
	})
}

func (t *trace) add(m wire.Message) message {
	t.messages = append(t.messages, m)
	t.size += len(m.Data)
	id := t.first + len(t.messages) - 1
	if !m.Answer && t.asked[m.Exchange] == 0 {
		t.asked[m.Exchange] = id
	}
	return t.show(id)
}

// trim forgets the oldest messages when there are too many.
func (t *trace) trim() {
	if len(t.messages) <= maxMessages && t.size <= maxTraced {
		return
	}
	old := len(t.messages) / 4
	for _, m := range t.messages[:old] {
		t.size -= len(m.Data)
	}
	t.messages, t.first = slices.Clone(t.messages[old:]), t.first+old
	for exchange, id := range t.asked {
		if id < t.first {
			delete(t.asked, exchange)
		}
	}
}

// message is the one with that number, if it is still there.
func (t *trace) message(id int) (wire.Message, bool) {
	if i := id - t.first; i >= 0 && i < len(t.messages) {
		return t.messages[i], true
	}
	return wire.Message{}, false
}

func (t *trace) show(id int) message {
	m, _ := t.message(id)
	shown := message{
		ID: id, Time: m.Time, Flow: m.Flow, Exchange: m.Exchange, Incoming: !m.Sent, Net: m.Net, Kind: m.Kind.String(),
		Summary: m.What, Refused: m.Refused, Bytes: m.Size, Error: m.Err,
	}
	if m.Local.IsValid() {
		shown.Local = m.Local.String()
	}
	if m.Remote.IsValid() {
		shown.Peer = m.Remote.String()
	}
	if m.Answer {
		shown.Answers = t.asked[m.Exchange]
		ms := math.Round(float64(m.RoundTrip)/float64(time.Millisecond)*100) / 100
		shown.Trip = &ms
	}
	return shown
}

// before are the newest messages with numbers below id, at most so many; 0 is no bound.
func (t *trace) before(id, limit int) []message {
	end := len(t.messages)
	if id > 0 {
		end = min(end, max(0, id-t.first))
	}
	from := max(0, end-limit)
	shown := make([]message, 0, end-from)
	for i := from; i < end; i++ {
		shown = append(shown, t.show(t.first+i))
	}
	return shown
}

// begin is what a stream that wants messages is told first. The hub's lock is held.
func (t *tracer) begin() []any {
	return []any{wireLine{"wire", t.live.before(0, beginWith), 0}}
}

// clear forgets what passed until now; numbers go on.
func (t *tracer) clear() {
	t.hub.update(func() []any {
		t.events, t.size = nil, 0
		next := t.live.first + len(t.live.messages)
		t.live = newTrace("live", t.live.name)
		t.live.first = next
		return []any{tagged{"cleared"}}
	})
}

// open adds a .wire file, and forgets files opened earlier if there are too many.
func (t *tracer) open(tr *trace) {
	t.hub.mu.Lock()
	defer t.hub.mu.Unlock()
	t.last++
	tr.id = "file" + strconv.Itoa(t.last)
	t.opened = append(t.opened, tr)
	for total := t.openBytes(); len(t.opened) > 1 && (len(t.opened) > maxOpenLogs || total > maxOpenBytes); {
		total -= len(t.opened[0].file)
		t.opened = t.opened[1:]
	}
}

func (t *tracer) openBytes() (n int) {
	for _, o := range t.opened {
		n += len(o.file)
	}
	return n
}

// log is the trace of that id, if it is still there. The hub's lock is held.
func (t *tracer) log(id string) *trace {
	if id == "" || id == "live" {
		return t.live
	}
	for _, o := range t.opened {
		if o.id == id {
			return o
		}
	}
	return nil
}

// next is the number that the next live message will have.
func (t *tracer) next() int {
	t.hub.mu.Lock()
	defer t.hub.mu.Unlock()
	return t.live.first + len(t.live.messages)
}

// since are the numbers of the messages to and from a peer since that number.
func (t *tracer) since(first int, peer netip.AddrPort) []int {
	t.hub.mu.Lock()
	defer t.hub.mu.Unlock()
	ids := []int{}
	for id := max(first, t.live.first); ; id++ {
		m, there := t.live.message(id)
		if !there {
			return ids
		}
		if m.Remote == peer {
			ids = append(ids, id)
		}
	}
}

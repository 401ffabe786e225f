package web

import (
	"bytes"
	"sync"

	"upnp/cmd/internal/plain"
)

// Limits of the stream (SECURITY G11).
const (
	maxReaders = 16
	maxBehind  = 4 << 20 // bytes a reader may be behind before it is dropped
)

// A hub tells every reader the present and then what happens. Its lock is the one lock of all
// that the page shows: whoever changes that does so in update, so that no reader sees the present
// without a change and the change never, or twice.
type hub struct {
	mu      sync.Mutex
	topics  []topic
	readers map[*reader]struct{}
	ended   bool
}

// A topic is one kind of what the page shows. Present is called with the hub's lock held and
// returns values that nobody changes later.
type topic interface{ present() []any }

// A reader is one stream.
type reader struct {
	id     string
	signal chan struct{} // holds one: there is something to read, or the end

	// Under the hub's lock:
	lines   [][]byte
	bytes   int
	dropped bool
	missed  int             // lines it was spared
	wants   map[string]bool // "traffic", "wire"
}

// join makes a reader and hands out the present it begins with; nil if there are too many.
func (h *hub) join(id string) (*reader, []any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended || len(h.readers) >= maxReaders {
		return nil, nil
	}
	r := &reader{id: id, signal: make(chan struct{}, 1), wants: map[string]bool{}}
	h.readers[r] = struct{}{}
	return r, h.presentLocked()
}

func (h *hub) leave(r *reader) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.readers, r)
}

// present is what a reader would begin with.
func (h *hub) present() []any {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.presentLocked()
}

func (h *hub) presentLocked() []any {
	var all []any
	for _, t := range h.topics {
		all = append(all, t.present()...)
	}
	return all
}

// update changes what the page shows and tells every reader the lines that change returns.
func (h *hub) update(change func() []any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, v := range change() {
		h.tell("", v)
	}
}

// tellWanting tells those readers that want it; what is not of the present.
func (h *hub) tellWanting(want string, v any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tell(want, v)
}

func (h *hub) tell(want string, v any) {
	var line []byte
	for r := range h.readers {
		if want != "" && !r.wants[want] {
			continue
		}
		if line == nil {
			line = encode(v)
		}
		r.push(line)
	}
}

// tellSparing tells those readers that want it, but spares one that is behind, and tells it how many
// it missed when it is no more. The hub's lock is held.
func (h *hub) tellSparing(want string, v any, missed func(int) any) {
	var line []byte
	for r := range h.readers {
		if !r.wants[want] {
			continue
		}
		if r.bytes > maxBehind/4 {
			r.missed++
			continue
		}
		if r.missed > 0 {
			r.push(encode(missed(r.missed)))
			r.missed = 0
		}
		if line == nil {
			line = encode(v)
		}
		r.push(line)
	}
}

// push adds a line; a reader that is too far behind is dropped.
func (r *reader) push(line []byte) {
	if r.dropped {
		return
	}
	r.lines = append(r.lines, line)
	if r.bytes += len(line); r.bytes > maxBehind {
		r.dropped, r.lines = true, nil
	}
	r.wake()
}

func (r *reader) wake() {
	select {
	case r.signal <- struct{}{}:
	default:
	}
}

// take hands out what waits for a reader; more is false when it was dropped.
func (h *hub) take(r *reader) (lines [][]byte, more bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	lines, r.lines, r.bytes = r.lines, nil, 0
	return lines, !r.dropped && !h.ended
}

// want changes what a reader wants besides and tells it first what that begins with. It is false
// if there is no such reader.
func (h *hub) want(id string, wants map[string]bool, begin func(what string) []any) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for r := range h.readers {
		if r.id != id {
			continue
		}
		for what, on := range wants {
			if on && !r.wants[what] {
				for _, v := range begin(what) {
					r.push(encode(v))
				}
			}
			r.wants[what] = on
		}
		return true
	}
	return false
}

// wanted reports whether any reader wants it.
func (h *hub) wanted(what string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for r := range h.readers {
		if r.wants[what] {
			return true
		}
	}
	return false
}

// end lets every reader go and takes no more.
func (h *hub) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = true
	for r := range h.readers {
		r.wake()
	}
}

// encode is a line of the stream.
func encode(v any) []byte {
	var b bytes.Buffer
	if err := plain.WriteJSON(&b, v, false); err != nil {
		panic("web: a line that is no JSON: " + err.Error()) // our own types only
	}
	return b.Bytes()
}

package gena

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"time"
)

// Limits of sending one event. A subscriber has 30 seconds by the architecture, all its URLs
// together here, and 10 for each.
const (
	eventTimeout  = 30 * time.Second
	notifyTimeout = 10 * time.Second
	maxAnswer     = 4 << 10 // bytes read of an answer's body
)

// A change is the content of an event.
type change struct {
	properties []Property
	body       []byte // the same as text; nil if that is still to be done
}

// A recipient is somebody subscribed. The Publisher's mutex guards it.
type recipient struct {
	sid     string
	source  netip.Addr
	urls    []string
	expires time.Time
	ended   bool

	next    uint32  // number of the next event
	pending *change // the latest state that was not sent yet
	sending bool    // a goroutine is at it
}

// newSID is a random UUID, version 4.
func newSID() string {
	b := secret()
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("uuid:%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// add puts a change into the one place there is.
func (r *recipient) add(c *change) {
	if r.pending != nil {
		c = &change{properties: merge(r.pending.properties, c.properties)}
	}
	r.pending = c
}

// start makes sure that what is pending is sent.
func (p *Publisher) start(r *recipient) {
	if r.sending || r.pending == nil || p.run == nil {
		return
	}
	run := p.run
	r.sending = true
	run.sending.Go(func() { p.send(run, r) })
}

// send sends what is pending, one event after the other, until nothing is.
func (p *Publisher) send(run *run, r *recipient) {
	p.await(run, r)
	for {
		c, seq := p.take(run, r)
		if c == nil {
			return
		}
		if p.tell(run, r, seq, c) {
			p.mu.Lock()
			p.end(r.sid)
			p.mu.Unlock()
		}
	}
}

// await lets the subscriber read its SID before the first event.
func (p *Publisher) await(run *run, r *recipient) {
	p.mu.Lock()
	first := r.next == 0
	p.mu.Unlock()
	if !first || p.Delay == 0 {
		return
	}
	timer := time.NewTimer(p.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-run.ctx.Done():
	}
}

// take removes the pending change, nil if there is none for this recipient any more. The first
// event is sent even to one who has unsubscribed meanwhile, as the architecture wants it.
func (p *Publisher) take(run *run, r *recipient) (c *change, seq uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.pending == nil || r.ended && r.next > 0 || run.ctx.Err() != nil {
		r.sending = false
		return nil, 0
	}
	c, seq = r.pending, r.next
	r.pending, r.next = nil, after(seq)
	return c, seq
}

// tell sends one event to the first URL that answers. The answer 412 means that nobody there
// knows of a subscription.
func (p *Publisher) tell(run *run, r *recipient, seq uint32, c *change) (unknown bool) {
	ctx, cancel := context.WithTimeout(run.ctx, eventTimeout)
	defer cancel()
	body := c.body
	if body == nil {
		body, _ = AppendProperties(nil, c.properties...) // the names were checked when published
	}
	header := notifyHeader(r.sid, seq)
	for _, url := range r.urls {
		status, err := run.notify(ctx, url, header, body)
		if err == nil {
			return status == http.StatusPreconditionFailed
		}
		p.logger().Debug("event not delivered", "to", r.source, "seq", seq, "err", err)
	}
	return false
}

// notifyHeader is that of UPnP Device Architecture 1.1, section 4.3.2.
func notifyHeader(sid string, seq uint32) http.Header {
	return http.Header{
		"CONTENT-TYPE": {`text/xml; charset="utf-8"`},
		"NT":           {eventType},
		"NTS":          {propertyChange},
		"SID":          {sid},
		"SEQ":          {strconv.FormatUint(uint64(seq), 10)},
	}
}

// notify sends one NOTIFY. Its length is announced and it is never repeated by itself.
func (r *run) notify(ctx context.Context, url string, header http.Header, body []byte) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, methodNotify, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.GetBody, request.Close, request.Header = nil, true, header.Clone()
	answer, err := r.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer) // the status is all that matters
	return answer.StatusCode, nil
}

package web

import (
	"context"
	"net/http"
	"time"
)

// idleEvery is how often a stream without news shows that it is alive.
const idleEvery = 10 * time.Second

// stream is GET /api/stream.
func (p *page) stream(w http.ResponseWriter, r *http.Request) {
	reader, present := p.hub.join(newSecret()[:16])
	if reader == nil {
		refuse(w, errBusy)
		return
	}
	defer p.hub.leave(reader)
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := &lineWriter{w: w, control: http.NewResponseController(w)}
	out.write(encode(p.hello(reader.id)))
	for _, v := range present {
		out.write(encode(v))
	}
	out.flush()
	p.pump(r.Context(), reader, out)
}

// pump writes what a reader is told until it has gone, is dropped, or the page ends.
func (p *page) pump(ctx context.Context, r *reader, out *lineWriter) {
	idle := time.NewTicker(idleEvery)
	defer idle.Stop()
	for more := true; more && out.err == nil; out.flush() {
		var lines [][]byte
		select {
		case <-ctx.Done():
			return
		case <-idle.C:
			out.write(encode(tagged{"idle"}))
		case <-r.signal:
			lines, more = p.hub.take(r)
		}
		for _, l := range lines {
			out.write(l)
		}
	}
}

// tagged is the type of a line.
type tagged struct {
	Type string `json:"type"`
}

// A lineWriter writes until the first error. A reader that takes nothing for a while is an error.
type lineWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	err     error
}

func (o *lineWriter) write(line []byte) {
	if o.err == nil {
		o.control.SetWriteDeadline(time.Now().Add(writeTime))
		_, o.err = o.w.Write(line)
	}
}

func (o *lineWriter) flush() {
	if o.err == nil {
		o.err = o.control.Flush()
	}
}

// wanting is POST /api/stream: what a stream wants besides.
func (p *page) wanting(r *http.Request) (any, error) {
	q, err := read[struct {
		Stream  string `json:"stream"`
		Traffic bool   `json:"traffic"`
		Wire    bool   `json:"wire"`
	}](r)
	if err != nil {
		return nil, err
	}
	if !p.hub.want(q.Stream, map[string]bool{"traffic": q.Traffic, "wire": q.Wire}, p.begin) {
		return nil, notFound("no such stream")
	}
	p.meter.wake()
	return done{}, nil
}

// begin is what a stream that wants something is told first. The hub's lock is held.
func (p *page) begin(what string) []any {
	if what == "wire" {
		return p.tracer.begin()
	}
	return nil
}

// state is GET /api/state.
func (p *page) state(*http.Request) (any, error) {
	return struct {
		Lines []any `json:"lines"`
	}{append([]any{p.hello("")}, p.hub.present()...)}, nil
}

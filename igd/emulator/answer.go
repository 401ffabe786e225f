package emulator

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"upnp/igd"
	"upnp/soap"
)

// How the end of an answer's body is told.
const (
	byLength = iota
	byChunks
	byClosing
)

// An answer is what would be sent. Handlers write to it, quirks change it, and at the end it is
// sent at once, by net/http where that can do it and by hand where it is too proper.
type answer struct {
	status     int
	statusLine string // instead of the usual one
	header     http.Header
	body       []byte
	framing    int
	cut        bool          // the connection is closed instead
	hold       time.Duration // how long it is kept back, even from a handler that would have it sent
	raw        []byte        // if not nil, sent byte for byte instead

	edits []func(*answer) // of quirks, the outermost first
	send  func()          // sends it, the first time it is called
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.body = append(a.body, p...)
	return len(p), nil
}

// FlushError sends the answer before its handler has returned, as handlers want that have something
// to do afterwards.
func (a *answer) FlushError() error {
	if a.hold == 0 {
		a.send()
	}
	return nil
}

func (a *answer) faulty() bool { return a.status == http.StatusInternalServerError }

func (a *answer) isXML() bool { return strings.Contains(a.header.Get("Content-Type"), "xml") }

func (a *answer) replace(status int, contentType, body string) {
	a.status, a.body = status, []byte(body)
	a.header.Set("Content-Type", contentType)
}

// answering gathers the answer of next and sends it.
func answering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &answer{header: make(http.Header)}
		a.send = sync.OnceFunc(func() { a.finish(w, r) })
		next.ServeHTTP(a, r)
		sleep(r.Context(), a.hold)
		a.send()
	})
}

// finish lets quirks change the answer, the innermost first, and sends it.
func (a *answer) finish(w http.ResponseWriter, r *http.Request) {
	a.WriteHeader(http.StatusOK)
	for _, edit := range slices.Backward(a.edits) {
		edit(a)
	}
	if a.raw != nil {
		a.sendBytes(w)
		return
	}
	if a.cut || a.framing != byLength || a.statusLine != "" {
		a.sendRaw(w, r)
		return
	}
	a.sendPlain(w, r)
	_ = http.NewResponseController(w).Flush() // the caller may be gone
}

func (a *answer) sendPlain(w http.ResponseWriter, r *http.Request) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.body) // the caller may be gone
	}
}

// sendRaw takes the connection over and ends it.
func (a *answer) sendRaw(w http.ResponseWriter, r *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return // closed under us
	}
	defer conn.Close()
	if a.cut {
		return
	}
	var out bytes.Buffer
	a.writeHead(&out)
	if r.Method != http.MethodHead {
		a.writeBody(&out)
	}
	_, _ = conn.Write(out.Bytes()) // the caller may be gone
}

// sendBytes sends raw over the connection and ends it.
func (a *answer) sendBytes(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return // closed under us
	}
	defer conn.Close()
	_, _ = conn.Write(a.raw) // the caller may be gone
}

func (a *answer) writeHead(out *bytes.Buffer) {
	line := a.statusLine
	if line == "" {
		line = fmt.Sprintf("HTTP/1.1 %d %s", a.status, http.StatusText(a.status))
	}
	out.WriteString(line + "\r\n")
	a.header.Del("Content-Length")
	switch a.framing {
	case byLength:
		a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
	case byChunks:
		a.header.Set("Transfer-Encoding", "chunked")
	}
	a.header.Set("Connection", "close")
	_ = a.header.Write(out)
	out.WriteString("\r\n")
}

// chunkSize is small enough to cut every answer in pieces.
const chunkSize = 100

func (a *answer) writeBody(out *bytes.Buffer) {
	rest := a.body
	for a.framing == byChunks && len(rest) > 0 {
		n := min(chunkSize, len(rest))
		fmt.Fprintf(out, "%x\r\n%s\r\n", n, rest[:n])
		rest = rest[n:]
	}
	if a.framing == byChunks {
		out.WriteString("0\r\n\r\n")
	}
	out.Write(rest)
}

// A question is a request as quirks tell requests apart.
type question struct {
	*http.Request
	action string // of SOAPACTION, empty for anything but control
}

func ask(r *http.Request) *question {
	_, action, _ := strings.Cut(strings.Trim(r.Header.Get("SOAPACTION"), ` "`), "#")
	return &question{r, action}
}

// document reports a fetch of the root description or of another file that is no picture.
func (q *question) document() bool { return q.Method == http.MethodGet }

// after is the quirk of changing an answer.
func after(edit func(*question, *answer)) func(*parameter) Quirk {
	return func(*parameter) Quirk {
		return Quirk{HTTP: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if a, ok := w.(*answer); ok {
					q := ask(r)
					a.edits = append(a.edits, func(a *answer) { edit(q, a) })
				}
				next.ServeHTTP(w, r)
			})
		}}
	}
}

// replacing is after for the answer to one action, as text.
func replacing(action string, edit func(body string) string) func(*parameter) Quirk {
	return after(func(q *question, a *answer) {
		if q.action == action && !a.faulty() {
			a.body = []byte(edit(string(a.body)))
		}
	})
}

// A request is an action with its arguments, word for word.
type request = soap.Request

// objecting is the quirk of refusing an action for how it is worded.
func objecting(objection func(*request) *igd.Error) func(*parameter) Quirk {
	return func(*parameter) Quirk {
		return Quirk{HTTP: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if refusal := examine(r, objection); refusal != nil {
					sendFault(w, *refusal)
					return
				}
				next.ServeHTTP(w, r)
			})
		}}
	}
}

// examine reads the body and puts it back. What cannot be read is not its matter.
func examine(r *http.Request, objection func(*request) *igd.Error) *igd.Error {
	if ask(r).action == "" {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, soap.MaxRequest+1))
	if err != nil {
		return nil
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	q, err := soap.ParseRequest(body)
	if err != nil {
		return nil
	}
	return objection(q)
}

func sendFault(w http.ResponseWriter, refusal igd.Error) {
	body, err := refusal.SOAPFault().AppendText(nil)
	if err != nil {
		return
	}
	w.Header().Set("Content-Type", `text/xml; charset="utf-8"`)
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = w.Write(body)
}

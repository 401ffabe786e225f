package web

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"upnp/description/xmldoc"
	"upnp/igd/wire"
)

// maxPage bounds the messages of one answer.
const maxPage = 1000

func (t *tracer) calls(all map[string]call) {
	all["GET /api/wire/messages"] = t.list
	all["GET /api/wire/messages/{id}"] = t.detail
	all["POST /api/wire/clear"] = func(*http.Request) (any, error) {
		t.clear()
		return done{}, nil
	}
}

func (t *tracer) handlers(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/wire/messages/{id}/bytes", t.bytes)
	mux.HandleFunc("GET /api/wire/download", t.download)
	mux.HandleFunc("POST /api/wire/open", t.upload)
}

var errNoLog = notFound("that log is not here any more")

// list is GET /api/wire/messages.
func (t *tracer) list(r *http.Request) (any, error) {
	limit, _ := strconv.Atoi(r.FormValue("limit"))
	if limit <= 0 || limit > maxPage {
		limit = maxPage
	}
	before, _ := strconv.Atoi(r.FormValue("before"))
	t.hub.mu.Lock()
	defer t.hub.mu.Unlock()
	tr := t.log(r.FormValue("log"))
	if tr == nil {
		return nil, errNoLog
	}
	shown := tr.before(before, limit)
	more := len(shown) > 0 && shown[0].ID > tr.first
	return struct {
		Messages []message `json:"messages"`
		First    int       `json:"first"`
		More     bool      `json:"more"`
	}{shown, tr.first, more}, nil
}

// find is the message that a request is about.
func (t *tracer) find(r *http.Request) (message, wire.Message, error) {
	id, err := strconv.Atoi(r.PathValue("id"))
	t.hub.mu.Lock()
	defer t.hub.mu.Unlock()
	tr := t.log(r.FormValue("log"))
	if tr == nil {
		return message{}, wire.Message{}, errNoLog
	}
	m, there := tr.message(id)
	if err != nil || !there {
		return message{}, wire.Message{}, notFound("that message is not remembered any more")
	}
	return tr.show(id), m, nil
}

type messageDetail struct {
	message
	Head  string   `json:"head"`
	XML   string   `json:"xml"`
	Text  string   `json:"text"`
	Notes []string `json:"notes"`
}

// detail is GET /api/wire/messages/{id}.
func (t *tracer) detail(r *http.Request) (any, error) {
	shown, m, err := t.find(r)
	if err != nil {
		return nil, err
	}
	d := messageDetail{message: shown, Notes: []string{}}
	head, body := splitMessage(m.Data)
	d.Head = asText(head)
	if m.Size > len(m.Data) {
		d.Notes = append(d.Notes, "only the first "+count(len(m.Data), "byte")+" of "+strconv.Itoa(m.Size)+" are kept")
	}
	if xml, notes, ok := indentXML(body); ok {
		d.XML, d.Notes = xml, append(d.Notes, notes...)
	} else {
		d.Text = asText(body)
	}
	return d, nil
}

// indentXML lays out a document for reading, and says what had to be repaired for it.
func indentXML(data []byte) (text string, notes []string, ok bool) {
	if !bytes.Contains(data[:min(len(data), 1<<10)], []byte("<")) {
		return "", nil, false
	}
	doc, err := xmldoc.Parse(data, xmldoc.Limits{})
	if err != nil {
		return "", nil, false
	}
	return string(doc.Indent()), doc.Notes, true
}

// splitMessage divides a message at the blank line and takes chunked framing off its body.
func splitMessage(data []byte) (head, body []byte) {
	end, blank := bytes.Index(data, []byte("\r\n\r\n")), 4
	if lf := bytes.Index(data, []byte("\n\n")); lf >= 0 && (end < 0 || lf < end) {
		end, blank = lf, 2
	}
	if end < 0 {
		return data, nil
	}
	head, body = data[:end], data[end+blank:]
	for line := range strings.Lines(strings.ToLower(string(head))) {
		name, value, _ := strings.Cut(line, ":")
		if strings.TrimSpace(name) == "transfer-encoding" && strings.Contains(value, "chunked") {
			whole, _ := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(body))) // what can be read
			return head, whole
		}
	}
	return head, body
}

// asText is bytes as text; what is none becomes U+FFFD.
func asText(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return strings.ToValidUTF8(string(b), "\ufffd")
}

// bytes is GET /api/wire/messages/{id}/bytes.
func (t *tracer) bytes(w http.ResponseWriter, r *http.Request) {
	_, m, err := t.find(r)
	if err != nil {
		refuse(w, err)
		return
	}
	attach(w, "")
	w.Write(m.Data)
}

// attach makes an answer a file, so that no browser ever shows it.
func attach(w http.ResponseWriter, name string) {
	w.Header().Set("Content-Type", "application/octet-stream")
	disposition := "attachment"
	if name != "" {
		disposition += `; filename="` + name + `"`
	}
	w.Header().Set("Content-Disposition", disposition)
}

// download is GET /api/wire/download.
func (t *tracer) download(w http.ResponseWriter, r *http.Request) {
	t.hub.mu.Lock()
	tr := t.log(r.FormValue("log"))
	events := t.events[:len(t.events):len(t.events)]
	t.hub.mu.Unlock()
	if tr == nil {
		refuse(w, errNoLog)
		return
	}
	attach(w, "session.wire")
	redacted := r.FormValue("redact") == "1"
	if tr.id != "live" {
		if !redacted {
			w.Write(tr.file)
			return
		}
		log, _ := wire.ReadLog(bytes.NewReader(tr.file)) // what can be read
		events = log.Events()
	}
	logOf(events, redacted).WriteTo(w)
}

// logOf is a log of events, if wanted with stand-ins for what tells whose network it is.
func logOf(events []wire.Event, redacted bool) *wire.Log {
	log := new(wire.Log)
	sink, flush := log.Record, func() {}
	if redacted {
		sink, flush = wire.Redact(log.Record)
	}
	for _, e := range events {
		sink(e)
	}
	flush()
	return log
}

// upload is POST /api/wire/open.
func (t *tracer) upload(w http.ResponseWriter, r *http.Request) {
	if !hasType(r, "application/octet-stream") {
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return
	}
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWireBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	tr, warning, err := readTrace(data, r.FormValue("name"))
	if err != nil {
		refuse(w, err)
		return
	}
	t.open(tr)
	answer(w, http.StatusOK, struct {
		Log      string `json:"log"`
		Name     string `json:"name"`
		Messages int    `json:"messages"`
		Warning  string `json:"warning"`
	}{tr.id, tr.name, len(tr.messages), warning})
}

// readTrace puts the events of a .wire file together. A file that was cut off is read as far as
// it goes, with a warning.
func readTrace(data []byte, name string) (tr *trace, warning string, err error) {
	log, err := wire.ReadLog(bytes.NewReader(data))
	if log == nil || err != nil && len(log.Events()) == 0 {
		return nil, "", usage("", "this is no .wire file: %v", err)
	}
	if err != nil {
		warning = err.Error()
	}
	tr = newTrace("", wire.Sanitize(name, 100))
	tr.file = data
	feed := wire.Messages(func(m wire.Message) { tr.add(m) })
	for _, e := range log.Events() {
		feed(e)
	}
	return tr, warning, nil
}

package wire

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

const (
	maxSummaryText    = 128      // runes of what a peer sent, in one line
	maxSummaryMessage = 64 << 10 // bytes kept of a message to describe it by
)

// Summary is a sink that writes one line to w for each message: seconds since the first event,
// direction, peer, what it is, and for an answer how long it took.
//
//	0.051 → 192.168.1.1:5000     AddPortMapping
//	0.056 ← 192.168.1.1:5000     AddPortMapping → 718 ConflictInMappingEntry  5.2 ms
//
// Everything from a peer passes [Sanitize]. With color, refusals and failures are red and
// all but the message is dim.
func Summary(w io.Writer, color bool) func(Event) {
	s := &summary{w: w, color: color, talks: make(map[int]*talk)}
	return s.take
}

type summary struct {
	w     io.Writer
	color bool
	start time.Time
	talks map[int]*talk // by flow, until it is closed
}

// A talk is what was heard on a flow since the last line about it.
type talk struct {
	incoming bool
	request  message
	answer   message
	asked    time.Time
	label    string // what was asked for
}

// A message is the beginning of what went in one direction.
type message struct {
	data []byte
	size int
	told bool // its line is written
}

func (m *message) add(data []byte) {
	m.size += len(data)
	m.data = append(m.data, data[:min(len(data), maxSummaryMessage-len(m.data))]...)
}

func (s *summary) take(e Event) {
	if s.start.IsZero() {
		s.start = e.Time
	}
	t := s.talks[e.Flow]
	if t == nil {
		t = &talk{incoming: e.Kind == Accepted}
		s.talks[e.Flow] = t
	}
	switch {
	case e.Kind == Failed:
		s.fail(t, e)
	case e.Kind == Closed:
		s.close(t, e)
	case e.Kind != Sent && e.Kind != Received:
	case e.Net == "udp":
		s.datagram(t, e)
	case (e.Kind == Received) == t.incoming:
		s.request(t, e)
	default:
		t.answer.add(e.Data)
		s.answered(t, e, false)
	}
}

// fail writes what is known of an answer, then why there is no more.
func (s *summary) fail(t *talk, e Event) {
	s.answered(t, e, true)
	what := "failed: " + e.Err
	if t.label != "" {
		what = t.label + " " + what
	}
	s.line(e, "×", what, time.Time{}, true)
	if e.Net == "tcp" { // a dial that failed is never closed
		delete(s.talks, e.Flow)
	}
}

// close writes what came of an answer, or that none came.
func (s *summary) close(t *talk, e Event) {
	delete(s.talks, e.Flow)
	s.answered(t, e, true)
	if t.request.told && t.answer.size == 0 && e.Net == "tcp" {
		s.line(e, "×", t.label+" closed without an answer", t.asked, true)
	}
}

// request writes a line once the head of a request is there; what follows an answer is the next
// request.
func (s *summary) request(t *talk, e Event) {
	if t.answer.size > 0 {
		s.answered(t, e, true)
		*t = talk{incoming: t.incoming}
	}
	t.request.add(e.Data)
	head, _, ok := splitHead(t.request.data)
	if !ok || t.request.told {
		return
	}
	t.request.told, t.asked, t.label = true, e.Time, requestLabel(head)
	s.line(e, arrow(e.Kind == Sent), t.label, time.Time{}, false)
}

// answered writes the line of an answer that is complete, or of which no more will come.
func (s *summary) answered(t *talk, e Event, over bool) {
	head, body, ok := splitHead(t.answer.data)
	if t.answer.told || t.answer.size == 0 || !over && (!ok || !isWhole(head, t.answer.size)) {
		return
	}
	t.answer.told = true
	what, bad := answerLabel(t.label, head, body, t.answer.size-len(head))
	s.line(e, arrow(t.incoming), what, t.asked, bad)
}

// isWhole reports whether an announced body has come. One that is not announced ends with the flow.
func isWhole(head []byte, size int) bool {
	n, err := strconv.Atoi(field(head, "Content-Length"))
	return err == nil && size >= len(head)+n
}

func arrow(out bool) string {
	if out {
		return "→"
	}
	return "←"
}

func (s *summary) datagram(t *talk, e Event) {
	head, _, _ := splitHead(e.Data)
	first, _, _ := strings.Cut(string(head), "\n")
	method, _, _ := strings.Cut(first, " ")
	switch {
	case method == "M-SEARCH":
		t.asked = e.Time
		s.line(e, arrow(e.Kind == Sent), "M-SEARCH "+shortType(field(head, "ST")), time.Time{}, false)
	case method == "NOTIFY":
		what := "NOTIFY " + field(head, "NTS") + " " + shortType(field(head, "NT")) + " " + field(head, "LOCATION")
		s.line(e, arrow(e.Kind == Sent), what, time.Time{}, false)
	default:
		what := statusText(head) + " " + shortType(field(head, "ST")) + " " + field(head, "LOCATION")
		s.line(e, arrow(e.Kind == Sent), what, t.asked, false)
	}
}

// line writes a line; asked, if not zero, is when the answered question went out.
func (s *summary) line(e Event, arrow, what string, asked time.Time, bad bool) {
	peer := "-"
	if e.Remote.IsValid() {
		peer = e.Remote.String()
	}
	prefix := fmt.Sprintf("%6.3f %s %-22s", e.Time.Sub(s.start).Seconds(), arrow, Sanitize(peer, maxSummaryText))
	what = Sanitize(strings.TrimSpace(what), maxSummaryText)
	if bad {
		what = s.paint(red, what)
	}
	took := ""
	if !asked.IsZero() {
		took = s.paint(dim, "  "+shortDuration(e.Time.Sub(asked)))
	}
	fmt.Fprintln(s.w, s.paint(dim, prefix), what+took)
}

// Colours of a terminal, ECMA-48.
const (
	dim = "2"
	red = "31"
)

func (s *summary) paint(color, text string) string {
	if !s.color {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// requestLabel says what is asked for: the action of a call, the file of a GET.
func requestLabel(head []byte) string {
	first, _, _ := strings.Cut(string(head), "\n")
	method, rest, _ := strings.Cut(first, " ")
	target, _, _ := strings.Cut(rest, " ")
	if _, action, ok := strings.Cut(field(head, "SOAPACTION"), "#"); ok && method != "GET" {
		return strings.Trim(action, `" `)
	}
	if seq := field(head, "SEQ"); method == "NOTIFY" && seq != "" {
		return method + " " + fileOf(target) + " SEQ " + seq
	}
	return method + " " + fileOf(target)
}

// answerLabel says how it went: the error a device gives for a call, or status and size.
func answerLabel(label string, head, body []byte, size int) (what string, bad bool) {
	status := statusText(head)
	bad = !strings.HasPrefix(status, "2")
	if code := element(body, "errorCode"); code != "" {
		return label + " → " + code + " " + element(body, "errorDescription"), true
	}
	if file, ok := strings.CutPrefix(label, "GET "); ok {
		return status + " " + file + " " + shortSize(size), bad
	}
	if !bad {
		status, _, _ = strings.Cut(status, " ")
	}
	return label + " → " + status, bad
}

// statusText is the code and reason of a status line.
func statusText(head []byte) string {
	first, _, _ := strings.Cut(string(head), "\n")
	if st, ok := parseStatus([]byte(first)); ok {
		return st.text
	}
	return first
}

// splitHead parts a message behind its blank line; without one all of it is head.
func splitHead(data []byte) (head, body []byte, ok bool) {
	for _, end := range []string{"\r\n\r\n", "\n\n"} {
		if i := bytes.Index(data, []byte(end)); i >= 0 {
			return data[:i+len(end)], data[i+len(end):], true
		}
	}
	return data, nil, false
}

// field is the value of a header field, whatever the case of its name.
func field(head []byte, name string) string {
	for line := range strings.Lines(string(head)) {
		if n, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(n), name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// element is the text of the first element of that name without a prefix.
func element(body []byte, name string) string {
	_, rest, ok := bytes.Cut(body, []byte("<"+name))
	if !ok {
		return ""
	}
	_, rest, _ = bytes.Cut(rest, []byte(">"))
	text, _, _ := bytes.Cut(rest, []byte("<"))
	return strings.TrimSpace(string(text))
}

// shortType is a URN without its authority.
func shortType(target string) string {
	if parts := strings.Split(target, ":"); len(parts) > 3 && strings.EqualFold(parts[0], "urn") {
		return strings.Join(parts[3:], ":")
	}
	return target
}

func fileOf(target string) string {
	target, _, _ = strings.Cut(target, "?")
	if file := target[strings.LastIndexByte(target, '/')+1:]; file != "" {
		return file
	}
	return target
}

func shortSize(n int) string {
	switch {
	case n < 1000:
		return strconv.Itoa(n) + " B"
	case n < 1e6:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

func shortDuration(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1e3)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

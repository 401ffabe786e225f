package wire

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// maxSummaryText is how many runes of what a peer sent stand in one line.
const maxSummaryText = 128

// Summary is a sink that writes one line to w for each of the [Messages]: seconds since the first
// event, direction, peer, what it is, and for an answer how long it took.
//
//	0.051 → 192.168.1.1:5000     AddPortMapping
//	0.056 ← 192.168.1.1:5000     AddPortMapping → 718 ConflictInMappingEntry  5.2 ms
//
// Everything from a peer passes [Sanitize]. With color, refusals and failures are red and
// all but the message is dim.
func Summary(w io.Writer, color bool) func(Event) {
	s := &summary{w: w, color: color}
	take := Messages(s.line)
	return func(e Event) {
		if s.start.IsZero() {
			s.start = e.Time
		}
		take(e)
	}
}

type summary struct {
	w     io.Writer
	color bool
	start time.Time
}

func (s *summary) line(m Message) {
	peer := "-"
	if m.Remote.IsValid() {
		peer = m.Remote.String()
	}
	what := m.What
	if m.Refused {
		what = s.paint(red, what)
	}
	if m.Answer && m.RoundTrip > 0 {
		what += s.paint(dim, "  "+shortDuration(m.RoundTrip))
	}
	prefix := fmt.Sprintf("%6.3f %s %-22s", m.Time.Sub(s.start).Seconds(), m.Arrow(), Sanitize(peer, maxSummaryText))
	fmt.Fprintln(s.w, s.paint(dim, prefix), what)
}

// Arrow is the direction of a message as it is drawn: → out, ← in, × nowhere.
func (m Message) Arrow() string {
	switch {
	case m.Err != "":
		return "×"
	case m.Sent:
		return "→"
	}
	return "←"
}

// Colours of a terminal, ECMA-48.
const (
	dim = "2"
	red = "31"
)

func (s *summary) paint(color, text string) string {
	if !s.color || strings.TrimSpace(text) == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

package cli

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"upnp/igd/wire"
)

// maxMessageShown is how much of one message is shown.
const maxMessageShown = 4 << 20

// show prints the messages of a recording as it is read, so that its size does not matter.
func (o *wireOptions) show(s *session, name string) error {
	filter, err := o.filter()
	if err != nil {
		return err
	}
	if o.raw && o.exchange == 0 {
		return usagef("--raw is for the bytes of one --exchange")
	}
	f, err := s.openRecording(name)
	if err != nil {
		return err
	}
	defer f.Close()
	shower := &messageShower{session: s, options: o, filter: filter}
	for m, err := range wire.ReadMessages(f, maxMessageShown) {
		if err != nil {
			s.stdout.w.Flush()
			return failf("%s: %s", recordingName(name), recordingWords(err))
		}
		if err := shower.take(m); err != nil {
			return err
		}
	}
	if o.exchange != 0 && shower.shown == 0 {
		return failf("%s has %s, no number %d", recordingName(name), plural(shower.last, "exchange"), o.exchange)
	}
	return s.stdout.w.Flush()
}

// A messageShower prints the messages that are wanted.
type messageShower struct {
	*session
	filter  messageFilter
	options *wireOptions
	start   time.Time
	last    int // exchange
	shown   int
}

func (p *messageShower) take(m wire.Message) error {
	if p.start.IsZero() {
		p.start = m.Time
	}
	p.last = max(p.last, m.Exchange)
	if !p.filter.takes(m) {
		return nil
	}
	p.shown++
	return p.show(m)
}

func (p *messageShower) show(m wire.Message) error {
	switch {
	case p.session.options.json:
		return p.emitLine(p.record(m))
	case p.options.raw:
		return p.raw(m)
	}
	if p.options.exchange == 0 {
		p.line(m)
		return nil
	}
	if p.shown > 1 {
		p.stdout.linef("")
	}
	p.line(m)
	p.whole(m)
	return nil
}

// line prints a rung of the ladder.
func (p *messageShower) line(m wire.Message) {
	peer := "-"
	if m.Remote.IsValid() {
		peer = m.Remote.String()
	}
	prefix := fmt.Sprintf("%5d %8.3f %s %s", m.Exchange, m.Time.Sub(p.start).Seconds(), m.Arrow(), pad(clean(peer), 22, false))
	took := ""
	if m.Answer && m.RoundTrip > 0 {
		took = "  " + elapsed(m.RoundTrip)
	}
	what := styled(clean(m.What))
	if sgr := colorOf(m); sgr != "" {
		what = p.stdout.style(sgr, m.What)
	}
	p.stdout.linef("%s %s%s", p.stdout.style(dim, prefix), what, p.stdout.style(dim, took))
}

// colorOf is red for what went wrong and green for answers to what was asked of a device.
func colorOf(m wire.Message) string {
	switch {
	case m.Refused:
		return red
	case m.Kind == wire.Announcement:
		return dim
	case m.Answer:
		return green
	}
	return ""
}

// whole prints all of a message, its XML indented.
func (p *messageShower) whole(m wire.Message) {
	head, body := m.Parts()
	for line := range strings.Lines(string(head)) {
		p.stdout.linef("      %s", strings.TrimRight(line, "\r\n"))
	}
	switch {
	case len(body) == 0:
	case !utf8.Valid(body) && strings.Contains(string(body), "\x00"):
		p.stdout.linef("      (%s that are no text)", plural(len(body), "byte"))
	default:
		for line := range indentXML(string(body)) {
			p.stdout.linef("      %s", line)
		}
	}
	if m.Size > len(m.Data) {
		p.stdout.linef("      (%s more)", plural(m.Size-len(m.Data), "byte"))
	}
}

// raw prints the bytes as they were; on a terminal, made harmless.
func (p *messageShower) raw(m wire.Message) error {
	if p.OutTerminal {
		_, err := harmlessWriter{p.stdout.w}.Write(m.Data)
		return err
	}
	_, err := p.stdout.w.Write(m.Data)
	return err
}

// A messageRecord is a message in JSON. Data is the text; DataBase64 the bytes where they are none.
type messageRecord struct {
	Exchange         int              `json:"exchange"`
	Time             time.Time        `json:"time"`
	OffsetSeconds    float64          `json:"offsetSeconds"`
	Flow             int              `json:"flow"`
	Kind             wire.MessageKind `json:"kind"`
	Answer           bool             `json:"answer"`
	Incoming         bool             `json:"incoming"`
	Sent             bool             `json:"sent"`
	Net              string           `json:"net"`
	Local            string           `json:"local"`
	Remote           string           `json:"remote"`
	What             string           `json:"what"`
	Refused          bool             `json:"refused"`
	RoundTripSeconds float64          `json:"roundTripSeconds,omitempty"`
	Size             int              `json:"size"`
	Data             string           `json:"data"`
	DataBase64       string           `json:"dataBase64,omitempty"`
	Error            string           `json:"error,omitempty"`
}

func (p *messageShower) record(m wire.Message) messageRecord {
	r := messageRecord{
		Exchange: m.Exchange, Time: m.Time, OffsetSeconds: m.Time.Sub(p.start).Seconds(), Flow: m.Flow, Kind: m.Kind,
		Answer: m.Answer, Incoming: m.Incoming, Sent: m.Sent, Net: m.Net, What: m.What, Refused: m.Refused,
		RoundTripSeconds: m.RoundTrip.Seconds(), Size: m.Size, Data: string(m.Data), Error: m.Err,
	}
	if m.Local.IsValid() {
		r.Local = m.Local.String()
	}
	if m.Remote.IsValid() {
		r.Remote = m.Remote.String()
	}
	if !utf8.Valid(m.Data) {
		r.DataBase64 = base64.StdEncoding.EncodeToString(m.Data)
	}
	return r
}

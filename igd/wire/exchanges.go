package wire

import (
	"net/netip"
	"time"
)

// An Exchange is what belongs together, as bytes: a request on a connection and its answer, a search
// and all its answers, an announcement, or a failure before anything was asked.
type Exchange struct {
	Number        int // as in Message
	Kind          MessageKind
	Flow          int
	Incoming      bool // the peer asked, or announced
	Net           string
	Local, Remote netip.AddrPort // of a search sent, Remote is the group or the host asked
	Start         time.Time      // last byte of the request, or of the failure
	End           time.Time      // last byte of the last answer; zero if there is none
	Request       []byte
	Answer        []byte    // what came on the connection, whole or not
	Answers       []Message // of a search, in their order
	Err           string    // why there is no answer or no more of it, "" if there is all of it
}

// Exchanges are all exchanges in the order they were begun, including requests that were not answered
// and, with an empty Request, what failed before one. An answer that nobody had asked for is an
// exchange with no Request.
func (l *Log) Exchanges() []Exchange {
	var list []Exchange
	m := newMessages(func(m Message) {
		for len(list) < m.Exchange {
			list = append(list, Exchange{})
		}
		list[m.Exchange-1].take(m)
	}, 0)
	for _, e := range l.Events() {
		m.take(e)
	}
	m.finish()
	return list
}

// take adds a message to its exchange.
func (x *Exchange) take(m Message) {
	if x.Number == 0 {
		*x = Exchange{
			Number: m.Exchange, Kind: m.Kind, Flow: m.Flow, Incoming: m.Incoming, Net: m.Net,
			Local: m.Local, Remote: m.Remote, Start: m.Time,
		}
	}
	switch {
	case m.Err != "":
		x.Err = m.Err
	case !m.Answer:
		x.Request = m.Data
	case m.Kind == Search:
		x.Answers, x.End = append(x.Answers, m), m.Time
	default:
		x.Answer, x.End = m.Data, m.Time
	}
}

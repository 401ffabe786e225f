package wire

import (
	"net/netip"
	"time"
)

// An Exchange is one request on a connection and what was answered to it, as bytes.
type Exchange struct {
	Flow          int
	Incoming      bool // the peer asked and we answered
	Local, Remote netip.AddrPort
	Start         time.Time // of the request, or of the failure to connect
	End           time.Time // last byte of the answer; zero if there is none
	Request       []byte
	Answer        []byte
	Err           string // what the flow failed with, "" if it did not
}

// Exchanges are the requests on connections in the order they were begun, including those that
// were not answered and, with an empty Request, connections that failed. Datagrams are not among
// them: they have no one answer.
func (l *Log) Exchanges() []Exchange {
	s := sorter{open: make(map[int]int), incoming: make(map[int]bool)}
	for _, e := range l.Events() {
		if e.Net == "tcp" {
			s.take(e)
		}
	}
	return s.list
}

// A sorter puts the events of connections into exchanges.
type sorter struct {
	list     []Exchange
	open     map[int]int  // flow to the index of its current exchange
	incoming map[int]bool // flows a peer has opened
}

func (s *sorter) take(e Event) {
	switch e.Kind {
	case Accepted:
		s.incoming[e.Flow] = true
	case Failed:
		s.current(e).Err = e.Err
	case Sent, Received:
		if s.incoming[e.Flow] == (e.Kind == Received) {
			s.request(e)
		} else {
			x := s.current(e)
			x.Answer, x.End = append(x.Answer, e.Data...), e.Time
		}
	}
}

// request adds to the current exchange of the flow, or begins the next one after an answer.
func (s *sorter) request(e Event) {
	x := s.current(e)
	if x.Answer != nil {
		x = s.begin(e)
	}
	x.Request = append(x.Request, e.Data...)
}

func (s *sorter) current(e Event) *Exchange {
	if i, ok := s.open[e.Flow]; ok {
		return &s.list[i]
	}
	return s.begin(e)
}

func (s *sorter) begin(e Event) *Exchange {
	s.open[e.Flow] = len(s.list)
	s.list = append(s.list, Exchange{
		Flow: e.Flow, Incoming: s.incoming[e.Flow], Local: e.Local, Remote: e.Remote, Start: e.Time,
	})
	return &s.list[len(s.list)-1]
}

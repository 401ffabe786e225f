package wire

import (
	"slices"
	"strings"
	"time"
)

// datagram tells of an SSDP message.
func (m *messages) datagram(e Event) {
	if e.Kind != Sent && e.Kind != Received {
		return
	}
	head, _, _ := splitHead(e.Data)
	a := asked{kind: kindOfDatagram(head), at: e.Time, label: datagramLabel(head)}
	incoming := e.Kind == Received
	answer := methodOf(head) != "M-SEARCH" && a.kind == Search
	if answer {
		incoming = e.Kind == Sent
		a.exchange, a.at = m.searchFor(e, field(head, "ST"))
	} else {
		a.exchange = m.number()
	}
	if !answer && a.kind == Search {
		m.searched(search{asked: a, flow: e.Flow, peer: e, target: field(head, "ST")})
	}
	out := m.message(e, a, incoming)
	out.Answer, out.Sent, out.What, out.RoundTrip = answer, e.Kind == Sent, a.label, since(a.at, e.Time)
	out.Data, out.Size = e.Data, len(e.Data)
	if m.limit > 0 {
		out.Data = e.Data[:min(len(e.Data), m.limit)]
	}
	m.tell(out)
}

func (m *messages) searched(s search) {
	s.peer.Data = nil
	if len(m.searches) == maxSearches {
		m.searches = slices.Delete(m.searches, 0, 1)
	}
	m.searches = append(m.searches, s)
}

// searchFor is the latest search that an answer may belong to: one of its target or for
// everything, else any; made from the same socket, or by whom the answer goes to.
func (m *messages) searchFor(e Event, target string) (exchange int, at time.Time) {
	for _, exact := range []bool{true, false} {
		for _, s := range slices.Backward(m.searches) {
			named := strings.EqualFold(s.target, target) || strings.EqualFold(s.target, "ssdp:all")
			if s.mayHave(e) && (named || !exact) {
				return s.exchange, s.at
			}
		}
	}
	return m.number(), time.Time{}
}

// mayHave reports whether an answer goes where the search came from.
func (s search) mayHave(answer Event) bool {
	if s.peer.Kind == Sent {
		return answer.Kind == Received && s.flow == answer.Flow
	}
	return answer.Kind == Sent && s.peer.Remote == answer.Remote
}

// failDatagram tells of a socket that failed.
func (m *messages) failDatagram(e Event) {
	out := m.message(e, asked{exchange: m.number(), kind: Failure}, false)
	out.Sent, out.Refused, out.Err, out.What = true, true, e.Err, "failed: "+e.Err
	m.tell(out)
}

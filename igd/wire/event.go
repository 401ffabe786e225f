package wire

import (
	"net/netip"
	"time"
)

// Kind says what happened in an [Event].
type Kind uint8

// The kinds of events.
const (
	Opened   Kind = iota + 1 // we opened a connection or a packet socket
	Accepted                 // a peer opened a connection to us
	Sent                     // Data went out
	Received                 // Data came in
	Failed                   // opening, sending or receiving failed with Err
	Closed                   // we closed; Err is "EOF" if the peer had ended its side
)

var kindNames = [...]string{Opened: "opened", Accepted: "accepted", Sent: "sent", Received: "received", Failed: "failed", Closed: "closed"}

// String is the word used in .wire files; "" for a Kind that is none.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return ""
}

// MarshalText is String.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

func parseKind(s string) (Kind, bool) {
	for k, name := range kindNames {
		if name == s && s != "" {
			return Kind(k), true
		}
	}
	return 0, false
}

// An Event is one thing that happened on a socket. Data belongs to the receiver.
//
// Remote is the peer of a connection or datagram, and the group of an opened packet socket, with
// port 0 for one that joined none. Addresses not known are invalid.
type Event struct {
	Time          time.Time
	Flow          int // one number per connection or packet socket, from 1
	Kind          Kind
	Net           string // "udp", "tcp"
	Local, Remote netip.AddrPort
	Data          []byte
	Err           string
}

package wire

import (
	"net/netip"
	"strings"
	"time"
)

// MessageKind says what a [Message] is about. Answers have the kind of what they answer.
type MessageKind uint8

// The kinds of messages.
const (
	Search       MessageKind = iota + 1 // M-SEARCH
	Announcement                        // NOTIFY of SSDP: alive, byebye, update
	Fetch                               // HTTP that is none of the following: a GET of a description
	Call                                // an action, by its SOAPACTION
	Subscription                        // SUBSCRIBE and UNSUBSCRIBE
	Notification                        // NOTIFY of GENA
	Failure                             // something went wrong before anything was asked
)

var messageKindNames = [...]string{
	Search: "search", Announcement: "announcement", Fetch: "fetch", Call: "call",
	Subscription: "subscription", Notification: "notification", Failure: "failure",
}

// String is the kind in a word; "" for one that is none.
func (k MessageKind) String() string {
	if int(k) < len(messageKindNames) {
		return messageKindNames[k]
	}
	return ""
}

// MarshalText is String.
func (k MessageKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// MessageKinds are all kinds.
func MessageKinds() []MessageKind {
	return []MessageKind{Search, Announcement, Fetch, Call, Subscription, Notification, Failure}
}

// MaxMessageData is how much of a message [Messages] keeps.
const MaxMessageData = 64 << 10

// A Message is a request, an answer or a datagram, whole, or why there is none.
type Message struct {
	Time     time.Time // of its last byte
	Flow     int       // as in Event
	Exchange int       // what belongs together has one number, from 1 in the order it was begun
	Kind     MessageKind
	Answer   bool // it answers the one before it in the exchange
	Incoming bool // the peer asked: a NOTIFY, an announcement, all that is asked of a server
	Sent     bool // it went out; of a failure, that it was to go out

	Net           string // "udp", "tcp"
	Local, Remote netip.AddrPort

	// What is the message in a line: "M-SEARCH ssdp:all", "200 OK rootDesc.xml 4.1 kB",
	// "AddPortMapping → 718 ConflictInMappingEntry". It has passed [Sanitize].
	What      string
	Refused   bool          // an answer that says no, or a failure
	RoundTrip time.Duration // of an answer, or of its missing: how long ago the question was
	Data      []byte        // exactly what was on the wire, at most MaxMessageData bytes of it
	Size      int           // of all of it
	Err       string        // why there is no more, or nothing; it has passed Sanitize
}

// kindOfRequest tells the kinds of HTTP requests apart.
func kindOfRequest(head []byte) MessageKind {
	method := methodOf(head)
	switch {
	case method == "NOTIFY":
		return Notification
	case method == "SUBSCRIBE", method == "UNSUBSCRIBE":
		return Subscription
	case soapAction(head) != "" && strings.HasSuffix(method, "POST"):
		return Call
	}
	return Fetch
}

// kindOfDatagram tells the kinds of SSDP messages apart.
func kindOfDatagram(head []byte) MessageKind {
	if methodOf(head) == "NOTIFY" {
		return Announcement
	}
	return Search
}

func methodOf(head []byte) string {
	method, _, _ := strings.Cut(firstLine(head), " ")
	return method
}

// Parts are the head and the body of a message, without chunked framing.
func (m Message) Parts() (head, body []byte) {
	if m.Net == "udp" {
		head, body, _ = splitHead(m.Data)
		return head, body
	}
	f := frame{answer: m.Answer}
	rest := f.add(m.Data)
	head, body = f.parts()
	return head, append(body, rest...)
}

package gena

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// MulticastGroup is where devices send multicast events (UPnP Device Architecture 1.1, section 4.3.3).
func MulticastGroup() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{239, 255, 255, 246}), 7900)
}

// A MulticastEvent is a change that a device tells everybody of, subscribed or not.
type MulticastEvent struct {
	USN       string // the device, "::" and the type of the service
	ServiceID string // the SVCID header
	Level     string // such as "upnp:/info"; "" if there is none
	BootID    uint32 // 0 if there is none

	// Event has no SID; Seq counts for all receivers.
	Event
}

// ParseMulticast reads one datagram. The error is a [*DatagramError], or one of [ParseProperties].
func ParseMulticast(datagram []byte) (*MulticastEvent, error) {
	end := headEnd(datagram)
	if end < 0 || end > maxHead {
		return nil, &DatagramError{"no header"}
	}
	n, f := parseHead(datagram[:end])
	if n == nil || n.method != methodNotify {
		return nil, &DatagramError{"not a NOTIFY"}
	}
	n.field, n.body = f.get, datagram[end:]
	if n.check() != http.StatusOK || f.get("USN") == "" {
		return nil, &DatagramError{"not an event"}
	}
	return n.multicast()
}

func (n *notification) multicast() (*MulticastEvent, error) {
	if length, err := strconv.Atoi(n.field("CONTENT-LENGTH")); err == nil && 0 <= length && length < len(n.body) {
		n.body = n.body[:length]
	}
	properties, notes, err := ParseProperties(n.body)
	if err != nil {
		return nil, err
	}
	seq, numbered, _ := n.number()
	boot, _ := strconv.ParseUint(n.field("BOOTID.UPNP.ORG"), 10, 32) // an odd one is none
	return &MulticastEvent{
		USN: n.field("USN"), ServiceID: strings.Trim(n.field("SVCID"), `"`), Level: n.field("LVL"), BootID: uint32(boot),
		Event: Event{Seq: seq, Initial: numbered && seq == 0, Lost: !numbered, Properties: properties, Notes: notes},
	}, nil
}

// A DatagramError is the reason why a datagram is no multicast event.
type DatagramError struct{ Reason string }

func (e *DatagramError) Error() string { return "gena: datagram: " + e.Reason }

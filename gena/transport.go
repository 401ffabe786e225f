package gena

import (
	"net/netip"
	"time"
)

// answerTimeout is what the architecture gives a device to answer a SUBSCRIBE.
const answerTimeout = 30 * time.Second

// The methods.
const (
	methodSubscribe   = "SUBSCRIBE"
	methodUnsubscribe = "UNSUBSCRIBE"
	methodNotify      = "NOTIFY"
)

// What NT and NTS always are.
const (
	eventType      = "upnp:event"
	propertyChange = "upnp:propchange"
)

// addrPort reads the text of a socket address; it is invalid for sockets that have none.
func addrPort(text string) netip.AddrPort {
	a, err := netip.ParseAddrPort(text)
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

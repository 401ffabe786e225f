package gena

import (
	"net"
	"net/http"
	"net/netip"
	"time"
)

// Limits of the requests both halves make.
const (
	connectTimeout = 3 * time.Second
	answerTimeout  = 30 * time.Second // what the architecture gives a device to answer a SUBSCRIBE
	maxHeader      = 16 << 10
)

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

// client is c, or a bounded default that speaks from local, made not to follow redirects.
func client(c *http.Client, local netip.Addr) *http.Client {
	own := http.Client{}
	if c != nil {
		own = *c
	} else {
		own.Transport = defaultTransport(local)
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

// defaultTransport keeps no connection, so that it leaks nothing when it is forgotten.
func defaultTransport(local netip.Addr) *http.Transport {
	dialer := &net.Dialer{Timeout: connectTimeout}
	if local.IsValid() {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		DisableCompression:     true,
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: maxHeader,
	}
}

// addrPort reads the text of a socket address; it is invalid for sockets that have none.
func addrPort(text string) netip.AddrPort {
	a, err := netip.ParseAddrPort(text)
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

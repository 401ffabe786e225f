package description

import (
	"net"
	"net/http"
	"net/netip"
	"time"
)

const (
	maxHeader      = 16 << 10
	connectTimeout = 3 * time.Second
)

// DeviceHTTP is c made fit to talk to devices: it follows no redirects, which no device needs and a
// hostile one would use. Nil is a default that speaks from local, if that is valid, with bounds,
// without proxy or compression, and keeps no connection, so that one per exchange leaks nothing.
// How long an exchange may take is its caller's to say.
func DeviceHTTP(c *http.Client, local netip.Addr) *http.Client {
	own := http.Client{}
	if c != nil {
		own = *c
	} else {
		own.Transport = deviceTransport(local)
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

func deviceTransport(local netip.Addr) *http.Transport {
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

package device

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
)

// A guard lets requests of control points through and those of web pages and strangers not.
//
// A page can make a browser send requests to this network under its own name (DNS rebinding,
// CVE-2021-29462); control points address the device by number and send no Origin.
type guard struct {
	site *Site
	next http.Handler
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if reason := g.objection(r); reason != "" {
		g.site.host.log().Debug("refused", "from", r.RemoteAddr, "method", r.Method, "reason", reason)
		http.Error(w, reason, http.StatusForbidden)
		return
	}
	g.next.ServeHTTP(w, r)
}

func (g *guard) objection(r *http.Request) string {
	switch {
	case !g.fromLink(r.RemoteAddr):
		return "not from this network"
	case r.URL.IsAbs() || !g.names(r.Host):
		return "Host is not the address of this device"
	case len(r.Header.Values("Origin")) > 0:
		return "not for web pages"
	case r.Method == http.MethodPost && !isXML(r.Header.Get("Content-Type")):
		return "not an XML body"
	}
	return ""
}

// fromLink keeps out who is not on the LAN (WANIPConnection:2 section 2.3).
func (g *guard) fromLink(remote string) bool {
	from, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	addr := from.Addr().Unmap().WithZone("")
	return g.site.ifi.OnLink(addr) || slices.ContainsFunc(g.site.ends, func(e end) bool {
		return addr == e.at.Addr().WithZone("")
	})
}

// names reports whether a Host header is an address the device listens on, as a number; the
// port may be left out.
func (g *guard) names(header string) bool {
	p, err := netip.ParseAddrPort(header)
	if err != nil {
		a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(header, "["), "]"))
		return err == nil && g.listens(a, anyPort)
	}
	return g.listens(p.Addr(), int(p.Port()))
}

const anyPort = -1

// listens reports an address that is listened on.
func (g *guard) listens(addr netip.Addr, port int) bool {
	return slices.ContainsFunc(g.site.ends, func(e end) bool {
		return addr.WithZone("") == e.at.Addr().WithZone("") && (port == anyPort || port == int(e.at.Port()))
	})
}

// isXML accepts every kind of XML, and the absence of a type, which some control points leave
// out: forms and scripts send others unless the device agreed first.
func isXML(contentType string) bool {
	return contentType == "" || strings.Contains(strings.ToLower(contentType), "xml")
}

// A limitListener accepts no more than a number of connections at a time, which it may share with
// others; more have to wait.
type limitListener struct {
	net.Listener
	slots chan struct{}
	done  chan struct{}
	close sync.Once
}

func newLimitListener(l net.Listener, slots chan struct{}) *limitListener {
	return &limitListener{Listener: l, slots: slots, done: make(chan struct{})}
}

func (l *limitListener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.done:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &limitedConn{Conn: c, free: sync.OnceFunc(func() { <-l.slots })}, nil
}

func (l *limitListener) Close() error {
	l.close.Do(func() { close(l.done) })
	return l.Listener.Close()
}

// A limitedConn gives its slot back when it is closed.
type limitedConn struct {
	net.Conn
	free func()
}

func (c *limitedConn) Close() error {
	defer c.free()
	return c.Conn.Close()
}

package reach

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
)

// A door keeps out those who have too many connections. What comes by a proxy is many askers in one.
type door struct {
	net.Listener
	probing *probing
	inside  atomic.Int32
}

func (d *door) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := addrOf(conn.RemoteAddr())
		if leave, ok := d.enter(from); ok {
			return &guest{Conn: conn, leave: sync.OnceFunc(leave)}, nil
		}
		cutOff(conn)
		d.probing.tell(Looked{From: from, Refused: reasonConns})
	}
}

func (d *door) enter(from netip.Addr) (leave func(), ok bool) {
	if d.inside.Load() >= maxConns {
		return nil, false
	}
	if d.probing.server.isProxy(from) {
		d.inside.Add(1)
		return func() { d.inside.Add(-1) }, true
	}
	if !d.probing.askers.enter(from) {
		return nil, false
	}
	d.inside.Add(1)
	return func() {
		d.inside.Add(-1)
		d.probing.askers.leave(from)
	}, true
}

func (s *ProbeServer) isProxy(addr netip.Addr) bool {
	return slices.ContainsFunc(s.Proxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// cutOff ends a connection at once, with nothing left of it in the kernel.
func cutOff(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}

// A guest is a connection that was let in.
type guest struct {
	net.Conn
	leave func()
}

func (g *guest) Close() error {
	g.leave() // first: whoever sees the end of this connection may make the next
	return g.Conn.Close()
}

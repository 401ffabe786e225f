package reach_test

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd/reach"
	"upnp/igd/wire"
)

// An internet is a probe server in memory and those who ask it.
type internet struct {
	t      *testing.T
	memory *wire.Memory
	server *wire.Host
	looked []reach.Looked
}

const probeHost = "11.22.33.9"

func newInternet(t *testing.T, s reach.ProbeServer) *internet {
	t.Helper()
	n := &internet{t: t, memory: wire.NewMemory()}
	n.server = n.memory.Host("server", netip.MustParsePrefix(probeHost+"/24"), netip.MustParsePrefix("192.168.1.9/24"))
	ready, done := make(chan struct{}), make(chan error, 1)
	s.Network, s.Ready = n.server, func(netip.AddrPort) { close(ready) }
	s.Looked = func(l reach.Looked) { n.looked = append(n.looked, l) }
	ctx, cancel := context.WithCancel(t.Context())
	go func() { done <- s.Serve(ctx) }()
	<-ready
	t.Cleanup(func() {
		cancel()
		began := time.Now()
		if err := <-done; err != nil || time.Since(began) > 0 {
			t.Errorf("the server ends after %v: %v", time.Since(began), err)
		}
	})
	return n
}

func (n *internet) host(addr string) *wire.Host {
	return n.memory.Host(addr, netip.MustParsePrefix(addr+"/24"))
}

// ask asks the server for a path, with header lines.
func (n *internet) ask(from *wire.Host, to, path string, header ...string) string {
	n.t.Helper()
	conn, err := from.Dial(n.t.Context(), "tcp4", to+":9543")
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", path, strings.Join(append(header, ""), "\r\n"))
	all, _ := io.ReadAll(conn)
	return string(all)
}

// TestProbeServerRefuses: what it does not look at, and whom it does not believe.
func TestProbeServerRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t, reach.ProbeServer{})
		asker, private := n.host("11.22.33.4"), n.host("192.168.1.4")
		other := n.host("11.22.33.5")
		(&world{t: t}).listen(other, ":80")
		for _, row := range []struct {
			from                          *wire.Host
			to, path, header, status, and string
		}{
			{from: asker, path: "/port/80?ip=11.22.33.5", status: "403", and: "only the asker's own address"},
			{from: asker, path: "/port/80?host=other.example", status: "403", and: "only the asker's own address"},
			{from: asker, path: "/port/11.22.33.5:80", status: "400", and: "not a port"},
			{from: asker, path: "/port/0", status: "400", and: "not a port"},
			{from: asker, path: "/port/65536", status: "400", and: "not a port"},
			{from: asker, path: "/", status: "404", and: "/port/N"},
			{from: asker, path: "/port/80?protocol=icmp", status: "400", and: "neither"},
			{from: asker, path: "/port/80?protocol=udp", status: "400", and: "nonce is needed"},
			{from: asker, path: "/port/80?nonce=%0d%0aX", status: "400", and: "not 32"},
			{from: asker, path: "/port/80", header: "X-Forwarded-For: 11.22.33.5", status: "200", and: `"ip":"11.22.33.4","port":80,"reachable":false`},
			{from: asker, path: "/port/80?ip=11.22.33.4", status: "200", and: `"reachable":false,"protocol":"tcp","error":"refused"`},
			{from: private, to: "192.168.1.9", path: "/port/80", status: "403", and: "private or reserved"},
			{from: n.server, path: "/port/9543", status: "403", and: "this machine itself"},
			{from: n.server, to: "127.0.0.1", path: "/port/9543", status: "403", and: "this machine itself"},
		} {
			if row.to == "" {
				row.to = probeHost
			}
			got := n.ask(row.from, row.to, row.path, row.header+strings.Repeat("X: y", 1-min(1, len(row.header))))
			if !strings.HasPrefix(got, "HTTP/1.1 "+row.status) || !strings.Contains(got, row.and) {
				t.Errorf("%s from %s: %q", row.path, row.from.Name(), got)
			}
		}
	})
}

// TestProbeServerTold: private addresses and a proxy's word, if it is told so; itself never.
func TestProbeServerTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t, reach.ProbeServer{AllowPrivate: true, Proxies: []netip.Prefix{netip.MustParsePrefix("11.22.33.6/32")}})
		private, proxy := n.host("192.168.1.4"), n.host("11.22.33.6")
		w := &world{t: t}
		w.listen(private, ":80")
		w.listen(n.host("11.22.33.5"), ":80")
		if got := n.ask(private, "192.168.1.9", "/port/80"); !strings.Contains(got, `"ip":"192.168.1.4","port":80,"reachable":true`) {
			t.Errorf("a private asker: %q", got)
		}
		if got := n.ask(proxy, probeHost, "/port/80", "X-Forwarded-For: 11.22.33.99, 11.22.33.5"); !strings.Contains(got, `"ip":"11.22.33.5","port":80,"reachable":true`) {
			t.Errorf("by way of the proxy: %q", got)
		}
		for _, claim := range []string{"X-Forwarded-For: 127.0.0.1", "X-Forwarded-For: 11.22.33.9", "X-Forwarded-For: nobody", "X: y"} {
			if got := n.ask(proxy, probeHost, "/port/80", claim); !strings.Contains(got, "this machine itself") {
				t.Errorf("%s: %q", claim, got)
			}
		}
	})
}

// TestProbeServerPace: one asker gets a few looks at a few ports, and as many again later.
func TestProbeServerPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t, reach.ProbeServer{})
		asker, other := n.host("11.22.33.4"), n.host("11.22.33.5")
		count := func(ports, pause int, want string) (looks int) {
			for i := range 100 { // the last of them are cut off without a word, if they come at once
				got := n.ask(asker, probeHost, fmt.Sprintf("/port/%d", 1000+i%ports))
				if strings.HasPrefix(got, "HTTP/1.1 200") {
					looks++
				} else if got != "" && !(strings.HasPrefix(got, "HTTP/1.1 429") && strings.Contains(got, want)) {
					t.Fatalf("refused with %q", got)
				}
				time.Sleep(time.Duration(pause) * time.Second)
			}
			return looks
		}
		if looks := count(1, 0, "30 a minute"); looks != 10 {
			t.Errorf("%d looks at once", looks)
		}
		if got := n.ask(other, probeHost, "/port/1000"); !strings.Contains(got, "reachable") {
			t.Errorf("another asker meanwhile: %q", got)
		}
		time.Sleep(15 * time.Minute)
		if looks := count(100, 3, "16 in ten minutes"); looks != 16 {
			t.Errorf("%d ports in five minutes", looks)
		}
		time.Sleep(15 * time.Minute)
		if looks := count(16, 3, ""); looks != 100 {
			t.Errorf("%d looks in five minutes", looks)
		}
		told, untold := 0, 0
		for _, l := range n.looked {
			if l.From == addr("11.22.33.4") {
				told++
				untold += l.Suppressed
			}
		}
		if told > 60 || told+untold < 200 {
			t.Errorf("told %d, and of %d more", told, untold)
		}
	})
}

// TestProbeServerFlood: who connects ten thousand times a second is cut off, and others are served.
func TestProbeServerFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t, reach.ProbeServer{})
		flooder, other := n.host("11.22.33.4"), n.host("11.22.33.5")
		w := &world{t: t}
		w.listen(other, ":80")
		answered := 0
		for i := range 30000 {
			conn, err := flooder.Dial(t.Context(), "tcp4", probeHost+":9543")
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "GET /port/%d HTTP/1.1\r\nHost: x\r\n\r\n", 1+i)
			conn.SetReadDeadline(time.Now().Add(time.Millisecond))
			if read, _ := io.ReadAll(conn); len(read) > 0 {
				answered++
			}
			conn.Close()
			time.Sleep(100 * time.Microsecond)
			if i%5000 == 4999 {
				if got := n.ask(other, probeHost, "/port/80"); !strings.Contains(got, `"reachable":true`) {
					t.Errorf("after %d: %q", i, got)
				}
			}
		}
		if answered > 200 || len(n.looked) > 40 {
			t.Errorf("%d questions were answered, %d lines told", answered, len(n.looked))
		}
	})
}

// TestProbeServerSlow: those who connect and say nothing keep nobody out.
func TestProbeServerSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t, reach.ProbeServer{})
		for i := range 40 {
			h := n.host(fmt.Sprintf("11.22.34.%d", i+1))
			h.SetGateway(addr(probeHost))
			for range 10 {
				if conn, err := h.Dial(t.Context(), "tcp4", probeHost+":9543"); err == nil {
					defer conn.Close()
				}
			}
		}
		asker := n.host("11.22.33.4")
		if got := n.ask(asker, probeHost, "/port/80"); !strings.Contains(got, "reachable") {
			t.Errorf("beside 40 silent ones: %q", got)
		}
	})
}

// TestProbeServerAndServer: the two halves meet.
func TestProbeServerAndServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newInternet(t, reach.ProbeServer{})
		asker := n.host("11.22.33.4")
		s, err := reach.Listen(t.Context(), reach.ServerConfig{Network: asker})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		nonce, _ := s.Nonce()
		p, err := reach.ParseProbe("http://" + probeHost + ":9543")
		if err != nil {
			t.Fatal(err)
		}
		p.Dial = asker.Dial
		reply, err := p.Ask(t.Context(), reach.Question{Protocol: key.Protocol, Port: key.ExternalPort, Nonce: nonce})
		if err != nil || !reply.Reachable || len(reply.Token) != 32 || reply.Addr != addr("11.22.33.4") || reply.Probe != addr(probeHost) {
			t.Errorf("%+v, %v", reply, err)
		}
		if visits := s.Visits(); len(visits) != 1 || !visits[0].Knew || visits[0].From != addr(probeHost) {
			t.Errorf("visits: %v", visits)
		}
	})
}

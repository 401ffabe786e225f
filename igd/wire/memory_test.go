package wire_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd/wire"
	"upnp/ssdp"
)

var group4 = ssdp.GroupIPv4()

func anyPort(a netip.Addr) netip.AddrPort { return netip.AddrPortFrom(a, 0) }

// open is a packet socket of h that ends with the test.
func open(t *testing.T, h *wire.Host, link string, group netip.AddrPort) ssdp.PacketConn {
	t.Helper()
	c, err := h.ListenPacket(t.Context(), h.Link(link).Interface(), group)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// drain reads what is there, and what comes within d.
func drain(t *testing.T, c ssdp.PacketConn, d time.Duration) (got []string) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(d))
	for {
		b := make([]byte, 100)
		n, from, err := c.ReadFrom(b)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, from.Addr().String()+" "+string(b[:n]))
	}
}

func TestDatagrams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem, pc, router := home()
		other := mem.Host("other", prefix("192.168.1.8/24"))
		far := mem.Host("far", prefix("192.168.1.9/24"))
		guest := far.Attach(mem.LAN("guest"), prefix("192.168.7.9/24"))
		search := open(t, pc, "eth0", anyPort(group4.Addr()))
		heard := map[string]ssdp.PacketConn{
			"router": open(t, router, "eth0", group4), "other": open(t, other, "eth0", group4),
			"itself": open(t, pc, "eth0", group4), "same port": open(t, pc, "eth0", group4),
		}
		unheard := map[string]ssdp.PacketConn{
			"other LAN":   open(t, far, guest.Interface().Name, group4),
			"loopback":    open(t, router, "lo", group4),
			"other group": open(t, router, "eth0", netip.MustParseAddrPort("239.255.255.246:1900")),
			"other port":  open(t, router, "eth0", netip.MustParseAddrPort("239.255.255.250:1901")),
			"unicast":     open(t, router, "eth0", netip.MustParseAddrPort("192.168.1.1:1900")),
		}
		if err := search.WriteTo([]byte("hi"), group4); err != nil {
			t.Fatal(err)
		}
		for name, c := range heard {
			if got := drain(t, c, 0+time.Nanosecond); !slices.Equal(got, []string{"192.168.1.7 hi"}) {
				t.Errorf("%s heard %v", name, got)
			}
		}
		for name, c := range unheard {
			if got := drain(t, c, time.Second); got != nil {
				t.Errorf("%s heard %v", name, got)
			}
		}
		// The answer goes to where the search came from, and a unicast search to the address alone.
		heard["router"].WriteTo([]byte("re"), search.LocalAddr())
		search.WriteTo([]byte("you"), netip.MustParseAddrPort("192.168.1.1:1900"))
		if got := drain(t, search, time.Second); !slices.Equal(got, []string{"192.168.1.1 re"}) {
			t.Errorf("answer %v", got)
		}
		if got := drain(t, unheard["unicast"], time.Second); !slices.Equal(got, []string{"192.168.1.7 you"}) {
			t.Errorf("unicast %v", got)
		}
		if got := drain(t, heard["router"], time.Second); got != nil {
			t.Errorf("group socket heard the unicast: %v", got)
		}
	})
}

func TestDatagramsIPv6(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, pc, router := home()
		group := ssdp.GroupIPv6LinkLocal()
		search, server := open(t, pc, "eth0", anyPort(group.Addr())), open(t, router, "eth0", group)
		search.WriteTo([]byte("hi"), group)
		if got := drain(t, server, time.Second); !slices.Equal(got, []string{"fe80::7%eth0 hi"}) {
			t.Errorf("heard %v", got)
		}
		if got := search.LocalAddr().Addr().String(); got != "fe80::7%eth0" {
			t.Errorf("local address %v", got)
		}
		server.WriteTo([]byte("re"), search.LocalAddr())
		if got := drain(t, search, time.Second); !slices.Equal(got, []string{"fe80::1%eth0 re"}) {
			t.Errorf("answer %v", got)
		}
	})
}

func TestDatagramErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, pc, _ := home()
		c := open(t, pc, "eth0", anyPort(group4.Addr()))
		b := make([]byte, 10)
		if err := c.WriteTo(make([]byte, 70000), group4); !errors.Is(err, syscall.EMSGSIZE) {
			t.Errorf("too long: %v", err)
		}
		pc.Link("eth0").SetUp(false)
		if err := c.WriteTo(b, group4); !errors.Is(err, syscall.ENETUNREACH) {
			t.Errorf("down: %v", err)
		}
		time.AfterFunc(time.Second, func() { c.Close() })
		if _, _, err := c.ReadFrom(b); !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed while reading: %v", err)
		}
		if err := c.WriteTo(b, group4); !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
		if _, err := pc.ListenPacket(t.Context(), ssdp.Interface{Name: "wlan0"}, group4); err == nil {
			t.Error("no such interface, no error")
		}
		if _, err := pc.ListenPacket(t.Context(), pc.Link("eth0").Interface(), netip.MustParseAddrPort("192.168.1.1:9")); !errors.Is(err, syscall.EADDRNOTAVAIL) {
			t.Errorf("foreign address: %v", err)
		}
	})
}

func TestConditions(t *testing.T) {
	const packets = 200
	run := func(t *testing.T, c wire.Conditions) (got []string, last time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			mem, pc, router := home()
			mem.LAN("").SetConditions(c)
			server, search := open(t, router, "eth0", group4), open(t, pc, "eth0", anyPort(group4.Addr()))
			for i := range packets {
				search.WriteTo([]byte{byte(i)}, group4)
			}
			start := time.Now()
			b := make([]byte, 10)
			server.SetReadDeadline(start.Add(time.Second))
			for {
				n, _, err := server.ReadFrom(b)
				if err != nil {
					return
				}
				got, last = append(got, string(b[:n])), time.Since(start)
			}
		})
		return got, last
	}
	perfect, last := run(t, wire.Conditions{})
	if len(perfect) != packets || last != 0 {
		t.Errorf("perfect: %d after %v", len(perfect), last)
	}
	if got, _ := run(t, wire.Conditions{Cut: true}); got != nil {
		t.Errorf("cut: %d", len(got))
	}
	lossy, _ := run(t, wire.Conditions{Loss: 0.3, Seed: 1})
	if n := len(lossy); n < packets/2 || n > packets*9/10 {
		t.Errorf("loss: %d", n)
	}
	if again, _ := run(t, wire.Conditions{Loss: 0.3, Seed: 1}); !slices.Equal(lossy, again) {
		t.Error("the same seed fares otherwise")
	}
	if other, _ := run(t, wire.Conditions{Loss: 0.3, Seed: 2}); slices.Equal(lossy, other) {
		t.Error("another seed fares the same")
	}
	if got, _ := run(t, wire.Conditions{Duplicate: 0.2}); len(got) < packets*11/10 {
		t.Errorf("duplicates: %d", len(got))
	}
	late, last := run(t, wire.Conditions{Delay: 50 * time.Millisecond, Jitter: 20 * time.Millisecond})
	if len(late) != packets || last < 60*time.Millisecond || last > 70*time.Millisecond || slices.Equal(late, perfect) {
		t.Errorf("delay and jitter: %d, last after %v", len(late), last)
	}
}

// connected is both ends of a connection from the first host to the second.
func connected(t *testing.T, from, to *wire.Host) (a, b net.Conn) {
	t.Helper()
	l, err := to.Listen(t.Context(), "tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if a, err = from.Dial(t.Context(), "tcp", "192.168.1.1:"+port); err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func TestConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem, pc, router := home()
		mem.LAN("").SetConditions(wire.Conditions{Delay: 10 * time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.2})
		a, b := connected(t, pc, router)
		if a.LocalAddr().String() != b.RemoteAddr().String() || a.RemoteAddr().String() != b.LocalAddr().String() {
			t.Errorf("%v–%v is not %v–%v", a.LocalAddr(), a.RemoteAddr(), b.RemoteAddr(), b.LocalAddr())
		}
		data := bytes.Repeat([]byte("0123456789"), 100_000)
		go func() {
			a.Write(data)
			a.Close()
		}()
		got, err := io.ReadAll(b)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if _, err := b.Write(data); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("write to nobody: %v", err)
		}
	})
}

func TestConnectionEnds(t *testing.T) {
	read := func(c net.Conn) error {
		_, err := io.ReadAll(c)
		return err
	}
	write := func(c net.Conn) error {
		_, err := c.Write(make([]byte, 1<<20)) // more than fits
		return err
	}
	tests := []struct {
		name  string
		world func(mem *wire.Memory, router *wire.Host, a, b net.Conn)
		op    func(net.Conn) error
		want  error
		took  time.Duration
	}{
		{"peer closes", func(_ *wire.Memory, _ *wire.Host, _, b net.Conn) { b.Close() }, read, nil, time.Second},
		{"peer closes with something unread", func(_ *wire.Memory, _ *wire.Host, a, b net.Conn) { a.Write([]byte("x")); b.Close() }, read, syscall.ECONNRESET, time.Second},
		{"peer resets", func(_ *wire.Memory, r *wire.Host, _, _ net.Conn) { r.ResetConnections() }, read, syscall.ECONNRESET, time.Second},
		{"peer resets, writing", func(_ *wire.Memory, r *wire.Host, _, _ net.Conn) { r.ResetConnections() }, write, syscall.EPIPE, time.Second},
		{"we close, reading", func(_ *wire.Memory, _ *wire.Host, a, _ net.Conn) { a.Close() }, read, net.ErrClosed, time.Second},
		{"we close, writing", func(_ *wire.Memory, _ *wire.Host, a, _ net.Conn) { a.Close() }, write, net.ErrClosed, time.Second},
		{"deadline, reading", func(_ *wire.Memory, _ *wire.Host, a, _ net.Conn) { a.SetDeadline(time.Now().Add(time.Second)) }, read, os.ErrDeadlineExceeded, 2 * time.Second},
		{"deadline, writing", func(_ *wire.Memory, _ *wire.Host, a, _ net.Conn) { a.SetDeadline(time.Now()) }, write, os.ErrDeadlineExceeded, time.Second},
		{"half-open", func(m *wire.Memory, _ *wire.Host, a, b net.Conn) {
			m.LAN("").SetConditions(wire.Conditions{Cut: true})
			b.Close()
			a.SetDeadline(time.Now().Add(time.Minute))
		}, read, os.ErrDeadlineExceeded, 61 * time.Second},
		{"cut that heals", func(m *wire.Memory, _ *wire.Host, a, b net.Conn) {
			m.LAN("").SetConditions(wire.Conditions{Cut: true})
			b.Close()
			time.Sleep(time.Minute)
			m.LAN("").SetConditions(wire.Conditions{})
		}, read, nil, 61 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mem, pc, router := home()
				a, b := connected(t, pc, router)
				start := time.Now()
				time.AfterFunc(time.Second, func() { tt.world(mem, router, a, b) })
				if err := tt.op(a); !errors.Is(err, tt.want) || time.Since(start) != tt.took {
					t.Errorf("after %v: %v, want %v", time.Since(start), err, tt.want)
				}
				synctest.Wait()
			})
		})
	}
}

func TestDial(t *testing.T) {
	only := func(allowed string) func(context.Context) context.Context {
		return func(ctx context.Context) context.Context {
			return wire.WithAllowed(ctx, func(a netip.Addr) bool { return a.String() == allowed })
		}
	}
	from := func(addr string) func(context.Context) context.Context {
		return func(ctx context.Context) context.Context { return wire.WithLocalAddr(ctx, netip.MustParseAddr(addr)) }
	}
	tests := []struct {
		name  string
		addr  string
		ctx   func(context.Context) context.Context
		want  error
		local string
	}{
		{"neighbour", "192.168.1.1:80", nil, nil, "192.168.1.7"},
		{"mapped spelling", "[::ffff:192.168.1.1]:80", only("192.168.1.1"), nil, "192.168.1.7"},
		{"second LAN", "10.1.0.1:80", nil, nil, "10.1.0.7"},
		{"same address on both LANs, first", "172.16.0.1:80", from("172.16.0.7"), nil, "172.16.0.7"},
		{"same address on both LANs, second", "172.16.0.1:80", from("172.16.0.8"), nil, "172.16.0.8"},
		{"behind the gateway", "203.0.113.9:80", nil, nil, "192.168.1.7"},
		{"link-local", "[fe80::1%eth0]:80", nil, nil, "fe80::7%eth0"},
		{"link-local without zone", "[fe80::1]:80", nil, syscall.EINVAL, ""},
		{"itself", "192.168.1.7:81", nil, nil, "192.168.1.7"},
		{"loopback", "127.0.0.1:81", nil, nil, "127.0.0.1"},
		{"loopback 6", "[::1]:81", nil, nil, "::1"},
		{"only some address listens", "127.0.0.1:82", nil, syscall.ECONNREFUSED, ""},
		{"foreign source", "192.168.1.1:80", from("192.168.1.9"), syscall.ENETUNREACH, ""},
		{"not allowed", "192.168.1.1:80", only("192.168.1.2"), wire.ErrNotAllowed, ""},
		{"unspecified", "0.0.0.0:81", nil, wire.ErrNotAllowed, ""},
		{"name", "router:80", nil, wire.ErrNotLiteral, ""},
		{"no port", "192.168.1.1:0", nil, wire.ErrNotLiteral, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mem, pc, router := home()
				pc.Attach(mem.LAN("vpn"), prefix("10.1.0.7/16"), prefix("172.16.0.8/24"))
				pc.Link("eth0").SetPrefixes(prefix("192.168.1.7/24"), prefix("172.16.0.7/24"), prefix("fe80::7/64"))
				router.Link("eth0").SetPrefixes(prefix("192.168.1.1/24"), prefix("172.16.0.1/24"), prefix("fe80::1/64"))
				router.Attach(mem.LAN("wan"), prefix("203.0.113.9/24"))
				vpn := mem.Host("vpn")
				vpn.Attach(mem.LAN("vpn"), prefix("10.1.0.1/16"), prefix("172.16.0.1/24"))
				for _, stop := range []func(){
					serve(t, router, ":80", hello), serve(t, vpn, ":80", hello), serve(t, pc, ":81", hello), serve(t, pc, "192.168.1.7:82", hello),
				} {
					defer stop()
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if tt.ctx != nil {
					ctx = tt.ctx(ctx)
				}
				c, err := pc.Dial(ctx, "tcp", tt.addr)
				if !errors.Is(err, tt.want) {
					t.Fatalf("error %v, want %v", err, tt.want)
				}
				if err != nil {
					return
				}
				defer c.Close()
				if got := c.LocalAddr().(*net.TCPAddr).AddrPort().Addr().String(); got != tt.local {
					t.Errorf("from %v, want %v", got, tt.local)
				}
				if got, err := io.ReadAll(c); err != nil || string(got) != "hello" {
					t.Errorf("read %q, %v", got, err)
				}
			})
		})
	}
}

func hello(c net.Conn) { io.WriteString(c, "hello") }

// A router with a short queue drops what does not fit, and the dialler comes back a second later.
func TestBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, pc, router := home()
		router.SetBacklog(2)
		l, err := router.Listen(t.Context(), "tcp", "192.168.1.1:5000")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		start := time.Now()
		for range 2 {
			c, err := pc.Dial(t.Context(), "tcp", "192.168.1.1:5000")
			if err != nil || time.Since(start) != 0 {
				t.Fatal(err, time.Since(start))
			}
			defer c.Close()
		}
		time.AfterFunc(10*time.Millisecond, func() { l.Accept() })
		c, err := pc.Dial(t.Context(), "tcp", "192.168.1.1:5000")
		if err != nil || time.Since(start) != time.Second {
			t.Fatal(err, time.Since(start))
		}
		c.Close()
	})
}

func TestListen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, pc, router := home()
		listen := func(addr string) net.Listener {
			l, err := router.Listen(t.Context(), "tcp", addr)
			if err != nil {
				t.Fatal(addr, err)
			}
			return l
		}
		a, b := listen("192.168.1.1:0"), listen("192.168.1.1:0")
		if a.Addr().String() == b.Addr().String() {
			t.Errorf("twice %v", a.Addr())
		}
		for addr, want := range map[string]error{a.Addr().String(): syscall.EADDRINUSE, "192.168.1.7:0": syscall.EADDRNOTAVAIL} {
			if _, err := router.Listen(t.Context(), "tcp", addr); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", addr, err, want)
			}
		}
		c, err := pc.Dial(t.Context(), "tcp", a.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		a.Close()
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("nobody accepted: %v", err)
		}
		c.Close()
		if _, err := pc.Dial(t.Context(), "tcp", a.Addr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("after Close: %v", err)
		}
		time.AfterFunc(time.Second, func() { b.Close() })
		if _, err := b.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept: %v", err)
		}
		listen(a.Addr().String()).Close()
	})
}

// A host that has got another address keeps its old connections, dead.
func TestRoaming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, pc, router := home()
		a, b := connected(t, pc, router)
		pc.Link("eth0").SetPrefixes(prefix("192.168.1.70/24"))
		b.Write([]byte("x"))
		a.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		c, _ := connected(t, pc, router)
		if got := c.LocalAddr().String(); !strings.HasPrefix(got, "192.168.1.70:") {
			t.Errorf("new connection from %v", got)
		}
	})
}

func TestInterfaces(t *testing.T) {
	_, pc, _ := home()
	list, err := pc.Interfaces()
	if err != nil || len(list) != 2 {
		t.Fatal(list, err)
	}
	if ok, _ := list[0].Usable(); ok || list[0].Name != "lo" {
		t.Errorf("first is %+v", list[0])
	}
	if ok, why := list[1].Usable(); !ok || !list[1].OnLink(netip.MustParseAddr("192.168.1.99")) || len(list[1].Gateways) != 1 {
		t.Errorf("second is %+v: %s", list[1], why)
	}
	pc.Link("eth0").SetUp(false)
	if ok, _ := pc.Link("eth0").Interface().Usable(); ok {
		t.Error("usable while down")
	}
}

package ssdp_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"upnp/ssdp"
)

// loopback is the interface nothing leaves the machine by.
func loopback(t testing.TB) ssdp.Interface {
	all, err := ssdp.SystemInterfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, ifi := range all {
		if ifi.Flags&net.FlagLoopback != 0 && ifi.Flags&net.FlagUp != 0 && len(ifi.Prefixes) > 0 {
			return ifi
		}
	}
	t.Skip("no loopback interface is up")
	return ssdp.Interface{}
}

// serveOn runs a server on the system's sockets until the test ends.
func serveOn(t testing.TB, ifi ssdp.Interface) {
	ctx, stop := context.WithCancel(context.Background())
	s := server()
	s.Names, s.MaxDelay = []string{ifi.Name}, time.Nanosecond
	var task sync.WaitGroup
	task.Go(func() {
		if err := s.Serve(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { stop(); task.Wait() })
}

func TestSystemSocketsOnLoopback(t *testing.T) {
	ifi := loopback(t)
	serveOn(t, ifi)
	c := ssdp.Client{Names: []string{ifi.Name}}
	for p, err := range c.Search(t.Context(), igd1) {
		if err != nil {
			t.Log(err) // IPv6 may not be there
			continue
		}
		if p.USN().UDN == rootUDN && p.Interface.Name == ifi.Name && p.From.Addr().IsLoopback() {
			return
		}
	}
	t.Error("the server was not found")
}

func TestSystemSocketsHearTheGroups(t *testing.T) {
	ifi := loopback(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c := ssdp.Client{Names: []string{ifi.Name}}
	served := false
	for p, err := range c.Monitor(onceListening(ctx, &c, func() {
		if !served {
			served = true
			serveOn(t, ifi)
		}
	})) {
		if err != nil {
			t.Log(err)
			continue
		}
		if p.NTS() == ssdp.Alive && strings.HasPrefix(p.Location(), "http://127.") {
			return
		}
	}
	t.Error("no announcement was heard")
}

// onceListening calls ready when c has opened its first socket.
func onceListening(ctx context.Context, c *ssdp.Client, ready func()) context.Context {
	c.Listen = func(ctx context.Context, ifi ssdp.Interface, group netip.AddrPort) (ssdp.PacketConn, error) {
		conn, err := ssdp.ListenMulticast(ctx, ifi, group)
		if err == nil {
			ready()
		}
		return conn, err
	}
	return ctx
}

func BenchmarkSearchOnLoopback(b *testing.B) {
	ifi := loopback(b)
	serveOn(b, ifi)
	c := ssdp.Client{Names: []string{ifi.Name}}
	group := []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1900")}
	find := func(waves []ssdp.Wave) {
		for p := range c.SearchWaves(b.Context(), waves) {
			if p != nil {
				return
			}
		}
		b.Fatal("no answer")
	}
	find(ssdp.DefaultWaves(rootUDN)) // until the server is up
	for b.Loop() {
		find([]ssdp.Wave{{Targets: []ssdp.Target{rootUDN}, Unicast: group}})
	}
}

func BenchmarkSystemInterfaces(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ssdp.SystemInterfaces(); err != nil {
			b.Fatal(err)
		}
	}
}

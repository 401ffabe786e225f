package ssdp_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd/wire"
	"upnp/ssdp"
)

const (
	rootUDN = "uuid:root"
	igd1    = ssdp.Target("urn:schemas-upnp-org:device:InternetGatewayDevice:1")
	igd2    = ssdp.Target("urn:schemas-upnp-org:device:InternetGatewayDevice:2")
	wanIP1  = ssdp.Target("urn:schemas-upnp-org:service:WANIPConnection:1")
)

// server is a small gateway: root, one embedded device, one service.
func server() *ssdp.Server {
	const wan = "urn:schemas-upnp-org:device:WANConnectionDevice:2"
	const ip = "urn:schemas-upnp-org:service:WANIPConnection:2"
	return &ssdp.Server{
		Targets: []ssdp.Advertisement{
			{NT: ssdp.RootDevice, USN: rootUDN + "::upnp:rootdevice"},
			{NT: rootUDN, USN: rootUDN},
			{NT: igd2, USN: rootUDN + "::" + string(igd2)},
			{NT: "uuid:wan", USN: "uuid:wan"},
			{NT: wan, USN: "uuid:wan::" + wan},
			{NT: ip, USN: "uuid:wan::" + ip},
		},
		Location: func(_ ssdp.Interface, local netip.Addr) string {
			return fmt.Sprintf("http://%s/root.xml", netip.AddrPortFrom(local, 5000))
		},
		Product:  "test/1 UPnP/1.1 test/1",
		BootID:   7,
		ConfigID: 3,
	}
}

// A sockets counts what was opened and not closed, and keeps what was sent.
type sockets struct {
	host *wire.Host
	fail func(ifi ssdp.Interface, group netip.AddrPort) error // of listening
	deny func(to netip.AddrPort) error                        // of sending

	mu    sync.Mutex
	open  int
	start time.Time
	sent  []sending
}

type sending struct {
	after time.Duration
	from  netip.AddrPort
	to    netip.AddrPort
	*ssdp.Message
}

func (s *sockets) listen(ctx context.Context, ifi ssdp.Interface, group netip.AddrPort) (ssdp.PacketConn, error) {
	if s.fail != nil {
		if err := s.fail(ifi, group); err != nil {
			return nil, err
		}
	}
	conn, err := s.host.ListenPacket(ctx, ifi, group)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open++
	return &socket{conn, s}, nil
}

type socket struct {
	ssdp.PacketConn
	all *sockets
}

func (c *socket) WriteTo(b []byte, to netip.AddrPort) error {
	if c.all.deny != nil {
		if err := c.all.deny(to); err != nil {
			return err
		}
	}
	m, err := ssdp.Parse(b)
	if err == nil {
		c.all.mu.Lock()
		c.all.sent = append(c.all.sent, sending{time.Since(c.all.start), c.LocalAddr(), to, m})
		c.all.mu.Unlock()
	}
	return c.PacketConn.WriteTo(b, to)
}

func (c *socket) Close() error {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	c.all.open--
	return c.PacketConn.Close()
}

// A home is a LAN with a router and a client.
type home struct {
	lan            *wire.LAN
	router, client *wire.Host
	sockets        *sockets // of the client
	c              *ssdp.Client
}

func newHome() *home {
	m := wire.NewMemory()
	h := &home{
		lan:    m.LAN(""),
		router: m.Host("router", prefix("192.168.7.1/24"), prefix("fe80::1/64"), prefix("fd00::1/64")),
		client: m.Host("client", prefix("192.168.7.2/24"), prefix("fe80::2/64"), prefix("fd00::2/64")),
	}
	h.client.SetGateway(netip.MustParseAddr("192.168.7.1"))
	h.sockets = &sockets{host: h.client, start: time.Now()}
	h.c = &ssdp.Client{Listen: h.sockets.listen, Interfaces: h.client.Interfaces}
	return h
}

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// serve runs s on a host until the returned function is called.
func serve(t *testing.T, host *wire.Host, s *ssdp.Server) (stop func()) {
	t.Helper()
	if s.Listen == nil {
		s.Listen = host.ListenPacket
	}
	s.Interfaces = host.Interfaces
	ctx, cancel := context.WithCancel(t.Context())
	var task sync.WaitGroup
	task.Go(func() {
		if err := s.Serve(ctx); err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()
	return func() { cancel(); task.Wait() }
}

// speaker is a bare socket on a host's eth0.
func speaker(t *testing.T, host *wire.Host, at netip.AddrPort) ssdp.PacketConn {
	t.Helper()
	conn, err := host.ListenPacket(t.Context(), host.Link("eth0").Interface(), at)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func anyPort() netip.AddrPort { return netip.AddrPortFrom(ssdp.GroupIPv4().Addr(), 0) }

func datagram(t *testing.T, m *ssdp.Message) []byte {
	t.Helper()
	data, err := m.AppendText(nil)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func answer(usn, location string) *ssdp.Message {
	return &ssdp.Message{Status: 200, Header: ssdp.Header{{"EXT", ""}, {"LOCATION", location}, {"ST", "x"}, {"USN", usn}}}
}

func search(st ssdp.Target, mx string) *ssdp.Message {
	m := &ssdp.Message{Method: ssdp.MethodSearch, Header: ssdp.Header{{"HOST", "239.255.255.250:1900"}, {"MAN", `"ssdp:discover"`}}}
	if mx != "" {
		m.Header.Add("MX", mx)
	}
	m.Header.Add("ST", string(st))
	return m
}

// heard is what conn gets within d.
func heard(t *testing.T, conn ssdp.PacketConn, d time.Duration) []*ssdp.Message {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(d))
	buf := make([]byte, ssdp.MaxDatagram)
	var list []*ssdp.Message
	for {
		n, _, err := conn.ReadFrom(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		m, err := ssdp.Parse(buf[:n])
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, m)
	}
}

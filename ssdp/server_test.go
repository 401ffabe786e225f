package ssdp_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd/wire"
	"upnp/ssdp"
)

func TestServerAnswers(t *testing.T) {
	const wan = "urn:schemas-upnp-org:device:WANConnectionDevice"
	rows := []struct {
		name string
		st   ssdp.Target
		want []string // ST and USN
	}{
		{"everything", ssdp.All, []string{
			"upnp:rootdevice uuid:root::upnp:rootdevice", "uuid:root uuid:root", string(igd2) + " uuid:root::" + string(igd2),
			"uuid:wan uuid:wan", wan + ":2 uuid:wan::" + wan + ":2",
			"urn:schemas-upnp-org:service:WANIPConnection:2 uuid:wan::urn:schemas-upnp-org:service:WANIPConnection:2"}},
		{"root device", ssdp.RootDevice, []string{"upnp:rootdevice uuid:root::upnp:rootdevice"}},
		{"uuid", "uuid:wan", []string{"uuid:wan uuid:wan"}},
		{"uuid in capitals", "UUID:WAN", []string{"UUID:WAN uuid:wan"}},
		{"unknown uuid", "uuid:else", nil},
		{"own version", igd2, []string{string(igd2) + " uuid:root::" + string(igd2)}},
		{"lower version is echoed", igd1, []string{string(igd1) + " uuid:root::" + string(igd1)}},
		{"higher version", wan + ":3", nil},
		{"other type", "urn:schemas-upnp-org:device:MediaServer:1", nil},
		{"other domain", "urn:example-com:device:WANConnectionDevice:1", nil},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHome()
				defer serve(t, h.router, server())()
				conn := speaker(t, h.client, anyPort())
				conn.WriteTo(datagram(t, search(r.st, "1")), ssdp.GroupIPv4())
				var got []string
				for _, m := range heard(t, conn, 2*time.Second) {
					got = append(got, string(m.Target())+" "+m.USN().String())
				}
				slices.Sort(got)
				slices.Sort(r.want)
				if !slices.Equal(got, r.want) {
					t.Errorf("got %q, want %q", got, r.want)
				}
			})
		})
	}
}

// UDA 1.1, 1.3.3, byte for byte.
func TestServerAnswerText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome()
		defer serve(t, h.router, server())()
		for _, r := range []struct {
			to   netip.AddrPort
			want string
		}{
			{ssdp.GroupIPv4(), "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nDATE: Sat, 01 Jan 2000 00:00:00 GMT\r\nEXT:\r\n" +
				"LOCATION: http://192.168.7.1:5000/root.xml\r\nSERVER: test/1 UPnP/1.1 test/1\r\nST: upnp:rootdevice\r\n" +
				"USN: uuid:root::upnp:rootdevice\r\nBOOTID.UPNP.ORG: 7\r\nCONFIGID.UPNP.ORG: 3\r\n\r\n"},
			{ssdp.GroupIPv6LinkLocal(), "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nDATE: Sat, 01 Jan 2000 00:00:01 GMT\r\nEXT:\r\n" +
				"LOCATION: http://[fe80::1]:5000/root.xml\r\nSERVER: test/1 UPnP/1.1 test/1\r\nST: upnp:rootdevice\r\n" +
				"USN: uuid:root::upnp:rootdevice\r\nOPT: \"http://schemas.upnp.org/upnp/1/0/\"; ns=01\r\n01-NLS: 7\r\n" +
				"BOOTID.UPNP.ORG: 7\r\nCONFIGID.UPNP.ORG: 3\r\n\r\n"},
		} {
			conn := speaker(t, h.client, netip.AddrPortFrom(r.to.Addr(), 0))
			conn.WriteTo(datagram(t, search(ssdp.RootDevice, "1")), r.to)
			buf := make([]byte, ssdp.MaxDatagram)
			conn.SetReadDeadline(time.Now().Add(time.Second))
			if n, _, err := conn.ReadFrom(buf); err != nil || string(buf[:n]) != r.want {
				t.Errorf("to %v: %v\n%q, want\n%q", r.to, err, buf[:n], r.want)
			}
			time.Sleep(time.Until(time.Date(2000, 1, 1, 0, 0, 1, 0, time.UTC)))
		}
	})
}

func TestServerDelays(t *testing.T) {
	unicast := netip.MustParseAddrPort("192.168.7.1:1900")
	rows := []struct {
		name    string
		to      netip.AddrPort
		mx      string
		longest time.Duration
		answers bool
	}{
		{"multicast", ssdp.GroupIPv4(), "3", 3 * time.Second, true},
		{"MX far over 5", ssdp.GroupIPv4(), "120", 5 * time.Second, true},
		{"MX 0 is 1", ssdp.GroupIPv4(), "0", time.Second, true},
		{"no MX", ssdp.GroupIPv4(), "", 0, false},
		{"MX of letters", ssdp.GroupIPv4(), "soon", 0, false},
		{"negative MX", ssdp.GroupIPv4(), "-1", 0, false},
		{"unicast", unicast, "", time.Nanosecond, true},
		{"unicast with MX", unicast, "3", time.Nanosecond, true},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHome()
				defer serve(t, h.router, server())()
				conn := speaker(t, h.client, anyPort())
				conn.WriteTo(datagram(t, search(igd1, r.mx)), r.to)
				synctest.Wait()
				if got := heard(t, conn, r.longest); (len(got) == 1) != r.answers {
					t.Errorf("%d answers within %v", len(got), r.longest)
				}
				if late := heard(t, conn, 10*time.Second); len(late) > 0 {
					t.Errorf("%d answers after %v", len(late), r.longest)
				}
			})
		})
	}
}

// The answers to a crowd of searches come all over the time MX gives.
func TestServerSpreadsAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome()
		defer serve(t, h.router, server())()
		conn := speaker(t, h.client, anyPort())
		var halves [2]int
		for range 40 {
			conn.WriteTo(datagram(t, search(igd1, "2")), ssdp.GroupIPv4())
			halves[0] += len(heard(t, conn, time.Second))
			halves[1] += len(heard(t, conn, 9*time.Second))
		}
		if halves[0] < 5 || halves[1] < 5 || halves[0]+halves[1] != 40 {
			t.Errorf("%d answers in the first half of MX, %d in the second", halves[0], halves[1])
		}
	})
}

func TestServerIgnores(t *testing.T) {
	search := func(change func(*ssdp.Message)) *ssdp.Message {
		m := search(igd1, "1")
		change(m)
		return m
	}
	rows := []struct {
		name string
		m    *ssdp.Message
	}{
		{"no MAN", search(func(m *ssdp.Message) { m.Header.Del("MAN") })},
		{"other MAN", search(func(m *ssdp.Message) { m.Header.Set("MAN", `"ssdp:update"`) })},
		{"no ST", search(func(m *ssdp.Message) { m.Header.Del("ST") })},
		{"NOTIFY", search(func(m *ssdp.Message) { m.Method = ssdp.MethodNotify })},
		{"other method", search(func(m *ssdp.Message) { m.Method = "GET" })},
		{"response", search(func(m *ssdp.Message) { m.Method, m.Status = "", 200 })},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHome()
				defer serve(t, h.router, server())()
				conn := speaker(t, h.client, anyPort())
				conn.WriteTo(datagram(t, r.m), ssdp.GroupIPv4())
				if got := heard(t, conn, 10*time.Second); len(got) > 0 {
					t.Errorf("answered %+v", got[0])
				}
			})
		})
	}
}

// A5: who gets not a byte.
func TestServerSources(t *testing.T) {
	rows := []struct {
		source   string
		also     []netip.Prefix
		answered bool
	}{
		{"192.168.7.99:50000", nil, true},
		{"192.168.7.99:1900", nil, true},
		{"192.168.7.99:1023", nil, false},
		{"192.168.7.99:0", nil, false},
		{"192.168.7.255:50000", nil, false},
		{"255.255.255.255:50000", nil, false},
		{"239.255.255.250:1900", nil, false},
		{"0.0.0.0:50000", nil, false},
		{"192.168.8.1:50000", nil, false},
		{"8.8.8.8:50000", nil, false},
		{"8.8.8.8:50000", []netip.Prefix{prefix("8.0.0.0/8")}, true},
	}
	for _, r := range rows {
		synctest.Test(t, func(t *testing.T) {
			h := newHome()
			conn := &spoofed{from: netip.MustParseAddrPort(r.source), data: datagram(t, search(ssdp.All, "1"))}
			s := server()
			s.AllowOffLink = r.also
			s.Listen = func(ctx context.Context, ifi ssdp.Interface, group netip.AddrPort) (ssdp.PacketConn, error) {
				c, err := h.router.ListenPacket(ctx, ifi, group)
				if group == ssdp.GroupIPv4() {
					return &once{PacketConn: c, spoofed: conn}, err
				}
				return &replies{c, conn}, err
			}
			stop := serve(t, h.router, s)
			time.Sleep(2 * time.Second)
			stop()
			if want := len(s.Targets); r.answered && conn.replies != want || !r.answered && conn.replies != 0 {
				t.Errorf("%s: %d answers", r.source, conn.replies)
			}
		})
	}
}

// A spoofed datagram, and how many answers its source was sent.
type spoofed struct {
	from    netip.AddrPort
	data    []byte
	replies int
}

// once delivers a spoofed datagram first.
type once struct {
	ssdp.PacketConn
	*spoofed
	done bool
}

func (o *once) ReadFrom(b []byte) (int, netip.AddrPort, error) {
	if o.done {
		return o.PacketConn.ReadFrom(b)
	}
	o.done = true
	return copy(b, o.data), o.from, nil
}

type replies struct {
	ssdp.PacketConn
	*spoofed
}

func (r *replies) WriteTo(b []byte, to netip.AddrPort) error {
	if to == r.from && strings.HasPrefix(string(b), "HTTP/1.1 200 OK") {
		r.replies++
		return nil
	}
	return r.PacketConn.WriteTo(b, to)
}

func TestServerRationsAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome()
		defer serve(t, h.router, server())()
		conn := speaker(t, h.client, anyPort())
		in, out, count := 0, 0, 0
		for range 10 {
			for range 1000 {
				data := datagram(t, search(ssdp.All, "1"))
				in += len(data)
				conn.WriteTo(data, ssdp.GroupIPv4())
				time.Sleep(100 * time.Microsecond)
			}
			for _, m := range heard(t, conn, 900*time.Millisecond) {
				out += len(datagram(t, m))
				count++
			}
		}
		// Three sets at once, then 10 each second.
		if most := 3*6 + 10*10; count > most || count < 50 {
			t.Errorf("%d answers in 10 s, want about %d", count, most)
		}
		if out > 4*in {
			t.Errorf("%d bytes out for %d in", out, in)
		}
	})
}

func TestServerAnnouncements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome()
		h.router.Link("eth0").SetPrefixes(prefix("192.168.7.1/24"))
		all := &sockets{host: h.router, start: time.Now()}
		s := server()
		s.Listen, s.MaxAge = all.listen, 100*time.Second
		stop := serve(t, h.router, s)
		time.Sleep(10 * time.Minute)
		stop()
		if all.open != 0 {
			t.Errorf("%d sockets open", all.open)
		}
		var sets []string
		var times []time.Duration
		for i, m := range all.sent {
			ad := s.Targets[i%len(s.Targets)]
			if m.Target() != ad.NT || m.USN().String() != ad.USN || m.to != ssdp.GroupIPv4() {
				t.Fatalf("number %d announces %q, %v", i, m.Target(), m.USN())
			}
			if i%len(s.Targets) == 0 {
				sets, times = append(sets, m.NTS()), append(times, m.after)
			}
		}
		if first := times[0]; first > 100*time.Millisecond {
			t.Errorf("begins after %v", first)
		}
		if begin, end := sets[:4], sets[len(sets)-2:]; !slices.Equal(begin, []string{ssdp.ByeBye, ssdp.Alive, ssdp.Alive, ssdp.Alive}) ||
			!slices.Equal(end, []string{ssdp.ByeBye, ssdp.ByeBye}) {
			t.Errorf("begins %v, ends %v", begin, end)
		}
		for i := 4; i < len(times)-2; i++ {
			if gap := times[i] - times[i-1]; sets[i] != ssdp.Alive || gap >= 50*time.Second || gap < 25*time.Second && gap != 200*time.Millisecond {
				t.Errorf("set %d is %s after %v", i, sets[i], gap)
			}
		}
	})
}

// UDA 1.1, 1.2.2 to 1.2.4, byte for byte.
func TestServerAnnouncementText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome()
		h.router.Link("eth0").SetPrefixes(prefix("192.168.7.1/24"))
		all := &sockets{host: h.router}
		s := server()
		s.Listen, s.Targets = all.listen, s.Targets[:1]
		all.fail = func(_ ssdp.Interface, at netip.AddrPort) error {
			if at.Port() == 1900 {
				return syscall.EADDRINUSE
			}
			return nil
		}
		stop := serve(t, h.router, s)
		time.Sleep(time.Second)
		if err := s.Update(t.Context(), 8, 3); err != nil {
			t.Error(err)
		}
		stop()
		port := all.sent[0].from.Port()
		want := map[string]string{
			ssdp.ByeBye: "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNT: upnp:rootdevice\r\nNTS: ssdp:byebye\r\n" +
				"USN: uuid:root::upnp:rootdevice\r\nBOOTID.UPNP.ORG: 7\r\nCONFIGID.UPNP.ORG: 3\r\n\r\n",
			ssdp.Alive: "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nCACHE-CONTROL: max-age=1800\r\n" +
				"LOCATION: http://192.168.7.1:5000/root.xml\r\nNT: upnp:rootdevice\r\nNTS: ssdp:alive\r\nSERVER: test/1 UPnP/1.1 test/1\r\n" +
				"USN: uuid:root::upnp:rootdevice\r\nBOOTID.UPNP.ORG: 7\r\nCONFIGID.UPNP.ORG: 3\r\n" +
				fmt.Sprintf("SEARCHPORT.UPNP.ORG: %d\r\n\r\n", port),
			ssdp.Update: "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nLOCATION: http://192.168.7.1:5000/root.xml\r\n" +
				"NT: upnp:rootdevice\r\nNTS: ssdp:update\r\nUSN: uuid:root::upnp:rootdevice\r\nBOOTID.UPNP.ORG: 7\r\n" +
				"CONFIGID.UPNP.ORG: 3\r\nNEXTBOOTID.UPNP.ORG: 8\r\n" + fmt.Sprintf("SEARCHPORT.UPNP.ORG: %d\r\n\r\n", port),
		}
		for _, m := range all.sent {
			if text, ok := want[m.NTS()]; ok && text != string(datagram(t, m.Message)) {
				t.Errorf("got\n%s, want\n%s", datagram(t, m.Message), text)
			}
			delete(want, m.NTS())
		}
		if len(want) > 0 {
			t.Errorf("missing: %v", want)
		}
	})
}

// With 1900 taken by someone who does not share, searches by unicast still get through.
func TestServerSearchPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome()
		s := server()
		s.Listen = func(ctx context.Context, ifi ssdp.Interface, group netip.AddrPort) (ssdp.PacketConn, error) {
			if group.Port() == 1900 && !group.Addr().IsMulticast() {
				return nil, syscall.EADDRINUSE
			}
			return h.router.ListenPacket(ctx, ifi, group)
		}
		defer serve(t, h.router, s)()
		conn := speaker(t, h.client, anyPort())
		conn.WriteTo(datagram(t, search(igd1, "1")), ssdp.GroupIPv4())
		answers := heard(t, conn, time.Second)
		if len(answers) != 1 {
			t.Fatalf("%d answers", len(answers))
		}
		port, ok := answers[0].SearchPort()
		if !ok || port < 49152 {
			t.Errorf("search port %d, %v", port, ok)
		}
		conn.WriteTo(datagram(t, search(igd1, "")), netip.AddrPortFrom(netip.MustParseAddr("192.168.7.1"), port))
		if n := len(heard(t, conn, time.Second)); n != 1 {
			t.Errorf("%d answers to a search at that port", n)
		}
	})
}

func TestServerAnswerHook(t *testing.T) {
	raw := []byte("HTTP/1.1 200 OK\r\nST: raw\x00\x00")
	rows := []struct {
		name string
		hook func(*ssdp.Packet, ssdp.Reply) []ssdp.Reply
		want []string // ST of what comes
		from time.Duration
	}{
		{"as is", func(_ *ssdp.Packet, r ssdp.Reply) []ssdp.Reply { return []ssdp.Reply{r} }, []string{string(igd1)}, 0},
		{"dropped", func(*ssdp.Packet, ssdp.Reply) []ssdp.Reply { return nil }, nil, 0},
		{"twice", func(_ *ssdp.Packet, r ssdp.Reply) []ssdp.Reply { return []ssdp.Reply{r, r} }, []string{string(igd1), string(igd1)}, 0},
		{"changed", func(p *ssdp.Packet, r ssdp.Reply) []ssdp.Reply {
			r.Message.Header.Set("ST", "for "+p.From.Addr().String())
			return []ssdp.Reply{r}
		}, []string{"for 192.168.7.2"}, 0},
		{"bytes", func(_ *ssdp.Packet, r ssdp.Reply) []ssdp.Reply { return []ssdp.Reply{{Raw: raw}} }, []string{"raw"}, 0},
		{"late", func(_ *ssdp.Packet, r ssdp.Reply) []ssdp.Reply {
			r.After += 4 * time.Second
			return []ssdp.Reply{r}
		}, []string{string(igd1)}, 4 * time.Second},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHome()
				s := server()
				s.Answer, s.MaxDelay = r.hook, time.Millisecond
				defer serve(t, h.router, s)()
				conn := speaker(t, h.client, anyPort())
				conn.WriteTo(datagram(t, search(igd1, "1")), ssdp.GroupIPv4())
				if r.from > 0 && len(heard(t, conn, r.from-time.Millisecond)) > 0 {
					t.Error("too early")
				}
				var got []string
				for _, m := range heard(t, conn, 10*time.Second) {
					got = append(got, string(m.Target()))
				}
				if !slices.Equal(got, r.want) {
					t.Errorf("got %q, want %q", got, r.want)
				}
			})
		})
	}
}

// Each interface is told its own address.
func TestServerOnTwoInterfaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := wire.NewMemory()
		router := m.Host("router", prefix("192.168.7.1/24"))
		router.Attach(m.LAN("guests"), prefix("10.0.0.1/8"))
		defer serve(t, router, server())()
		home := m.Host("client", prefix("192.168.7.2/24"))
		guest := m.Host("guest")
		guest.Attach(m.LAN("guests"), prefix("10.0.0.2/8"))
		for host, want := range map[*wire.Host]string{home: "http://192.168.7.1:5000/root.xml", guest: "http://10.0.0.1:5000/root.xml"} {
			c := ssdp.Client{Listen: host.ListenPacket, Interfaces: host.Interfaces}
			var got []string
			for p, err := range c.Search(t.Context(), igd1) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, p.Location())
			}
			if !slices.Equal(got, []string{want}) {
				t.Errorf("%s found %q, want %q", host.Name(), got, want)
			}
		}
	})
}

func TestServeFails(t *testing.T) {
	rows := []struct {
		name    string
		arrange func(*home, *ssdp.Server)
		want    error
	}{
		{"no socket", func(h *home, s *ssdp.Server) {
			s.Listen = func(context.Context, ssdp.Interface, netip.AddrPort) (ssdp.PacketConn, error) {
				return nil, syscall.EACCES
			}
		}, syscall.EACCES},
		{"no interface", func(h *home, s *ssdp.Server) { s.Names = []string{"wlan7"} }, nil},
		{"no location", func(h *home, s *ssdp.Server) {
			s.Location = func(ssdp.Interface, netip.Addr) string { return "" }
		}, nil},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			h, s := newHome(), server()
			s.Listen, s.Interfaces = h.router.ListenPacket, h.router.Interfaces
			r.arrange(h, s)
			if err := s.Serve(t.Context()); err == nil || r.want != nil && !errors.Is(err, r.want) {
				t.Errorf("got %v, want %v", err, r.want)
			}
		})
	}
}

func TestUpdateNeedsServe(t *testing.T) {
	if err := server().Update(t.Context(), 1, 1); err == nil {
		t.Error("no error")
	}
}

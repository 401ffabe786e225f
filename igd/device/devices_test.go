package device_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd/device"
	"upnp/igd/wire"
	"upnp/ssdp"
)

// A chronicle is what Devices yields, as lines: seconds since the start, kind, name, reason.
type chronicle struct {
	lines  []string
	last   *device.Device
	errors []error
}

// follow writes a chronicle of d, while events happen at their times.
func follow(t *testing.T, c *device.Client, d time.Duration, events map[time.Duration]func()) *chronicle {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	for after, happen := range events {
		time.AfterFunc(after, happen)
	}
	start, log := time.Now(), &chronicle{}
	for change, err := range c.Devices(ctx) {
		if err != nil {
			log.errors = append(log.errors, err)
			continue
		}
		log.last = change.Device
		line := fmt.Sprintf("%d %s %s %s", int(time.Since(start).Seconds()), change.Kind, change.Device.Root.Device.FriendlyName, change.Reason)
		log.lines = append(log.lines, strings.TrimSpace(line))
	}
	return log
}

func (c *chronicle) check(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(c.lines, want) {
		t.Errorf("told\n\t%s\nwant\n\t%s", strings.Join(c.lines, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// TestOneDevice: what answers over IPv4 and over two scopes of IPv6 is one device, reached over IPv4.
func TestOneDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, client, _ := world()
		newLamp(t, memory.Host("lamp", lampPrefixes...), "uuid:lamp", "Lamp", func(l *lamp) { l.ssdp.MaxDelay = 50 * time.Millisecond })
		n := 0
		for change, err := range client.Search(t.Context()) {
			if n++; err != nil || change.Kind != device.Found {
				t.Errorf("%+v, %v", change, err)
				continue
			}
			want := []string{"http://192.168.1.5:80/root.xml", "http://[fd00::5]:80/root.xml", "http://[fe80::5%25eth0]:80/root.xml"}
			if got := change.Device.Locations; !slices.Equal(got, want) || change.Device.Root.Location != want[0] {
				t.Errorf("at %q, described at %s", got, change.Device.Root.Location)
			}
		}
		if n != 1 {
			t.Errorf("%d devices", n)
		}
	})
}

// TestExpiry: a device that falls silent is gone when its max-age is over, and not before; one that
// answers when asked stays, though its announcements are lost.
func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, client, _ := world()
		host := memory.Host("lamp", prefixes("192.168.1.5/24")...)
		newLamp(t, host, "uuid:lamp", "Lamp", func(l *lamp) { l.ssdp.MaxAge = 2 * time.Minute })
		quiet, _ := newLamp(t, memory.Host("quiet", prefixes("192.168.1.6/24")...), "uuid:quiet", "Quiet", func(l *lamp) {
			l.ssdp.MaxAge = 2 * time.Minute
			l.ssdp.Listen = deafAnnouncer(l.host)
		})
		_ = quiet
		log := follow(t, client, 10*time.Minute, map[time.Duration]func(){
			20 * time.Second: func() { host.Link("eth0").SetUp(false) },
		})
		gone := slices.IndexFunc(log.lines, func(line string) bool { return strings.Contains(line, "gone Lamp nothing was heard of it") })
		if gone != len(log.lines)-1 || len(log.lines) != 3 {
			t.Fatalf("told %q", log.lines)
		}
		var second int
		fmt.Sscan(log.lines[gone], &second)
		if second < 120 || second > 145 { // it may have announced itself until the cable was pulled
			t.Errorf("gone after %d s", second)
		}
	})
}

// deafAnnouncer is a network on which announcements get lost and answers do not.
func deafAnnouncer(host *wire.Host) ssdp.ListenFunc {
	return func(ctx context.Context, ifi ssdp.Interface, group netip.AddrPort) (ssdp.PacketConn, error) {
		conn, err := host.ListenPacket(ctx, ifi, group)
		if err != nil {
			return nil, err
		}
		return unheard{conn}, nil
	}
}

type unheard struct{ ssdp.PacketConn }

func (u unheard) WriteTo(b []byte, to netip.AddrPort) error {
	if to.Addr().IsMulticast() {
		return nil
	}
	return u.PacketConn.WriteTo(b, to)
}

// TestGoodbye: said at all addresses it is the end, at once; at one of two it is not.
func TestGoodbye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, client, _ := world()
		host := memory.Host("lamp", lampPrefixes...)
		_, stop := newLamp(t, host, "uuid:lamp", "Lamp", nil)
		log := follow(t, client, 5*time.Minute, map[time.Duration]func(){
			60 * time.Second: func() { goodbye(t, host, "192.168.1.5", "uuid:lamp") },
			99 * time.Second: stop,
		})
		log.check(t, "0 found Lamp", "61 changed Lamp is no longer at http://192.168.1.5:80/root.xml", "99 gone Lamp it said goodbye")
	})
}

// TestForgedGoodbye: one that comes from elsewhere is nobody's.
func TestForgedGoodbye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, client, _ := world()
		newLamp(t, memory.Host("lamp", prefixes("192.168.1.5/24")...), "uuid:lamp", "Lamp", nil)
		evil := memory.Host("evil", prefixes("192.168.1.66/24")...)
		log := follow(t, client, time.Minute, map[time.Duration]func(){
			30 * time.Second: func() { goodbye(t, evil, "192.168.1.66", "uuid:lamp") },
		})
		log.check(t, "0 found Lamp")
	})
}

func goodbye(t *testing.T, host *wire.Host, from, udn string) {
	say(t, host, from, &ssdp.Message{Method: ssdp.MethodNotify, Header: ssdp.Header{
		{Name: "HOST", Value: "239.255.255.250:1900"}, {Name: "NT", Value: string(ssdp.RootDevice)}, {Name: "NTS", Value: ssdp.ByeBye},
		{Name: "USN", Value: udn + "::upnp:rootdevice"},
	}})
}

// say multicasts a message.
func say(t *testing.T, host *wire.Host, from string, m *ssdp.Message) {
	t.Helper()
	conn, err := host.ListenPacket(t.Context(), host.Link("eth0").Interface(), netip.AddrPortFrom(netip.MustParseAddr(from), 0))
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	data, err := m.AppendText(nil)
	if err == nil {
		err = conn.WriteTo(data, ssdp.GroupIPv4())
	}
	if err != nil {
		t.Error(err)
	}
}

// TestRestart: another boot number is a restart, one that was announced before is none, and other
// documents are told of.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, client, _ := world()
		host := memory.Host("lamp", prefixes("192.168.1.5/24")...)
		l, stop := newLamp(t, host, "uuid:lamp", "Lamp", nil)
		log := follow(t, client, 5*time.Minute, map[time.Duration]func(){
			60 * time.Second: func() {
				if err := l.ssdp.Update(t.Context(), 8, 3); err != nil {
					t.Error(err)
				}
			},
			90 * time.Second: func() {
				l.root.Device.FriendlyName = "Lantern"
				if err := l.ssdp.Update(t.Context(), 9, 4); err != nil {
					t.Error(err)
				}
			},
			120 * time.Second: func() {
				alive(t, host, "192.168.1.5", "uuid:lamp", "http://192.168.1.5:80/root.xml", ssdp.Field{Name: "BOOTID.UPNP.ORG", Value: "77"})
			},
			150 * time.Second: stop,
			151 * time.Second: func() { newLamp(t, host, "uuid:lamp", "Lamp", nil) },
		})
		log.check(t, "0 found Lamp", "90 changed Lantern describes itself anew", "120 changed Lantern has restarted",
			"150 gone Lantern it said goodbye", "151 found Lamp")
	})
}

// TestMove: after a restart at the same address, but another port, it is the same device.
func TestMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, client, _ := world()
		host := memory.Host("lamp", prefixes("192.168.1.5/24")...)
		l, _ := newLamp(t, host, "uuid:lamp", "Lamp", nil)
		log := follow(t, client, time.Minute, map[time.Duration]func(){
			30 * time.Second: func() {
				listener, err := host.Listen(t.Context(), "tcp", ":81")
				if err != nil {
					t.Error(err)
					return
				}
				server := &http.Server{Handler: l.mux}
				go server.Serve(listener)
				time.AfterFunc(time.Minute, func() { server.Close() })
				alive(t, host, "192.168.1.5", "uuid:lamp", "http://192.168.1.5:81/root.xml", ssdp.Field{Name: "BOOTID.UPNP.ORG", Value: "77"})
			},
		})
		log.check(t, "0 found Lamp", "30 changed Lamp has moved to http://192.168.1.5:81/root.xml")
		if log.last == nil || !slices.Equal(log.last.Locations, []string{"http://192.168.1.5:81/root.xml"}) {
			t.Errorf("it is at %q", log.last.Locations)
		}
		time.Sleep(time.Minute)
	})
}

// TestCrowd: however many devices one source claims, few are looked at, and a real one is found.
func TestCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, client, log := world()
		newLamp(t, memory.Host("lamp", prefixes("192.168.1.5/24")...), "uuid:lamp", "Lamp", nil)
		evil := memory.Host("evil", prefixes("192.168.1.66/24")...)
		told := follow(t, client, time.Minute, map[time.Duration]func(){
			time.Second: func() {
				for i := range 100 {
					alive(t, evil, "192.168.1.66", fmt.Sprintf("uuid:%d", i), fmt.Sprintf("http://192.168.1.66:%d/x", 1000+i))
				}
			},
		})
		told.check(t, "0 found Lamp")
		tried := 0
		for _, x := range log.Exchanges() {
			if x.Net == "tcp" && x.Remote.Addr() == netip.MustParseAddr("192.168.1.66") {
				tried++
			}
		}
		if tried == 0 || tried > 32 { // eight places, each tried a few times by the client
			t.Errorf("%d connections to who claims to be a hundred devices", tried)
		}
		for _, err := range told.errors {
			if _, ok := errors.AsType[*device.UnreadableError](err); !ok {
				t.Error(err)
			}
		}
	})
}

func alive(t *testing.T, host *wire.Host, from, udn, location string, more ...ssdp.Field) {
	t.Helper()
	say(t, host, from, &ssdp.Message{Method: ssdp.MethodNotify, Header: append(ssdp.Header{
		{Name: "HOST", Value: "239.255.255.250:1900"}, {Name: "CACHE-CONTROL", Value: "max-age=1800"}, {Name: "LOCATION", Value: location},
		{Name: "NT", Value: "upnp:rootdevice"}, {Name: "NTS", Value: ssdp.Alive}, {Name: "USN", Value: udn + "::upnp:rootdevice"},
	}, more...)})
}

// TestStrangers: no request leads anywhere but to who sent the answer or is on its link, and then only
// there.
func TestStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, client, log := world()
		evil := memory.Host("evil", prefixes("192.168.1.66/24")...)
		listener, err := evil.Listen(t.Context(), "tcp", ":80")
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://192.168.1.1/admin", http.StatusFound)
		})}
		go server.Serve(listener)
		follow(t, client, 10*time.Second, map[time.Duration]func(){
			time.Second: func() {
				for _, location := range []string{"http://8.8.8.8/x", "http://127.0.0.1/x", "http://192.168.1.2/x", "http://[::1]/x", "http://router.lan/x", "file:///x"} {
					alive(t, evil, "192.168.1.66", "uuid:evil", location)
				}
			},
		})
		server.Close()
		for _, x := range log.Exchanges() {
			if x.Net == "tcp" && x.Remote != netip.MustParseAddrPort("192.168.1.66:80") {
				t.Errorf("a connection to %v", x.Remote)
			}
		}
	})
}

// TestDevicesEnds: leaving the loop, or the end of ctx, leaves nothing behind.
func TestDevicesEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, client, log := world()
		newLamp(t, memory.Host("lamp", prefixes("192.168.1.5/24")...), "uuid:lamp", "Lamp", nil)
		for change, err := range client.Devices(t.Context()) {
			if err != nil || change.Kind != device.Found {
				t.Errorf("%+v, %v", change, err)
			}
			break
		}
		open := map[int]bool{}
		for _, e := range log.Events() {
			switch e.Kind {
			case wire.Opened:
				open[e.Flow] = true
			case wire.Closed:
				delete(open, e.Flow)
			}
		}
		if len(open) != 0 {
			t.Errorf("flows %v are open", open)
		}
	})
}

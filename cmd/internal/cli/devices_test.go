package cli

import (
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd/wire"
	"upnp/ssdp"
)

// TestUnreadableDevice: a device whose description is a log-in page is told of, and ends nothing.
func TestUnreadableDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := wire.NewMemory()
		self := memory.Host("self", netip.PrefixFrom(emulatedSelf, 24))
		box := memory.Host("box", netip.PrefixFrom(emulatedOther, 24))
		listener, err := box.Listen(t.Context(), "tcp", ":80")
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>Log in</html>") })}
		go server.Serve(listener)
		defer server.Close()
		announce(t, box)
		r := runWords(t.Context(), self, []string{"devices", "--watch", "--timeout", "5s", "--json"}, "")
		if r.code != exitDone || !strings.Contains(r.stdout, `"kind":"unreadable"`) || !strings.Contains(r.stdout, `"udn":"uuid:box"`) {
			t.Errorf("%+v", r)
		}
		announce(t, box)
		r = runWords(t.Context(), self, []string{"devices", "--watch", "--timeout", "5s"}, "")
		if r.code != exitDone || r.stdout != "" || !strings.Contains(r.stderr, "http://192.168.1.20/x cannot be read") {
			t.Errorf("%+v", r)
		}
	})
}

// announce says a second from now that there is a device.
func announce(t *testing.T, host *wire.Host) {
	conn, err := host.ListenPacket(t.Context(), host.Link("eth0").Interface(), netip.AddrPortFrom(emulatedOther, 0))
	if err != nil {
		t.Fatal(err)
	}
	m := &ssdp.Message{Method: ssdp.MethodNotify, Header: ssdp.Header{
		{Name: "HOST", Value: "239.255.255.250:1900"}, {Name: "LOCATION", Value: "http://192.168.1.20/x"}, {Name: "NT", Value: "upnp:rootdevice"},
		{Name: "NTS", Value: ssdp.Alive}, {Name: "USN", Value: "uuid:box::upnp:rootdevice"},
	}}
	data, err := m.AppendText(nil)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(time.Second, func() {
		defer conn.Close()
		if err := conn.WriteTo(data, ssdp.GroupIPv4()); err != nil {
			t.Error(err)
		}
	})
}

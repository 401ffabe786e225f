package wire_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"upnp/igd/wire"
)

const (
	soapHead  = "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"
	faultBody = "<s:Fault><UPnPError><errorCode>718</errorCode><errorDescription>Conflict\x1b[31mInMappingEntry</errorDescription></UPnPError></s:Fault>"
)

// converse is a search, a description, a call that is refused, a silent close and a refused
// connection, 1 ms each way, seen from the control point through sink.
func converse(t *testing.T, sink func(wire.Event)) {
	mem, pc, router := home()
	mem.LAN("").SetConditions(wire.Conditions{Delay: time.Millisecond})
	n := wire.NewTap(pc, sink)
	defer serve(t, router, ":5000", func(c net.Conn) {
		switch req := readRequest(c); {
		case strings.HasPrefix(req, "GET"):
			io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n"+strings.Repeat("x", 4096))
		case strings.Contains(req, "#AddPortMapping"):
			fmt.Fprintf(c, strings.Replace(soapHead, "200 OK", "500 Internal Server Error", 1), len(faultBody), faultBody)
		case strings.Contains(req, "#GetExternalIPAddress"):
			fmt.Fprintf(c, soapHead, 1, ".")
		}
	})()
	ifi := pc.Link("eth0").Interface()
	search, err := n.ListenPacket(t.Context(), ifi, anyPort(group4.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	server := open(t, router, "eth0", group4)
	search.WriteTo([]byte("M-SEARCH * HTTP/1.1\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n"), group4)
	time.Sleep(50 * time.Millisecond)
	server.WriteTo([]byte("HTTP/1.1 200 OK\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\nLOCATION: http://192.168.1.1:5000/rootDesc.xml\r\n\r\n"), search.LocalAddr())
	search.ReadFrom(make([]byte, 1000))
	search.Close()
	client := wire.HTTPClient(n)
	get(t.Context(), client, "http://192.168.1.1:5000/rootDesc.xml")
	for _, action := range []string{"AddPortMapping", "GetExternalIPAddress", "Unknown"} {
		call(t.Context(), client, action)
	}
	get(t.Context(), client, "http://192.168.1.1:9/")
}

func TestTap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		converse(t, func(e wire.Event) {
			got = append(got, fmt.Sprintf("%d %v %s %v %v %d %s", e.Flow, e.Kind, e.Net, e.Local, e.Remote, len(e.Data), e.Err))
		})
		want := []string{
			"1 opened udp 192.168.1.7:49152 239.255.255.250:0 0 ",
			"1 sent udp 192.168.1.7:49152 239.255.255.250:1900 80 ",
			"1 received udp 192.168.1.7:49152 192.168.1.1:1900 124 ",
			"1 closed udp 192.168.1.7:49152 239.255.255.250:0 0 ",
			"2 opened tcp 192.168.1.7:49153 192.168.1.1:5000 0 ",
			"2 sent tcp 192.168.1.7:49153 192.168.1.1:5000 73 ",
			"2 received tcp 192.168.1.7:49153 192.168.1.1:5000 4115 ",
			"2 closed tcp 192.168.1.7:49153 192.168.1.1:5000 0 EOF",
			"3 opened tcp 192.168.1.7:49154 192.168.1.1:5000 0 ",
			"3 sent tcp 192.168.1.7:49154 192.168.1.1:5000 124 ",
			"3 received tcp 192.168.1.7:49154 192.168.1.1:5000 191 ",
			"3 closed tcp 192.168.1.7:49154 192.168.1.1:5000 0 ",
			"4 opened tcp 192.168.1.7:49155 192.168.1.1:5000 0 ",
			"4 sent tcp 192.168.1.7:49155 192.168.1.1:5000 130 ",
			"4 received tcp 192.168.1.7:49155 192.168.1.1:5000 39 ",
			"4 closed tcp 192.168.1.7:49155 192.168.1.1:5000 0 ",
			"5 opened tcp 192.168.1.7:49156 192.168.1.1:5000 0 ",
			"5 sent tcp 192.168.1.7:49156 192.168.1.1:5000 117 ",
			"5 closed tcp 192.168.1.7:49156 192.168.1.1:5000 0 EOF",
			"6 failed tcp invalid AddrPort 192.168.1.1:9 0 dial tcp 192.168.1.1:9: connect: connection refused",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestTapAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, pc, router := home()
		log := new(wire.Log)
		stop := serve(t, wire.NewTap(router, log.Record), ":5000", answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "ok"))
		if _, body, err := get(t.Context(), wire.HTTPClient(pc), routerURL); err != nil || body != "ok" {
			t.Errorf("%q, %v", body, err)
		}
		stop()
		x := log.Exchanges()
		if len(x) != 1 || !x[0].Incoming || !strings.HasPrefix(string(x[0].Request), "GET /x.xml") || !strings.HasSuffix(string(x[0].Answer), "\r\n\r\nok") {
			t.Errorf("exchanges %+v", x)
		}
	})
}

func TestExchanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(wire.Log)
		converse(t, log.Record)
		var got []string
		for _, x := range log.Exchanges() {
			line, _, _ := strings.Cut(string(x.Request), "\r\n")
			status, _, _ := strings.Cut(string(x.Answer), "\r\n")
			took := time.Duration(0)
			if !x.End.IsZero() {
				took = x.End.Sub(x.Start)
			}
			if x.Kind == wire.Search && (len(x.Answers) != 1 || x.Answers[0].Remote.String() != "192.168.1.1:1900") {
				t.Errorf("answers %+v", x.Answers)
			}
			got = append(got, fmt.Sprintf("%d %s|%s|%v|%s", x.Flow, line, status, took, x.Err))
		}
		want := []string{
			"1 M-SEARCH * HTTP/1.1||51ms|",
			"2 GET /rootDesc.xml HTTP/1.1|HTTP/1.1 200 OK|2ms|",
			"3 POST /ctl HTTP/1.1|HTTP/1.1 500 Internal Server Error|2ms|",
			"4 POST /ctl HTTP/1.1|HTTP/1.1 200 OK|2ms|",
			"5 POST /ctl HTTP/1.1||0s|closed without an answer",
			"6 ||0s|dial tcp 192.168.1.1:9: connect: connection refused",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSummary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		converse(t, wire.Summary(&out, false))
		want := ` 0.000 → 239.255.255.250:1900   M-SEARCH InternetGatewayDevice:1
 0.051 ← 192.168.1.1:1900       200 OK InternetGatewayDevice:1 http://192.168.1.1:5000/rootDesc.xml  51.0 ms
 0.053 → 192.168.1.1:5000       GET rootDesc.xml
 0.055 ← 192.168.1.1:5000       200 OK rootDesc.xml 4.1 kB  2.0 ms
 0.057 → 192.168.1.1:5000       AddPortMapping
 0.059 ← 192.168.1.1:5000       AddPortMapping → 718 Conflict\u{1b}[31mInMappingEntry  2.0 ms
 0.061 → 192.168.1.1:5000       GetExternalIPAddress
 0.063 ← 192.168.1.1:5000       GetExternalIPAddress → 200  2.0 ms
 0.065 → 192.168.1.1:5000       Unknown
 0.067 × 192.168.1.1:5000       Unknown closed without an answer  2.0 ms
 0.067 × 192.168.1.1:9          failed: dial tcp 192.168.1.1:9: connect: connection refused
`
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSummaryOfServer(t *testing.T) {
	peer, own := netip.MustParseAddrPort("192.168.1.7:1234"), netip.MustParseAddrPort("192.168.1.1:5000")
	var out bytes.Buffer
	sink := wire.Summary(&out, true)
	at := time.Unix(0, 0)
	tell := func(flow int, kind wire.Kind, network, data string) {
		sink(wire.Event{Time: at, Flow: flow, Kind: kind, Net: network, Local: own, Remote: peer, Data: []byte(data)})
		at = at.Add(time.Millisecond)
	}
	tell(1, wire.Accepted, "tcp", "")
	tell(1, wire.Received, "tcp", "SUBSCRIBE /evt HTTP/1.1\r\n")
	tell(1, wire.Received, "tcp", "NT: upnp:event\r\n\r\n")
	tell(1, wire.Sent, "tcp", "HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n")
	tell(1, wire.Received, "tcp", "NOTIFY /a/b HTTP/1.1\r\nSEQ: 3\r\n\r\n")
	tell(1, wire.Sent, "tcp", "HTTP/1.1 200 OK\r\n\r\n")
	tell(1, wire.Received, "tcp", "GET / HTTP/1.1\r\n\r\n")
	tell(1, wire.Sent, "tcp", "HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n"+strings.Repeat("x", 2000000))
	tell(1, wire.Closed, "tcp", "")
	tell(2, wire.Opened, "udp", "")
	tell(2, wire.Received, "udp", "NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\nNT: upnp:rootdevice\r\nLocation: http://x/\x1b\r\n\r\n")
	want := `_ 0.002 ← 192.168.1.7:1234      . SUBSCRIBE evt
_ 0.003 → 192.168.1.7:1234      . !SUBSCRIBE evt → 412 Precondition Failed._  1.0 ms.
_ 0.004 ← 192.168.1.7:1234      . NOTIFY b SEQ 3
_ 0.005 → 192.168.1.7:1234      . NOTIFY b SEQ 3 → 200_  1.0 ms.
_ 0.006 ← 192.168.1.7:1234      . GET /
_ 0.007 → 192.168.1.7:1234      . 200 OK / 2.0 MB_  1.0 ms.
_ 0.010 ← 192.168.1.7:1234      . NOTIFY ssdp:alive upnp:rootdevice http://x/\u{1b}
`
	got := strings.NewReplacer("\x1b[2m", "_", "\x1b[31m", "!", "\x1b[0m", ".").Replace(out.String())
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func call(ctx context.Context, client *http.Client, action string) {
	req, _ := http.NewRequestWithContext(ctx, "POST", "http://192.168.1.1:5000/ctl", strings.NewReader("<a/>"))
	req.Header["SOAPACTION"] = []string{`"urn:x#` + action + `"`}
	if resp, err := client.Do(req); err == nil {
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}

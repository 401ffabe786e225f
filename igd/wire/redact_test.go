package wire_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upnp/igd/wire"
)

// redactDescription has secrets where routers have them. Its answer is chunked, with chunks that end
// within a UUID and an address.
const redactDescription = `<?xml version="1.0"?>
<root xmlns="urn:schemas-upnp-org:device-1-0"><specVersion><major>1</major><minor>0</minor></specVersion>
<device><deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType>
<friendlyName>Router SN4711-08/15 (A4-2B-B0-C1-D2-E3)</friendlyName><modelNumber>1.0.9.88</modelNumber>
<serialNumber>SN4711-08/15</serialNumber><UDN>uuid:75802409-bccb-40e7-8e6c-A42BB0C1D2E3</UDN>
<presentationURL>http://11.22.33.44/</presentationURL></device></root>`

const redactAnswers = `<s:Body><u:R><NewExternalIPAddress>11.22.33.44</NewExternalIPAddress>
<NewRemoteHost>my.host9.example.net</NewRemoteHost><NewInternalClient>192.168.1.7</NewInternalClient>
<NewTotalBytesSent>123456789012</NewTotalBytesSent><List>&lt;p:NewRemoteHost&gt;2A02:8070:00f1::1&lt;/p:NewRemoteHost&gt;</List>
<Note>dsl-11-22-33-44.isp.example, fe80::a62b:b0ff:fec1:d2e3, a42bb0c1d2e3, a42b.b0c1.d2e3</Note></u:R></s:Body>`

var redactSecrets = []string{
	"SN4711", "A4-2B-B0", "bccb-40e7", "A42BB0C1D2E3", "11.22.33.44", "11-22-33-44", "host9", "2A02:8070", "2a02:8070",
	"a62b:b0ff", "a42bb0c1d2e3", "a42b.b0c1", "0815f00d", "s3cr3tpath", "9d2c", "hunter2",
}

func redactEvents() []wire.Event {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	own, router := netip.MustParseAddrPort("192.168.1.7:40312"), netip.MustParseAddrPort("192.168.1.1:5000")
	public := netip.MustParseAddrPort("[2a02:8070:f1::1]:443")
	zoned := netip.MustParseAddrPort("[fe80::a62b:b0ff:fec1:d2e3%eth0]:1900")
	var all []wire.Event
	add := func(flow int, kind wire.Kind, network string, remote netip.AddrPort, text string) {
		at = at.Add(time.Millisecond)
		text = strings.ReplaceAll(text, "\n", "\r\n")
		e := wire.Event{Time: at, Flow: flow, Kind: kind, Net: network, Local: own, Remote: remote, Data: []byte(text)}
		if kind == wire.Failed || kind == wire.Closed {
			e.Data, e.Err = nil, text
		}
		all = append(all, e)
	}
	add(1, wire.Received, "udp", zoned, "HTTP/1.1 200 OK\nUSN: uuid:75802409-bccb-40e7-8e6c-a42bb0c1d2e3::upnp:rootdevice\n"+
		"SERVER: Linux/2.6.36.4 UPnP/1.0 x/1\nLOCATION: http://[fe80::a62b:b0ff:fec1:d2e3]:5000/0815F00D-0815-f00d-0815-0815f00d0815/x.xml\n\n")
	add(2, wire.Opened, "tcp", router, "")
	add(2, wire.Sent, "tcp", router, "GET /0815f00d-0815-f00d-0815-0815f00d0815/x.xml HTTP/1.1\nHost: 192.168.1.1:5000\nAuthorization: Basic hunter2\n\n")
	cut := strings.Index(redactDescription, "40e7") + 2
	cut2 := strings.Index(redactDescription, "22.33.44") + 1
	add(2, wire.Received, "tcp", router, "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n"+
		chunk(redactDescription[:cut])+chunk(redactDescription[cut:cut2])+chunk(redactDescription[cut2:])+"0\n\n")
	add(2, wire.Closed, "tcp", router, "EOF")
	add(3, wire.Opened, "tcp", router, "")
	add(3, wire.Sent, "tcp", router, "SUBSCRIBE /evt HTTP/1.1\nCALLBACK: <http://192.168.1.7:4000/s3cr3tpath/1>\nNT: upnp:event\n\n")
	add(3, wire.Received, "tcp", router, "HTTP/1.1 200 OK\nSID: sid-9d2c\nTIMEOUT: Second-1800\nContent-Length: 0\n\n")
	add(4, wire.Accepted, "tcp", router, "")
	add(4, wire.Received, "tcp", router, "NOTIFY /s3cr3tpath/1 HTTP/1.1\nSID: sid-9d2c\nSEQ: 0\nContent-Length: 0\n\n")
	add(5, wire.Opened, "tcp", public, "")
	text := strings.ReplaceAll(redactAnswers, "\n", "\r\n")
	add(5, wire.Received, "tcp", public, fmt.Sprintf("HTTP/1.1 200 OK\nContent-Length: %d\n\n", len(text))+redactAnswers)
	add(6, wire.Failed, "tcp", public, "dial tcp 11.22.33.44:80: connect: connection refused")
	return all
}

func chunk(text string) string {
	text = strings.ReplaceAll(text, "\n", "\r\n")
	return strings.ReplaceAll(fmt.Sprintf("%x\r\n%s\r\n", len(text), text), "\r\n", "\n")
}

// redact is the log of events with stand-ins.
func redact(events []wire.Event) string {
	log := new(wire.Log)
	for _, e := range events {
		log.Record(e)
	}
	var out strings.Builder
	log.Redacted().WriteTo(&out)
	return out.String()
}

func plain(events []wire.Event) string {
	log, out := new(wire.Log), strings.Builder{}
	for _, e := range events {
		log.Record(e)
	}
	log.WriteTo(&out)
	return out.String()
}

func TestRedact(t *testing.T) {
	before, after := plain(redactEvents()), redact(redactEvents())
	for _, secret := range redactSecrets {
		if !strings.Contains(strings.ToLower(before), strings.ToLower(secret)) {
			t.Errorf("the sample does not hold %q", secret)
		}
		if strings.Contains(strings.ToLower(after), strings.ToLower(secret)) {
			t.Errorf("%q is still there", secret)
		}
	}
	for _, kept := range []string{"192.168.1.7", "192.168.1.1:5000", "Linux/2.6.36.4", "<modelNumber>1.0.9.88<", ">123456789012<", "Second-1800"} {
		if strings.Count(after, kept) != strings.Count(before, kept) {
			t.Errorf("%q was changed", kept)
		}
	}
	lines, want := strings.Split(after, "\n"), strings.Split(before, "\n")
	for i := range want {
		if i >= len(lines) || len(lines[i]) != len(want[i]) {
			t.Fatalf("line %d differs in length:\n%s\n%s", i+1, want[i], lines[min(i, len(lines)-1)])
		}
	}
	for word, n := range map[string]int{
		"00000000-0000-0000-0000-000000000001": 1, "-0000-000000000001": 2, "55.10.10.10": 2, "55-10-10-10": 1,
		"/x0xx0xxxxx/2": 2, "xxx-0x01": 2, "XX0000-00/01": 2,
	} {
		if strings.Count(after, word) != n {
			t.Errorf("%q is there %d times, want %d", word, strings.Count(after, word), n)
		}
	}
	if t.Failed() {
		t.Log(after)
	}
}

// TestRedactSplit: a value that comes in two reads has the same stand-in.
func TestRedactSplit(t *testing.T) {
	whole := redactEvents()
	want := dataOf(redact(whole))
	for i, e := range whole {
		for at := 1; at < len(e.Data) && e.Net == "tcp"; at += 13 {
			first, second := e, e
			first.Data, second.Data = e.Data[:at], e.Data[at:]
			split := append(append(append([]wire.Event{}, whole[:i]...), first, second), whole[i+1:]...)
			if got := dataOf(redact(split)); got != want {
				t.Fatalf("event %d split at %d: %s", i+1, at, cmp.Diff(want, got))
			}
		}
	}
}

// dataOf is the bytes of all events of a .wire file.
func dataOf(file string) string {
	log, err := wire.ReadLog(strings.NewReader(file))
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, e := range log.Events() {
		b.Write(e.Data)
	}
	return b.String()
}

// TestRedactHoldsBackNoMoreThanItMust: what waits for the rest of a message is bounded, and nothing is lost
// or overtaken.
func TestRedactHoldsBackNoMoreThanItMust(t *testing.T) {
	var got []wire.Event
	sink, flush := wire.Redact(func(e wire.Event) { got = append(got, e) })
	at := time.Unix(0, 0)
	peer := netip.MustParseAddrPort("192.168.1.1:80")
	for i := range 5000 {
		at = at.Add(time.Millisecond)
		sink(wire.Event{Time: at, Flow: 1 + i%2, Kind: wire.Received, Net: "tcp", Local: peer, Remote: peer, Data: []byte("x")})
	}
	if len(got) < 900 {
		t.Errorf("%d of 5000 events passed", len(got))
	}
	flush()
	if len(got) != 5000 {
		t.Errorf("%d of 5000 events came", len(got))
	}
	for i, e := range got {
		if e.Flow != 1+i%2 || string(e.Data) != "x" {
			t.Fatalf("event %d: %v", i, e)
		}
	}
}

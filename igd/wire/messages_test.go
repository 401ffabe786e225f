package wire_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upnp/igd/wire"
)

// A teller makes events of one conversation, a millisecond apart.
type teller struct {
	at   time.Time
	sink func(wire.Event)
	peer netip.AddrPort
}

func newTeller(sink func(wire.Event)) *teller {
	return &teller{time.Unix(0, 0), sink, netip.MustParseAddrPort("192.168.1.1:5000")}
}

func (t *teller) tell(flow int, kind wire.Kind, network, data string) {
	e := wire.Event{
		Time: t.at, Flow: flow, Kind: kind, Net: network,
		Local: netip.MustParseAddrPort("192.168.1.7:40000"), Remote: t.peer, Data: []byte(data),
	}
	if kind == wire.Failed || kind == wire.Closed {
		e.Data, e.Err = nil, data
	}
	t.at = t.at.Add(time.Millisecond)
	t.sink(e)
}

// collect is a sink of messages, a line each.
func collect(lines *[]string) func(wire.Event) {
	return wire.Messages(func(m wire.Message) {
		who := "we ask"
		if m.Incoming {
			who = "peer asks"
		}
		*lines = append(*lines, fmt.Sprintf("%d %s %v %s: %s, %d bytes, %v", m.Exchange, who, m.Kind, m.Arrow(), m.What, m.Size, m.RoundTrip))
	})
}

func TestMessagesOnOneConnection(t *testing.T) {
	const get, ok = "GET /%s HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n3\r\nyes\r\n0\r\nX: y\r\n\r\n"
	all := fmt.Sprintf(get, "a") + fmt.Sprintf(get, "b") + "\r\n" + fmt.Sprintf(get, "c")
	want := []string{
		"1 we ask fetch →: GET a, 19 bytes, 0s",
		"2 we ask fetch →: GET b, 19 bytes, 0s",
		"3 we ask fetch →: GET c, 21 bytes, 0s",
		"1 we ask fetch ←: 200 OK a 5 B, 77 bytes, 1ms",
		"2 we ask fetch ←: 200 OK b 2 B, 62 bytes, 1ms",
		"3 we ask fetch ←: 200 OK c 2 B, 40 bytes, 1ms",
		"4 we ask fetch →: HEAD d, 20 bytes, 0s",
		"4 we ask fetch ←: HEAD d → 200, 38 bytes, 1ms",
		"5 we ask fetch →: GET e, 19 bytes, 0s",
		"5 we ask fetch ←: 200 OK e 3 B, 22 bytes, 1ms",
		"6 we ask fetch →: GET f, 19 bytes, 0s",
		"6 we ask fetch ×: GET f closed without an answer, 0 bytes, 1ms",
	}
	var got []string
	tell := newTeller(collect(&got))
	tell.tell(1, wire.Opened, "tcp", "")
	tell.tell(1, wire.Sent, "tcp", all)
	tell.tell(1, wire.Received, "tcp", chunked+"HTTP/1.1 102 Later\r\n\r\n"+ok+ok)
	tell.tell(1, wire.Sent, "tcp", "HEAD /d HTTP/1.1\r\n\r\n")
	tell.tell(1, wire.Received, "tcp", ok[:len(ok)-2])
	tell.tell(1, wire.Sent, "tcp", fmt.Sprintf(get, "e"))
	tell.tell(1, wire.Received, "tcp", "HTTP/1.1 200 OK\r\n\r\nend")
	tell.tell(1, wire.Sent, "tcp", fmt.Sprintf(get, "f"))
	tell.tell(1, wire.Closed, "tcp", "EOF")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestMessagesSplit: how bytes are parted into events does not matter.
func TestMessagesSplit(t *testing.T) {
	const request = "POST /ctl HTTP/1.1\r\nSOAPACTION: \"urn:x#Add\"\r\nContent-Length: 4\r\n\r\n<a/>"
	const answer = "HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n15\r\n<errorCode>718</error\r\n5\r\nCode>\r\n0\r\n\r\n"
	want := []string{"1 we ask call →: Add, 70 bytes", "1 we ask call ←: Add → 718, 89 bytes"}
	for size := 1; size <= len(answer); size++ {
		var got []string
		tell := newTeller(collect(&got))
		tell.tell(1, wire.Opened, "tcp", "")
		for i := 0; i < len(request); i += size {
			tell.tell(1, wire.Sent, "tcp", request[i:min(i+size, len(request))])
		}
		for i := 0; i < len(answer); i += size {
			tell.tell(1, wire.Received, "tcp", answer[i:min(i+size, len(answer))])
		}
		for i := range got {
			got[i] = got[i][:strings.LastIndex(got[i], ",")]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("pieces of %d bytes: %s", size, diff)
		}
	}
}

func TestMessagesRefusedEarly(t *testing.T) {
	var got []string
	tell := newTeller(collect(&got))
	tell.tell(1, wire.Accepted, "tcp", "")
	tell.tell(1, wire.Received, "tcp", "POST /ctl HTTP/1.1\r\nContent-Length: 10\r\n\r\n01234")
	tell.tell(1, wire.Sent, "tcp", "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
	tell.tell(1, wire.Received, "tcp", "56789")
	tell.tell(1, wire.Received, "tcp", "SUBSCRIBE /evt HTTP/1.1\r\n\r\n")
	tell.tell(1, wire.Sent, "tcp", "HTTP/1.1 2")
	tell.tell(1, wire.Failed, "tcp", "broken pipe")
	tell.tell(2, wire.Failed, "tcp", "connection \x1brefused")
	want := []string{
		"1 peer asks fetch ←: POST ctl, 47 bytes, 0s",
		"1 peer asks fetch →: POST ctl → 413 Too Large, 45 bytes, 1ms",
		"2 peer asks subscription ←: SUBSCRIBE evt, 27 bytes, 0s",
		"2 peer asks subscription →: SUBSCRIBE evt → HTTP/1.1 2, 10 bytes, 1ms",
		"2 peer asks subscription ×: SUBSCRIBE evt failed: broken pipe, 0 bytes, 2ms",
		`3 we ask failure ×: failed: connection \u{1b}refused, 0 bytes, 0s`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMessagesOfSearches(t *testing.T) {
	var got []string
	tell := newTeller(collect(&got))
	tell.tell(1, wire.Sent, "udp", "M-SEARCH * HTTP/1.1\r\nST: a\r\n\r\n")
	tell.tell(1, wire.Sent, "udp", "M-SEARCH * HTTP/1.1\r\nST: b\r\n\r\n")
	tell.tell(1, wire.Received, "udp", "HTTP/1.1 200 OK\r\nST: a\r\nLOCATION: x\r\n\r\n")
	tell.tell(1, wire.Received, "udp", "HTTP/1.1 200 OK\r\nST: c\r\n\r\n")
	tell.tell(2, wire.Received, "udp", "M-SEARCH * HTTP/1.1\r\nST: ssdp:all\r\n\r\n")
	tell.tell(3, wire.Sent, "udp", "HTTP/1.1 200 OK\r\nST: a\r\n\r\n")
	tell.peer = netip.MustParseAddrPort("192.168.1.9:1")
	tell.tell(3, wire.Sent, "udp", "HTTP/1.1 200 OK\r\nST: a\r\n\r\n")
	tell.tell(2, wire.Received, "udp", "NOTIFY * HTTP/1.1\r\nNTS: ssdp:byebye\r\nNT: a\r\n\r\n")
	tell.tell(2, wire.Failed, "udp", "no buffer")
	want := []string{
		"1 we ask search →: M-SEARCH a, 30 bytes, 0s",
		"2 we ask search →: M-SEARCH b, 30 bytes, 0s",
		"1 we ask search ←: 200 OK a x, 39 bytes, 2ms",
		"2 we ask search ←: 200 OK c, 26 bytes, 2ms",
		"3 peer asks search ←: M-SEARCH ssdp:all, 37 bytes, 0s",
		"3 peer asks search →: 200 OK a, 26 bytes, 1ms",
		"4 peer asks search →: 200 OK a, 26 bytes, 0s",
		"5 peer asks announcement ←: NOTIFY ssdp:byebye a, 46 bytes, 0s",
		"6 we ask failure ×: failed: no buffer, 0 bytes, 0s",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestMessagesAreBounded: flows that never end, requests never answered, heads that go on for ever.
func TestMessagesAreBounded(t *testing.T) {
	told, longest := 0, 0
	tell := newTeller(wire.Messages(func(m wire.Message) {
		told++
		longest = max(longest, len(m.Data))
	}))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	line := strings.Repeat("x", 1000)
	for i := range 4000 {
		tell.tell(i, wire.Opened, "tcp", "")
		tell.tell(i, wire.Sent, "tcp", "GET / HTTP/1.1\r\n\r\n")
		tell.tell(-1, wire.Sent, "tcp", "GET / HTTP/1.1\r\n\r\n")
		tell.tell(-2, wire.Received, "tcp", line)
		tell.tell(-3, wire.Sent, "tcp", "POST / HTTP/1.1\r\nContent-Length: 20000000\r\n\r\n"[:45*(1-min(i, 1))]+line)
		tell.tell(-4, wire.Received, "udp", "M-SEARCH * HTTP/1.1\r\n\r\n"+line)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Errorf("%d bytes are held", grown)
	}
	if told < 12000 || longest > wire.MaxMessageData {
		t.Errorf("%d messages, the longest of %d bytes", told, longest)
	}
}

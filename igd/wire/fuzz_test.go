package wire_test

import (
	"bytes"
	"strings"
	"testing"

	"upnp/igd/wire"
)

// FuzzRecording: whatever went in both directions, in whatever pieces, it is put into messages, redacted to the
// same lengths, and made ready for replay.
func FuzzRecording(f *testing.F) {
	f.Add("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", uint16(3), false)
	f.Add("NOTIFY * HTTP/1.1\r\n\r\n", "uuid:::x::%3a 1::2:3 1.2.3.4-5 0200.1234.5678 ::ffff: 2a02::1:", uint16(9), true)
	f.Add("POST / HTTP/1.1\r\nContent-Length: 4\r\nSOAPACTION: \"a#B\"\r\n\r\n<a/>", "HTTP/1.1 100 x\r\n\r\nHTTP/1.1 500 y\r\n\r\n<serialNumber><![CDATA[12345678]]>", uint16(1), false)
	for _, e := range redactEvents() {
		f.Add(string(e.Data), string(e.Data), uint16(50), e.Net == "udp")
	}
	f.Fuzz(func(t *testing.T, sent, received string, piece uint16, udp bool) {
		log := new(wire.Log)
		tell := newTeller(log.Record)
		network := map[bool]string{true: "udp", false: "tcp"}[udp]
		tell.tell(1, wire.Opened, network, "")
		tellPieces(tell, wire.Sent, network, sent, int(piece))
		tellPieces(tell, wire.Received, network, received, int(piece))
		tellPieces(tell, wire.Sent, network, sent, len(sent))
		tell.tell(1, wire.Closed, network, received)
		checkRecording(t, log)
	})
}

// tellPieces tells of text in pieces, which are not too many.
func tellPieces(tell *teller, kind wire.Kind, network, text string, size int) {
	size = max(size, 1, len(text)/50)
	for i := 0; i < len(text); i += size {
		tell.tell(1, kind, network, text[i:min(i+size, len(text))])
	}
}

func checkRecording(t *testing.T, log *wire.Log) {
	before, after, size := log.Events(), log.Redacted().Events(), 0
	if len(before) != len(after) {
		t.Fatalf("%d events became %d", len(before), len(after))
	}
	for i, e := range before {
		if r := after[i]; len(r.Data) != len(e.Data) || len(r.Err) != len(e.Err) {
			t.Errorf("%+v became %+v", e, r)
		}
		size += len(e.Data)
	}
	var file bytes.Buffer
	log.WriteTo(&file)
	for m, err := range wire.ReadMessages(&file, 0) {
		if size -= m.Size; err != nil || strings.ContainsAny(m.What+m.Err, "\x1b\n") {
			t.Errorf("%+v, %v", m, err)
		}
	}
	if size < 0 {
		t.Errorf("messages have %d bytes more than the events", -size)
	}
	log.Exchanges()
	wire.NewReplay(log)
}

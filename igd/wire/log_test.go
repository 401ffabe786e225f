package wire_test

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"upnp/igd/wire"
)

const sampleLog = `upnp-wire 1 2026-03-04T05:06:07.000008Z
0.000000 1 opened udp [fe80::7%Ethernet%202%25]:1900 - 0
0.050312 2 sent tcp 192.168.1.7:40312 192.168.1.1:5000 24
GET / HTTP/1.1
Host: x


0.051000 2 received tcp 192.168.1.7:40312 192.168.1.1:5000 3
a
b
61.000001 2 failed tcp 192.168.1.7:40312 192.168.1.1:5000 5
reset
61.000002 2 closed tcp 192.168.1.7:40312 192.168.1.1:5000 0
`

func sampleEvents() []wire.Event {
	start := time.Date(2026, 3, 4, 5, 6, 7, 8000, time.UTC)
	at := func(d time.Duration) time.Time { return start.Add(d * time.Microsecond) }
	local, remote := netip.MustParseAddrPort("192.168.1.7:40312"), netip.MustParseAddrPort("192.168.1.1:5000")
	zoned := netip.AddrPortFrom(netip.MustParseAddr("fe80::7").WithZone("Ethernet 2%"), 1900)
	return []wire.Event{
		{Time: at(0), Flow: 1, Kind: wire.Opened, Net: "udp", Local: zoned},
		{Time: at(50312), Flow: 2, Kind: wire.Sent, Net: "tcp", Local: local, Remote: remote, Data: []byte("GET / HTTP/1.1\nHost: x\n\n")},
		{Time: at(51000), Flow: 2, Kind: wire.Received, Net: "tcp", Local: local, Remote: remote, Data: []byte("a\nb")},
		{Time: at(61000001), Flow: 2, Kind: wire.Failed, Net: "tcp", Local: local, Remote: remote, Err: "reset"},
		{Time: at(61000002), Flow: 2, Kind: wire.Closed, Net: "tcp", Local: local, Remote: remote},
	}
}

var sameEvents = []cmp.Option{cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }), cmpopts.EquateEmpty()}

func TestLogFile(t *testing.T) {
	log, err := wire.ReadLog(iotest.OneByteReader(strings.NewReader(sampleLog)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sampleEvents(), log.Events(), sameEvents...); diff != "" {
		t.Error(diff)
	}
	recorded := new(wire.Log)
	var printed, written bytes.Buffer
	print := wire.Print(&printed)
	for _, e := range sampleEvents() {
		recorded.Record(e)
		print(e)
	}
	n, err := recorded.WriteTo(&written)
	if err != nil || n != int64(len(sampleLog)) {
		t.Errorf("%d bytes, %v, want %d", n, err, len(sampleLog))
	}
	for name, got := range map[string]string{"Print": printed.String(), "WriteTo": written.String()} {
		if diff := cmp.Diff(sampleLog, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestRecordedConversationReadsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file bytes.Buffer
		converse(t, wire.Print(&file))
		log, err := wire.ReadLog(bytes.NewReader(file.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		var again bytes.Buffer
		if log.WriteTo(&again); again.String() != file.String() || len(log.Exchanges()) != 6 {
			t.Errorf("%d exchanges, %s", len(log.Exchanges()), cmp.Diff(file.String(), again.String()))
		}
	})
}

func TestBrokenLogs(t *testing.T) {
	const head = "upnp-wire 1 2026-03-04T05:06:07.000008Z\n"
	tests := []struct {
		name, file string
		event      int
		cut        bool
	}{
		{"empty", "", 0, true},
		{"something else", "GET / HTTP/1.1\n", 0, false},
		{"other version", "upnp-wire 2 2026-03-04T05:06:07.000008Z\n", 0, false},
		{"few fields", head + "0.000000 1 sent udp - - \n", 1, false},
		{"kind", head + "0.000000 1 gone udp - - 0\n", 1, false},
		{"empty kind", head + "0.000000 1  udp - - 0\n", 1, false},
		{"network", head + "0.000000 1 sent icmp - - 0\n", 1, false},
		{"offset", head + "0.0 1 sent udp - - 0\n", 1, false},
		{"flow", head + "0.000000 01 sent udp - - 0\n", 1, false},
		{"address", head + "0.000000 1 sent udp x - 0\n", 1, false},
		{"zone", head + "0.000000 1 sent udp [fe80::1%a%2]:1 - 0\n", 1, false},
		{"negative count", head + "0.000000 1 sent udp - - -1\n", 1, false},
		{"count too small", head + "0.000000 1 sent udp - - 1\nab\n", 1, false},
		{"count far too large", head + "0.000000 1 sent udp - - 2000000000\nab\n", 1, false},
		{"cut line", head + "0.000000 1 closed udp - - 0\n0.00", 2, true},
		{"cut bytes", head + "0.000000 1 closed udp - - 0\n0.000000 1 sent udp - - 9\nabc", 2, true},
		{"cut before the line feed", head + "0.000000 1 closed udp - - 0\n0.000000 1 sent udp - - 3\nabc", 2, true},
		{"endless line", head + strings.Repeat("x", 1000), 1, false},
	}
	for _, tt := range tests {
		log, err := wire.ReadLog(strings.NewReader(tt.file))
		e, ok := errors.AsType[*wire.LogError](err)
		if !ok || e.Event != tt.event || errors.Is(err, io.ErrUnexpectedEOF) != tt.cut {
			t.Errorf("%s: error %v", tt.name, err)
		}
		if want := max(0, tt.event-1); len(log.Events()) != want {
			t.Errorf("%s: %d events, want %d", tt.name, len(log.Events()), want)
		}
	}
}

func TestPrintStopsAtAnError(t *testing.T) {
	var out bytes.Buffer
	print := wire.Print(iotest.TruncateWriter(&out, 0))
	full := &fullWriter{}
	stop := wire.Print(full)
	for _, e := range sampleEvents() {
		print(e)
		stop(e)
	}
	if full.calls != 1 {
		t.Errorf("%d writes to a full disk", full.calls)
	}
}

type fullWriter struct{ calls int }

func (w *fullWriter) Write(p []byte) (int, error) {
	w.calls++
	return 0, errors.New("no space left")
}

func FuzzReadLog(f *testing.F) {
	f.Add([]byte(sampleLog))
	f.Add([]byte("upnp-wire 1 2026-03-04T05:06:07.000008Z\n0.000000 1 sent udp [::ffff:1.2.3.4]:1 [ff02::c%eth0]:1900 0\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		log, err := wire.ReadLog(bytes.NewReader(data))
		if err != nil {
			return
		}
		var file bytes.Buffer
		if _, err := log.WriteTo(&file); err != nil {
			t.Fatal(err)
		}
		again, err := wire.ReadLog(&file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(log.Events(), again.Events(), sameEvents...); diff != "" {
			t.Error(diff)
		}
	})
}

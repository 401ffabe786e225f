package wire_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"upnp/igd/wire"
)

// TestReplayMoves: URLs in what is served lead to where it is served, lengths are mended, and the address
// of who asked is that of who asks now. Other addresses stay.
func TestReplayMoves(t *testing.T) {
	const body = "<a>http://192.168.1.1:5000/x http://192.168.1.1/y HTTP://192.168.1.1:80 http://192.168.1.1:5001/ http://192.168.1.10:5000 192.168.1.7 192.168.1.70</a>"
	const moved = "<a>http://10.0.0.250:5000/x http://10.0.0.250:49152/y http://10.0.0.250:49152 http://192.168.1.1:5001/ http://192.168.1.10:5000 ASKER 192.168.1.70</a>"
	answers := map[string]string{
		"/length": fmt.Sprintf("HTTP/1.1 200 OK\r\ncontent-length : %d\r\nX-URL: http://192.168.1.1/\r\n\r\n%s", len(body), body),
		"/chunks": fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", body[:16], len(body)-16, body[16:]),
		"/plain":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\nX: y\r\n\r\n",
		"/close":  "HTTP/1.0 200 OK\r\n\r\n" + body,
		"/none":   body,
	}
	move := func(asker string) string { return strings.Replace(moved, "ASKER", asker, 1) }
	kept := move("192.168.1.7")
	want := map[string]string{
		"/length": fmt.Sprintf("HTTP/1.1 200 OK\r\ncontent-length : %d\r\nX-URL: http://10.0.0.250:49152/\r\n\r\n%s", len(kept), kept),
		"/chunks": fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(kept), kept),
		"/plain":  answers["/plain"],
		"/close":  "HTTP/1.0 200 OK\r\n\r\n" + kept,
		"/none":   kept,
	}
	log, flow := new(wire.Log), 0
	tell := newTeller(log.Record)
	record := func(request, answer string) {
		flow++
		tell.tell(flow, wire.Opened, "tcp", "")
		tell.tell(flow, wire.Sent, "tcp", request)
		tell.tell(flow, wire.Received, "tcp", answer)
		tell.tell(flow, wire.Closed, "tcp", "EOF")
	}
	for path, answer := range answers {
		record("GET "+path+" HTTP/1.1\r\n\r\n", answer)
	}
	const call = "POST /call HTTP/1.1\r\nSOAPACTION: \"urn:x#Get\"\r\nContent-Length: 0\r\n\r\n"
	record(call, answers["/length"])
	tell.peer = netip.MustParseAddrPort("192.168.1.1:80")
	record("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n")

	synctest.Test(t, func(t *testing.T) {
		lan := wire.NewMemory()
		stage, pc := lan.Host("stage", prefix("10.0.0.250/24")), lan.Host("pc", prefix("10.0.0.2/24"))
		taken, err := stage.Listen(t.Context(), "tcp", ":80")
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
		ctx, cancel := context.WithCancel(t.Context())
		ready, done := make(chan string), make(chan error)
		go func() {
			done <- wire.NewReplay(log).Serve(ctx, wire.ReplaySite{Network: stage, Interface: "eth0", Ready: func(l string) { ready <- l }})
		}()
		<-ready
		for path, want := range want {
			if diff := cmp.Diff(want, ask(t, pc, "GET "+path+" HTTP/1.1\r\n\r\n")); diff != "" {
				t.Errorf("%s: %s", path, diff)
			}
		}
		if got := ask(t, pc, call); !strings.HasSuffix(got, move("10.0.0.2")) {
			t.Error(got)
		}
		cancel()
		<-done
	})
}

// ask sends a request and returns what comes back.
func ask(t *testing.T, n wire.Network, request string) string {
	conn, err := n.Dial(t.Context(), "tcp", "10.0.0.250:5000")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, request)
	buf := make([]byte, 4000)
	k, _ := conn.Read(buf)
	return string(buf[:k])
}

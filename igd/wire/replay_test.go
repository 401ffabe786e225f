package wire_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/igdtest"
	"upnp/igd/wire"
	"upnp/soap"
)

// session is what a client finds, does and finds again. It returns what it saw.
func session(ctx context.Context, n wire.Network) (seen []string) {
	say := func(format string, args ...any) { seen = append(seen, fmt.Sprintf(format, args...)) }
	gw, err := (&igd.Client{Network: n}).Discover(ctx)
	if err != nil {
		return []string{err.Error()}
	}
	say("%s from %v", gw.Location(), gw.LocalAddr())
	say("%s %s", gw.Root().Device.FriendlyName, gw.Root().Device.UDN)
	list := func() {
		for m, err := range igd.Mappings(ctx, gw) {
			say("  %v %v", m, err)
		}
	}
	addr, err := gw.ExternalAddr(ctx)
	say("%v %v", addr, err)
	list()
	m := igd.Mapping{MappingKey: igd.MappingKey{ExternalPort: 9542, Protocol: igd.TCP}, InternalPort: 80, InternalClient: gw.LocalAddr(), Description: "web"}
	say("add: %v", gw.AddMapping(ctx, m))
	list()
	m.InternalClient = netip.MustParseAddr("192.168.1.99")
	say("add for another: %v", gw.AddMapping(ctx, m))
	say("delete: %v", gw.DeleteMapping(ctx, m.MappingKey))
	list()
	return seen
}

// record is a session with an emulated router, and its log from the client's or the router's side.
func record(t *testing.T, p emulator.Profile, ofRouter bool, run func(wire.Network)) *wire.Log {
	log, lan := new(wire.Log), wire.NewMemory()
	var router, client wire.Network = lan.Host("router", prefix("192.168.1.1/24")), lan.Host("pc", prefix("192.168.1.7/24"))
	client.(*wire.Host).SetGateway(netip.MustParseAddr("192.168.1.1"))
	if ofRouter {
		router = wire.NewTap(router, log.Record)
	} else {
		client = wire.NewTap(client, log.Record)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	ready := make(chan struct{})
	server := igd.Server{Network: router, Interface: "eth0", Port: 5000, Ready: func(string) { close(ready) }}
	r := emulator.New(p)
	go func() { done <- r.Serve(ctx, server) }()
	<-ready
	run(client)
	cancel()
	<-done
	return log
}

func profile(t *testing.T, name string) emulator.Profile {
	p, err := emulator.ProfileNamed(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestReplaySession(t *testing.T) {
	for _, name := range []string{"igd1", "igd2"} {
		for side, redacted := range map[string]bool{"client": false, "router": false, "client, redacted": true} {
			t.Run(name+"/"+side, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var want []string
					log := record(t, profile(t, name), side == "router", func(n wire.Network) { want = session(t.Context(), n) })
					if redacted {
						log = log.Redacted()
					}
					got := replaySession(t, log)
					if redacted { // the name and the UDN, and an address, are stand-ins
						want = slices.Concat(want[:1], want[3:])
						got = slices.Concat(got[:1], got[3:])
					}
					if diff := cmp.Diff(want, got); diff != "" || len(want) < 5 {
						t.Errorf("%v\n%s", want, diff)
					}
				})
			})
		}
	}
}

func replaySession(t *testing.T, log *wire.Log) []string {
	t.Helper()
	replay := wire.NewReplay(log)
	replay.Note = func(note string) { t.Log(note) }
	defer replay.Close()
	return session(t.Context(), igdtest.Tapped(t, replay))
}

// TestReplayServed: the same over another network, where devices and URLs have other addresses.
func TestReplayServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var want []string
		log := record(t, profile(t, "igd2"), false, func(n wire.Network) { want = session(t.Context(), n) })
		lan := wire.NewMemory()
		stage, pc := lan.Host("stage", prefix("10.0.0.250/24")), lan.Host("pc", prefix("10.0.0.2/24"))
		pc.SetGateway(netip.MustParseAddr("10.0.0.250"))
		taken, err := stage.Listen(t.Context(), "tcp", ":5000")
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
		ctx, cancel := context.WithCancel(t.Context())
		location, done := make(chan string, 1), make(chan error)
		replay := wire.NewReplay(log)
		go func() {
			done <- replay.Serve(ctx, wire.ReplaySite{Network: stage, Interface: "eth0", Ready: func(l string) { location <- l }})
		}()
		at := <-location
		got := session(t.Context(), igdtest.Tapped(t, pc))
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		moved := strings.NewReplacer("http://192.168.1.1:5000", strings.TrimSuffix(at, "/root.xml"), "192.168.1.7", "10.0.0.2")
		for i := range want {
			want[i] = moved.Replace(want[i])
		}
		want[0] = at + " from 10.0.0.2"
		for i := range got {
			got[i] = strings.ReplaceAll(got[i], "at "+"10.0.0.250", "at 192.168.1.1")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestReplayEvents: what a subscriber was told it is told again, at its own callback, after
// what provoked it.
func TestReplayEvents(t *testing.T) {
	for _, ofRouter := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var want []string
			log := record(t, profile(t, "igd2"), ofRouter, func(n wire.Network) { want = watched(t.Context(), n) })
			replay := wire.NewReplay(log)
			defer replay.Close()
			got := watched(t.Context(), igdtest.Tapped(t, replay))
			if diff := cmp.Diff(want, got); diff != "" || !slices.Contains(want, "source live") {
				t.Errorf("%v\n%s", want, diff)
			}
		})
	}
}

// watched is what Changes tells while a mapping is made and removed, without the times.
func watched(ctx context.Context, n wire.Network) (seen []string) {
	gw, err := (&igd.Client{Network: n}).Discover(ctx)
	if err != nil {
		return []string{err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	m := igd.Mapping{MappingKey: igd.MappingKey{ExternalPort: 9542, Protocol: igd.TCP}, InternalPort: 80, InternalClient: gw.LocalAddr()}
	time.AfterFunc(20*time.Second, func() { gw.AddMapping(ctx, m) })
	time.AfterFunc(40*time.Second, func() { gw.DeleteMapping(ctx, m.MappingKey) })
	for c, err := range gw.Changes(ctx) {
		if err != nil {
			return append(seen, err.Error())
		}
		seen = append(seen, strings.TrimSpace(fmt.Sprintf("%v %v", c.Kind, c.Source)))
		for _, m := range append(c.Added, c.Removed...) {
			seen = append(seen, m.String())
		}
	}
	return seen
}

// TestReplayTurns: which recorded answer a request gets.
func TestReplayTurns(t *testing.T) {
	log := new(wire.Log)
	tell := newTeller(log.Record)
	flow := 0
	exchange := func(request, answer string) {
		flow++
		tell.tell(flow, wire.Opened, "tcp", "")
		tell.tell(flow, wire.Sent, "tcp", request)
		if answer != "" {
			tell.tell(flow, wire.Received, "tcp", fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer))
		}
		tell.tell(flow, wire.Closed, "tcp", "EOF")
	}
	call := func(action, args string) string {
		body := `<Envelope><Body><u:` + action + `>` + args + `</u:` + action + `></Body></Envelope>`
		return fmt.Sprintf("POST /ctl HTTP/1.1\r\nSOAPACTION: \"urn:x#%s\"\r\nContent-Length: %d\r\n\r\n%s", action, len(body), body)
	}
	exchange("GET /x.xml HTTP/1.1\r\n\r\n", "x")
	exchange(call("GetA", "<I>0</I><C>192.168.1.7</C>"), "a1")
	exchange(call("GetA", "<I>0</I><C>192.168.1.7</C>"), "a2")
	exchange(call("Set", "<V>1</V>"), "s1")
	exchange(call("GetA", "<I>0</I><C>192.168.1.7</C>"), "a3")
	exchange(call("Set", "<V>2</V>"), "s2")
	exchange(call("GetA", "<I>0</I><C>192.168.1.7</C>"), "a4")
	exchange(call("Break", ""), "")

	asks := []struct{ request, want string }{
		{call("GetA", "<u:C>192.168.1.7</u:C> <I>\n0</I>"), "a1"}, // another order, other blanks
		{call("GetA", "<I>0</I><C>192.168.1.7</C>"), "a2"},
		{call("GetA", "<I>0</I><C>192.168.1.7</C>"), "a2"}, // none from behind the change
		{call("Set", "<V>1</V>"), "s1"},
		{call("GetA", "<I>0</I><C>192.168.1.7</C>"), "a3"},
		{call("Set", "<V>2</V>"), "s2"},
		{call("GetA", "<I>0</I><C>192.168.1.7</C>"), "a4"},
		{call("GetA", "<I>0</I><C>192.168.1.7</C>"), "a4"},
		{call("Set", "<V>2</V>"), `not in the recording: Set once more; the nearest there is the same, 1 times`},
		{call("Set", "<V>3</V>"), `not in the recording: Set with V "3"; the nearest there is Set with V "1"`},
		{"GET /y.xml HTTP/1.1\r\n\r\n", `not in the recording: GET /y.xml; the nearest there is GET /x.xml`},
		{call("Break", ""), "EOF"},
		{"GET http://192.168.1.1:5000/x.xml HTTP/1.1\r\n\r\n", "x"},
	}
	synctest.Test(t, func(t *testing.T) {
		var notes []string
		replay := wire.NewReplay(log)
		replay.Note = func(n string) { notes = append(notes, n) }
		defer replay.Close()
		for i, ask := range asks {
			if got := rawAsk(t, replay, ask.request); got != ask.want {
				t.Errorf("request %d: %s, want %s", i+1, got, ask.want)
			}
		}
		synctest.Wait()
		if len(notes) != 5 || !strings.Contains(notes[0], "repeated: GetA") {
			t.Errorf("notes %q", notes)
		}
	})
}

// rawAsk sends a request and returns the body of the answer, or why there is none.
func rawAsk(t *testing.T, n wire.Network, request string) string {
	conn, err := n.Dial(t.Context(), "tcp", "192.168.1.1:5000")
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	io.WriteString(conn, request)
	buf := make([]byte, 1000)
	k, err := conn.Read(buf)
	if u, ok := errors.AsType[*wire.UnrecordedError](err); ok {
		return u.Error()
	}
	if err != nil {
		return err.Error()
	}
	_, body, _ := strings.Cut(string(buf[:k]), "\r\n\r\n")
	return body
}

// TestReplayRefusesOverSockets: over a network that others are on, what was not recorded is said in the
// answer, to a call in a fault.
func TestReplayRefusesOverSockets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := record(t, profile(t, "igd1"), false, func(n wire.Network) { session(t.Context(), n) })
		_, pc, host := home()
		ctx, cancel := context.WithCancel(t.Context())
		ready, done := make(chan string, 1), make(chan error)
		go func() {
			done <- wire.NewReplay(log).Serve(ctx, wire.ReplaySite{Network: host, Interface: "eth0", Ready: func(l string) { ready <- l }})
		}()
		if at := <-ready; at != "http://192.168.1.1:5000/root.xml" {
			t.Errorf("at %s", at)
		}
		client := wire.HTTPClient(pc)
		resp, body, err := get(t.Context(), client, "http://192.168.1.1:5000/rootDesk.xml")
		if err != nil || resp.StatusCode != 404 || !strings.Contains(body, "nearest there is GET /root.xml") {
			t.Errorf("%v %q %v", resp, body, err)
		}
		gw, err := (&igd.Client{Network: pc}).Open(t.Context(), "http://192.168.1.1:5000/root.xml")
		if err != nil {
			t.Fatal(err)
		}
		err = gw.DeleteMapping(t.Context(), igd.MappingKey{ExternalPort: 7, Protocol: igd.UDP})
		if f, ok := errors.AsType[*soap.Fault](err); !ok || f.Code != 899 || !strings.Contains(f.Description, `DeletePortMapping with NewExternalPort "7"`) {
			t.Errorf("error %v", err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestReplayHostile: files and requests that nobody sane makes neither stop nor crash it.
func TestReplayHostile(t *testing.T) {
	logs := []string{
		"upnp-wire 1 2026-03-04T05:06:07.000008Z\n",
		"upnp-wire 1 2026-03-04T05:06:07.000008Z\n0.000000 1 sent tcp - - 4\nGET \n0.000000 1 received tcp - - 1\nx\n",
		"upnp-wire 1 2026-03-04T05:06:07.000008Z\n0.000000 1 sent tcp 127.0.0.1:1 127.0.0.1:80 18\nGET / HTTP/1.1\r\n\r\n\n0.000000 2 sent udp - [ff02::c]:1900 11\nM-SEARCH *\n\n",
		"upnp-wire 1 2026-03-04T05:06:07.000008Z\n0.000000 1 accepted tcp - - 0\n0.000000 1 received tcp - - 37\nNOTIFY / HTTP/1.1\r\nSID: x\r\nSEQ: x\r\n\r\n\n",
	}
	for i, file := range logs {
		synctest.Test(t, func(t *testing.T) {
			log, err := wire.ReadLog(strings.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			replay := wire.NewReplay(log)
			replay.Interfaces()
			rawAsk(t, replay, "GET / HTTP/1.1\r\n\r\n")
			if conn, err := replay.Dial(t.Context(), "tcp", "127.0.0.1:80"); err == nil {
				io.WriteString(conn, strings.Repeat("x", 100000))
				conn.Close()
			} else if i == 2 {
				t.Error(err)
			}
			replay.Close()
			if err := wire.NewReplay(log).Serve(t.Context(), wire.ReplaySite{Network: wire.NewMemory().Host("x"), Interface: "eth9"}); err == nil {
				t.Error("served on an interface that is not there")
			}
		})
	}
}

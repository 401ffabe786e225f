package igd_test

import (
	"bufio"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/igdtest"
	"upnp/igd/wire"
)

// A reception takes events by hand: the body of each, without what is around the variables.
type reception struct {
	*home
	url  string
	mu   sync.Mutex
	told []string
}

var bare = strings.NewReplacer(`<?xml version="1.0"?>`, "", `<e:propertyset xmlns:e="urn:schemas-upnp-org:event-1-0">`, "",
	"</e:propertyset>", "", "<e:property>", "", "</e:property>", " ")

// receive subscribes to an event path; status is the answer.
func (h *home) receive(path, callback string) (r *reception, status string) {
	h.Helper()
	l, err := h.client.Listen(h.Context(), "tcp", clientAt.Addr().String()+":0")
	if err != nil {
		h.Fatal(err)
	}
	r = &reception{home: h}
	done := make(chan struct{})
	h.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if q, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				body, _ := io.ReadAll(q.Body)
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				r.mu.Lock()
				r.told = append(r.told, strings.TrimSpace(bare.Replace(string(body))))
				r.mu.Unlock()
			}
			c.Close()
		}
	}()
	if callback == "" {
		callback = "http://" + l.Addr().String() + "/"
	}
	c, err := h.client.Dial(h.Context(), "tcp", "192.168.1.1:5000")
	if err != nil {
		h.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "SUBSCRIBE "+path+" HTTP/1.1\r\nHost: 192.168.1.1:5000\r\nCALLBACK: <"+callback+">\r\nNT: upnp:event\r\nConnection: close\r\n\r\n")
	answer, _ := io.ReadAll(c)
	status, _, _ = strings.Cut(string(answer), "\r\n")
	time.Sleep(time.Second)
	return r, status
}

// events are those since the last time.
func (r *reception) events() []string {
	time.Sleep(time.Second)
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	told := r.told
	r.told = nil
	return told
}

func (r *reception) want(want ...string) {
	r.Helper()
	if got := r.events(); !slices.Equal(got, want) {
		r.Errorf("events %q, want %q", got, want)
	}
}

func TestServerTellsOfTheConnection(t *testing.T) {
	for _, test := range []struct {
		device    igd.Device
		path      string
		first     string
		one, none string
	}{
		{igd.V1, "/event/WANIPConn1", "", "", ""},
		{igd.PPP, "/event/WANPPPConn1", "", "", ""},
		{igd.V2, "/event/WANIPConn1", " <SystemUpdateID>0</SystemUpdateID>", " <SystemUpdateID>1</SystemUpdateID>", " <SystemUpdateID>2</SystemUpdateID>"},
	} {
		atHome(t, emulator.Profile{Device: test.device}, func(h *home) {
			r, status := h.receive(test.path, "")
			if status != "HTTP/1.1 200 OK" {
				h.Fatal(status)
			}
			first := r.events()
			if len(first) != 1 {
				h.Fatalf("first %q", first)
			}
			for _, part := range []string{
				"<PossibleConnectionTypes>IP_Routed</PossibleConnectionTypes>", "<ConnectionStatus>Connected</ConnectionStatus>",
				"<ExternalIPAddress>11.22.33.44</ExternalIPAddress>", "<PortMappingNumberOfEntries>0</PortMappingNumberOfEntries>", strings.TrimSpace(test.first),
			} {
				if !strings.Contains(first[0], part) {
					h.Errorf("no %q in %q", part, first[0])
				}
			}
			h.router.Put(entry(1, 0))
			r.want("<PortMappingNumberOfEntries>1</PortMappingNumberOfEntries>" + test.one)
			h.router.Wipe()
			r.want("<PortMappingNumberOfEntries>0</PortMappingNumberOfEntries>" + test.none)
			h.router.SetExternal(second)
			r.want("<ExternalIPAddress>11.22.33.55</ExternalIPAddress>")
			time.Sleep(31 * time.Minute) // the subscription ends unless renewed
			h.router.Put(entry(1, 0))
			r.want()
		})
	}
}

func TestServerTellsOfTheRest(t *testing.T) {
	atHome(t, emulator.Profile{}, func(h *home) {
		common, _ := h.receive("/event/WANCommonIFC1", "")
		common.want("<PhysicalLinkStatus>Up</PhysicalLinkStatus>")
		forwarding, _ := h.receive("/event/L3Forwarding1", "")
		if got := forwarding.events(); len(got) != 1 || !strings.Contains(got[0], ":WANConnectionDevice:1,urn:upnp-org:serviceId:WANIPConn1</DefaultConnectionService>") {
			h.Errorf("forwarding told %q", got)
		}
		h.router.SetConnection("Disconnected", "ERROR_UNKNOWN")
		common.want("<PhysicalLinkStatus>Down</PhysicalLinkStatus>")
		forwarding.want()
	})
}

// TestServerCallStranger: events go to nobody but who asked for them.
func TestServerCallStranger(t *testing.T) {
	atHome(t, emulator.Profile{}, func(h *home) {
		for _, callback := range []string{"http://192.168.1.66:80/", "http://192.168.1.1:5000/", "http://router.local/", "https://192.168.1.7:9/", "ftp://192.168.1.7/"} {
			if _, status := h.receive("/event/WANIPConn1", callback); status != "HTTP/1.1 412 Precondition Failed" {
				h.Errorf("callback %s: %s", callback, status)
			}
		}
	})
}

// TestServerPassesOn: a gateway served again tells what the real one tells.
func TestServerPassesOn(t *testing.T) {
	atHome(t, emulator.Profile{}, func(h *home) {
		lan := wire.NewMemory()
		igdtest.ServeBackend(h.T, igd.Server{Backend: h.gateway, Network: lan.Host("proxy", routerAt), Interface: "eth0"})
		host := lan.Host("behind", clientAt)
		host.SetGateway(routerAt.Addr())
		behind, err := (&igd.Client{Network: host}).Discover(h.Context())
		if err != nil {
			h.Fatal(err)
		}
		h.gateway = behind
		r := h.watch(present...)
		h.router.Put(entry(1, 0))
		r.within(200*time.Millisecond, "1 +1")
		h.router.SetExternal(second)
		r.within(200*time.Millisecond, "11.22.33.55")
	})
}

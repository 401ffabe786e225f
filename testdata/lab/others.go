//go:build linux

package lab

import (
	"fmt"
	"net"
	"net/http"
	"strings"
)

// An other is a UPnP device that is no gateway. It shares no code with the stack under test.
type other struct {
	kind     string
	name     string
	answers  func(st string) []string // the STs of its answers to a search
	describe func(w http.ResponseWriter, page string)
	uuid     string
}

// kinds of other devices: two that behave, and two that answer any search at once with what was
// asked for, as some media boxes do; behind the last is no description either.
func kinds() []other {
	own := func(kind string) func(string) []string {
		all := []string{"upnp:rootdevice", kind}
		return func(st string) []string {
			switch {
			case st == "ssdp:all":
				return all
			case st == all[0] || st == all[1]:
				return []string{st}
			}
			return nil
		}
	}
	echo := func(st string) []string { return []string{st} }
	serve := func(w http.ResponseWriter, page string) {
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprint(w, page)
	}
	login := func(w http.ResponseWriter, _ string) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<html><body>Please log in<br></body></html>")
	}
	server, renderer := "urn:schemas-upnp-org:device:MediaServer:1", "urn:schemas-upnp-org:device:MediaRenderer:1"
	return []other{
		{kind: server, name: "Records", answers: own(server), describe: serve},
		{kind: renderer, name: "Kitchen radio", answers: own(renderer), describe: serve},
		{kind: "urn:schemas-upnp-org:device:Basic:1", name: "Says yes to all", answers: echo, describe: serve},
		{kind: "urn:schemas-upnp-org:device:Basic:1", name: "Wants a password", answers: echo, describe: login},
	}
}

// others puts n other devices on the LAN.
func (l *Lab) others(n int) {
	l.t.Helper()
	for i, o := range kinds()[:n] {
		h := l.lanHost(fmt.Sprintf("o%d", i+1), fmt.Sprintf("192.168.7.%d", 201+i), RouterAddr)
		o.uuid = fmt.Sprintf("uuid:0c7ab3d2-51aa-4e0b-9f11-0200c0a807%02x", i+1)
		h.Serve(l.t, h.Addr+":8200", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			o.describe(w, o.description())
		}))
		l.answerSearches(h, o)
	}
}

func (l *Lab) answerSearches(h *Host, o other) {
	l.t.Helper()
	var conn *net.UDPConn
	err := h.Do(func() error {
		ifi, err := net.InterfaceByName("lan0")
		if err == nil {
			conn, err = net.ListenMulticastUDP("udp4", ifi, &net.UDPAddr{IP: net.IPv4(239, 255, 255, 250), Port: 1900})
		}
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	go o.answer(conn, h.Addr)
	l.t.Cleanup(func() { conn.Close() })
}

func (o other) answer(conn *net.UDPConn, addr string) {
	buf := make([]byte, 2048)
	for {
		n, from, err := conn.ReadFromUDP(buf)
		if err != nil {
			return
		}
		text := string(buf[:n])
		if !strings.HasPrefix(text, "M-SEARCH ") {
			continue
		}
		for _, st := range o.answers(header(text, "st")) {
			fmt.Fprintf(writerTo{conn, from}, "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nEXT:\r\n"+
				"LOCATION: http://%s:8200/device.xml\r\nSERVER: Linux/5.4 UPnP/1.0 Box/1.0\r\nST: %s\r\nUSN: %s::%s\r\n\r\n",
				addr, st, o.uuid, st)
		}
	}
}

type writerTo struct {
	conn *net.UDPConn
	to   *net.UDPAddr
}

func (w writerTo) Write(b []byte) (int, error) { return w.conn.WriteToUDP(b, w.to) }

func header(message, name string) string {
	for line := range strings.SplitSeq(message, "\r\n") {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(k), name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func (o other) description() string {
	return fmt.Sprintf(`<?xml version="1.0"?>
<root xmlns="urn:schemas-upnp-org:device-1-0"><specVersion><major>1</major><minor>0</minor></specVersion>
<device><deviceType>%s</deviceType><friendlyName>%s</friendlyName><manufacturer>Nobody</manufacturer>
<modelName>Box</modelName><UDN>%s</UDN><serviceList><service>
<serviceType>urn:schemas-upnp-org:service:ConnectionManager:1</serviceType>
<serviceId>urn:upnp-org:serviceId:ConnectionManager</serviceId>
<SCPDURL>/cm.xml</SCPDURL><controlURL>/cm/control</controlURL><eventSubURL>/cm/event</eventSubURL>
</service></serviceList></device></root>
`, o.kind, o.name, o.uuid)
}

// Other adds a host to the LAN, at 192.168.7.n, for a device of the caller's.
func (l *Lab) Other(name string, n int) *Host {
	l.t.Helper()
	return l.lanHost(name, fmt.Sprintf("192.168.7.%d", n), RouterAddr)
}

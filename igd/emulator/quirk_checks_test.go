package emulator_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/soap"
	"upnp/ssdp"
)

const neighbour = "192.168.1.8"

// checks are the tests of quirks by name. Each has a V1 router with that quirk and no other.
var checks = map[string]func(*lab){
	// refusals
	"only-permanent-leases": func(l *lab) {
		l.want("with a lease", l.add(5000), 725)
		l.want("without", l.add(5000, lease(0)), 0)
	},
	"lease-402": func(l *lab) {
		l.want("with a lease", l.add(5000), 402)
		l.want("without", l.add(5000, lease(0)), 0)
	},
	"no-permanent-leases": func(l *lab) {
		l.want("without a lease", l.add(5000, lease(0)), 402)
		l.want("with", l.add(5000), 0)
	},
	"same-port-required": func(l *lab) {
		l.want("other port", l.add(5000, inner(80)), 724)
		l.want("same port", l.add(5000), 0)
	},
	"remote-host-wildcard-only": func(l *lab) {
		l.want("a host", l.add(5000, remote("8.8.8.8")), 726)
		l.want("any", l.add(5000), 0)
	},
	"empty-description-402": func(l *lab) {
		l.want("empty", l.add(5000, about("")), 402)
		l.want("not", l.add(5000), 0)
	},
	"long-description-501": func(l *lab) {
		l.want("257", l.add(5000, about(strings.Repeat("x", 257))), 501)
		l.want("256", l.add(5000, about(strings.Repeat("x", 256))), 0)
	},
	"privileged-606": func(l *lab) {
		l.want("1023", l.add(1023), 606)
		l.want("1024", l.add(1024), 0)
	},
	"conflict-own-renewal": func(l *lab) {
		l.want("new", l.add(5000), 0)
		l.want("again", l.add(5000), 718)
		l.must("DeletePortMapping", key(5000)...)
		l.want("after a delete", l.add(5000), 0)
	},
	"first-port-718": func(l *lab) {
		l.want("first", l.add(5000), 718)
		l.want("first again", l.add(5000), 718)
		l.want("next", l.add(5001), 0)
	},
	"foreign-606": func(l *lab) {
		l.want("foreign", l.add(5000, client(neighbour)), 606)
		l.want("own", l.add(5000), 0)
	},
	"foreign-silent": func(l *lab) {
		l.want("foreign", l.add(5000, client(neighbour)), 0)
		l.want("read it", l.code(l.call("GetSpecificPortMappingEntry", key(5000)...)), 714)
		l.want("own", l.add(5000), 0)
		l.about(5000)
	},
	"anyone": func(l *lab) {
		l.want("foreign", l.add(5000, client(neighbour)), 0)
		l.about(5000)
		l.must("DeletePortMapping", key(5000)...)
	},
	"remote-host-star": func(l *lab) {
		l.want("add", l.add(5000), 0)
		l.want("delete", l.code(l.call("DeletePortMapping", key(5000)...)), 714)
		l.must("DeletePortMapping", remote("*"), port(5000), proto("TCP"))
		l.want("left", len(l.router.Table()), 0)
	},
	"remote-host-zero": func(l *lab) {
		l.want("empty", l.add(5000), 402)
		l.want("0.0.0.0", l.add(5000, remote("0.0.0.0")), 0)
		l.want("read", l.code(l.call("GetSpecificPortMappingEntry", key(5000)...)), 402)
	},
	"protocol-case": func(l *lab) {
		l.want("lower", l.add(5000, proto("tcp")), 402)
		l.want("upper", l.add(5000), 0)
	},

	// tables
	"ok-but-nothing-done": func(l *lab) {
		l.want("add", l.add(5000), 0)
		l.want("read it", l.code(l.call("GetSpecificPortMappingEntry", key(5000)...)), 714)
	},
	"silent-lease-loss": func(l *lab) {
		l.want("add", l.add(5000), 0)
		l.want("lease told", l.must("GetSpecificPortMappingEntry", key(5000)...).Value("NewLeaseDuration"), "3600")
		l.want("permanent", l.add(5001, lease(0)), 0)
		time.Sleep(5 * time.Second)
		l.want("read it", l.code(l.call("GetSpecificPortMappingEntry", key(5000)...)), 714)
		l.about(5001)
	},
	"lease-always-86400": func(l *lab) {
		l.want("add", l.add(5000), 0)
		l.want("lease", l.at(0).Value("NewLeaseDuration"), "86400")
	},
	"lease-ignored": func(l *lab) {
		l.want("add", l.add(5000), 0)
		l.want("lease", l.at(0).Value("NewLeaseDuration"), "0")
	},
	"renewal-ignored": func(l *lab) {
		l.want("add", l.add(5000, lease(10)), 0)
		l.want("renew", l.add(5000), 0)
		time.Sleep(11 * time.Second)
		l.want("list", l.atCode(0), 713)
	},
	"enabled-ignored": func(l *lab) {
		l.want("add", l.add(5000, enabled("0")), 0)
		l.want("enabled", l.at(0).Value("NewEnabled"), "1")
	},
	"same-port-forced": func(l *lab) {
		l.want("add", l.add(5000, inner(80)), 0)
		l.want("internal port", l.at(0).Value("NewInternalPort"), "5000")
	},
	"description-cut": func(l *lab) {
		l.want("add", l.add(5000, about("0123456789ABCDEF")), 0)
		l.want("description", l.about(5000), "0123456789A")
	},
	"altered-description": func(l *lab) {
		l.want("add", l.add(5000, about("it's/me_2 é")), 0)
		l.want("description", l.about(5000), "itsme2 é")
	},
	"table-limit-silent": func(l *lab) {
		l.router.SetQuirks(quirks(l.T, "table-limit-silent=1")...)
		l.two()
		l.want("second", l.atCode(1), 713)
		l.want("renewal", l.add(5000, about("renewed")), 0)
		l.want("first", l.about(5000), "renewed")
	},
	"table-full-402": func(l *lab) {
		l.router.SetQuirks(quirks(l.T, "table-full-402=1")...)
		l.want("first", l.add(5000), 0)
		l.want("second", l.add(5001), 402)
		l.want("renewal", l.add(5000), 0)
	},
	"late-table": func(l *lab) {
		l.want("add", l.add(5000), 0)
		l.want("read at once", l.code(l.call("GetSpecificPortMappingEntry", key(5000)...)), 714)
		l.want("list at once", l.atCode(0), 713)
		time.Sleep(4 * time.Second)
		l.about(5000)
		l.want("renew", l.add(5000), 0)
		l.about(5000)
	},
	"delete-missing-ok": func(l *lab) {
		l.must("DeletePortMapping", key(5000)...)
	},
	"remote-host-forgotten": func(l *lab) {
		l.want("add", l.add(5000, remote("8.8.8.8")), 0)
		l.want("told", l.at(0).Value("NewRemoteHost"), "")
		l.about(5000)
		l.must("DeletePortMapping", remote("8.8.8.8"), port(5000), proto("TCP"))
	},

	// listings
	"index-from-1": func(l *lab) {
		l.two()
		l.want("index 0", l.atCode(0), 713)
		l.want("index 1", l.at(1).Value("NewExternalPort"), "5000")
		l.want("index 3", l.atCode(3), 713)
	},
	"list-end-501": func(l *lab) { l.two(); l.at(1); l.want("end", l.atCode(2), 501) },
	"list-end-402": func(l *lab) { l.two(); l.at(1); l.want("end", l.atCode(2), 402) },
	"list-end-repeat": func(l *lab) {
		l.want("empty", l.atCode(0), 713)
		l.two()
		l.want("far end", l.at(9).Value("NewExternalPort"), "5001")
	},
	"list-end-close": func(l *lab) {
		l.two()
		l.at(1)
		l.eof("GetGenericPortMappingEntry", index(2))
	},
	"hole-in-list": func(l *lab) {
		l.two()
		hole := l.at(1)
		l.want("port", hole.Value("NewExternalPort"), "0")
		l.want("client", hole.Value("NewInternalClient"), "")
		l.want("enabled", hole.Value("NewEnabled"), "0")
		l.want("after it", l.at(2).Value("NewExternalPort"), "5001")
	},
	"newest-first": func(l *lab) {
		l.two()
		l.want("first", l.at(0).Value("NewExternalPort"), "5001")
		l.want("end", l.atCode(2), 713)
	},
	"lowercase-protocol": func(l *lab) {
		l.two()
		l.want("protocol", l.at(0).Value("NewProtocol"), "tcp")
	},
	"wrong-protocol": func(l *lab) {
		l.want("add", l.add(5000, proto("UDP")), 0)
		l.want("protocol", l.at(0).Value("NewProtocol"), "TCP")
	},

	// wan
	"status-lies": func(l *lab) {
		l.want("status", l.must("GetStatusInfo").Value("NewConnectionStatus"), "Disconnected")
		l.want("address", l.must("GetExternalIPAddress").Value("NewExternalIPAddress"), "11.22.33.44")
	},
	"status-up": func(l *lab) {
		l.want("status", l.must("GetStatusInfo").Value("NewConnectionStatus"), "Up")
	},
	"odd-uptime": func(l *lab) {
		l.want("uptime", l.must("GetStatusInfo").Value("NewUptime"), "9 Days, 22:18:59")
	},
	"private-external": func(l *lab) {
		l.want("address", l.must("GetExternalIPAddress").Value("NewExternalIPAddress"), "192.168.100.2")
	},
	"zero-external": func(l *lab) {
		l.want("address", l.must("GetExternalIPAddress").Value("NewExternalIPAddress"), "0.0.0.0")
	},
	"empty-external": func(l *lab) {
		l.want("address", l.must("GetExternalIPAddress").Value("NewExternalIPAddress"), "")
	},

	// pinholes
	"pinhole-unknown-402": func(l *lab) {
		r, _ := l.openHole(8080)
		_, err := r.PinholePackets(l.Context(), 99)
		l.want("unknown", err, error(igd.ErrInvalidArgs))
	},
	"pinhole-low-ports": func(l *lab) {
		_, err := l.openHole(1023)
		l.want("1023", err, error(igd.ErrNotAuthorized))
		_, err = l.openHole(1024)
		l.want("1024", err, nil)
	},
	"pinholes-refused": func(l *lab) {
		_, err := l.openHole(8080)
		l.want("any", err, error(igd.ErrNotAuthorized))
	},
	"firewall-off": func(l *lab) {
		r, err := l.openHole(8080)
		l.want("any", err, error(igd.ErrFirewallDisabled))
		s, _ := r.FirewallStatus(l.Context())
		l.want("status", s, igd.FirewallStatus{Allowed: true})
	},
	"pinholes-off": func(l *lab) {
		r, err := l.openHole(8080)
		l.want("any", err, error(igd.ErrPinholeNotAllowed))
		s, _ := r.FirewallStatus(l.Context())
		l.want("status", s, igd.FirewallStatus{Enabled: true})
	},

	// answers
	"chunked": func(l *lab) {
		answer := l.raw(l.request("GetStatusInfo"))
		l.has(answer, "Transfer-Encoding: chunked\r\n", "\r\n0\r\n\r\n")
		l.hasNot(answer, "Content-Length")
		l.must("GetStatusInfo")
	},
	"no-content-length": func(l *lab) {
		answer := l.raw(l.request("GetStatusInfo"))
		l.hasNot(answer, "Content-Length", "Transfer-Encoding")
		l.has(answer, "</s:Envelope>")
		l.must("GetStatusInfo")
	},
	"malformed-status-line": func(l *lab) {
		l.has(l.raw(l.request("GetStatusInfo")), "HTTP1.1 200 OK\r\n")
	},
	"latin-1": func(l *lab) {
		_, _, body := l.get("/root.xml")
		l.has(body, "Routeur \xe0 la maison")
	},
	"octet-stream": func(l *lab) {
		_, contentType, body := l.get("/root.xml")
		l.want("content type", contentType, "application/octet-stream")
		l.has(body, "<root")
	},
	"eof-after-work": func(l *lab) {
		l.eof("AddPortMapping", append(key(5000), inner(80), client(clientAddr.String()), enabled("1"), about(""), lease(0))...)
		l.about(5000)
	},
	"slow": func(l *lab) {
		begin := time.Now()
		l.must("GetStatusInfo")
		l.want("took", time.Since(begin), 4*time.Second)
	},
	"html-login-page": func(l *lab) {
		l.has(l.raw(l.request("GetStatusInfo")), "HTTP/1.1 200 OK\r\n", "text/html", "<html>")
		l.root()
	},
	"missing-scpd": func(l *lab) {
		status, _, _ := l.get("/scpd/WANIPConnection1.xml")
		l.want("status", status, 404)
		l.through()
	},
	"soapaction-case": func(l *lab) {
		l.must("GetStatusInfo")
		for header, want := range map[string]string{
			"SOAPAction": " 200 ", "SOAPACTION": " 200 ", "Soapaction": "<errorCode>501</errorCode>", "soapaction": "<errorCode>501</errorCode>",
		} {
			head, body := l.post(header, "GetStatusInfo")
			l.has(l.raw(head+body), want)
		}
	},
	"upper-case-arguments": func(l *lab) {
		l.has(l.raw(l.request("GetStatusInfo")), "<NEWUPTIME>")
		l.must("GetStatusInfo")
	},

	// faults
	"truncated-fault": func(l *lab) {
		l.want("code", l.atCode(0), 713)
		answer := l.raw(l.request("NoSuchAction"))
		l.has(answer, "<errorCode>401</errorCode>")
		l.hasNot(answer, "</s:Envelope>")
	},
	"fault-in-200": func(l *lab) {
		l.has(l.raw(l.request("NoSuchAction")), "HTTP/1.1 200 ", "<errorCode>401</errorCode>")
		l.want("code", l.atCode(0), 713)
	},
	"fault-without-body": func(l *lab) {
		l.has(l.raw(l.request("NoSuchAction")), "HTTP/1.1 500 ", "Content-Length: 0\r\n")
		l.must("GetStatusInfo")
	},
	"fault-camel-case": func(l *lab) {
		l.has(l.raw(l.request("NoSuchAction")), "<faultCode>", "</faultString>")
		l.want("code", l.atCode(0), 713)
	},
	"fault-code-odd": func(l *lab) {
		l.want("code", l.atCode(0), -911)
	},

	// descriptions
	"control-url-relative": func(l *lab) {
		l.want("control URL", l.connections()[0], "control/WANIPConn1")
		l.through()
	},
	"control-url-absolute": func(l *lab) {
		l.has(l.connections()[0], "http://router.home:")
		l.through()
	},
	"control-url-query-only": func(l *lab) {
		l.want("control URL", l.connections()[0], "?WANIPConn1")
		l.through()
	},
	"wrong-urlbase": func(l *lab) {
		base := l.root().URLBase
		l.has(base, "http://192.168.1.1:")
		if strings.HasPrefix(l.location, base) {
			l.Errorf("URLBase %s is right", base)
		}
		l.through()
	},
	"loopback-urlbase": func(l *lab) {
		l.want("URLBase", l.root().URLBase, "http://127.0.0.1/")
		l.through()
	},
	"dead-first-wan": func(l *lab) {
		root := l.root()
		urls := l.connections()
		l.want("connections", len(urls), 2)
		for i, want := range []string{"Disconnected", "Connected"} {
			l.control = root.URL(urls[i])
			l.want("status", l.must("GetStatusInfo").Value("NewConnectionStatus"), want)
		}
		l.want("map on the live one", l.add(5000), 0)
		l.control = root.URL(urls[0])
		l.want("map on the dead one", l.add(5000), 501)
	},
	"no-common-interface-config": func(l *lab) {
		for s := range l.root().Services() {
			if s.Type == igd.WANCommonInterfaceConfig1 {
				l.Errorf("has %s", s.Type)
			}
		}
		l.through()
	},
	"dslforum-types": func(l *lab) {
		l.through()
		l.want("type", l.service, "urn:dslforum-org:service:WANIPConnection:1")
	},
	"connection-version-2": func(l *lab) {
		ppp := newLab(l.T, emulator.Profile{Device: igd.PPP, Quirks: l.router.Quirks()})
		ppp.through()
		l.want("type", ppp.service, "urn:schemas-upnp-org:service:WANPPPConnection:2")
	},
	"bare-ampersand": func(l *lab) {
		_, _, body := l.get("/root.xml")
		l.has(body, "<friendlyName>R&N gateway</friendlyName>")
		l.want("name", l.root().Device.FriendlyName, "R&N gateway")
	},
	"padded-description": func(l *lab) {
		_, _, body := l.get("/root.xml")
		if !strings.HasPrefix(body, "\ufeff<?xml") || !strings.HasSuffix(body, "\x00\x00\x00") {
			l.Errorf("body %q", body)
		}
		l.through()
	},
	"no-namespace": func(l *lab) {
		_, _, body := l.get("/root.xml")
		l.hasNot(body, "device-1-0")
		l.through()
	},

	// searches
	"root-device-only": func(l *lab) { l.answersOnly(ssdp.RootDevice) },
	"all-only":         func(l *lab) { l.answersOnly(ssdp.All) },
	"typed-only":       func(l *lab) { l.answersOnly(igd.InternetGatewayDevice1) },
	"header-case": func(l *lab) {
		l.has(string(l.one().Raw), "location: http")
	},
	"al-header": func(l *lab) {
		raw := string(l.one().Raw)
		l.has(raw, "AL: http")
		l.hasNot(raw, "LOCATION:")
	},
	"location-loopback": func(l *lab) {
		l.has(l.one().Location(), "http://[::1]:")
	},
	"other-device-first": func(l *lab) {
		found := l.search(igd.InternetGatewayDevice1)
		if len(found) < 2 {
			l.Fatalf("%d answers, want two", len(found))
		}
		l.has(found[0].Location(), ":1990/WFADevice.xml")
		l.want("second", found[1].Location(), l.location)
	},
	"slow-search": func(l *lab) {
		begin := time.Now()
		if took := l.one().Time.Sub(begin); took < 1500*time.Millisecond {
			l.Errorf("answered after %v", took)
		}
	},
	"nul-padding": func(l *lab) {
		if raw := string(l.one().Raw); !strings.HasSuffix(raw, "\x00") {
			l.Errorf("datagram %q", raw)
		}
	},
	"drop-datagrams": func(l *lab) {
		l.one() // repeated searches get through
		l.router.SetQuirks(quirks(l.T, "drop-datagrams=100")...)
		l.want("answers", len(l.search(ssdp.RootDevice)), 0)
	},

	// connections
	"first-segment-only": func(l *lab) {
		l.must("GetStatusInfo")
		head, body := l.post("SOAPACTION", "GetStatusInfo")
		l.has(l.raw(head+body), " 200 ")
		l.hasNot(l.raw(head, body), " 200 ")
	},

	// events
	"subscribe-refused": func(l *lab) {
		l.has(l.raw(l.subscribe("")), "HTTP/1.1 412 ")
		l.router.SetQuirks(quirks(l.T, "subscribe-refused=500")...)
		l.has(l.raw(l.subscribe("")), "HTTP/1.1 500 ")
		l.router.SetQuirks()
		l.has(l.raw(l.subscribe("")), "HTTP/1.1 200 ", "TIMEOUT: Second-")
	},
	"never-notifies": func(l *lab) {
		s := l.listen()
		l.has(l.raw(l.subscribe(s.url)), "HTTP/1.1 200 ", "SID: uuid:", "TIMEOUT: Second-1800\r\n")
		l.router.SetExternal(otherAddr)
		time.Sleep(time.Minute)
		l.want("events", len(s.events()), 0)
	},
	"notify-before-answer": func(l *lab) {
		l.router.SetQuirks(quirks(l.T, "notify-before-answer=5s")...)
		s, begin := l.listen(), time.Now()
		l.has(l.raw(l.subscribe(s.url)), "HTTP/1.1 200 ")
		l.want("answered after", time.Since(begin), 5*time.Second)
		l.want("events", len(s.events()), 1)
		l.want("told before", s.first.Sub(begin) < 5*time.Second, true)
	},
	"drops-while-in-flight": func(l *lab) {
		s := l.listen()
		l.raw(l.subscribe(s.url))
		for n := range 20 {
			l.add(6000 + n)
			time.Sleep(6 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		got := s.events()
		l.want("told", len(got) > 1 && len(got) < 6, true)
		l.hasNot(got[len(got)-1], "<PortMappingNumberOfEntries>20<")
	},
	"second-infinite": func(l *lab) {
		l.has(l.raw(l.subscribe(l.listen().url)), "HTTP/1.1 200 ", "TIMEOUT: Second-infinite\r\n")
	},
	"renewal-without-sid": func(l *lab) {
		answer := l.raw(l.subscribe(l.listen().url))
		l.has(answer, "HTTP/1.1 200 ", "SID: uuid:")
		_, rest, _ := strings.Cut(answer, "SID: ")
		sid, _, _ := strings.Cut(rest, "\r\n")
		renewal := l.raw("SUBSCRIBE /event/WANIPConn1 HTTP/1.1\r\nHost: " + l.authority() + "\r\nSID: " + sid + "\r\nTIMEOUT: Second-60\r\nConnection: close\r\n\r\n")
		l.has(renewal, "HTTP/1.1 200 ", "TIMEOUT: Second-60\r\n")
		l.hasNot(renewal, "SID:")
	},
}

// A subscriber is a socket that takes events and says 200.
type subscriber struct {
	url   string
	first time.Time
	mu    sync.Mutex
	all   []string
}

// openHole asks a router of version 2 with the lab's quirks for a pinhole.
func (l *lab) openHole(port uint16) (*emulator.Router, error) {
	r := emulator.New(emulator.Profile{Device: igd.V2, Quirks: l.router.Quirks()})
	_, err := r.AddPinhole(l.Context(), igd.Pinhole{
		InternalClient: netip.MustParseAddr("fd00::7"), InternalPort: port, Protocol: igd.TCP, Lease: time.Minute,
	})
	return r, err
}

func (l *lab) listen() *subscriber {
	l.Helper()
	at, err := l.network.Listen(l.Context(), "tcp", clientAddr.String()+":0")
	if err != nil {
		l.Fatal(err)
	}
	s := &subscriber{url: "http://" + at.Addr().String() + "/events"}
	done := make(chan struct{})
	l.Cleanup(func() { at.Close(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := at.Accept()
			if err != nil {
				return
			}
			s.take(c)
		}
	}()
	return s
}

func (s *subscriber) take(c net.Conn) {
	defer c.Close()
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	body, _ := io.ReadAll(r.Body)
	io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) == 0 {
		s.first = time.Now()
	}
	s.all = append(s.all, string(body))
}

func (s *subscriber) events() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

func (l *lab) authority() string {
	at, err := url.Parse(l.control)
	if err != nil {
		l.Fatal(err)
	}
	return at.Host
}

// subscribe is a SUBSCRIBE as a client without this stack might write it.
func (l *lab) subscribe(callback string) string {
	if callback == "" {
		callback = l.listen().url
	}
	return "SUBSCRIBE /event/WANIPConn1 HTTP/1.1\r\nHost: " + l.authority() + "\r\nCALLBACK: <" + callback +
		">\r\nNT: upnp:event\r\nTIMEOUT: Second-300\r\nConnection: close\r\n\r\n"
}

func (l *lab) request(action string) string {
	head, body := l.post("SOAPACTION", action)
	return head + body
}

func (l *lab) has(text string, parts ...string) {
	l.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			l.Errorf("no %q in\n%s", p, text)
		}
	}
}

func (l *lab) hasNot(text string, parts ...string) {
	l.Helper()
	for _, p := range parts {
		if strings.Contains(text, p) {
			l.Errorf("%q in\n%s", p, text)
		}
	}
}

// eof calls an action that is answered by the end of the connection.
func (l *lab) eof(action string, in ...soap.Arg) {
	l.Helper()
	if _, err := l.call(action, in...); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		l.Errorf("%s: error %v, want the end of the connection", action, err)
	}
}

// one is the first answer to a search for a gateway.
func (l *lab) one() *ssdp.Packet {
	l.Helper()
	found := l.search(igd.InternetGatewayDevice1)
	if len(found) == 0 {
		l.Fatal("no answer")
	}
	return found[0]
}

// answersOnly searches in the ways clients search.
func (l *lab) answersOnly(want ssdp.Target) {
	l.Helper()
	all := []ssdp.Target{ssdp.All, ssdp.RootDevice, igd.InternetGatewayDevice1}
	for _, target := range all {
		if got := len(l.search(target)) > 0; got != (target == want) {
			l.Errorf("search for %s answered: %v", target, got)
		}
	}
	if !slices.Contains(all, want) {
		l.Errorf("%s is not searched for", want)
	}
}

package igd_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/igdtest"
	"upnp/igd/wire"
	"upnp/ssdp"
)

// A case of the doctor: what is wrong, and the finding that must be its conclusion.
type sickness struct {
	name   string
	quirks string // of the router, by the names of the emulator
	cause  string // ID of the conclusion
	says   string // in its words
	also   string // ID of a finding that must be among the others
}

var sicknesses = []sickness{
	{name: "nothing", cause: igd.FindAllWell, says: "opens ports", also: igd.FindEvents},
	{quirks: "only-permanent-leases", cause: igd.FindPermanent, says: "keeps no leases"},
	{quirks: "lease-402", cause: igd.FindPermanent, says: "keeps no leases"},
	{quirks: "lease-ignored", cause: igd.FindPermanent, says: "keeps no leases"},
	{quirks: "lease-always-86400", cause: igd.FindLeaseAltered, says: "24h instead of 10m"},
	{quirks: "renewal-ignored", cause: igd.FindRenewalIgnored, says: "yes to a renewal"},
	{quirks: "conflict-own-renewal", cause: igd.FindRenewalRefused, says: "refuses to renew"},
	{quirks: "ok-but-nothing-done", cause: igd.FindIgnored, says: "says yes to a mapping and does not make it"},
	{quirks: "table-limit-silent=1", cause: igd.FindIgnored, says: "says yes to a mapping and does not make it"},
	{quirks: "table-full-402=1", cause: igd.FindRefused, says: "No port can be opened"},
	{quirks: "silent-lease-loss", cause: igd.FindLost, says: "drops a mapping within seconds"},
	{quirks: "late-table", cause: igd.FindLate, says: "shows a new mapping only after"},
	{quirks: "altered-description", cause: igd.FindAllWell, also: igd.FindAltered},
	{quirks: "description-cut", cause: igd.FindAllWell, also: igd.FindAltered},
	{quirks: "same-port-required", cause: igd.FindAllWell, also: igd.FindNegotiated},
	{quirks: "eof-after-work", cause: igd.FindCut, says: "ends connections without an answer"},
	{quirks: "private-external", cause: igd.FindDoubleNAT, says: "behind another router"},
	{quirks: "private-external=100.64.0.2", cause: igd.FindCGNAT, says: "shares its public addresses"},
	{quirks: "private-external=192.0.0.2", cause: igd.FindDSLite, says: "DS-Lite"},
	{quirks: "zero-external", cause: igd.FindNoAddress, says: "tells no outside address"},
	{quirks: "zero-external,status-lies", cause: igd.FindWANDown, says: `no connection to the Internet: it says "Disconnected"`},
	{quirks: "status-lies", cause: igd.FindOddStatus, says: `says it is "Disconnected"`},
	{quirks: "slow", cause: igd.FindSlow, says: "takes 4.0 s for every answer"},
	{quirks: "slow-search=2s", cause: igd.FindLateAnswer, says: "s to answer the search"},
	{quirks: "html-login-page", cause: igd.FindUnusable, says: `HTML page "Login"`},
	{quirks: "subscribe-refused", cause: igd.FindEventsRefused, says: "does not let this machine subscribe"},
	{quirks: "never-notifies", cause: igd.FindEventsSilent, says: "no event arrives"},
	{quirks: "missing-scpd", cause: igd.FindAllWell, also: igd.FindNoSCPD},
	{quirks: "bare-ampersand", cause: igd.FindAllWell, also: igd.FindRepaired},
	{quirks: "padded-description", cause: igd.FindAllWell, also: igd.FindSCPDRepaired},
	{quirks: "other-device-first", cause: igd.FindAllWell, also: igd.FindOtherDevices},
	{quirks: "location-loopback", cause: igd.FindAllWell, also: igd.FindRepaired},
}

func TestSurveyNamesTheCause(t *testing.T) {
	for _, s := range sicknesses {
		t.Run(s.name+s.quirks, func(t *testing.T) {
			inHouse(t, func(h house) {
				p := emulator.Profile{Name: "home", Device: igd.V1}
				for _, name := range strings.FieldsFunc(s.quirks, func(r rune) bool { return r == ',' }) {
					q, err := emulator.Lookup(name)
					if err != nil {
						h.Fatal(err)
					}
					p.Quirks = append(p.Quirks, q)
				}
				router := h.router("192.168.1.1", p)
				if err := router.Put(theirs); err != nil {
					h.Fatal(err)
				}
				r := (&igd.Survey{Client: h.client("192.168.1.1"), Write: true}).Run(h.Context())
				s.check(h.T, r)
				h.wantClean(router)
			})
		})
	}
}

func (s sickness) check(t *testing.T, r *igd.Report) {
	t.Helper()
	if r.Conclusion.ID != s.cause || !strings.Contains(r.Conclusion.What, s.says) {
		t.Errorf("concluded %+v, want %s in words like %q", r.Conclusion, s.cause, s.says)
	}
	if s.also != "" && !has(r, s.also) {
		t.Errorf("no %s among %+v", s.also, r.Findings)
	}
}

func has(r *igd.Report, id string) bool {
	return slices.ContainsFunc(r.Findings, func(f igd.Finding) bool { return f.ID == id })
}

// theirs is another host's, at the port that a trial would like.
var theirs = igd.Mapping{MappingKey: igd.MappingKey{ExternalPort: 55000, Protocol: igd.TCP}, InternalClient: netip.MustParseAddr("192.168.1.50"), InternalPort: 80}

// wantClean tells mappings that were left behind.
func (h house) wantClean(r *emulator.Router) {
	h.Helper()
	for m, err := range igd.Mappings(context.Background(), r) {
		if err == nil && m.InternalClient != theirs.InternalClient {
			h.Errorf("left behind: %v", m)
		}
	}
}

// TestSurveyOnlyLooks: without Write nothing but questions is sent.
func TestSurveyOnlyLooks(t *testing.T) {
	inHouse(t, func(h house) {
		h.router("192.168.1.1", emulator.Profile{})
		c := h.client("192.168.1.1")
		var calls []string
		c.Network = wire.NewTap(c.Network, func(e wire.Event) {
			if e.Kind == wire.Sent && strings.HasPrefix(string(e.Data), "POST") {
				_, action, _ := strings.Cut(string(e.Data), "#")
				calls = append(calls, action[:strings.IndexByte(action, '"')])
			}
		})
		r := c.Survey(h.Context())
		if r.Conclusion.ID != igd.FindAllWell || r.Trial != nil || len(calls) == 0 {
			h.Errorf("%+v after %q", r.Conclusion, calls)
		}
		for _, action := range calls {
			if !strings.HasPrefix(action, "Get") {
				h.Errorf("called %s", action)
			}
		}
	})
}

func isAnswer(data []byte) bool { return strings.HasPrefix(string(data), "HTTP/") }

// A machine is what a test says of the operating system.
type machine struct{ walls []igd.Firewall }

func (m machine) Firewalls(context.Context) []igd.Firewall { return m.walls }
func (machine) Virtual(name string) string {
	if name == "br0" {
		return "a bridge"
	}
	return ""
}
func (machine) Undelivered() (uint64, bool)    { return 7, true }
func (machine) LetIn(router netip.Addr) string { return "let it in from " + router.String() }

// TestSurveyLostReplies: a firewall on this host that keeps answers out is told from a router that
// does not answer, and the router is examined all the same.
func TestSurveyLostReplies(t *testing.T) {
	for _, s := range []struct {
		sickness
		loses func([]byte, netip.AddrPort, map[netip.AddrPort]bool) bool
	}{
		{sickness{name: "all", cause: igd.FindRepliesLost, says: "answers to searches do not arrive", also: igd.FindMapping},
			func([]byte, netip.AddrPort, map[netip.AddrPort]bool) bool { return true }},
		{sickness{name: "of strangers", cause: igd.FindMulticastLost, says: "answers when it is asked directly", also: igd.FindMapping},
			func(data []byte, from netip.AddrPort, asked map[netip.AddrPort]bool) bool {
				return isAnswer(data) && !asked[from]
			}},
	} {
		t.Run(s.name, func(t *testing.T) {
			inHouse(t, func(h house) {
				host := h.memory.Host("router", netip.MustParsePrefix("192.168.1.1/24"))
				igdtest.Serve(h.T, emulator.New(emulator.Profile{}), igd.Server{Network: host, Interface: "eth0", Port: 5000})
				c := h.client("192.168.1.1")
				c.Network = deaf{c.Network, s.loses}
				survey := igd.Survey{Client: c, Write: true, Machine: machine{[]igd.Firewall{{Name: "a wall", Blocks: true}}}}
				r := survey.Run(h.Context())
				s.check(h.T, r)
				if !strings.HasPrefix(r.Conclusion.Do, "let it in from 192.168.1.1") || !slices.Contains(r.Conclusion.Evidence, "a wall on this machine refuses what was not asked for") {
					h.Errorf("%+v", r.Conclusion)
				}
			})
		})
	}
}

// TestSurveyWithoutGateway tells the reasons for which nobody answers.
func TestSurveyWithoutGateway(t *testing.T) {
	for _, s := range []struct {
		sickness
		gateway string
		put     func(house)
		walls   []igd.Firewall
	}{
		{sickness{name: "no route", cause: igd.FindNoAnswer, says: "knows of none", also: igd.FindNoRoute}, "", func(house) {}, nil},
		{sickness{name: "silent", cause: igd.FindRouterSilent, says: "does not answer to anything"}, "192.168.1.1", func(house) {}, nil},
		{sickness{name: "off", cause: igd.FindUPnPOff, says: "does not answer UPnP"}, "192.168.1.1", func(h house) { h.memory.Host("r", netip.MustParsePrefix("192.168.1.1/24")) }, nil},
		{sickness{name: "wall", cause: igd.FindRepliesLost, says: "keeps answers out"}, "192.168.1.1", func(h house) { h.memory.Host("r", netip.MustParsePrefix("192.168.1.1/24")) }, []igd.Firewall{{Name: "a wall", Blocks: true}}},
		{sickness{name: "others", cause: igd.FindOnlyOthers, says: "no router that opens ports"}, "192.168.1.1", func(h house) { h.stranger("192.168.1.9", "ssdp:all", noGateway) }, nil},
		{sickness{name: "404", cause: igd.FindUnusable, says: "cannot be used"}, "192.168.1.1", func(h house) { h.stranger("192.168.1.1", igd.InternetGatewayDevice1, nil) }, nil},
		{sickness{name: "cut", cause: igd.FindUnusable, says: "cannot be used"}, "192.168.1.1", func(h house) { h.stranger("192.168.1.1", igd.InternetGatewayDevice1, cutOff) }, nil},
	} {
		t.Run(s.name, func(t *testing.T) {
			inHouse(t, func(h house) {
				s.put(h)
				survey := igd.Survey{Client: h.client(s.gateway), Write: true, Machine: machine{s.walls}}
				r := survey.Run(h.Context())
				s.check(h.T, r)
				if r.Gateway != nil || r.Seconds > 10 {
					h.Errorf("%+v after %v s", r.Gateway, r.Seconds)
				}
			})
		})
	}
}

func TestSurveyNoNetwork(t *testing.T) {
	inHouse(t, func(h house) {
		c := &igd.Client{Network: h.memory.Host("lonely")}
		r := c.Survey(h.Context())
		if r.Conclusion.ID != igd.FindNoNetwork || r.Seconds > 1 {
			h.Errorf("%+v", r)
		}
	})
}

const noGateway = `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><specVersion><major>1</major><minor>0</minor></specVersion>
<device><deviceType>urn:schemas-wifialliance-org:device:WFADevice:1</deviceType><friendlyName>WPS</friendlyName><UDN>uuid:1</UDN></device></root>`

const cutOff = `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device><deviceType>urn:schemas-up`

// stranger puts a device that answers every search with one target, and serves one page: nothing
// is 404.
func (h house) stranger(addr, target string, page any) {
	host := h.memory.Host(addr, netip.MustParsePrefix(addr+"/24"))
	l, err := host.Listen(h.Context(), "tcp", addr+":1990")
	if err != nil {
		h.Fatal(err)
	}
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := page.(string)
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Write([]byte(text))
	})}
	go web.Serve(l)
	h.Cleanup(func() { web.Close() })
	group, err := host.ListenPacket(h.Context(), host.Link("eth0").Interface(), ssdp.GroupIPv4())
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { group.Close() })
	go answerAll(group, "HTTP/1.1 200 OK\r\nEXT:\r\nCACHE-CONTROL: max-age=60\r\nLOCATION: http://"+addr+":1990/d.xml\r\nST: "+target+"\r\nUSN: uuid:1::"+target+"\r\n\r\n")
}

func answerAll(conn ssdp.PacketConn, text string) {
	b := make([]byte, 2048)
	for {
		n, from, err := conn.ReadFrom(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if strings.HasPrefix(string(b[:n]), "M-SEARCH") {
			_ = conn.WriteTo([]byte(text), from)
		}
	}
}

func TestSurveyTwoGateways(t *testing.T) {
	inHouse(t, func(h house) {
		h.router("192.168.1.66", emulator.Profile{Name: "second", Quirks: after(time.Millisecond)})
		h.router("192.168.1.1", emulator.Profile{Name: "home", Quirks: after(100 * time.Millisecond)})
		r := h.client("192.168.1.1").Survey(h.Context())
		sickness{cause: igd.FindTwoGateways, says: "More than one router"}.check(h.T, r)
		if r.Gateway == nil || !strings.Contains(r.Gateway.Location, "192.168.1.1:") || len(r.Answers) < 2 {
			h.Fatalf("%+v", r)
		}
		for _, a := range r.Answers {
			if a.Taken != strings.Contains(a.Location, "192.168.1.1:") || a.Taken != strings.HasPrefix(a.Verdict, "taken: ") || !a.Multicast {
				h.Errorf("%+v", a)
			}
		}
	})
}

func TestSurveyGatewayBesideTheWay(t *testing.T) {
	inHouse(t, func(h house) {
		h.router("192.168.1.2", emulator.Profile{})
		r := h.client("192.168.1.1").Survey(h.Context())
		sickness{cause: igd.FindElsewhere, says: "goes to the Internet through, 192.168.1.1"}.check(h.T, r)
	})
}

// TestSurveyStopped: whenever it is stopped, nothing is left on the router, and nothing runs on.
func TestSurveyStopped(t *testing.T) {
	for after := range 40 {
		inHouse(t, func(h house) {
			router := h.router("192.168.1.1", emulator.Profile{Device: igd.V2, Quirks: late(50 * time.Millisecond)})
			ctx, cancel := context.WithTimeout(h.Context(), time.Duration(after)*200*time.Millisecond)
			defer cancel()
			survey := igd.Survey{Client: h.client("192.168.1.1"), Write: true}
			r := survey.Run(ctx)
			if ctx.Err() != nil && r.Conclusion.ID != igd.FindStopped {
				h.Errorf("after %d: %+v", after, r.Conclusion)
			}
			h.wantClean(router)
		})
	}
}

// late makes every call take a while.
func late(d time.Duration) []emulator.Quirk {
	q, err := emulator.Lookup("slow=" + d.String())
	if err != nil {
		panic(err)
	}
	return []emulator.Quirk{q}
}

// TestSurveyForeignPorts: what others have at the ports of the trial stays theirs.
func TestSurveyForeignPorts(t *testing.T) {
	inHouse(t, func(h house) {
		router := h.router("192.168.1.1", emulator.Profile{Device: igd.V1})
		if err := router.Put(theirs); err != nil {
			h.Fatal(err)
		}
		survey := igd.Survey{Client: h.client("192.168.1.1"), Write: true}
		r := survey.Run(h.Context())
		if r.Conclusion.ID != igd.FindAllWell || r.Trial.Mapping.ExternalPort != 55001 || r.Table.Entries != 1 || !r.Trial.Removed {
			h.Errorf("%+v, trial %+v", r.Conclusion, r.Trial)
		}
		if m, err := router.Mapping(h.Context(), theirs.MappingKey); err != nil || m.InternalClient != theirs.InternalClient {
			h.Errorf("%v, %v", m, err)
		}
	})
}

// TestSurveyTells: findings are told as they are made, with what is under way.
func TestSurveyTells(t *testing.T) {
	inHouse(t, func(h house) {
		h.router("192.168.1.1", emulator.Profile{})
		var told []string
		doing := 0
		survey := igd.Survey{
			Client: h.client("192.168.1.1"),
			Found:  func(f igd.Finding) { told = append(told, f.ID) },
			Doing:  func(string) { doing++ },
		}
		r := survey.Run(h.Context())
		var want []string
		for _, f := range r.Findings {
			want = append(want, f.ID)
		}
		if !slices.Equal(told, want) || doing < 4 {
			h.Errorf("told %v of %v, doing %d things", told, want, doing)
		}
	})
}

func TestSurveyTarget(t *testing.T) {
	inHouse(t, func(h house) {
		h.router("192.168.1.1", emulator.Profile{})
		c := h.client("192.168.1.1")
		g, err := c.Discover(h.Context())
		if err != nil {
			h.Fatal(err)
		}
		if r := (&igd.Survey{Client: c, Target: g.Location(), Write: true}).Run(h.Context()); r.Conclusion.ID != igd.FindAllWell {
			h.Errorf("%+v", r.Conclusion)
		}
		if r := (&igd.Survey{Client: c, Target: "http://192.168.1.1:1/x"}).Run(h.Context()); r.Conclusion.ID != igd.FindTargetNotThere {
			h.Errorf("%+v", r.Conclusion)
		}
	})
}

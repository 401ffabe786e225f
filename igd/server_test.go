package igd_test

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upnp/description"
	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/igdtest"
	"upnp/igd/wire"
	"upnp/soap"
	"upnp/ssdp"
	"upnp/testdata"
)

// A served is a Server on a network in memory and a client beside it.
type served struct {
	*testing.T
	world  *wire.Memory
	router *emulator.Router
	client *wire.Host
	base   string // http://address:port
}

var (
	routerPrefix = netip.MustParsePrefix("192.168.1.1/24")
	clientAddr   = netip.MustParseAddr("192.168.1.7")
	otherAddr    = netip.MustParseAddr("192.168.1.8")
)

func newServed(t *testing.T, s igd.Server) *served {
	t.Helper()
	v := &served{T: t, world: wire.NewMemory(), router: emulator.New(emulator.Profile{Device: s.Device})}
	v.client = v.world.Host("client", netip.PrefixFrom(clientAddr, 24))
	s.Network, s.Interface = v.world.Host("router", routerPrefix), "eth0"
	if s.Backend == nil {
		s.Backend = v.router
	}
	location := igdtest.ServeBackend(t, s)
	v.base = strings.TrimSuffix(location, "/root.xml")
	return v
}

func (v *served) call(path, service, action string, in ...soap.Arg) (soap.Args, error) {
	c := soap.Client{URL: v.base + path, Service: service, HTTP: wire.HTTPClient(v.client)}
	r, err := c.Call(v.Context(), action, in...)
	if err != nil {
		return nil, err
	}
	return r.Args, nil
}

func code(err error) int {
	if f, ok := errors.AsType[*soap.Fault](err); ok {
		return f.Code
	}
	return 0
}

func (v *served) do(method, path string, body string, edit func(*http.Request)) (status int, answer string) {
	v.Helper()
	r, err := http.NewRequestWithContext(v.Context(), method, v.base+path, strings.NewReader(body))
	if err != nil {
		v.Fatal(err)
	}
	if edit != nil {
		edit(r)
	}
	resp, err := wire.HTTPClient(v.client).Do(r)
	if err != nil {
		v.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		v.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

// bubble runs a test of a server in a synctest bubble, which also finds every goroutine that
// Serve leaves behind.
func bubble(t *testing.T, s igd.Server, test func(*served)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(newServed(t, s)) })
}

// The service documents list what the standard requires, the way the standard has it.
func TestServiceDocuments(t *testing.T) {
	files, err := filepath.Glob("scpd/*.xml")
	if err != nil || len(files) != 6 {
		t.Fatal(files, err)
	}
	standard := readStandard(t)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		scpd, err := description.ParseSCPD(data)
		if err != nil || len(scpd.Notes) > 0 {
			t.Fatalf("%s: %v, notes %q", file, err, scpd.Notes)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".xml")
		checkDocument(t, name, scpd, standard[name])
	}
}

// A standardAction is a row of the table of actions: its arguments with their types.
type standardAction struct {
	required bool
	in, out  string
}

// readStandard reads the table by the names of the documents, such as WANIPConnection2.
func readStandard(t *testing.T) map[string]map[string]standardAction {
	t.Helper()
	f, err := testdata.FS.Open("spec/actions.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	services := make(map[string]map[string]standardAction)
	for _, row := range rows[1:] {
		name := strings.Replace(row[0], ":", "", 1)
		if services[name] == nil {
			services[name] = make(map[string]standardAction)
		}
		services[name][row[1]] = standardAction{row[2] == "R", row[3], row[4]}
	}
	return services
}

func checkDocument(t *testing.T, name string, scpd *description.SCPD, standard map[string]standardAction) {
	t.Helper()
	signature := func(args []*description.Argument) string {
		var all []string
		for _, a := range args {
			kind := description.DataType("missing")
			if v := scpd.Related(a); v != nil {
				kind = v.Type
			}
			all = append(all, a.Name+":"+string(kind))
		}
		return strings.Join(all, " ")
	}
	for _, action := range scpd.Actions {
		want, ok := standard[action.Name]
		if in, out := signature(action.In()), signature(action.Out()); !ok || in != want.in || out != want.out {
			t.Errorf("%s: %s has\nin %s\nout %s, want\nin %s\nout %s", name, action.Name, in, out, want.in, want.out)
		}
	}
	for action, row := range standard {
		if row.required && scpd.Action(action) == nil {
			t.Errorf("%s: no %s", name, action)
		}
	}
}

func TestServerImplementsItsDocuments(t *testing.T) {
	for _, device := range []igd.Device{igd.V1, igd.V2, igd.PPP} {
		bubble(t, igd.Server{Device: device}, func(v *served) {
			for s := range v.root().Services() {
				status, text := v.do("GET", s.SCPDURL, "", nil)
				want, err := os.ReadFile(strings.TrimPrefix(s.SCPDURL, "/"))
				if status != 200 || err != nil || text != string(want) {
					v.Errorf("GET %s: status %d, %v, or other bytes", s.SCPDURL, status, err)
				}
				v.callAll(s, []byte(text))
			}
		})
	}
}

func (v *served) root() *description.Root {
	v.Helper()
	root, err := (&description.Client{HTTP: wire.HTTPClient(v.client)}).Root(v.Context(), v.base+"/root.xml")
	if err != nil {
		v.Fatal(err)
	}
	return root
}

// callAll calls every action that is listed, without arguments: 401 and 602 are not among the
// reasons not to do it.
func (v *served) callAll(s *description.Service, document []byte) {
	v.Helper()
	scpd, err := description.ParseSCPD(document)
	if err != nil {
		v.Fatal(err)
	}
	for _, action := range scpd.Actions {
		_, err := v.call(s.ControlURL, s.Type, action.Name)
		if c := code(err); c == 401 || c == 602 || c == 0 && err != nil {
			v.Errorf("%s of %s: %v", action.Name, s.Type, err)
		}
	}
}

// Optional abilities a backend does not have are refused, the required ones made do.
func TestServerOverPlainBackend(t *testing.T) {
	backend := struct{ igd.Backend }{emulator.New(emulator.Profile{Device: igd.V2})}
	bubble(t, igd.Server{Backend: backend, Device: igd.V2}, func(v *served) {
		common, connection := "/control/WANCommonIFC1", "/control/WANIPConn1"
		_, err := v.call(common, igd.WANCommonInterfaceConfig1, "GetTotalBytesSent")
		if code(err) != 602 {
			v.Errorf("counters: %v, want 602", err)
		}
		out, err := v.call(common, igd.WANCommonInterfaceConfig1, "GetCommonLinkProperties")
		if err != nil || out.Value("NewPhysicalLinkStatus") != "Up" {
			v.Errorf("link: %v, %v", out, err)
		}
		out, err = v.call(connection, igd.WANIPConnection2, "GetNATRSIPStatus")
		if err != nil || out.Value("NewNATEnabled") != "1" {
			v.Errorf("NAT: %v, %v", out, err)
		}
		_, err = v.call(connection, igd.WANIPConnection2, "DeletePortMappingRange",
			soap.Arg{Name: "NewStartPort", Value: "1"}, soap.Arg{Name: "NewEndPort", Value: "2"},
			soap.Arg{Name: "NewProtocol", Value: "TCP"}, soap.Arg{Name: "NewManage", Value: "1"})
		if code(err) != 602 {
			v.Errorf("ranges: %v, want 602", err)
		}
	})
}

// Only version 2 has the actions of version 2, and it has those of version 1 too.
func TestServerVersions(t *testing.T) {
	bubble(t, igd.Server{Device: igd.V1}, func(v *served) {
		_, err := v.call("/control/WANIPConn1", igd.WANIPConnection1, "GetListOfPortMappings")
		if code(err) != 401 {
			v.Errorf("version 1: %v, want 401", err)
		}
	})
	bubble(t, igd.Server{Device: igd.V2}, func(v *served) {
		_, err := v.call("/control/WANIPConn1", igd.WANIPConnection1, "GetStatusInfo")
		if err != nil {
			v.Errorf("version 1 of version 2: %v", err)
		}
	})
}

func TestServerAnswersWhatIsNotThere(t *testing.T) {
	bubble(t, igd.Server{}, func(v *served) {
		for _, tt := range []struct {
			method, path string
			want         int
		}{
			{"GET", "/", 404}, {"GET", "/scpd/", 404}, {"GET", "/scpd/../server.go", 404},
			{"SUBSCRIBE", "/event/WANIPConn1", 412}, {"UNSUBSCRIBE", "/event/L3Forwarding1", 412}, {"SUBSCRIBE", "/event/none", 404},
			{"PUT", "/root.xml", 405}, {"PUT", "/control/WANIPConn1", 405}, {"GET", "/control/WANIPConn1", 405}, {"GET", "/event/WANIPConn1", 405},
		} {
			if status, _ := v.do(tt.method, tt.path, "", nil); status != tt.want {
				v.Errorf("%s %s: status %d, want %d", tt.method, tt.path, status, tt.want)
			}
		}
	})
}

func TestServerEventsHook(t *testing.T) {
	events := func(s *description.Service) http.Handler {
		if s.Type != igd.WANIPConnection1 {
			return nil
		}
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, s.ID) })
	}
	bubble(t, igd.Server{Events: events}, func(v *served) {
		if status, body := v.do("SUBSCRIBE", "/event/WANIPConn1", "", nil); status != 200 || body != "urn:upnp-org:serviceId:WANIPConn1" {
			v.Errorf("status %d, body %q", status, body)
		}
		if status, _ := v.do("SUBSCRIBE", "/event/WANCommonIFC1", "", nil); status != 412 {
			v.Errorf("status %d, want 412: the server's own", status)
		}
	})
}

func mappingArgs(port string, client netip.Addr) []soap.Arg {
	return []soap.Arg{
		{Name: "NewRemoteHost"}, {Name: "NewExternalPort", Value: port}, {Name: "NewProtocol", Value: "TCP"},
		{Name: "NewInternalPort", Value: "80"}, {Name: "NewInternalClient", Value: client.String()}, {Name: "NewEnabled", Value: "1"},
		{Name: "NewPortMappingDescription"}, {Name: "NewLeaseDuration", Value: "0"},
	}
}

func TestServerPolicy(t *testing.T) {
	permanent := igd.Mapping{
		MappingKey:     igd.MappingKey{ExternalPort: 9, Protocol: igd.TCP},
		InternalClient: otherAddr, InternalPort: 80,
	}
	refuseAll := func(netip.Addr, igd.Mapping) error { return igd.ErrNotAuthorized }
	for _, tt := range []struct {
		name            string
		device          igd.Device
		policy          igd.Policy
		own, other, del int
	}{
		{"V1", igd.V1, nil, 0, 718, 606},
		{"V2", igd.V2, nil, 0, 606, 606},
		{"own only", igd.V1, igd.OwnOnly, 0, 606, 606},
		{"anyone", igd.V1, igd.Anyone, 0, 0, 0},
		{"nobody", igd.V2, refuseAll, 606, 606, 606},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, igd.Server{Device: tt.device, Policy: tt.policy}, func(v *served) {
				_ = v.router.Put(permanent)
				path, kind := "/control/WANIPConn1", igd.WANIPConnection1
				_, own := v.call(path, kind, "AddPortMapping", mappingArgs("5000", clientAddr)...)
				_, other := v.call(path, kind, "AddPortMapping", mappingArgs("5001", otherAddr)...)
				_, del := v.call(path, kind, "DeletePortMapping", mappingArgs("9", otherAddr)[:3]...)
				if code(own) != tt.own || code(other) != tt.other || code(del) != tt.del {
					v.Errorf("own %v, other %v, delete %v; want %d, %d, %d", own, other, del, tt.own, tt.other, tt.del)
				}
			})
		})
	}
}

// NewManage and the policy decide together what a range is.
func TestServerRanges(t *testing.T) {
	span := func(manage string) []soap.Arg {
		return []soap.Arg{
			{Name: "NewStartPort", Value: "1"}, {Name: "NewEndPort", Value: "9"}, {Name: "NewProtocol", Value: "TCP"},
			{Name: "NewManage", Value: manage}, {Name: "NewNumberOfPorts", Value: "0"},
		}
	}
	for _, tt := range []struct {
		name           string
		policy         igd.Policy
		manage         string
		listed, remain int
	}{
		{"own", nil, "0", 1, 1}, {"all", nil, "1", 2, 1}, {"own, anyone", igd.Anyone, "0", 1, 1}, {"all, anyone", igd.Anyone, "1", 2, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, igd.Server{Device: igd.V2, Policy: tt.policy}, func(v *served) {
				for i, addr := range []netip.Addr{clientAddr, otherAddr} {
					_ = v.router.Put(igd.Mapping{
						MappingKey:     igd.MappingKey{ExternalPort: uint16(i + 1), Protocol: igd.TCP},
						InternalClient: addr, InternalPort: 80,
					})
				}
				path, kind := "/control/WANIPConn1", igd.WANIPConnection2
				out, err := v.call(path, kind, "GetListOfPortMappings", span(tt.manage)...)
				if n := strings.Count(out.Value("NewPortListing"), "<p:PortMappingEntry>"); n != tt.listed {
					v.Errorf("%d listed, want %d; %v", n, tt.listed, err)
				}
				_, err = v.call(path, kind, "DeletePortMappingRange", span(tt.manage)[:4]...)
				if n := len(v.router.Table()); err != nil || n != tt.remain {
					v.Errorf("%d remain, want %d; %v", n, tt.remain, err)
				}
				_, err = v.call(path, kind, "DeletePortMappingRange", span(tt.manage)[:4]...)
				if code(err) != 730 {
					v.Errorf("again: %v, want 730", err)
				}
			})
		})
	}
}

// Descriptions survive the listing inside the answer, in the spelling miniupnpc reads.
func TestServerListing(t *testing.T) {
	bubble(t, igd.Server{Device: igd.V2}, func(v *served) {
		const text = `a<b>&amp; ]]> "c"`
		_ = v.router.Put(igd.Mapping{
			MappingKey:     igd.MappingKey{ExternalPort: 1, Protocol: igd.TCP},
			InternalClient: clientAddr, InternalPort: 80, Description: text,
		})
		body, _ := (&soap.Request{Service: igd.WANIPConnection2, Action: "GetListOfPortMappings", Args: soap.Args{
			{Name: "NewStartPort", Value: "1"}, {Name: "NewEndPort", Value: "9"}, {Name: "NewProtocol", Value: "TCP"},
			{Name: "NewManage", Value: "0"}, {Name: "NewNumberOfPorts", Value: "0"},
		}}).AppendText(nil)
		_, answer := v.do("POST", "/control/WANIPConn1", string(body), nil)
		if !strings.Contains(answer, "<NewPortListing><![CDATA[<?xml") {
			v.Errorf("no CDATA in %s", answer)
		}
		g, err := (&igd.Client{Network: v.client}).Open(v.Context(), v.base+"/root.xml")
		if err != nil {
			v.Fatal(err)
		}
		all, err := g.ListMappings(v.Context(), igd.Range{From: 1, To: 9, Protocol: igd.TCP})
		if err != nil || len(all) != 1 || all[0].Description != text {
			v.Errorf("listed %+v, %v, want one with description %q", all, err, text)
		}
	})
}

func TestServerForwarding(t *testing.T) {
	bubble(t, igd.Server{Device: igd.V2}, func(v *served) {
		path, kind := "/control/L3Forwarding1", igd.Layer3Forwarding1
		out, err := v.call(path, kind, "GetDefaultConnectionService")
		name := out.Value("NewDefaultConnectionService")
		if err != nil || !strings.HasSuffix(name, ":WANConnectionDevice:2,urn:upnp-org:serviceId:WANIPConn1") {
			v.Errorf("%q, %v", name, err)
		}
		device, _, _ := strings.Cut(name, ",")
		for value, want := range map[string]int{name: 0, "uuid:none,x": 720, "": 720, device + ",urn:upnp-org:serviceId:WANPPPConn1": 721} {
			_, err := v.call(path, kind, "SetDefaultConnectionService", soap.Arg{Name: "NewDefaultConnectionService", Value: value})
			if code(err) != want {
				v.Errorf("set %q: %v, want %d", value, err, want)
			}
		}
	})
}

func TestServerVariables(t *testing.T) {
	bubble(t, igd.Server{}, func(v *served) {
		for name, want := range map[string]string{"ConnectionStatus": "Connected", "ExternalIPAddress": "11.22.33.44"} {
			out, err := v.call("/control/WANIPConn1", soap.ControlNamespace, "QueryStateVariable", soap.Arg{Name: "varName", Value: name})
			if err != nil || out.Value("return") != want {
				v.Errorf("%s: %v, %v, want %s", name, out, err, want)
			}
		}
		_, err := v.call("/control/WANIPConn1", soap.ControlNamespace, "QueryStateVariable", soap.Arg{Name: "varName", Value: "Nonsense"})
		if code(err) != 404 {
			v.Errorf("unknown variable: %v, want 404", err)
		}
	})
}

// A device announces itself in every way it can be searched for, and says goodbye.
func TestServerAnnouncements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world := wire.NewMemory()
		client := world.Host("client", netip.PrefixFrom(clientAddr, 24))
		ctx, cancel := context.WithCancel(t.Context())
		heard := make(chan map[string]int)
		go func() { heard <- monitor(ctx, client) }()
		synctest.Wait()

		serving, stop := context.WithTimeout(ctx, time.Minute)
		defer stop()
		s := igd.Server{Backend: emulator.New(emulator.Profile{}), Network: world.Host("router", routerPrefix), Interface: "eth0"}
		if err := s.Serve(serving); err != nil {
			t.Errorf("Serve: %v, want nil at the end of ctx", err)
		}
		time.Sleep(time.Second)
		cancel()
		counts := <-heard
		for _, nt := range []string{
			"upnp:rootdevice", igd.InternetGatewayDevice1, igd.WANDevice1, igd.WANConnectionDevice1,
			igd.Layer3Forwarding1, igd.WANCommonInterfaceConfig1, igd.WANIPConnection1,
		} {
			if counts["ssdp:alive "+nt] == 0 || counts["ssdp:byebye "+nt] == 0 {
				t.Errorf("%s: announced %d times, taken back %d times", nt, counts["ssdp:alive "+nt], counts["ssdp:byebye "+nt])
			}
		}
	})
}

func monitor(ctx context.Context, n wire.Network) map[string]int {
	counts := make(map[string]int)
	c := ssdp.Client{Listen: n.ListenPacket, Interfaces: n.Interfaces}
	for p, err := range c.Monitor(ctx) {
		if err == nil {
			counts[p.NTS()+" "+string(p.Target())]++
		}
	}
	return counts
}

func TestServeRefuses(t *testing.T) {
	world := wire.NewMemory()
	router := emulator.New(emulator.Profile{})
	public := world.Host("public", netip.MustParsePrefix("9.9.9.9/24"))
	bare := world.Host("bare")
	for name, s := range map[string]igd.Server{
		"no backend":     {Network: public},
		"no interface":   {Backend: router, Network: public, Interface: "eth7"},
		"public address": {Backend: router, Network: public, Interface: "eth0"},
		"no address":     {Backend: router, Network: bare, Interface: "eth0"},
	} {
		if err := s.Serve(t.Context()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestServePublicIfAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := wire.NewMemory().Host("public", netip.MustParsePrefix("9.9.9.9/24"))
		location := igdtest.ServeBackend(t, igd.Server{
			Backend: emulator.New(emulator.Profile{}), Network: host, Interface: "eth0", Public: true, Port: 5000,
		})
		if want := "http://9.9.9.9:5000/root.xml"; location != want {
			t.Errorf("location %s, want %s", location, want)
		}
	})
}

func TestStandardRoot(t *testing.T) {
	for device, want := range map[igd.Device][]string{
		igd.V1:  {igd.InternetGatewayDevice1, igd.WANDevice1, igd.WANConnectionDevice1},
		igd.V2:  {igd.InternetGatewayDevice2, igd.WANDevice2, igd.WANConnectionDevice2},
		igd.PPP: {igd.InternetGatewayDevice1, igd.WANDevice1, igd.WANConnectionDevice1},
	} {
		a, again, b := igd.StandardRoot(device, "a"), igd.StandardRoot(device, "a"), igd.StandardRoot(device, "b")
		var types []string
		for d := range a.Devices() {
			types = append(types, d.Type)
		}
		if !slices.Equal(types, want) {
			t.Errorf("devices %v, want %v", types, want)
		}
		if a.Device.UDN != again.Device.UDN || a.Device.UDN == b.Device.UDN {
			t.Errorf("UDNs %s, %s, %s", a.Device.UDN, again.Device.UDN, b.Device.UDN)
		}
	}
}

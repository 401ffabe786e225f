package emulator_test

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
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
)

// A lab is a served router and everything below igd to poke it with.
type lab struct {
	*testing.T
	router   *emulator.Router
	host     *wire.Host
	network  wire.Network
	http     *http.Client
	location string
	control  string
	service  string
}

func newLab(t *testing.T, p emulator.Profile) *lab {
	t.Helper()
	world := wire.NewMemory()
	l := &lab{T: t, router: emulator.New(p), host: world.Host("client", netip.PrefixFrom(clientAddr, 24))}
	l.network = igdtest.Tapped(t, l.host)
	l.http = wire.HTTPClient(l.network)
	l.location = igdtest.Serve(t, l.router, igd.Server{
		Network: world.Host("router", netip.MustParsePrefix("192.168.1.1/24")), Interface: "eth0",
	})
	at, err := url.Parse(l.location)
	if err != nil {
		t.Fatal(err)
	}
	l.control, l.service = "http://192.168.1.1:"+at.Port()+"/control/WANIPConn1", igd.WANIPConnection1
	if p.Device == igd.V2 {
		l.service = igd.WANIPConnection2
	}
	return l
}

func (l *lab) call(action string, in ...soap.Arg) (soap.Args, error) {
	c := soap.Client{URL: l.control, Service: l.service, HTTP: l.http}
	r, err := c.Call(l.Context(), action, in...)
	if err != nil {
		return nil, err
	}
	return r.Args, nil
}

func (l *lab) must(action string, in ...soap.Arg) soap.Args {
	l.Helper()
	out, err := l.call(action, in...)
	if err != nil {
		l.Fatalf("%s: %v", action, err)
	}
	return out
}

// code is the number of a refusal, 0 for success.
func (l *lab) code(_ soap.Args, err error) int {
	l.Helper()
	if err == nil {
		return 0
	}
	f, ok := errors.AsType[*soap.Fault](err)
	if !ok {
		l.Fatalf("%v is no fault", err)
	}
	return f.Code
}

func (l *lab) want(what string, got, want any) {
	l.Helper()
	if got != want {
		l.Errorf("%s: %v, want %v", what, got, want)
	}
}

func port(n int) soap.Arg       { return soap.Arg{Name: "NewExternalPort", Value: strconv.Itoa(n)} }
func remote(h string) soap.Arg  { return soap.Arg{Name: "NewRemoteHost", Value: h} }
func proto(p string) soap.Arg   { return soap.Arg{Name: "NewProtocol", Value: p} }
func index(n int) soap.Arg      { return soap.Arg{Name: "NewPortMappingIndex", Value: strconv.Itoa(n)} }
func inner(n int) soap.Arg      { return soap.Arg{Name: "NewInternalPort", Value: strconv.Itoa(n)} }
func client(a string) soap.Arg  { return soap.Arg{Name: "NewInternalClient", Value: a} }
func about(s string) soap.Arg   { return soap.Arg{Name: "NewPortMappingDescription", Value: s} }
func lease(n int) soap.Arg      { return soap.Arg{Name: "NewLeaseDuration", Value: strconv.Itoa(n)} }
func enabled(s string) soap.Arg { return soap.Arg{Name: "NewEnabled", Value: s} }

func key(n int) []soap.Arg { return []soap.Arg{remote(""), port(n), proto("TCP")} }

// add asks for a mapping of port n to the caller, but for what differs.
func (l *lab) add(n int, differ ...soap.Arg) int {
	l.Helper()
	in := append(key(n), inner(n), client(clientAddr.String()), enabled("1"), about("test"), lease(3600))
	for _, d := range differ {
		in[slices.IndexFunc(in, func(a soap.Arg) bool { return a.Name == d.Name })] = d
	}
	return l.code(l.call("AddPortMapping", in...))
}

// two adds the ports 5000 and 5001.
func (l *lab) two() {
	l.Helper()
	l.want("add 5000", l.add(5000), 0)
	l.want("add 5001", l.add(5001), 0)
}

func (l *lab) at(i int) soap.Args {
	l.Helper()
	return l.must("GetGenericPortMappingEntry", index(i))
}

func (l *lab) atCode(i int) int {
	l.Helper()
	return l.code(l.call("GetGenericPortMappingEntry", index(i)))
}

func (l *lab) about(n int) string {
	l.Helper()
	return l.must("GetSpecificPortMappingEntry", key(n)...).Value("NewPortMappingDescription")
}

// raw sends a request byte for byte and returns all that comes.
func (l *lab) raw(pieces ...string) string {
	l.Helper()
	at, err := url.Parse(l.control)
	if err != nil {
		l.Fatal(err)
	}
	c, err := l.network.Dial(l.Context(), "tcp", at.Host)
	if err != nil {
		l.Fatal(err)
	}
	defer c.Close()
	for _, p := range pieces {
		if _, err := c.Write([]byte(p)); err != nil {
			break // the answer says it
		}
		time.Sleep(time.Second) // a segment of its own
	}
	c.SetReadDeadline(time.Now().Add(time.Minute))
	answer, _ := io.ReadAll(c)
	return string(answer)
}

// post is an action as a client without this stack might write it.
func (l *lab) post(header, action string) (head, body string) {
	at, _ := url.Parse(l.control)
	body = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><u:` + action + ` xmlns:u="` + l.service + `"/></s:Body></s:Envelope>`
	head = "POST " + at.Path + " HTTP/1.1\r\nHost: " + at.Host + "\r\nContent-Type: text/xml\r\nConnection: close\r\n" +
		header + ": \"" + l.service + "#" + action + "\"\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n"
	return head, body
}

func (l *lab) get(ref string) (status int, contentType, body string) {
	l.Helper()
	at, _ := url.Parse(l.control)
	r, err := l.http.Get(at.Scheme + "://" + at.Host + ref)
	if err != nil {
		l.Fatal(err)
	}
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	if err != nil {
		l.Fatal(err)
	}
	return r.StatusCode, r.Header.Get("Content-Type"), string(data)
}

func (l *lab) root() *description.Root {
	l.Helper()
	at, _ := url.Parse(l.control)
	root, err := (&description.Client{HTTP: l.http}).Root(l.Context(), "http://"+at.Host+"/root.xml")
	if err != nil {
		l.Fatal(err)
	}
	return root
}

// connections are the control URLs of the connection services.
func (l *lab) connections() (urls []string) {
	for s := range l.root().Services() {
		if strings.Contains(s.Type, "Connection:") {
			urls = append(urls, s.ControlURL)
		}
	}
	return urls
}

// through calls an action by the URL that the description gives.
func (l *lab) through() {
	l.Helper()
	root := l.root()
	for s := range root.Services() {
		if strings.Contains(s.Type, "Connection:") {
			l.control, l.service = root.URL(s.ControlURL), s.Type
		}
	}
	l.must("GetStatusInfo")
}

func (l *lab) search(target ssdp.Target) (found []*ssdp.Packet) {
	c := ssdp.Client{Listen: l.network.ListenPacket, Interfaces: l.network.Interfaces}
	for p, err := range c.Search(l.Context(), target) {
		if err == nil {
			found = append(found, p)
		}
	}
	return found
}

func quirks(t *testing.T, names ...string) (all []emulator.Quirk) {
	t.Helper()
	for _, n := range names {
		q, err := emulator.Lookup(n)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, q)
	}
	return all
}

// Every quirk does on the wire what it says.
func TestQuirks(t *testing.T) {
	for _, q := range emulator.Quirks() {
		t.Run(q.Name, func(t *testing.T) {
			check, ok := checks[q.Name]
			if !ok {
				t.Fatal("no test")
			}
			synctest.Test(t, func(t *testing.T) {
				check(newLab(t, emulator.Profile{Quirks: quirks(t, q.Name)}))
			})
		})
	}
	if names := slices.Collect(maps.Keys(checks)); len(names) != len(emulator.Quirks()) {
		t.Errorf("%d tests for %d quirks", len(names), len(emulator.Quirks()))
	}
}

func TestQuirksAreDescribed(t *testing.T) {
	seen := make(map[string]bool)
	for _, q := range emulator.Quirks() {
		if seen[q.Name] || q.Name != strings.ToLower(q.Name) || strings.ContainsAny(q.Name, " =") {
			t.Errorf("quirk name %q", q.Name)
		}
		if !strings.HasSuffix(q.Doc, ")") {
			t.Errorf("%s: %q does not end with who does this", q.Name, q.Doc)
		}
		seen[q.Name] = true
	}
}

func TestLookup(t *testing.T) {
	for text, ok := range map[string]bool{
		"slow": true, "slow=2s": true, "slow=soon": false, "table-limit-silent=3": true, "table-limit-silent=x": false,
		"chunked": true, "chunked=1": false, "no-such-quirk": false, "private-external=100.64.0.2": true, "": false,
	} {
		if _, err := emulator.Lookup(text); (err == nil) != ok {
			t.Errorf("Lookup(%q): %v", text, err)
		}
	}
}

func TestProfiles(t *testing.T) {
	for _, p := range emulator.Profiles() {
		if p.Name == "" || p.Doc == "" {
			t.Errorf("profile %q, %q", p.Name, p.Doc)
		}
		if got, err := emulator.ProfileNamed(p.Name); err != nil || got.Name != p.Name {
			t.Errorf("ProfileNamed(%q): %v, %v", p.Name, got.Name, err)
		}
	}
	if _, err := emulator.ProfileNamed("none"); err == nil {
		t.Error("found a profile that is not there")
	}
}

func TestQuirksSwitchWhileServing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, emulator.Profile{})
		l.want("by the book", l.add(5000), 0)
		l.router.SetQuirks(quirks(t, "only-permanent-leases", "fault-camel-case")...)
		l.want("with quirks", l.add(5001), 725)
		l.router.SetQuirks()
		l.want("without again", l.add(5001), 0)
	})
}

// Whatever quirks come together, every call ends.
func TestQuirksCombine(t *testing.T) {
	var names []string
	for _, q := range emulator.Quirks() {
		if q.Backend != nil {
			names = append(names, q.Name)
		}
	}
	for _, inner := range names {
		for _, outer := range names {
			combine(t, inner, outer)
		}
	}
}

func combine(t *testing.T, names ...string) {
	r := emulator.New(emulator.Profile{Device: igd.V2, Quirks: quirks(t, names...)})
	_ = r.Put(mapping(1, clientAddr, ""), mapping(2, clientAddr, ""))
	_ = r.AddMapping(t.Context(), mapping(3, clientAddr, ""))
	for index := range 4 {
		_, _ = r.MappingAt(t.Context(), index)
	}
	_, _ = r.ListMappings(t.Context(), igd.Range{From: 1, To: 9, Protocol: igd.TCP})
	_ = r.DeleteMapping(t.Context(), mapping(3, clientAddr, "").MappingKey)
	if n := len(r.Table()); n != 2 {
		t.Errorf("%v: %d mappings left, want the two that were there", names, n)
	}
}

package device_test

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"upnp/description"
	"upnp/gena"
	"upnp/igd/device"
	"upnp/igd/wire"
	"upnp/soap"
	"upnp/ssdp"
)

const (
	lampType   = "urn:schemas-example-org:device:Lamp:1"
	dimmerType = "urn:schemas-example-org:service:Dimmer:1"
	clockType  = "urn:schemas-example-org:service:Clock:2"
)

var lampPrefixes = prefixes("192.168.1.5/24", "fe80::5/64", "fd00::5/64")

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// A lamp is a device with a dimmer and, in an embedded device, a clock.
type lamp struct {
	host *wire.Host
	ssdp *ssdp.Server
	root *description.Root
	mux  *http.ServeMux
	pub  *gena.Publisher

	mu    sync.Mutex
	level string
	calls []string  // actions that were called, with their arguments
	odd   soap.Args // what GetLevel answers, in place of what it should
}

func lampRoot(udn, name string) *description.Root {
	clock := &description.Device{
		Type: "urn:schemas-example-org:device:Clock:1", FriendlyName: name + " clock", Manufacturer: "M", ModelName: "C", UDN: udn + "-clock",
		Services: []*description.Service{{Type: clockType, ID: "urn:example:serviceId:Clock", SCPDURL: "/none.xml", ControlURL: "/ctl/clock"}},
	}
	root := &description.Root{SpecMajor: 1, SpecMinor: 1, Device: &description.Device{
		Type: lampType, FriendlyName: name, Manufacturer: "M", ModelName: "L", UDN: udn,
		Services: []*description.Service{{
			Type: dimmerType, ID: "urn:example:serviceId:Dimmer1", SCPDURL: "/dimmer.xml", ControlURL: "/ctl/dimmer", EventSubURL: "/evt/dimmer",
		}},
		Devices: []*description.Device{clock},
	}}
	clock.Parent = root.Device
	return root
}

// dimmerSCPD has an argument of each kind that can go wrong.
func dimmerSCPD() *description.SCPD {
	in := func(name, variable string) *description.Argument {
		return &description.Argument{Name: name, Variable: variable}
	}
	out := func(name, variable string) *description.Argument {
		return &description.Argument{Name: name, Variable: variable, Out: true}
	}
	return &description.SCPD{
		Actions: []*description.Action{
			{Name: "SetLevel", Arguments: []*description.Argument{
				in("NewLevel", "Level"), in("Mode", "A_ARG_Mode"), in("Smooth", "A_ARG_Smooth"), in("NewPassword", "Secret"),
			}},
			{Name: "GetLevel", Arguments: []*description.Argument{out("Level", "Level"), out("Since", "Since"), out("Smooth", "A_ARG_Smooth")}},
			{Name: "Reset"},
		},
		Variables: []*description.Variable{
			{Name: "Level", Type: description.UI1, Default: "50", Range: &description.Range{Min: "0", Max: "100", Step: "5"}, Evented: true},
			{Name: "A_ARG_Mode", Type: description.String, Allowed: []string{"WARM", "COLD"}},
			{Name: "A_ARG_Smooth", Type: description.Boolean},
			{Name: "Since", Type: description.DateTimeTZ},
			{Name: "Secret", Type: description.UI4},
		},
	}
}

// newLamp serves a lamp at host until the returned function is called, or the test ends.
func newLamp(t *testing.T, host *wire.Host, udn, name string, change func(*lamp)) (l *lamp, stop func()) {
	t.Helper()
	l = &lamp{host: host, root: lampRoot(udn, name), mux: http.NewServeMux(), level: "50"}
	l.ssdp = &ssdp.Server{
		Listen: host.ListenPacket, Interfaces: host.Interfaces, BootID: 7, ConfigID: 3,
		Targets: []ssdp.Advertisement{
			{NT: ssdp.RootDevice, USN: udn + "::upnp:rootdevice"}, {NT: ssdp.Target(udn), USN: udn}, {NT: lampType, USN: udn + "::" + lampType},
			{NT: ssdp.Target(udn + "-clock"), USN: udn + "-clock"}, {NT: dimmerType, USN: udn + "::" + dimmerType},
		},
		Location: func(_ ssdp.Interface, local netip.Addr) string {
			return "http://" + netip.AddrPortFrom(local, 80).String() + "/root.xml"
		},
	}
	l.pub = &gena.Publisher{SCPD: dimmerSCPD(), HTTP: wire.HTTPClient(host)}
	if change != nil {
		change(l)
	}
	return l, l.serve(t)
}

func (l *lamp) serve(t *testing.T) (stop func()) {
	l.mux.Handle("/root.xml", &description.Handler{Root: l.root, RootPath: "/root.xml"})
	l.mux.Handle("/dimmer.xml", &description.Handler{SCPDs: map[string]*description.SCPD{"/dimmer.xml": dimmerSCPD()}})
	actions := map[string]soap.ActionFunc{}
	for _, name := range []string{"SetLevel", "GetLevel", "Reset", "Wind"} {
		actions[name] = func(_ context.Context, in soap.Args) (soap.Args, error) { return l.call(name, in) }
	}
	l.mux.Handle("/ctl/dimmer", l.oddly(&soap.Handler{Service: dimmerType, SCPD: dimmerSCPD(), Actions: actions}))
	l.mux.Handle("/ctl/clock", &soap.Handler{Service: clockType, Actions: actions})
	l.mux.Handle("/evt/dimmer", l.pub)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var work sync.WaitGroup
	listener, err := l.host.Listen(ctx, "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: l.mux}
	work.Go(func() { server.Serve(listener) })
	work.Go(func() { l.pub.Serve(ctx) })
	work.Go(func() {
		if err := l.ssdp.Serve(ctx); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); server.Close(); work.Wait() })
	t.Cleanup(stop)
	return stop
}

// oddly answers with what a soap.Handler would not.
func (l *lamp) oddly(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.odd == nil {
			h.ServeHTTP(w, r)
			return
		}
		body, _ := (&soap.Response{Service: dimmerType, Action: "GetLevel", Args: l.odd}).AppendText(nil)
		w.Write(body)
	})
}

func (l *lamp) call(action string, in soap.Args) (soap.Args, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := action
	for _, arg := range in {
		text += " " + arg.Name + "=" + arg.Value
	}
	l.calls = append(l.calls, text)
	switch action {
	case "SetLevel":
		l.level = in.Value("NewLevel")
		return nil, l.pub.Publish(gena.Property{Name: "Level", Value: l.level})
	case "GetLevel":
		return soap.Args{{Name: "Level", Value: l.level}, {Name: "Since", Value: "2024-02-29T23:59:59+01:00"}, {Name: "Smooth", Value: "yes"}}, nil
	case "Wind":
		return in, nil
	}
	return nil, &soap.Fault{Code: 501, Description: "stuck"}
}

func (l *lamp) called() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.calls...)
}

// args are names and values in turn.
func args(words ...string) (all soap.Args) {
	for pair := range slices.Chunk(words, 2) {
		all = append(all, soap.Arg{Name: pair[0], Value: pair[1]})
	}
	return all
}

// world is a LAN with a control point on it, whose traffic is logged.
func world() (*wire.Memory, *device.Client, *wire.Log) {
	memory := wire.NewMemory()
	host := memory.Host("self", prefixes("192.168.1.2/24", "fe80::2/64", "fd00::2/64")...)
	log := &wire.Log{}
	return memory, &device.Client{Network: wire.NewTap(host, log.Record)}, log
}

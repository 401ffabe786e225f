package cli

import (
	"context"
	"errors"
	"flag"
	"strings"
	"sync"
	"time"

	"upnp/cmd/internal/plain"
	"upnp/description"
	"upnp/igd"
	"upnp/igd/wire"
	"upnp/ssdp"
)

type discoverOptions struct {
	all     bool
	target  string
	passive bool
}

func discoverCommand() *Command {
	o := &discoverOptions{}
	return &Command{
		Usage: "discover",
		Short: "gateways, or other devices, as they answer",
		Long: `Searches on all networks of this machine at once and prints each gateway when it answers, until
the search is over or --timeout ends it.

--all      every UPnP device, whatever it is
--st       whatever answers to one search target, such as upnp:rootdevice or
           urn:schemas-upnp-org:service:WANIPConnection:1
--passive  asks nothing and prints the announcements that come by, until interrupted

On a terminal a header stands above the lines. With --json it prints one object a line.`,
		Examples: [2]string{"upnp discover", "upnp discover --all --json"},
		Flags:    o.flags,
		Run:      o.run,
	}
}

func (o *discoverOptions) flags(fs *flag.FlagSet) {
	fs.BoolVar(&o.all, "all", false, "every device, not gateways alone")
	fs.StringVar(&o.target, "st", "", "what answers to the search target `URN`")
	fs.BoolVar(&o.passive, "passive", false, "only listen to announcements")
}

func (o *discoverOptions) run(ctx context.Context, s *session, args []string) error {
	if err := noArguments(args); err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	if words := s.offline(); words != "" {
		return s.noGateway(ctx, igd.ErrNoGateway)
	}
	search := client.Search()
	switch {
	case o.passive:
		return s.printPackets(ctx, search.Monitor(ctx), "announcements")
	case o.target != "":
		return s.printPackets(ctx, search.Search(ctx, ssdp.Target(o.target)), "answers to "+o.target)
	case o.all:
		return s.discoverDevices(ctx, search)
	}
	return s.discoverGateways(ctx, client)
}

func (o *discoverOptions) check() error {
	chosen := 0
	for _, on := range []bool{o.all, o.target != "", o.passive} {
		if on {
			chosen++
		}
	}
	if chosen > 1 {
		return usagef("only one of --all, --st and --passive")
	}
	for _, r := range o.target {
		if r <= ' ' || r >= 0x7f {
			return usagef("--st %q: a search target has no blanks and only ASCII", o.target)
		}
	}
	return nil
}

// detailTime is how long a gateway may take to tell its address before its line is printed
// without.
const detailTime = 2 * time.Second

func (s *session) discoverGateways(ctx context.Context, client *igd.Client) error {
	t := &table{p: s.stdout, limit: s.Columns, bare: !s.OutTerminal, columns: []column{
		{head: "GATEWAY", width: len("http://192.168.100.1:5000/rootDesc.xml")}, {head: "KIND", width: len("IGD:2")},
		{head: "EXTERNAL", width: len("203.113.100.100")}, {head: "WAN", width: len("Disconnected")}, {head: "NAME"},
	}}
	done := s.progress("searching")
	found := false
	for gw, err := range client.All(ctx) {
		if err != nil {
			s.noteInterface(err)
			continue
		}
		done()
		found = true
		detail, cancel := context.WithTimeout(ctx, detailTime)
		info := plain.Summarise(detail, gw)
		cancel()
		if s.options.json {
			if err := s.emitLine(info); err != nil {
				return err
			}
			continue
		}
		t.row(info.Location, plain.KindOf(info.Type), dash(info.ExternalAddress), dash(info.Status.Connection), info.FriendlyName)
	}
	done()
	if !found {
		return s.noGateway(ctx, igd.ErrNoGateway)
	}
	return interrupted(ctx)
}

// noteInterface remarks on an interface that could not take part, which ends nothing.
func (s *session) noteInterface(err error) {
	if e, ok := errors.AsType[*ssdp.InterfaceError](err); ok {
		s.note("%s: %s", e.Interface.Name, plain.Innermost(e))
	}
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// A found device is a line of discover --all.
type foundDevice struct {
	Location     string `json:"location"`
	UDN          string `json:"udn"`
	Type         string `json:"deviceType"`
	FriendlyName string `json:"friendlyName"`
	Manufacturer string `json:"manufacturer"`
	ModelName    string `json:"modelName"`
	Server       string `json:"server"`
	Address      string `json:"address"`
	Interface    string `json:"interface"`
	Error        string `json:"error,omitempty"`
}

// Limits of what discover --all does for answers (SECURITY 6).
const (
	maxDescriptions     = 64
	parallelFetches     = 4
	descriptionDeadline = 5 * time.Second
)

// discoverDevices reads the description behind each answer, a few at a time, and prints a line
// when it is there.
func (s *session) discoverDevices(ctx context.Context, search *ssdp.Client) error {
	found := make(chan foundDevice)
	go s.describeAnswers(ctx, search, found)
	t := &table{p: s.stdout, limit: s.Columns, bare: !s.OutTerminal, columns: []column{
		{head: "ADDRESS", width: len("192.168.100.100")}, {head: "KIND", width: len("MediaRenderer:1")},
		{head: "LOCATION", width: len("http://192.168.100.1:5000/rootDesc.xml")}, {head: "NAME"},
	}}
	n := 0
	var failed error
	for d := range found {
		n++
		switch {
		case failed != nil:
		case s.options.json:
			failed = s.emitLine(d)
		default:
			name := d.FriendlyName
			if d.Error != "" {
				name = "(" + d.Error + ")"
			}
			t.row(d.Address, plain.KindOf(d.Type), d.Location, name)
		}
	}
	switch {
	case failed != nil:
		return failed
	case n == 0:
		return &ExitError{Code: exitNoGateway, Kind: "noGateway", Err: errors.New("no device answered" + s.onInterfaces())}
	}
	return interrupted(ctx)
}

// describeAnswers sends each device found, once, and closes found when the search and all
// fetches are over.
func (s *session) describeAnswers(ctx context.Context, search *ssdp.Client, found chan<- foundDevice) {
	var wg sync.WaitGroup
	defer close(found)
	defer wg.Wait()
	interfaces, _ := s.network.Interfaces()
	slots := make(chan struct{}, parallelFetches)
	seen := map[string]bool{}
	for p, err := range search.Search(ctx, ssdp.All, ssdp.RootDevice) {
		if err != nil || p == nil {
			continue
		}
		key := p.Location()
		if key == "" || seen[key] || len(seen) >= maxDescriptions {
			continue
		}
		seen[key] = true
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			found <- s.describeAnswer(ctx, p, interfaces)
		})
	}
}

// describeAnswer reads the description that an answer names.
func (s *session) describeAnswer(ctx context.Context, p *ssdp.Packet, interfaces []ssdp.Interface) foundDevice {
	d := foundDevice{
		Location: p.Location(), UDN: p.USN().UDN, Server: p.Header.Get("SERVER"),
		Address: p.From.Addr().String(), Interface: p.Interface.Name,
	}
	place, ok := ssdp.Locate(p, interfaces)
	if !ok {
		d.Error = "no usable LOCATION"
		return d
	}
	d.Location = place.URL
	ctx, cancel := context.WithTimeout(ctx, descriptionDeadline)
	defer cancel()
	if local, ok := p.Interface.Source(p.From.Addr()); ok {
		ctx = wire.WithLocalAddr(ctx, local)
	}
	client := description.Client{HTTP: wire.HTTPClient(s.network)}
	root, err := client.Root(ctx, place.URL)
	if err != nil {
		d.Error = s.explain(err).Err.Error()
		return d
	}
	r := root.Device
	d.UDN, d.Type, d.FriendlyName, d.Manufacturer, d.ModelName = r.UDN, r.Type, r.FriendlyName, r.Manufacturer, r.ModelName
	return d
}

// A heard packet is a line of discover --st and --passive.
type heardPacket struct {
	Time      time.Time `json:"time"`
	From      string    `json:"from"`
	Interface string    `json:"interface"`
	Kind      string    `json:"kind"` // alive, byebye, update, answer
	Target    string    `json:"target"`
	USN       string    `json:"usn"`
	Location  string    `json:"location,omitempty"`
	Server    string    `json:"server,omitempty"`
}

// printPackets prints a line for each packet as it comes.
func (s *session) printPackets(ctx context.Context, packets func(yield func(*ssdp.Packet, error) bool), what string) error {
	t := &table{p: s.stdout, limit: s.Columns, bare: !s.OutTerminal, columns: []column{
		{head: "FROM", width: len("192.168.100.100")}, {head: "WHAT", width: len("byebye")},
		{head: "TARGET", width: len("urn:schemas-upnp-org:service:WANIPConnection:1")}, {head: "LOCATION"},
	}}
	n := 0
	for p, err := range packets {
		if err != nil {
			s.noteInterface(err)
			continue
		}
		n++
		h := heard(p)
		if s.options.json {
			if err := s.emitLine(h); err != nil {
				return err
			}
			continue
		}
		where := h.Location
		if where == "" {
			where = h.USN
		}
		t.row(h.From, h.Kind, h.Target, where)
	}
	if n == 0 {
		return &ExitError{Code: exitNoGateway, Kind: "noGateway", Err: errors.New("no " + what + s.onInterfaces())}
	}
	return interrupted(ctx)
}

func heard(p *ssdp.Packet) heardPacket {
	kind := "answer"
	if p.Method != "" {
		kind = strings.TrimPrefix(p.NTS(), "ssdp:")
	}
	return heardPacket{
		Time: p.Time, From: p.From.Addr().String(), Interface: p.Interface.Name, Kind: kind,
		Target: string(p.Target()), USN: p.USN().String(), Location: p.Location(), Server: p.Header.Get("SERVER"),
	}
}

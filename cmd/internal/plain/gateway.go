package plain

import (
	"context"
	"iter"
	"net/netip"
	"slices"
	"time"

	"upnp/description"
	"upnp/igd"
)

// Summary is a gateway in a line, the object of discover.
type Summary struct {
	Device
	Location        string    `json:"location"`
	LocalAddress    string    `json:"localAddress"`
	ExternalAddress string    `json:"externalAddress"`
	AddressClass    igd.Class `json:"addressClass"`
	Connected       bool      `json:"connected"`
	Status          Status    `json:"status"`
	Services        []Service `json:"services"`
}

// Device is all that a description says of one device.
type Device struct {
	FriendlyName     string  `json:"friendlyName"`
	Type             string  `json:"deviceType"`
	Manufacturer     string  `json:"manufacturer"`
	ManufacturerURL  string  `json:"manufacturerUrl"`
	ModelName        string  `json:"modelName"`
	ModelNumber      string  `json:"modelNumber"`
	ModelDescription string  `json:"modelDescription"`
	ModelURL         string  `json:"modelUrl"`
	SerialNumber     string  `json:"serialNumber"`
	UDN              string  `json:"udn"`
	UPC              string  `json:"upc"`
	PresentationURL  string  `json:"presentationUrl"`
	IconURL          string  `json:"iconUrl"`
	IsRoot           bool    `json:"isRoot"`
	Root             string  `json:"root"`   // friendly name of the root device
	Parent           string  `json:"parent"` // friendly name, empty for the root
	HasChildren      bool    `json:"hasChildren"`
	Children         int     `json:"children"`
	ServiceCount     int     `json:"serviceCount"`
	Extra            []Extra `json:"extra,omitempty"`
}

// Extra is an element the architecture does not know.
type Extra struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Service is what a description says of one service.
type Service struct {
	Type       string `json:"type"`
	ID         string `json:"id"`
	ControlURL string `json:"controlUrl"`
	EventURL   string `json:"eventUrl"`
	SCPDURL    string `json:"scpdUrl"`
	InUse      bool   `json:"inUse"`
}

// Status is the connection status with the uptime in seconds.
type Status struct {
	igd.Status
	UptimeSeconds int64 `json:"uptimeSeconds"`
}

// Gateway is all there is to know of a gateway, the object of info.
type Gateway struct {
	Summary
	ConnectionType *igd.ConnectionType `json:"connectionType,omitempty"`
	NAT            *igd.NAT            `json:"nat,omitempty"`
	Link           *igd.Link           `json:"link,omitempty"`
	Counters       *igd.Counters       `json:"counters,omitempty"`
	Abilities      []Ability           `json:"abilities"`
	Devices        []Device            `json:"devices"`
	Notes          []string            `json:"notes"`
	Others         []igd.Rejected      `json:"others"`
	// Untold are the questions the gateway did not answer, with the reason.
	Untold map[string]string `json:"untold,omitempty"`
}

// An Ability is something not every gateway can do.
type Ability struct {
	Name string `json:"name"`
	Can  bool   `json:"can"`
	How  string `json:"how"` // the action or service that does it
}

// Described is what a gateway's description alone tells, without asking it anything.
func Described(gw *igd.Gateway) Gateway {
	g := Gateway{Summary: describe(gw), Abilities: []Ability{}, Devices: []Device{}}
	for d := range gw.Root().Devices() {
		g.Devices = append(g.Devices, DescribeDevice(gw.Root(), d))
	}
	g.Notes = append([]string{}, gw.Notes()...)
	g.Others = append([]igd.Rejected{}, gw.Others()...)
	return g
}

func describe(gw *igd.Gateway) Summary {
	root := gw.Root()
	g := Summary{
		Device: DescribeDevice(root, root.Device), Location: gw.Location(),
		Services: DescribeServices(gw), AddressClass: igd.NoAddr,
	}
	if local := gw.LocalAddr(); local.IsValid() {
		g.LocalAddress = local.String()
	}
	if addr, known := gw.External(); known {
		g.external(addr)
	}
	return g
}

func (g *Summary) external(addr netip.Addr) {
	if g.AddressClass = igd.ClassOf(addr); addr.IsValid() {
		g.ExternalAddress = addr.String()
	}
}

// Summarise asks a gateway for what its line shows. What it does not tell stays empty.
func Summarise(ctx context.Context, gw *igd.Gateway) Summary {
	g := describe(gw)
	if _, known := gw.External(); !known {
		addr, _ := gw.ExternalAddr(ctx)
		g.external(addr)
	}
	if status, err := gw.Status(ctx); err == nil {
		g.Status = Status{status, int64(status.Uptime / time.Second)}
		g.Connected = IsConnected(status)
	}
	return g
}

// IsConnected reads the status as the field writes it.
func IsConnected(s igd.Status) bool { return s.Connection == "Connected" || s.Connection == "Up" }

// DescribeDevice is all that a description says of d.
func DescribeDevice(root *description.Root, d *description.Device) Device {
	info := Device{
		FriendlyName: d.FriendlyName, Type: d.Type, Manufacturer: d.Manufacturer, ManufacturerURL: d.ManufacturerURL,
		ModelName: d.ModelName, ModelNumber: d.ModelNumber, ModelDescription: d.ModelDescription, ModelURL: d.ModelURL,
		SerialNumber: d.SerialNumber, UDN: d.UDN, UPC: d.UPC,
		IsRoot: d == root.Device, Root: root.Device.FriendlyName, HasChildren: len(d.Devices) > 0, Children: len(d.Devices),
		ServiceCount: len(d.Services),
	}
	if d.PresentationURL != "" {
		info.PresentationURL = root.URL(d.PresentationURL)
	}
	if len(d.Icons) > 0 {
		info.IconURL = root.URL(d.Icons[0].URL)
	}
	if d.Parent != nil {
		info.Parent = d.Parent.FriendlyName
	}
	for _, f := range d.Extra {
		info.Extra = append(info.Extra, Extra{f.Name, f.Text})
	}
	return info
}

// DescribeServices are the services of a gateway with their URLs made whole.
func DescribeServices(gw *igd.Gateway) []Service {
	root := gw.Root()
	all := []Service{}
	for s := range root.Services() {
		all = append(all, Service{
			Type: s.Type, ID: s.ID, ControlURL: root.URL(s.ControlURL), EventURL: root.URL(s.EventSubURL),
			SCPDURL: root.URL(s.SCPDURL), InUse: s == gw.Service(),
		})
	}
	return all
}

// Inspect asks a gateway for everything. What fails is told with its reason, and the rest goes on.
func Inspect(ctx context.Context, gw *igd.Gateway) Gateway {
	g := Described(gw)
	g.Summary, g.Untold = Summarise(ctx, gw), map[string]string{}
	if _, err := gw.Status(ctx); err != nil && g.Status.Connection == "" {
		g.Untold["status"] = Explain(err).Error
	}
	g.ConnectionType = ask(ctx, g.Untold, "connection type", gw.ConnectionType)
	g.NAT = ask(ctx, g.Untold, "NAT", gw.NAT)
	g.Link = ask(ctx, g.Untold, "link", gw.Link)
	g.Counters = ask(ctx, g.Untold, "traffic", gw.Counters)
	g.Abilities = abilities(ctx, gw)
	for _, n := range g.Status.Notes {
		if !slices.Contains(g.Notes, n) {
			g.Notes = append(g.Notes, n)
		}
	}
	return g
}

func ask[T any](ctx context.Context, untold map[string]string, what string, question func(context.Context) (T, error)) *T {
	answer, err := question(ctx)
	if err != nil {
		untold[what] = Explain(err).Error
		return nil
	}
	return &answer
}

func abilities(ctx context.Context, gw *igd.Gateway) []Ability {
	all := []Ability{}
	for _, a := range []Ability{
		{Name: "choose a free port itself", How: "AddAnyPortMapping"},
		{Name: "list many mappings at once", How: "GetListOfPortMappings"},
		{Name: "remove a range at once", How: "DeletePortMappingRange"},
	} {
		a.Can = gw.Offers(ctx, a.How)
		all = append(all, a)
	}
	return append(all,
		Ability{"tell of changes by itself", gw.Service().EventSubURL != "", "eventing"},
		Ability{"open its IPv6 firewall", hasService(gw.Root().Services(), igd.WANIPv6FirewallControl1), "WANIPv6FirewallControl"})
}

func hasService(services iter.Seq[*description.Service], kind string) bool {
	for s := range services {
		if KindOf(s.Type) == KindOf(kind) {
			return true
		}
	}
	return false
}

package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"upnp/cmd/internal/plain"
	"upnp/description"
	"upnp/igd/device"
)

// Limits of what is shown of a network.
const (
	maxDevices = 256
	askTime    = 15 * time.Second // of a document, or a call
)

// An explorer knows the devices that answered, whatever they are.
type explorer struct {
	page   *page
	client device.Client

	// Under the hub's lock:
	searching bool
	known     []*known
	last      int
	listening []*listening
	heard     int // number of the last subscription
}

// A known device is one that answered, or why it could not be read.
type known struct {
	id       string
	location string
	udn      string
	device   *device.Device // nil: could not be read
	services []*device.Service
	err      string
}

type devicesLine struct {
	Type      string       `json:"type"`
	Searching bool         `json:"searching"`
	Devices   []deviceTree `json:"devices"`
}

type deviceTree struct {
	ID       string `json:"id"`
	Location string `json:"location,omitempty"`
	Address  string `json:"address,omitempty"`
	plain.Device
	Services []serviceOf  `json:"services"`
	Devices  []deviceTree `json:"devices"`
	Notes    []string     `json:"notes,omitempty"`
	Error    string       `json:"error,omitempty"`
}

type serviceOf struct {
	ID         string `json:"id"`
	Type       string `json:"type"`
	ServiceID  string `json:"serviceId"`
	ControlURL string `json:"controlUrl"`
	EventURL   string `json:"eventUrl"`
	SCPDURL    string `json:"scpdUrl"`
}

func newExplorer(p *page) *explorer {
	return &explorer{page: p, client: device.Client{Network: p.client.Network, Interfaces: p.client.Interfaces}}
}

func (x *explorer) present() []any { return []any{x.line(), x.listeningLine()} }

func (x *explorer) line() any {
	l := devicesLine{Type: "devices", Searching: x.searching, Devices: []deviceTree{}}
	for _, k := range x.known {
		l.Devices = append(l.Devices, k.tree())
	}
	return l
}

// tree is the device as the page shows it.
func (k *known) tree() deviceTree {
	if k.device == nil {
		return deviceTree{
			ID: k.id, Location: k.location, Address: hostOf(k.location), Error: k.err,
			Device: plain.Device{UDN: k.udn, IsRoot: true}, Services: []serviceOf{}, Devices: []deviceTree{},
		}
	}
	tree := k.branch(k.device.Root.Device, k.id)
	tree.Location, tree.Address, tree.Notes = k.location, hostOf(k.location), list(k.device.Notes())
	return tree
}

func (k *known) branch(d *description.Device, id string) deviceTree {
	root := k.device.Root
	b := deviceTree{ID: id, Device: plain.DescribeDevice(root, d), Services: []serviceOf{}, Devices: []deviceTree{}}
	for i, s := range k.services {
		if s.Service.Device == d {
			b.Services = append(b.Services, serviceOf{
				ID: k.id + "." + strconv.Itoa(i), Type: s.Type, ServiceID: s.ID,
				ControlURL: root.URL(s.ControlURL), EventURL: root.URL(s.EventSubURL), SCPDURL: root.URL(s.SCPDURL),
			})
		}
	}
	for i, child := range d.Devices {
		b.Devices = append(b.Devices, k.branch(child, id+"-"+strconv.Itoa(i)))
	}
	return b
}

func hostOf(location string) string {
	at, _, _ := net.SplitHostPort(hostPortOf(location))
	return at
}

func hostPortOf(location string) string {
	u, err := url.Parse(location)
	if err != nil {
		return ""
	}
	if u.Port() == "" {
		return net.JoinHostPort(u.Hostname(), "80")
	}
	return u.Host
}

// add takes a device in, in the place of what was known of it.
func (x *explorer) add(k *known) {
	x.page.hub.update(func() []any {
		at := slices.IndexFunc(x.known, func(o *known) bool {
			return o.udn == k.udn && (o.location == k.location || o.device == nil || k.device == nil || hostOf(o.location) == hostOf(k.location))
		})
		switch {
		case at >= 0 && k.device == nil && x.known[at].device != nil:
			return nil
		case at >= 0:
			k.id = x.known[at].id
			x.known = slices.Clone(x.known)
			x.known[at] = k
		case len(x.known) >= maxDevices:
			return nil
		default:
			x.last++
			k.id = "d" + strconv.Itoa(x.last)
			x.known = append(x.known, k)
		}
		return []any{x.line()}
	})
}

func (x *explorer) drop(udn string) {
	x.page.hub.update(func() []any {
		x.known = slices.DeleteFunc(slices.Clone(x.known), func(k *known) bool { return k.udn == udn })
		return []any{x.line()}
	})
}

func knownOf(d *device.Device) *known {
	k := &known{udn: d.UDN(), device: d, location: d.Root.Location}
	whole := *d
	whole.Named = d.Root.Device
	k.services = whole.Services()
	return k
}

// search is POST /api/devices/search.
func (x *explorer) search(r *http.Request) (any, error) {
	q, err := read[struct {
		Target string `json:"target"`
	}](r)
	if err != nil {
		return nil, err
	}
	what := q.Target
	if what == "" {
		what = "the network"
	}
	return x.page.jobs.start(devicesLane, "devices", what, 0, func(ctx context.Context, j *job) error {
		x.look(true)
		defer x.look(false)
		return x.explore(ctx, strings.ToLower(q.Target), j)
	})
}

func (x *explorer) look(on bool) {
	x.page.hub.update(func() []any {
		x.searching = on
		return []any{x.line()}
	})
}

// explore takes in all that answers and has the target in one of its types.
func (x *explorer) explore(ctx context.Context, target string, j *job) error {
	n := 0
	var failures []error
	for c, err := range x.client.Search(ctx) {
		unreadable, isDevice := errors.AsType[*device.UnreadableError](err)
		switch {
		case isDevice && target == "":
			x.add(&known{udn: unreadable.UDN, location: unreadable.Location, err: explain(unreadable.Err).Error})
		case isDevice:
		case err != nil:
			failures = append(failures, err)
		case c.Kind == device.Gone:
			x.drop(c.Device.UDN())
		case isOf(c.Device, target):
			n++
			x.add(knownOf(c.Device))
			j.step(n, count(n, "device"))
		}
	}
	if n == 0 && len(failures) > 0 {
		return errors.Join(failures...)
	}
	return ctx.Err()
}

func isOf(d *device.Device, target string) bool {
	if target == "" {
		return true
	}
	for dev := range d.Root.Devices() {
		if strings.Contains(strings.ToLower(dev.Type), target) {
			return true
		}
	}
	for s := range d.Root.Services() {
		if strings.Contains(strings.ToLower(s.Type), target) {
			return true
		}
	}
	return false
}

// open is POST /api/devices/add.
func (x *explorer) open(r *http.Request) (any, error) {
	q, err := read[struct {
		URL string `json:"url"`
	}](r)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(q.URL)
	if err != nil || u.Scheme != "http" {
		return nil, usage("url", "want the address of a description, such as http://192.168.1.1:5000/rootDesc.xml")
	}
	if _, err := netip.ParseAddr(u.Hostname()); err != nil {
		return nil, usage("url", "the host must be an address: names are not looked up")
	}
	return x.page.jobs.start(devicesLane, "devices", q.URL, 0, func(ctx context.Context, j *job) error {
		ctx, cancel := context.WithTimeout(ctx, askTime)
		defer cancel()
		d, err := x.client.Open(ctx, q.URL)
		if err != nil {
			return err
		}
		x.add(knownOf(d))
		return nil
	})
}

// device is the one that a request is about.
func (x *explorer) device(r *http.Request) (*known, error) {
	x.page.hub.mu.Lock()
	defer x.page.hub.mu.Unlock()
	for _, k := range x.known {
		if k.id == r.PathValue("id") && k.device != nil {
			return k, nil
		}
	}
	return nil, notFound("that device is not known any more")
}

// service is the one that a request is about, and its device.
func (x *explorer) service(r *http.Request) (*device.Service, *known, error) {
	id, number, _ := strings.Cut(r.PathValue("id"), ".")
	n, err := strconv.Atoi(number)
	x.page.hub.mu.Lock()
	defer x.page.hub.mu.Unlock()
	for _, k := range x.known {
		if k.id == id && err == nil && n >= 0 && n < len(k.services) {
			return k.services[n], k, nil
		}
	}
	return nil, nil, notFound("that service is not known any more")
}

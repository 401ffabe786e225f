package igd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"

	"upnp/description"
	"upnp/igd/wire"
	"upnp/ssdp"
)

// A host is a Server at work: on one address of one interface.
type host struct {
	server   *Server
	network  wire.Network
	ifi      ssdp.Interface
	listener net.Listener
	local    netip.AddrPort
	root     *description.Root
	handler  http.Handler
	news     newsroom
	ready    sync.Once
}

// open does everything that can fail at once.
func (s *Server) open(ctx context.Context) (*host, error) {
	if s.Backend == nil {
		return nil, errors.New("igd: a Server needs a Backend")
	}
	h := &host{server: s, network: s.Network}
	if h.network == nil {
		h.network = wire.System()
	}
	addr, err := h.chooseAddr()
	if err != nil {
		return nil, fmt.Errorf("igd: serve: %w", err)
	}
	if h.listener, err = h.network.Listen(ctx, "tcp", netip.AddrPortFrom(addr, s.Port).String()); err != nil {
		return nil, fmt.Errorf("igd: serve: %w", err)
	}
	h.local = addrPortOf(h.listener.Addr())
	h.root = h.describe()
	h.news.host = h
	h.handler = h.mount()
	return h, nil
}

// chooseAddr picks the interface and one address of it, IPv4 if there is one: a gateway's
// port mappings are an IPv4 matter.
func (h *host) chooseAddr() (netip.Addr, error) {
	all, err := h.network.Interfaces()
	if err != nil {
		return netip.Addr{}, err
	}
	for _, ifi := range all {
		if !h.wants(ifi) {
			continue
		}
		h.ifi = ifi
		return h.checkAddr(addrOf(ifi))
	}
	if h.server.Interface == "" {
		return netip.Addr{}, errors.New("there is no loopback interface")
	}
	return netip.Addr{}, fmt.Errorf("there is no interface %q", h.server.Interface)
}

func (h *host) wants(ifi ssdp.Interface) bool {
	if h.server.Interface == "" {
		return ifi.Flags&net.FlagLoopback != 0
	}
	return ifi.Name == h.server.Interface
}

func addrOf(ifi ssdp.Interface) (addr netip.Addr) {
	for _, p := range ifi.Prefixes {
		if p.Addr().Is4() {
			return p.Addr()
		}
		if !addr.IsValid() {
			addr = p.Addr()
		}
	}
	return addr
}

// checkAddr refuses to be a router for the Internet by accident.
func (h *host) checkAddr(addr netip.Addr) (netip.Addr, error) {
	private := addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast()
	switch {
	case !addr.IsValid():
		return addr, fmt.Errorf("interface %s has no address", h.ifi.Name)
	case !private && !h.server.Public:
		return addr, fmt.Errorf("%v of %s is a public address, which Server.Public has to allow", addr, h.ifi.Name)
	}
	if addr.Is6() && addr.IsLinkLocalUnicast() {
		addr = addr.WithZone(h.ifi.Name)
	}
	return addr, nil
}

func addrPortOf(a net.Addr) netip.AddrPort {
	p, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}

// location is the URL of the description. A zone means nothing to others and is left out.
func (h *host) location() string {
	return "http://" + netip.AddrPortFrom(h.local.Addr().WithZone(""), h.local.Port()).String() + rootPath
}

func (h *host) describe() *description.Root {
	root := h.server.Root
	if root == nil {
		name, _ := os.Hostname() // a host without a name is one of that name
		at := netip.AddrPortFrom(h.local.Addr(), h.server.Port)
		root = StandardRoot(h.server.Device, name+" "+at.String())
	}
	root.Location = h.location()
	if h.server.Describe != nil {
		h.server.Describe(root)
	}
	return root
}

// run serves until ctx ends or a part fails, and then takes everything down in order: the
// goodbye first, while the description can still be fetched.
func (h *host) run(outside context.Context) error {
	ctx, cancel := context.WithCancel(outside)
	defer cancel()
	defer h.news.close()
	h.news.open(ctx)
	web := newWebServer(h, ctx)
	served := make(chan error, 1)
	go func() {
		defer cancel()
		served <- web.serve(h.listener)
	}()
	announced := h.announcer().Serve(ctx)
	cancel()
	web.stop()
	err := errors.Join(announced, <-served)
	if outside.Err() != nil {
		return nil // what failed then failed because of that
	}
	return err
}

// listenPacket is the network's. Once it was asked to hear searches, those that come now are
// kept until they are read: the time to say that the device is there.
func (h *host) listenPacket(ctx context.Context, ifi ssdp.Interface, group netip.AddrPort) (ssdp.PacketConn, error) {
	conn, err := h.network.ListenPacket(ctx, ifi, group)
	family := group.Addr().Is4() == h.local.Addr().Is4()
	if h.server.Ready != nil && family && group.Addr().IsMulticast() && group.Port() != 0 {
		h.ready.Do(func() { h.server.Ready(h.root.Location) })
	}
	return conn, err
}

func (h *host) announcer() *ssdp.Server {
	return &ssdp.Server{
		Listen:     h.listenPacket,
		Interfaces: h.network.Interfaces,
		Names:      []string{h.ifi.Name},
		Targets:    advertisements(h.root),
		Location:   h.locationFor,
		Product:    h.server.product(),
		BootID:     h.server.BootID,
		MaxDelay:   h.server.MaxDelay,
		Answer:     h.server.Answer,
		Logger:     h.server.Logger,
	}
}

// locationFor leaves out what the listener cannot be reached by.
func (h *host) locationFor(_ ssdp.Interface, local netip.Addr) string {
	if local.Unmap().WithZone("") != h.local.Addr().WithZone("") {
		return ""
	}
	return h.root.Location
}

func (s *Server) product() string {
	if s.Product == "" {
		return "Go/1 UPnP/1.1 upnp/1"
	}
	return s.Product
}

// advertisements is the set of UDA 1.1 table 1-1 to 1-3: three for the root device, two for
// every embedded one, one for every service type of a device.
func advertisements(root *description.Root) []ssdp.Advertisement {
	var all []ssdp.Advertisement
	announce := func(udn string, target ssdp.Target) {
		usn := ssdp.USN{UDN: udn, Target: target}
		if string(target) == udn {
			usn.Target = ""
		}
		all = append(all, ssdp.Advertisement{NT: target, USN: usn.String()})
	}
	announce(root.Device.UDN, ssdp.RootDevice)
	for d := range root.Devices() {
		announce(d.UDN, ssdp.Target(d.UDN))
		announce(d.UDN, ssdp.Target(d.Type))
		seen := make(map[string]bool)
		for _, s := range d.Services {
			if !seen[s.Type] {
				seen[s.Type] = true
				announce(d.UDN, ssdp.Target(s.Type))
			}
		}
	}
	return all
}

// shutdownGrace is how long requests under way may take when Serve ends.
const shutdownGrace = 2 * time.Second

package igd

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"

	"upnp/description"
	"upnp/igd/device"
	"upnp/soap"
)

// A host is a Server at work.
type host struct {
	server *Server
	device *device.Host
	site   *device.Site
	root   *description.Root
	news   newsroom
}

// open does everything that can fail at once.
func (s *Server) open(ctx context.Context) (*host, error) {
	if s.Backend == nil {
		return nil, errors.New("igd: a Server needs a Backend")
	}
	h := &host{server: s, device: s.host()}
	var err error
	if h.site, err = h.device.Open(ctx); err != nil {
		return nil, fmt.Errorf("igd: %w", err)
	}
	h.root = h.describe()
	h.news.host = h
	services := map[*description.Service]*device.Handlers{}
	for service := range h.root.Services() {
		services[service] = h.service(service)
	}
	h.device.Root = h.root
	h.device.Service = func(d *description.Service) *device.Handlers { return services[d] }
	return h, nil
}

func (s *Server) host() *device.Host {
	return &device.Host{
		Network: s.Network, Interface: s.Interface, Public: s.Public, IPv4Only: s.Device != V2, Port: s.Port,
		Logger: s.Logger, Product: s.Product, BootID: s.BootID, MaxDelay: s.MaxDelay,
		WrapHTTP: s.WrapHTTP, Answer: s.Answer, Ready: s.Ready,
	}
}

func (h *host) describe() *description.Root {
	root := h.server.Root
	if root == nil {
		name, _ := os.Hostname() // a host without a name is one of that name
		root = StandardRoot(h.server.Device, fmt.Sprintf("%s %v:%d", name, h.site.Addr(), h.server.Port))
		h.server.leaveOut(root)
	}
	root.Location = h.site.Location()
	if h.server.Describe != nil {
		h.server.Describe(root)
	}
	return root
}

// leaveOut takes away the service that a backend without a firewall has nothing to answer for.
func (s *Server) leaveOut(root *description.Root) {
	if _, ok := s.Backend.(PinholeBackend); ok {
		return
	}
	for d := range root.Devices() {
		d.Services = slices.DeleteFunc(d.Services, func(s *description.Service) bool { return isType(s.Type, firewallControl) })
	}
}

// run serves until ctx ends or a part fails.
func (h *host) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer h.news.close()
	defer cancel()
	h.news.open(ctx)
	return h.site.Serve(ctx)
}

// service is what answers for a service of a type that the Server knows.
func (h *host) service(s *description.Service) *device.Handlers {
	document := documentOf(s.Type)
	a := &actor{server: h.server, backend: h.server.backendOf(s), root: h.root}
	actions := a.actions(s.Type)
	if actions == nil || document == "" {
		return nil
	}
	data, err := documents.ReadFile(document)
	if err != nil {
		return nil
	}
	scpd, err := description.ParseSCPD(data)
	if err != nil {
		return nil
	}
	control := &soap.Handler{
		Service: s.Type, SCPD: scpd, Actions: actions, Variable: reader(scpd, actions),
		Server: h.server.product(), Logger: h.server.Logger,
	}
	return &device.Handlers{Document: data, Control: cdata(control), Events: h.events(a, s, scpd)}
}

// events is what answers subscriptions: somebody's, ours, or nobody.
func (h *host) events(a *actor, s *description.Service, scpd *description.SCPD) http.Handler {
	if h.server.Events != nil {
		if handler := h.server.Events(s); handler != nil {
			return handler
		}
	}
	return h.news.publisher(a, s, scpd)
}

func (s *Server) product() string {
	if s.Product == "" {
		return device.DefaultProduct
	}
	return s.Product
}

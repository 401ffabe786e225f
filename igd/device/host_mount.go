package device

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"upnp/description"
	"upnp/gena"
	"upnp/igd/wire"
)

// rootPath is where a Host has its description.
const rootPath = "/root.xml"

// Handlers are what answers for one service of a device.
type Handlers struct {
	// SCPD is the service document, written as it is. Nil with Document nil serves none.
	SCPD *description.SCPD
	// Document is the service document where its exact bytes matter; it goes before SCPD.
	Document []byte
	// Control takes calls, usually a soap.Handler. Nil: there is nothing at the control URL.
	Control http.Handler
	// Events takes subscriptions, usually a gena.Publisher, whose Serve is called by the Host, and
	// whose HTTP, if nil, becomes the Host's. Nil: they are answered 501.
	Events http.Handler
}

// A publisher is an Events handler with work of its own, as a gena.Publisher has.
type publisher interface {
	Serve(context.Context) error
}

// mount makes the handler of everything the description names.
func (s *Site) mount() (http.Handler, []publisher) {
	h := s.host
	docs := &description.Handler{
		Root: h.Root, RootPath: rootPath, Files: make(map[string]description.File),
		SCPDs: make(map[string]*description.SCPD), Server: h.product(),
	}
	m := &switchboard{control: make(map[string]http.Handler), events: make(map[string]http.Handler), docs: docs}
	var publishers []publisher
	for d := range h.Root.Services() {
		if h.Service == nil {
			break
		}
		if service := h.Service(d); service != nil {
			s.lend(service)
			publishers = append(publishers, m.mount(h.Root, d, service)...)
		}
	}
	var handler http.Handler = m
	if h.WrapHTTP != nil {
		handler = h.WrapHTTP(handler)
	}
	return &guard{site: s, next: handler}, publishers
}

// lend has a publisher that has no network of its own use the Host's.
func (s *Site) lend(h *Handlers) {
	if p, ok := h.Events.(*gena.Publisher); ok && p.HTTP == nil {
		p.HTTP = wire.HTTPClient(s.Outward())
	}
}

// A switchboard finds handlers by path, or by path and query where a control URL has one.
// A control URL may share its path with a document, which is then what a GET is about, and with the
// event URL of the service (Linux IGD 2): the method tells.
type switchboard struct {
	control, events map[string]http.Handler
	docs            *description.Handler
}

func (m *switchboard) mount(root *description.Root, d *description.Service, s *Handlers) []publisher {
	path := target(root, d.SCPDURL).Path
	if s.Document != nil {
		m.docs.Files[path] = description.File{Data: s.Document}
	} else if s.SCPD != nil {
		m.docs.SCPDs[path] = s.SCPD
	}
	if s.Control != nil {
		m.control[target(root, d.ControlURL).RequestURI()] = s.Control
	}
	if d.EventSubURL == "" {
		return nil
	}
	if s.Events == nil {
		s.Events = http.HandlerFunc(noEvents)
	}
	m.events[target(root, d.EventSubURL).RequestURI()] = s.Events
	if p, ok := s.Events.(publisher); ok {
		return []publisher{p}
	}
	return nil
}

func noEvents(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "no events here", http.StatusNotImplemented)
}

// target resolves a URL of the description as a client does that goes by the location; the
// path is all that matters of it.
func target(root *description.Root, ref string) *url.URL {
	base, err := url.Parse(root.Location)
	if err != nil {
		return &url.URL{}
	}
	u, err := base.Parse(ref)
	if err != nil {
		return &url.URL{}
	}
	return u
}

func (m *switchboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := m.find(r); h != nil && !m.fetches(r) {
		h.ServeHTTP(w, r)
		return
	}
	m.docs.ServeHTTP(w, r)
}

// find is what answers at a URL, the side that the method is for before the other.
func (m *switchboard) find(r *http.Request) http.Handler {
	sides := []map[string]http.Handler{m.control, m.events}
	if strings.HasSuffix(r.Method, "SUBSCRIBE") {
		slices.Reverse(sides)
	}
	for _, side := range sides {
		for _, key := range []string{r.URL.RequestURI(), r.URL.Path} {
			if h := side[key]; h != nil {
				return h
			}
		}
	}
	return nil
}

func (m *switchboard) fetches(r *http.Request) bool {
	_, file := m.docs.Files[r.URL.Path]
	_, document := m.docs.SCPDs[r.URL.Path]
	return r.Method == http.MethodGet && (file || document || r.URL.Path == rootPath)
}

package igd

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"upnp/description"
	"upnp/soap"
)

// Limits of the HTTP side of a Server.
const (
	maxConnections = 64
	maxHeader      = 16 << 10
	headerTimeout  = 5 * time.Second
	readTimeout    = 10 * time.Second
	writeTimeout   = 60 * time.Second // an answer is due within 30 s (UDA 1.1 section 3.2.2)
	idleTimeout    = 10 * time.Second
)

// A webServer is an http.Server that can wait for everything it started.
type webServer struct {
	http  http.Server
	conns sync.WaitGroup
}

func newWebServer(h *host, ctx context.Context) *webServer {
	w := &webServer{}
	w.http = http.Server{
		Handler:           w.counted(h.handler),
		MaxHeaderBytes:    maxHeader,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnState:         w.count,
		ErrorLog:          slog.NewLogLogger(h.server.log().Handler(), slog.LevelDebug),
	}
	return w
}

func (s *Server) log() *slog.Logger {
	if s.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Logger
}

// count keeps the number of goroutines that serve a connection.
func (w *webServer) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		w.conns.Add(1)
	case http.StateClosed, http.StateHijacked:
		w.conns.Done()
	}
}

// counted covers handlers that took their connection over, which ConnState does not.
func (w *webServer) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.conns.Add(1)
		defer w.conns.Done()
		next.ServeHTTP(rw, r)
	})
}

func (w *webServer) serve(l net.Listener) error {
	err := w.http.Serve(newLimitListener(l, maxConnections))
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// stop lets requests under way end, then cuts them off, and waits.
func (w *webServer) stop() {
	grace, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	if w.http.Shutdown(grace) != nil {
		w.http.Close()
	}
	w.conns.Wait()
}

// mount makes the handler of everything the description names.
func (h *host) mount() http.Handler {
	docs := &description.Handler{
		Root: h.root, RootPath: rootPath, Files: make(map[string]description.File), Server: h.server.product(),
	}
	m := &switchboard{routes: make(map[string]http.Handler), docs: docs}
	for s := range h.root.Services() {
		h.mountService(m, docs, s)
	}
	var handler http.Handler = m
	if h.server.WrapHTTP != nil {
		handler = h.server.WrapHTTP(handler)
	}
	return &guard{host: h, next: handler}
}

func (h *host) mountService(m *switchboard, docs *description.Handler, s *description.Service) {
	document := documentOf(s.Type)
	a := &actor{server: h.server, backend: h.server.backendOf(s), root: h.root}
	actions := a.actions(s.Type)
	if actions == nil || document == "" {
		return
	}
	data, err := documents.ReadFile(document)
	if err != nil {
		return
	}
	scpd, err := description.ParseSCPD(data)
	if err != nil {
		return
	}
	docs.Files[h.target(s.SCPDURL).Path] = description.File{Data: data}
	m.handle(h.target(s.ControlURL), cdata(&soap.Handler{
		Service: s.Type, SCPD: scpd, Actions: actions, Variable: reader(scpd, actions),
		Server: h.server.product(), Logger: h.server.Logger,
	}))
	if s.EventSubURL != "" {
		m.handle(h.target(s.EventSubURL), h.events(a, s, scpd))
	}
}

// events is what answers subscriptions: somebody's, ours, or the plain truth that there are none.
func (h *host) events(a *actor, s *description.Service, scpd *description.SCPD) http.Handler {
	if h.server.Events != nil {
		if handler := h.server.Events(s); handler != nil {
			return handler
		}
	}
	if publisher := h.news.publisher(a, s, scpd); publisher != nil {
		return publisher
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no events here", http.StatusNotImplemented)
	})
}

// target resolves a URL of the description as a client does that goes by the location; the
// path is all that matters of it.
func (h *host) target(ref string) *url.URL {
	base, err := url.Parse(h.root.Location)
	if err != nil {
		return &url.URL{}
	}
	u, err := base.Parse(ref)
	if err != nil {
		return &url.URL{}
	}
	return u
}

// A switchboard finds handlers by path, or by path and query where a control URL has one.
// A control URL may share its path with a document, which is then what a GET is about.
type switchboard struct {
	routes map[string]http.Handler
	docs   *description.Handler
}

func (m *switchboard) handle(u *url.URL, h http.Handler) {
	m.routes[u.RequestURI()] = h
}

func (m *switchboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, key := range []string{r.URL.RequestURI(), r.URL.Path} {
		if h := m.routes[key]; h != nil && !m.fetches(r) {
			h.ServeHTTP(w, r)
			return
		}
	}
	m.docs.ServeHTTP(w, r)
}

func (m *switchboard) fetches(r *http.Request) bool {
	_, document := m.docs.Files[r.URL.Path]
	return r.Method == http.MethodGet && (document || r.URL.Path == rootPath)
}

package device

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Limits of the HTTP side of a Host.
const (
	maxConnections = 64
	maxHeader      = 16 << 10
	headerTimeout  = 5 * time.Second
	readTimeout    = 10 * time.Second
	writeTimeout   = 60 * time.Second // an answer is due within 30 s (UDA 1.1 section 3.2.2)
	idleTimeout    = 10 * time.Second
	shutdownGrace  = 2 * time.Second // for requests under way when Serve ends
)

// A webServer is an http.Server that can wait for everything it started.
type webServer struct {
	http  http.Server
	slots chan struct{}
	conns sync.WaitGroup
}

func newWebServer(s *Site, handler http.Handler, ctx context.Context) *webServer {
	w := &webServer{slots: make(chan struct{}, maxConnections)}
	w.http = http.Server{
		Handler:           w.counted(handler),
		MaxHeaderBytes:    maxHeader,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnState:         w.count,
		ErrorLog:          slog.NewLogLogger(s.host.log().Handler(), slog.LevelDebug),
	}
	return w
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
	err := w.http.Serve(newLimitListener(l, w.slots))
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

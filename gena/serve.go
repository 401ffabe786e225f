package gena

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

const (
	farewell = 2 * time.Second        // for telling all devices that nobody listens any more
	linger   = 500 * time.Millisecond // for the device to read the answer

	acceptPause       = 100 * time.Millisecond
	maxAcceptFailures = 100 // in a row: out of files, for ten seconds
)

// Serve receives events on the Listener, if there is one, until ctx ends; then it closes all
// subscriptions, telling the devices for two seconds at most, waits for all that was started and
// returns nil. It fails when the Listener does. A Subscriber serves once.
func (s *Subscriber) Serve(ctx context.Context) error {
	inside, cancel := context.WithCancel(ctx)
	defer cancel()
	h := newHall(s)
	var failed error
	var accepting sync.WaitGroup
	if s.Listener != nil {
		accepting.Go(func() {
			defer cancel()
			failed = h.accept(s.Listener)
		})
	}
	<-inside.Done()
	s.closeAll(ctx)
	h.empty(s.Listener)
	accepting.Wait()
	return failed
}

// closeAll ends all subscriptions while the devices can still be answered.
func (s *Subscriber) closeAll(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	var all sync.WaitGroup
	for _, sub := range s.finish() {
		all.Go(func() { _ = sub.Close(ctx) }) // a device that does not hear it will find out
	}
	all.Wait()
}

// A hall is where a Subscriber that serves receives connections.
type hall struct {
	subscriber *Subscriber
	crowd      *crowd
	open       context.Context // ends when nobody is received any more
	close      context.CancelFunc
	guests     sync.WaitGroup
}

func newHall(s *Subscriber) *hall {
	h := &hall{subscriber: s, crowd: newCrowd()}
	h.open, h.close = context.WithCancel(context.Background())
	return h
}

// accept returns nil when the listener is closed.
func (h *hall) accept(l net.Listener) error {
	defer h.guests.Wait()
	for failures := 0; ; {
		conn, err := l.Accept()
		switch {
		case err == nil:
			failures = 0
			h.receive(conn)
		case errors.Is(err, net.ErrClosed):
			return nil
		default:
			if failures++; failures == maxAcceptFailures {
				return err
			}
			time.Sleep(acceptPause)
		}
	}
}

func (h *hall) empty(l net.Listener) {
	h.close()
	if l != nil {
		_ = l.Close() // it may be closed already
	}
	h.crowd.closeAll()
}

func (h *hall) receive(conn net.Conn) {
	from := bare(addrPort(conn.RemoteAddr().String()).Addr())
	source := h.crowd.enter(conn, from, !h.subscriber.knows(from))
	if source == nil {
		h.subscriber.count(&h.subscriber.counters.Crowded)
		conn.Close()
		return
	}
	h.guests.Go(func() {
		defer h.crowd.leave(conn, from)
		defer conn.Close()
		ctx, cancel := context.WithTimeout(h.open, requestTimeout)
		defer cancel()
		if source.wait(ctx) {
			defer source.done()
			h.subscriber.converse(conn, from)
		}
	})
}

// converse answers one request and then acts on it. The connection is not closed before the
// other side has had time to read the answer.
func (s *Subscriber) converse(conn net.Conn, from netip.Addr) {
	n, status := readNotification(conn, from)
	status, then := s.judge(n, status)
	if status == 0 {
		return
	}
	_ = conn.SetDeadline(time.Now().Add(linger))
	_, _ = io.WriteString(conn, answerText(status)) // who does not wait for it has still told us something
	then()
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
		_, _ = io.CopyN(io.Discard, conn, maxHead)
	}
}

func answerText(status int) string {
	text := "HTTP/1.1 " + strconv.Itoa(status) + " " + http.StatusText(status) + "\r\nContent-Length: 0\r\nConnection: close\r\n"
	if status == http.StatusMethodNotAllowed {
		text += "Allow: NOTIFY\r\n"
	}
	return text + "\r\n"
}

// ServeHTTP is for a Subscriber mounted in a server of its user's, whose limits then hold. It
// answers 200, 400, 403, 405, 408, 412 or 413, always without a body.
func (s *Subscriber) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := &notification{
		method: r.Method, path: r.URL.Path, from: addrPort(r.RemoteAddr).Addr(), field: r.Header.Get,
	}
	status, then := s.judge(n, n.readWhole(r.Body))
	if status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", methodNotify)
	}
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
	_ = http.NewResponseController(w).Flush() // where it cannot, the answer follows at once anyway
	then()
}

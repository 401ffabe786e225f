package gena

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd/wire"
)

const (
	pcAddr     = "192.168.1.7"
	routerAddr = "192.168.1.1"
	otherAddr  = "192.168.1.66"
	eventURL   = "http://192.168.1.1:5000/evt"
)

// A world is a LAN with a subscriber that serves, a router, and somebody else.
type world struct {
	*testing.T
	mem               *wire.Memory
	pc, router, other *wire.Host
	sub               *Subscriber
	tasks             sync.WaitGroup
	servers           []*http.Server
	ctx               context.Context // ends with the world
	stop              context.CancelFunc
	stopped           chan error   // what Serve returned
	guests            atomic.Int64 // connections open at the callback side
}

// A counter counts the connections of a listener.
type counter struct {
	net.Listener
	open *atomic.Int64
}

func (c counter) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.open.Add(1)
		conn = &counted{Conn: conn, closed: sync.OnceFunc(func() { c.open.Add(-1) })}
	}
	return conn, err
}

type counted struct {
	net.Conn
	closed func()
}

func (c *counted) CloseWrite() error { return c.Conn.(interface{ CloseWrite() error }).CloseWrite() }

func (c *counted) Close() error {
	c.closed()
	return c.Conn.Close()
}

// inWorld runs f in virtual time. Whatever still runs when everything is told to end fails the
// test, because synctest waits for it.
func inWorld(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		mem := wire.NewMemory()
		w := &world{
			T: t, mem: mem, pc: newHost(mem, "pc", pcAddr), router: newHost(mem, "router", routerAddr), other: newHost(mem, "other", otherAddr),
		}
		w.ctx, w.stop = context.WithCancel(t.Context())
		w.sub = &Subscriber{HTTP: wire.HTTPClient(w.pc), Listener: counter{w.listen(w.pc, pcAddr+":4004"), &w.guests}}
		w.stopped = make(chan error, 1)
		go func() { w.stopped <- w.sub.Serve(w.ctx) }()
		defer w.end()
		f(w)
	})
}

// end ends everything, the subscriber first: it has something to say to the servers.
func (w *world) end() {
	w.stop()
	if err := <-w.stopped; err != nil {
		w.Errorf("Serve: %v", err)
	}
	for _, server := range w.servers {
		server.Close()
	}
	w.tasks.Wait()
}

func newHost(mem *wire.Memory, name, addr string) *wire.Host {
	return mem.Host(name, netip.MustParsePrefix(addr+"/24"), netip.MustParsePrefix("fe80::"+addr[strings.LastIndex(addr, ".")+1:]+"/64"))
}

func (w *world) listen(h *wire.Host, addr string) net.Listener {
	l, err := h.Listen(w.ctx, "tcp", addr)
	if err != nil {
		w.Fatal(err)
	}
	return l
}

// web serves until the test ends.
func (w *world) web(h *wire.Host, addr string, handler http.Handler) {
	server := &http.Server{Handler: handler}
	l := w.listen(h, addr)
	w.tasks.Go(func() { _ = server.Serve(l) })
	w.servers = append(w.servers, server)
}

// subscribe subscribes, or fails the test.
func (w *world) subscribe() *Subscription {
	w.Helper()
	sub, err := w.sub.Subscribe(w.ctx, eventURL)
	if err != nil {
		w.Fatal(err)
	}
	return sub
}

// events collects what a subscription yields until the test ends.
func (w *world) events(sub *Subscription) func() []string {
	var mu sync.Mutex
	var list []string
	w.tasks.Go(func() {
		for e, err := range sub.Events(w.ctx) {
			mu.Lock()
			list = append(list, describe(e, err))
			mu.Unlock()
		}
	})
	return func() []string {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		seen := list
		list = nil
		return seen
	}
}

// describe is an event in short: its number, what is special, its properties.
func describe(e *Event, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	text := fmt.Sprint(e.Seq)
	if e.Initial {
		text += " initial"
	}
	if e.Lost {
		text += " lost"
	}
	for _, p := range e.Properties {
		text += " " + p.Name + "=" + p.Value
	}
	return text
}

// raw sends bytes from a host and returns the first line of the answer, or the error.
func raw(h *wire.Host, addr, text string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := h.Dial(ctx, "tcp", addr)
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(conn, text)
	answer, _ := io.ReadAll(conn)
	line, _, _ := strings.Cut(string(answer), "\r\n")
	return line
}

const (
	accepted = "HTTP/1.1 200 OK"
	unknown  = "HTTP/1.1 412 Precondition Failed"
	bad      = "HTTP/1.1 400 Bad Request"
	foreign  = "HTTP/1.1 403 Forbidden"
	timedOut = "HTTP/1.1 408 Request Timeout"
	tooLarge = "HTTP/1.1 413 Request Entity Too Large"
)

// notify is a NOTIFY as a good device writes it.
func notify(path, sid string, seq any, properties ...Property) string {
	body, _ := AppendProperties(nil, properties...)
	return fmt.Sprintf("NOTIFY %s HTTP/1.1\r\nHOST: %s:4004\r\nCONTENT-TYPE: text/xml; charset=\"utf-8\"\r\nNT: upnp:event\r\nNTS: upnp:propchange\r\n"+
		"SID: %s\r\nSEQ: %v\r\nCONTENT-LENGTH: %d\r\n\r\n%s", path, pcAddr, sid, seq, len(body), body)
}

// A device answers subscriptions as told, and remembers what it was asked.
type device struct {
	mu      sync.Mutex
	asked   []string    // method, and "new" or the SID
	at      []time.Time // when
	headers []http.Header
	paths   []string // of the CALLBACKs
	answer  func(n int, r *http.Request, h http.Header) (status int)
}

// grant answers with a new SID and a time.
func grant(timeout string) func(int, *http.Request, http.Header) int {
	return func(n int, r *http.Request, h http.Header) int {
		h["SID"] = []string{fmt.Sprintf("uuid:%d", n)}
		if sid := r.Header.Get("SID"); sid != "" {
			h["SID"] = []string{sid}
		}
		if timeout != "" {
			h["TIMEOUT"] = []string{timeout}
		}
		return http.StatusOK
	}
}

func (d *device) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	n := len(d.asked)
	what := "new"
	if sid := r.Header.Get("SID"); sid != "" {
		what = sid
	}
	d.asked = append(d.asked, r.Method+" "+what)
	d.at = append(d.at, time.Now())
	d.headers = append(d.headers, r.Header)
	if callback := strings.Trim(r.Header.Get("CALLBACK"), "<>"); callback != "" {
		d.paths = append(d.paths, strings.TrimPrefix(callback, "http://"+pcAddr+":4004"))
	}
	d.mu.Unlock()
	w.WriteHeader(d.answer(n, r, w.Header()))
}

// path is where the latest subscription wants its events.
func (d *device) path() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.paths) == 0 {
		return "/none"
	}
	return d.paths[len(d.paths)-1]
}

// requests are all so far, in order.
func (d *device) requests() []string {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.asked...)
}

// device serves one on the router.
func (w *world) device(answer func(int, *http.Request, http.Header) int) *device {
	d := &device{answer: answer}
	w.web(w.router, routerAddr+":5000", d)
	return d
}

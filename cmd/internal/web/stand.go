package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"upnp/cmd/internal/plain"
	"upnp/igd"
	"upnp/igd/reach"
)

// The mapping of the test server outlives it by no more than this if nobody takes it away.
const testLease = reach.MaxLifetime + time.Minute

// closeTime is how long taking away the mapping may take when the page ends.
const closeTime = 5 * time.Second

// A stand is where the test server stands in for a program.
type stand struct {
	page *page

	// Under the hub's lock:
	line   serverLine
	server *reach.Server
	over   chan struct{} // closed when server has ended and its mapping is gone
	made   *row          // the mapping made for it
}

type serverLine struct {
	Type      string    `json:"type"`
	Running   bool      `json:"running"`
	Port      uint16    `json:"port"`
	URL       string    `json:"url"`
	PublicURL string    `json:"publicUrl"`
	Mapping   *row      `json:"mapping"`
	Since     time.Time `json:"since"`
	Ends      time.Time `json:"ends"`
	Visitors  []visitor `json:"visitors"`
}

type visitor struct {
	Time    time.Time `json:"time"`
	Address string    `json:"address"`
	Own     bool      `json:"own"`
	Knew    bool      `json:"knew"` // knew the address of the page and got it
}

func newStand(p *page) *stand {
	return &stand{page: p, line: serverLine{Type: "server", Port: defaultTestPort, Visitors: []visitor{}}}
}

func (s *stand) present() []any { return []any{s.line} }

func (s *stand) set(change func()) {
	s.page.hub.update(func() []any {
		change()
		return []any{s.line}
	})
}

// listen starts a server at a port, and tells when it ends.
func (s *stand) listen(gw *igd.Gateway, port uint16) error {
	local := gw.LocalAddr()
	server, err := reach.Listen(s.page.jobs.ctx, reach.ServerConfig{
		Network: s.page.server.network(), Addr: netip.AddrPortFrom(local, port), Lifetime: reach.MaxLifetime, Visited: s.visited,
	})
	if errors.Is(err, syscall.EADDRINUSE) {
		return errTaken(port)
	}
	if err != nil {
		return err
	}
	nonce, err := server.Nonce()
	if err != nil {
		server.Close()
		return err
	}
	path, over := reach.Path(nonce), make(chan struct{})
	s.set(func() {
		s.server, s.over = server, over
		s.line.Running, s.line.Port, s.line.Since, s.line.Ends = true, port, time.Now(), time.Now().Add(reach.MaxLifetime)
		s.line.URL = "http://" + server.Addr().String() + path
		s.line.PublicURL = s.publicURL(path)
	})
	s.page.subscribing.Go(func() {
		defer close(over)
		<-server.Done()
		s.ended(server)
	})
	return nil
}

// errTaken is the error of a port that a program has.
func errTaken(port uint16) error {
	return &callError{failure: failure{plain.Failure{
		Error: "a program of this machine has port " + portText(port) + " already",
		Kind:  "failed", Hint: "check that port as it is, or take another",
	}, "port"}}
}

// publicURL is where the Internet finds the server, if the mapping is there. The hub's lock is held.
func (s *stand) publicURL(path string) string {
	v := s.page.finder.visit
	if s.made == nil || v == nil || v.info.ExternalAddress == "" {
		return ""
	}
	return "http://" + net.JoinHostPort(v.info.ExternalAddress, strconv.Itoa(int(s.made.ExternalPort))) + path
}

// visited notes who came.
func (s *stand) visited(v reach.Visit) {
	own := s.page.ownAddrs()
	s.set(func() {
		all := append(slices.Clone(s.line.Visitors), visitor{v.Time, v.From.String(), slices.Contains(own, v.From), v.Knew})
		s.line.Visitors = all[max(0, len(all)-reach.MaxVisits):]
	})
}

// ended notes that a server has ended, for whatever reason, and takes its mapping away unless
// another server has taken its place.
func (s *stand) ended(server *reach.Server) {
	var gone *row
	s.set(func() {
		if s.server != server {
			return
		}
		s.server, s.line.Running = nil, false
		gone, s.made, s.line.Mapping, s.line.PublicURL = s.made, nil, nil, ""
	})
	if gone != nil {
		s.takeAway(*gone)
	}
}

func (s *stand) takeAway(r row) {
	gw := s.page.finder.gateway()
	if gw == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.page.jobs.ctx), closeTime)
	defer cancel()
	before, err := gw.Remove(ctx, r.mapping.MappingKey)
	s.page.removed(r, before, err)
}

// halt ends the server, if there is one, and waits until its mapping is gone too.
func (s *stand) halt() {
	s.page.hub.mu.Lock()
	server, over := s.server, s.over
	s.page.hub.mu.Unlock()
	if server != nil {
		server.Close()
		<-over
	}
}

// pause makes the port free for a while, keeping the mapping; resume puts a server there again.
func (s *stand) pause(gw *igd.Gateway) (resume func()) {
	s.page.hub.mu.Lock()
	server, port := s.server, s.line.Port
	s.server = nil
	s.page.hub.mu.Unlock()
	if server == nil {
		return func() {}
	}
	server.Close()
	return func() {
		if s.listen(gw, port) != nil {
			s.set(func() { s.line.Running = false })
		}
	}
}

// start is POST /api/server/start.
func (s *stand) start(r *http.Request) (any, error) {
	q, err := read[struct {
		Port  int  `json:"port"`
		Map   bool `json:"map"`
		Check bool `json:"check"`
		IKnow bool `json:"iKnow"`
	}](r)
	if err != nil {
		return nil, err
	}
	if q.Port == 0 {
		q.Port = defaultTestPort
	}
	port, err := portOf("port", &q.Port)
	if err != nil {
		return nil, err
	}
	if err := s.page.safe(*port, q.IKnow); err != nil {
		return nil, err
	}
	if s.page.finder.gateway() == nil {
		return nil, errNoGateway
	}
	return s.page.jobs.start(openLane, "open", strconv.Itoa(q.Port)+"/tcp", 0, func(ctx context.Context, j *job) error {
		return s.open(ctx, j, *port, q.Map, q.Check)
	})
}

// open starts the server, and as is wanted makes the mapping and looks whether it is open.
func (s *stand) open(ctx context.Context, j *job, port uint16, mapped, check bool) error {
	gw := s.page.finder.gateway()
	if gw == nil {
		return errNoGateway
	}
	j.step(0, "starting the test server")
	s.halt()
	s.set(func() { s.line.Visitors = []visitor{} })
	if err := s.listen(gw, port); err != nil {
		return err
	}
	if !mapped {
		return nil
	}
	j.step(1, "opening the port")
	m, open, err := s.lead(ctx, gw, j, port)
	if err != nil || !open || !check {
		return err
	}
	j.step(2, "looking whether it is open")
	return s.page.checker.check(ctx, gw, m)
}

// lead makes the mapping that leads to the server. Its error is that of ctx.
func (s *stand) lead(ctx context.Context, gw *igd.Gateway, j *job, port uint16) (m igd.Mapping, open bool, err error) {
	w := igd.Wish{Mapping: igd.Mapping{Description: "upnp test", Lease: testLease}}
	w.MappingKey, w.InternalPort = igd.MappingKey{ExternalPort: port, Protocol: igd.TCP}, port
	grant, err := gw.Map(ctx, w)
	if ctx.Err() != nil {
		return m, false, ctx.Err()
	}
	result := s.page.granted(w.Mapping, nil, grant, err)
	if j.add(result); result.Error != nil {
		return m, false, nil
	}
	r := newRow(grant.Mapping, s.page.own())
	s.set(func() {
		s.made, s.line.Mapping = &r, &r
		_, path, _ := strings.Cut(strings.TrimPrefix(s.line.URL, "http://"), "/")
		s.line.PublicURL = s.publicURL("/" + path)
	})
	return grant.Mapping, true, nil
}

// stop is POST /api/server/stop.
func (s *stand) stop(*http.Request) (any, error) {
	return s.page.jobs.start(openLane, "close", "the test server", 0, func(context.Context, *job) error {
		s.halt()
		return nil
	})
}

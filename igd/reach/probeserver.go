package reach

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"upnp/igd"
	"upnp/igd/wire"
)

// DefaultProbePort is where a ProbeServer listens if nobody says otherwise.
const DefaultProbePort = 9543

// Limits of a ProbeServer.
const (
	lookTimeout    = 4 * time.Second
	maxLooks       = 64 // at a time
	looksPerSecond = 50 // of all askers
	maxConns       = 256
	askTimeout     = 5 * time.Second
	replyTimeout   = 15 * time.Second
	maxAskHeader   = 4 << 10
)

// A ProbeServer is the outside half of a [Checker], to run on a host that one owns. Whoever asks
//
//	GET /port/9542?protocol=tcp&nonce=00112233445566778899aabbccddeeff
//
// is connected back to, at that port of the address the question came from and of no other, and told
// what came of it, in the JSON of an echoip server. With a nonce it asks there for the page of a
// [Server], or sends it in datagrams if the protocol is udp.
//
// It cannot be made to scan or to flood: a TCP connection proves the asker's address; each has a
// few looks a minute and a few different ports; private and reserved addresses are refused, and always
// this machine's own; over UDP it sends less than the question had; and one that floods it is cut off
// while others are served. IPv6 askers count by their /48.
type ProbeServer struct {
	Network wire.Network // nil: wire.System(). UDP sockets are always the system's.
	Addr    string       // to listen at; empty is port DefaultProbePort of all addresses
	// AllowPrivate has it look at addresses that the Internet does not have, for a network of one's own.
	AllowPrivate bool
	// Proxies are in front of the server: the last address of X-Forwarded-For that they send is
	// believed, and nobody else's.
	Proxies []netip.Prefix
	// Ready is told where it listens.
	Ready func(netip.AddrPort)
	// Looked is told what it did and what it refused, one at a time, a few per asker and minute. It
	// must not block.
	Looked func(Looked)
}

// Looked is one question to a ProbeServer and what came of it.
type Looked struct {
	Time       time.Time    `json:"time"`
	From       netip.Addr   `json:"from"`
	Protocol   igd.Protocol `json:"protocol,omitempty"`
	Port       uint16       `json:"port,omitempty"`
	Reachable  bool         `json:"reachable"`
	Refused    string       `json:"refused,omitempty"`    // why it did not look
	Suppressed int          `json:"suppressed,omitempty"` // of this asker, not told before
}

// Serve serves until ctx ends, and returns nil then. Looks under way are broken off.
func (s *ProbeServer) Serve(ctx context.Context) error {
	network := s.Network
	if network == nil {
		network = wire.System()
	}
	addr := s.Addr
	if addr == "" {
		addr = fmt.Sprintf(":%d", DefaultProbePort)
	}
	l, err := network.Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("reach: %w", err)
	}
	if s.Ready != nil {
		if at, err := netip.ParseAddrPort(l.Addr().String()); err == nil {
			s.Ready(at)
		}
	}
	p := &probing{server: s, network: network, askers: askers{known: map[netip.Prefix]*asker{}}, all: bucket{rate: looksPerSecond, size: 2 * looksPerSecond}}
	return p.serve(ctx, l)
}

// A probing is a ProbeServer while it serves.
type probing struct {
	server  *ProbeServer
	network wire.Network
	askers  askers
	telling sync.Mutex

	mu    sync.Mutex
	all   bucket // looks of all askers
	looks int    // under way
}

func (p *probing) serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var conns sync.WaitGroup
	server := p.http(ctx, &conns)
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	err := server.Serve(&door{Listener: l, probing: p})
	cancel()
	conns.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// http is the server of the questions; conns counts those who serve a connection.
func (p *probing) http(ctx context.Context, conns *sync.WaitGroup) *http.Server {
	server := &http.Server{
		Handler: http.HandlerFunc(p.answer),
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				conns.Add(1)
			case http.StateClosed:
				conns.Done()
			}
		},
		ReadHeaderTimeout: askTimeout, ReadTimeout: askTimeout, WriteTimeout: replyTimeout, MaxHeaderBytes: maxAskHeader,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	server.SetKeepAlivesEnabled(false)
	return server
}

// begin lets a look begin if not too many are under way.
func (p *probing) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.looks >= maxLooks || !p.all.take(time.Now()) {
		return false
	}
	p.looks++
	return true
}

func (p *probing) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.looks--
}

// look connects to the asker and waits for what answers there.
func (p *probing) look(ctx context.Context, from netip.Addr, q Question, size int) replyJSON {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	to := netip.AddrPortFrom(q.Addr, q.Port)
	j := replyJSON{IP: q.Addr.String(), Port: q.Port, Protocol: protocolName(q.Protocol)}
	var reached bool
	var err error
	if q.Protocol == igd.UDP {
		j.Token, err = askUDP(ctx, from, to, q.Nonce, min(maxDatagrams, size/datagramSize))
		reached = err == nil
	} else {
		reached, j.Token, err = p.lookTCP(wire.WithLocalAddr(ctx, from), to, q.Nonce)
	}
	j.Reachable = &reached
	if err != nil && !reached {
		j.Error = lookWords(err)
	}
	return j
}

// maxDatagrams are sent for one question at most.
const maxDatagrams = 3

func (p *probing) lookTCP(ctx context.Context, to netip.AddrPort, nonce string) (reached bool, token string, err error) {
	conn, err := p.network.Dial(ctx, "tcp", to.String())
	if err != nil {
		return false, "", err
	}
	defer conn.Close()
	if nonce != "" {
		token, err = askTCP(ctx, conn, nonce)
	}
	return true, token, err
}

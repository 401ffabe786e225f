package reach

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"upnp/igd"
	"upnp/igd/wire"
)

// DefaultPort is where a Server listens if nobody says otherwise.
const DefaultPort = 9542

// Limits of a Server (SECURITY 3.H).
const (
	DefaultLifetime = 2 * time.Minute
	MaxLifetime     = 10 * time.Minute
	MaxVisits       = 20 // told and kept

	maxNonces      = 16
	maxGuests      = 32 // connections at a time
	maxGuestsEach  = 8  // of one address
	maxRequest     = 4 << 10
	requestTimeout = 3 * time.Second
	maxCallers     = 1024 // addresses remembered
)

// ErrNonces is in the error of a Server that has given away all its nonces.
var ErrNonces = errors.New("no more nonces for one test")

// A ServerConfig says where a [Server] listens. It is not for any port of something else: the server
// has a listener of its own and knows nothing but its nonces.
type ServerConfig struct {
	Network  wire.Network   // for TCP; nil: wire.System(). A UDP socket is always the system's.
	Protocol igd.Protocol   // empty: TCP
	Addr     netip.AddrPort // this machine's address on the router's network; the zero Addr is all, port 0 is DefaultPort
	Lifetime time.Duration  // after which it ends by itself; 0 is DefaultLifetime, more than MaxLifetime is that
	// Visited is told of each visit, up to MaxVisits, one at a time. It must not block.
	Visited func(Visit)
}

// A Visit is somebody who came to a Server.
type Visit struct {
	Time time.Time  `json:"time"`
	From netip.Addr `json:"address"`
	// Knew tells whether the visitor knew a nonce. One that did not got no answer.
	Knew bool `json:"knew"`
}

// A Server stands in for a program, for one test. It answers those who know one of its nonces, with
// a page of 64 bytes or a datagram of the size of the question, and nobody else.
type Server struct {
	config ServerConfig
	addr   netip.AddrPort
	socket interface{ Close() error }
	secret [32]byte
	end    context.CancelFunc
	done   chan struct{}
	work   sync.WaitGroup

	mu      sync.Mutex
	waiting map[string]chan arrival // by nonce
	callers map[netip.Addr]bool     // who connected, nonce or not
	guests  map[netip.Addr]int      // who is connected
	guestsN int
	visits  []Visit
	news    chan struct{} // closed and made anew when a caller is new
}

// An arrival is a nonce that came in.
type arrival struct {
	from netip.Addr
	at   time.Time
}

// Listen starts a Server, which ends when ctx does, when it is closed, or at the end of its
// lifetime. A port that a program has is syscall.EADDRINUSE in the error, or what Windows has for it.
func Listen(ctx context.Context, c ServerConfig) (*Server, error) {
	if c.Network == nil {
		c.Network = wire.System()
	}
	if c.Protocol == "" {
		c.Protocol = igd.TCP
	}
	if c.Addr.Port() == 0 {
		c.Addr = netip.AddrPortFrom(c.Addr.Addr(), DefaultPort)
	}
	if !c.Addr.Addr().IsValid() {
		c.Addr = netip.AddrPortFrom(netip.IPv4Unspecified(), c.Addr.Port())
	}
	if c.Lifetime <= 0 {
		c.Lifetime = DefaultLifetime
	}
	s := &Server{
		config: c, addr: c.Addr, secret: newSecret(), done: make(chan struct{}),
		waiting: map[string]chan arrival{}, callers: map[netip.Addr]bool{}, guests: map[netip.Addr]int{}, news: make(chan struct{}),
	}
	return s, s.start(ctx)
}

func (s *Server) start(ctx context.Context) error {
	ctx, s.end = context.WithTimeout(ctx, min(s.config.Lifetime, MaxLifetime))
	open := s.listenTCP
	if s.config.Protocol == igd.UDP {
		open = s.listenUDP
	}
	if err := open(ctx); err != nil {
		s.end()
		close(s.done)
		return fmt.Errorf("reach: %w", err)
	}
	s.work.Go(func() {
		<-ctx.Done()
		s.socket.Close()
	})
	go func() {
		defer close(s.done)
		s.work.Wait()
	}()
	return nil
}

// Addr is where the server listens.
func (s *Server) Addr() netip.AddrPort { return s.addr }

// Done is closed when the server has ended and all it started with it.
func (s *Server) Done() <-chan struct{} { return s.done }

// Close ends the server and waits until it has ended.
func (s *Server) Close() error {
	s.end()
	<-s.done
	return nil
}

// Visits are the visits so far, the first MaxVisits of them.
func (s *Server) Visits() []Visit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Visit{}, s.visits...)
}

// Nonce makes a nonce that the server will know from now on, 32 hexadecimal digits. The page is at
// Path of it.
func (s *Server) Nonce() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) >= maxNonces {
		return "", fmt.Errorf("reach: %w", ErrNonces)
	}
	n := newNonce()
	s.waiting[n] = make(chan arrival, 1)
	return n, nil
}

// Path is where the page of a nonce is.
func Path(nonce string) string { return pathPrefix + nonce }

// arrived tells when somebody came who knew the nonce, the first one only.
func (s *Server) arrived(nonce string) <-chan arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting[nonce]
}

// calls tells whether an address has connected, and gives what is closed when another one does.
func (s *Server) calls() (callers []netip.Addr, more <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for a := range s.callers {
		callers = append(callers, a)
	}
	return callers, s.news
}

// note takes down who called, before it is known what it wants.
func (s *Server) note(from netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.callers[from] || len(s.callers) >= maxCallers {
		return
	}
	s.callers[from] = true
	close(s.news)
	s.news = make(chan struct{})
}

// visit takes down what a caller turned out to be. The nonce is empty for one that knew none.
func (s *Server) visit(from netip.Addr, nonce string) {
	v := Visit{Time: time.Now(), From: from, Knew: nonce != ""}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.waiting[nonce]; c != nil {
		select {
		case c <- arrival{from, v.Time}:
		default: // somebody came before
		}
	}
	if len(s.visits) >= MaxVisits {
		return
	}
	s.visits = append(s.visits, v)
	if s.config.Visited != nil {
		s.config.Visited(v)
	}
}

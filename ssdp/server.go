package ssdp

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

// An Advertisement is one line of what a device announces.
type Advertisement struct {
	NT  Target
	USN string
}

// A Reply is one datagram for whoever searched.
type Reply struct {
	Message *Message
	Raw     []byte        // if not nil, sent byte for byte in place of Message
	After   time.Duration // from when the search was heard
}

// A Server announces a device and answers searches for it. It is not to be changed while it serves.
type Server struct {
	Listen       ListenFunc                  // nil: ListenMulticast
	Interfaces   func() ([]Interface, error) // nil: SystemInterfaces
	Names        []string                    // only these interfaces, usable or not; empty: the usable ones
	AllowOffLink []netip.Prefix              // searches from here are answered although no interface is on that link

	// Targets is the whole set: three for the root device, two per embedded one, one per service type of a device
	// (UDA 1.1, 1.2.2). Lower versions than those given are answered for too.
	Targets []Advertisement
	// Location is the URL of the root description for those who reach local, an address of ifi, without zone.
	// "" leaves that address out.
	Location   func(ifi Interface, local netip.Addr) string
	Product    string        // value of SERVER: OS/version UPnP/1.1 product/version; empty: one that names nobody
	MaxAge     time.Duration // how long announcements hold; 0: DefaultMaxAge
	MaxDelay   time.Duration // longest wait before answering a multicast search; 0: what its MX allows, at most 5 s
	BootID     uint32        // 0: the Unix time when Serve begins
	ConfigID   uint32
	SearchPort uint16 // where unicast searches are heard; 0: 1900 or, where that cannot be had, one from 49152

	// Answer, if not nil, decides what is really sent for an answer: it as it is, changed or later, others too, or
	// nothing. Several goroutines call it at once.
	Answer func(request *Packet, answer Reply) []Reply
	Logger *slog.Logger // nil: silence

	mu      sync.Mutex
	serving *serving
}

var errNotServing = errors.New("ssdp: Update of a server that does not serve")

// Serve announces the device on every interface, after a byebye for what an earlier run may have left, and answers
// searches until ctx ends. Then it says byebye, closes everything and returns nil. It fails only if it cannot begin:
// when no interface has an address with a Location, or none can open a socket.
func (s *Server) Serve(ctx context.Context) error {
	v := newServing(s)
	defer v.closeAll()
	if err := v.open(ctx); err != nil {
		return err
	}
	s.setServing(v)
	defer s.setServing(nil)
	var tasks sync.WaitGroup
	tasks.Go(func() { v.outbox.run(ctx) })
	tasks.Go(func() { v.announce(ctx) })
	v.listen(ctx)
	<-ctx.Done()
	tasks.Wait()
	v.sayByeBye()
	return nil
}

// Update tells that the device will go on under another BOOTID, or with other documents, without having been away
// (ssdp:update, UDA 1.1, 1.2.4), and announces it anew. It returns when all of that is sent, or with the error of ctx.
func (s *Server) Update(ctx context.Context, bootID, configID uint32) error {
	s.mu.Lock()
	v := s.serving
	s.mu.Unlock()
	if v == nil {
		return errNotServing
	}
	return v.update(ctx, bootID, configID)
}

func (s *Server) setServing(v *serving) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serving = v
}

func (s *Server) listen() ListenFunc {
	if s.Listen != nil {
		return s.Listen
	}
	return ListenMulticast
}

func (s *Server) logger() *slog.Logger {
	if s.Logger != nil {
		return s.Logger
	}
	return slog.New(slog.DiscardHandler)
}

// serving is one run of a Server.
type serving struct {
	*Server
	log     *slog.Logger
	links   []*link
	outbox  *outbox
	limiter *limiter
	readers sync.WaitGroup

	state        sync.Mutex
	boot, config uint32
}

func newServing(s *Server) *serving {
	v := &serving{Server: s, log: s.logger(), outbox: newOutbox(), boot: s.BootID, config: s.ConfigID}
	if v.boot == 0 {
		v.boot = uint32(time.Now().Unix())
	}
	sets := float64(3 * len(s.Targets))
	v.limiter = newLimiter(allowance{answerRate, max(answerRate, sets)}, allowance{allAnswersRate, max(allAnswersRate, sets)})
	return v
}

// open makes the links. Problems are fatal only if no link comes of it.
func (v *serving) open(ctx context.Context) error {
	interfaces, problems := selectInterfaces(v.Interfaces, v.Names)
	for _, ifi := range interfaces {
		for _, group := range groups() {
			l, err := v.openLink(ctx, ifi, group)
			if err != nil {
				problems = append(problems, err)
			}
			if l != nil {
				v.links = append(v.links, l)
			}
		}
	}
	if len(v.links) == 0 {
		return errors.Join(append(problems, errors.New("ssdp: nothing to serve on"))...)
	}
	for _, err := range problems {
		v.log.Warn("SSDP does without", "error", err)
	}
	return nil
}

func (v *serving) listen(ctx context.Context) {
	for _, l := range v.links {
		v.readers.Go(func() { v.read(ctx, l, l.own, false) })
		if l.heard != nil {
			v.readers.Go(func() { v.read(ctx, l, l.heard, true) })
		}
	}
}

// read hears one socket until it is closed.
func (v *serving) read(ctx context.Context, l *link, conn PacketConn, multicast bool) {
	buf := make([]byte, MaxDatagram+1)
	for failures := 0; failures < maxReadFailures; {
		n, from, err := conn.ReadFrom(buf)
		switch {
		case err == nil:
			failures = 0
			v.hear(ctx, l, from, buf[:n], multicast)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			failures++
		}
	}
	v.log.Warn("SSDP hears no more", "interface", l.ifi.Name, "group", l.group)
}

func (v *serving) closeAll() {
	for _, l := range v.links {
		l.close()
	}
	v.readers.Wait()
}

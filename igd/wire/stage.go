package wire

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Limits of what plays a recording.
const (
	maxPlayed      = 1 << 20 // bytes of one request
	maxConnections = 64      // at once
	playedIdle     = time.Minute
)

// A stage is where recorded devices are played: one of them at its own address, or all at another.
type stage struct {
	replay  *Replay
	script  *script
	network Network
	device  netip.Addr // whose part is played; invalid is everybody's
	at      netip.Addr // where
	zone    string     // of at, where it needs one
	moved   *rewriter  // nil if everything has the address it had

	listeners map[netip.AddrPort]net.Listener // by the recorded address
	sockets   []*stageSocket
	start     time.Time
	room      chan struct{}
	tasks     sync.WaitGroup
	audience  *audience
}

func newStage(r *Replay, n Network, at netip.Addr) *stage {
	s := &stage{
		replay: r, script: r.script, network: n, at: at,
		listeners: make(map[netip.AddrPort]net.Listener), room: make(chan struct{}, maxConnections),
	}
	s.audience = newAudience(s)
	return s
}

// plays reports whether what is recorded of an address is played here.
func (s *stage) plays(a netip.Addr) bool {
	return !s.device.IsValid() || a.Unmap().WithZone("") == s.device
}

// open listens wherever a device was asked: at the same port, or if that is taken at any.
func (s *stage) open(ctx context.Context) error {
	s.start = time.Now()
	for _, sc := range s.script.scenes {
		at := sc.question.device
		if s.listeners[at] != nil || !s.plays(at.Addr()) {
			continue
		}
		l, err := s.listen(ctx, at.Port())
		if err != nil {
			s.close()
			return fmt.Errorf("wire: replay of %v: %w", at, err)
		}
		s.listeners[at] = l
	}
	return s.openSockets(ctx)
}

func (s *stage) listen(ctx context.Context, port uint16) (net.Listener, error) {
	at := s.at.WithZone(s.zone)
	l, err := s.network.Listen(ctx, "tcp", netip.AddrPortFrom(at, port).String())
	if err != nil && s.moved != nil {
		l, err = s.network.Listen(ctx, "tcp", netip.AddrPortFrom(at, 0).String())
	}
	return l, err
}

// run plays until ctx ends.
func (s *stage) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	for recorded, l := range s.listeners {
		s.tasks.Go(func() { s.accept(ctx, recorded, l) })
	}
	for _, c := range s.sockets {
		s.tasks.Go(func() { s.hear(ctx, c) })
	}
	s.tasks.Go(func() { s.announce(ctx) })
	<-ctx.Done()
	cancel()
	s.close()
	s.tasks.Wait()
}

func (s *stage) close() {
	for _, l := range s.listeners {
		l.Close()
	}
	for _, c := range s.sockets {
		c.Close()
	}
}

// accept answers the connections to what was recorded as one address.
func (s *stage) accept(ctx context.Context, recorded netip.AddrPort, l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		select {
		case s.room <- struct{}{}:
		default:
			conn.Close()
			continue
		}
		s.tasks.Go(func() {
			defer func() { <-s.room }()
			s.converse(ctx, recorded, conn)
		})
	}
}

// converse answers the requests of a connection, one after the other.
func (s *stage) converse(ctx context.Context, recorded netip.AddrPort, conn net.Conn) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	in := &requestReader{conn: conn}
	for {
		request, ok := in.next()
		if !ok || !s.reply(ctx, recorded, conn, request) {
			return
		}
	}
}

// reply answers a request and reports whether the connection stays.
func (s *stage) reply(ctx context.Context, recorded netip.AddrPort, conn net.Conn, request []byte) (stays bool) {
	asker := addrPort(conn.RemoteAddr())
	q := questionOf(request, recorded, asker.Addr())
	turn, err := s.script.next(q)
	if err != nil {
		s.replay.note(err.Error())
		return s.refuse(conn, asker, q, err)
	}
	if turn.first {
		s.replay.note("no further answer is recorded, the last is repeated: " + q.words(q))
	}
	began := time.Now()
	s.audience.attend(q, turn.scene, request, asker)
	conn.SetWriteDeadline(time.Now().Add(playedIdle))
	answer := s.moved.answer(turn.scene, asker.Addr())
	if _, err := conn.Write(answer); err != nil {
		return false
	}
	s.audience.tell(ctx, turn, began)
	return s.ending(turn.scene, conn, request)
}

// ending does with the connection what the device did behind an answer: it left it open, closed it, or said
// nothing until the client lost patience.
func (s *stage) ending(sc *scene, conn net.Conn, request []byte) (stays bool) {
	if sc.Err != "" && sc.Err != closedSilently {
		conn.SetReadDeadline(time.Now().Add(playedIdle))
		conn.Read(make([]byte, 1))
		return false
	}
	f := frame{answer: true, method: sc.method}
	f.add(sc.Answer)
	head, _ := f.parts()
	asked, _, _ := splitHead(request)
	return f.ended && !isLast(asked) && !isLast(head)
}

// isLast reports whether a message says that its connection ends with it.
func isLast(head []byte) bool {
	connection := field(head, "Connection")
	return hasWord(connection, "close") || !hasWord(connection, "keep-alive") && isHTTP10(head)
}

package wire

import (
	"context"
	"net"
	"net/netip"
	"sync"

	"upnp/ssdp"
)

// A Replay is a recording that is played again: whoever was asked in it answers as they did.
//
// It is a [Network] for a client, in which the recorded devices have the recorded addresses and the client
// has that of who asked them; [Replay.Serve] puts the devices on another network. It follows the session: a
// request (method, path, action and arguments, in whatever order and spelling) gets the next recorded
// answer to that same request, but none from behind a change that was recorded and has not been asked for yet. So
// list, add, list shows the new mapping the second time only if it was added. When there are no further
// answers, the last is repeated, unless it was to a change. What was not recorded is refused with an
// [*UnrecordedError] that names the nearest recorded request. Searches are answered by their target, announcements
// come when they came, and a NOTIFY comes as long after what provoked it as it did,
// to the CALLBACK that the client named.
//
// Delays of answers are not played. A Replay must be closed after use as a Network.
type Replay struct {
	// Note is told of answers that are repeated and requests that are refused. Nil is nobody.
	// Calls come one at a time.
	Note func(string)

	script *script
	notes  sync.Mutex

	open  sync.Once
	self  *Host
	stop  context.CancelFunc
	tasks sync.WaitGroup

	mu       sync.Mutex
	refusals map[netip.AddrPort]error // by whose connection it ended
}

// NewReplay makes a Replay of a recording, made by a client or by a device.
func NewReplay(log *Log) *Replay {
	return &Replay{script: newScript(log), refusals: make(map[netip.AddrPort]error)}
}

func (r *Replay) note(text string) {
	r.notes.Lock()
	defer r.notes.Unlock()
	if r.Note != nil {
		r.Note(text)
	}
}

// host is the client's end of a world in memory, made when first asked for.
func (r *Replay) host() *Host {
	r.open.Do(func() {
		ctx, cancel := context.WithCancel(context.Background())
		w := r.script.world()
		r.self, r.stop = w.self, cancel
		for addr, host := range w.devices {
			st := newStage(r, host, addr)
			st.device = addr
			if err := st.open(ctx); err != nil {
				r.note(err.Error())
			}
			r.tasks.Go(func() { st.run(ctx) })
		}
	})
	return r.self
}

// Close ends what the Replay does as a Network, and waits for it.
func (r *Replay) Close() error {
	r.open.Do(func() {})
	if r.stop != nil {
		r.stop()
		r.tasks.Wait()
	}
	return nil
}

// Dial implements [Network].
func (r *Replay) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := r.host().Dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &replayConn{conn, r}, nil
}

// Listen implements [Network].
func (r *Replay) Listen(ctx context.Context, network, addr string) (net.Listener, error) {
	return r.host().Listen(ctx, network, addr)
}

// ListenPacket implements [Network].
func (r *Replay) ListenPacket(ctx context.Context, ifi ssdp.Interface, group netip.AddrPort) (ssdp.PacketConn, error) {
	return r.host().ListenPacket(ctx, ifi, group)
}

// Interfaces implements [Network]: one for each network that the recorded addresses make.
func (r *Replay) Interfaces() ([]ssdp.Interface, error) { return r.host().Interfaces() }

// replayConn is a connection that fails with why the replay has ended it.
type replayConn struct {
	net.Conn
	replay *Replay
}

func (c *replayConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == nil {
		return n, nil
	}
	if why := c.replay.refusal(addrPort(c.LocalAddr())); why != nil {
		return n, &net.OpError{Op: "read", Net: "tcp", Addr: c.RemoteAddr(), Err: why}
	}
	return n, err
}

func (r *Replay) refuse(whom netip.AddrPort, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refusals[whom] = why
}

func (r *Replay) refusal(whom netip.AddrPort) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refusals[whom]
}

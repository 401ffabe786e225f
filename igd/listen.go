package igd

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/netip"
	"sync"
	"time"

	"upnp/igd/wire"
)

// A ListenConfig opens ports that can be reached from outside. The zero value asks the best gateway
// for the same port outside as inside, for an hour at a time.
type ListenConfig struct {
	Client *Client // nil: the zero Client
	// Target is the gateway as [Client.Open] takes it; empty: the best that is found.
	Target string
	// ExternalPort is the port outside; 0 is the one inside.
	ExternalPort uint16
	AnyPort      bool          // another port outside will do if that one is taken
	Description  string        // in the router's table; empty: "upnp"
	Lease        time.Duration // 0 is an hour
	// Events is told what happens to the mapping; nil: nobody. It must not block.
	Events func(KeepEvent)
}

// Listen is ListenConfig.Listen with the zero configuration.
func Listen(ctx context.Context, network, addr string) (*Listener, error) {
	return (&ListenConfig{}).Listen(ctx, network, addr)
}

// ListenPacket is ListenConfig.ListenPacket with the zero configuration.
func ListenPacket(ctx context.Context, network, addr string) (*PacketListener, error) {
	return (&ListenConfig{}).ListenPacket(ctx, network, addr)
}

// A Listener is a net.Listener with a port outside, which is mapped for as long as the listener is
// open: through leases, restarts of the router and changes of addresses.
type Listener struct {
	net.Listener
	outside
}

// A PacketListener is a net.PacketConn with a port outside, mapped for as long as it is open.
type PacketListener struct {
	net.PacketConn
	outside
}

// Listen listens on "tcp" or "tcp4" at addr, as in ":8080", and returns once the port is open
// outside. It fails if it cannot be opened: without a gateway, or if the gateway refuses. ctx
// governs the opening only.
func (c *ListenConfig) Listen(ctx context.Context, network, addr string) (*Listener, error) {
	if network != "tcp" && network != "tcp4" {
		return nil, &net.OpError{Op: "listen", Net: network, Err: net.UnknownNetworkError(network)}
	}
	inner, err := c.network().Listen(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	l := &Listener{Listener: inner}
	if err := l.outside.open(ctx, c, TCP, inner.Addr()); err != nil {
		return nil, errors.Join(err, inner.Close())
	}
	return l, nil
}

// ListenPacket is Listen for "udp" and "udp4". The socket is the system's, also where the client
// has another network.
func (c *ListenConfig) ListenPacket(ctx context.Context, network, addr string) (*PacketListener, error) {
	if network != "udp" && network != "udp4" {
		return nil, &net.OpError{Op: "listen", Net: network, Err: net.UnknownNetworkError(network)}
	}
	inner, err := (&net.ListenConfig{}).ListenPacket(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	l := &PacketListener{PacketConn: inner}
	if err := l.outside.open(ctx, c, UDP, inner.LocalAddr()); err != nil {
		return nil, errors.Join(err, inner.Close())
	}
	return l, nil
}

func (c *ListenConfig) network() wire.Network {
	if c.Client == nil {
		return wire.System()
	}
	return c.Client.network()
}

// Close stops listening, removes the mapping, and returns when that is done, after 5 s at most.
func (l *Listener) Close() error {
	err := l.Listener.Close()
	l.outside.close()
	return err
}

// Close closes the socket, removes the mapping, and returns when that is done, after 5 s at most.
func (l *PacketListener) Close() error {
	err := l.PacketConn.Close()
	l.outside.close()
	return err
}

// An outside is the mapping of something that listens.
type outside struct {
	events func(KeepEvent)
	stop   context.CancelFunc
	done   chan struct{} // closed when the keeper has ended
	err    error         // what it ended with
	first  chan error    // what came of the first attempt

	mu      sync.Mutex
	addr    netip.Addr
	port    uint16 // 0 while it is not open
	changed chan struct{}
}

// ExternalAddr is where the Internet finds the listener. The address is not valid while the gateway
// has none or does not tell it; the port is 0 while it is not open.
func (o *outside) ExternalAddr() netip.AddrPort {
	o.mu.Lock()
	defer o.mu.Unlock()
	return netip.AddrPortFrom(o.addr, o.port)
}

// ExternalAddrs yields ExternalAddr as it is and again after each change, until ctx ends or the
// listener is closed. A slow reader misses what is between and never the last one.
func (o *outside) ExternalAddrs(ctx context.Context) iter.Seq[netip.AddrPort] {
	return func(yield func(netip.AddrPort) bool) {
		for {
			o.mu.Lock()
			now, changed := netip.AddrPortFrom(o.addr, o.port), o.changed
			o.mu.Unlock()
			if !yield(now) {
				return
			}
			select {
			case <-changed:
			case <-o.done:
				return
			case <-ctx.Done():
				return
			}
		}
	}
}

// open starts to keep the mapping and waits for what comes of the first attempt.
func (o *outside) open(ctx context.Context, c *ListenConfig, p Protocol, inside net.Addr) error {
	at, err := netip.ParseAddrPort(inside.String())
	if err != nil {
		return fmt.Errorf("igd: listening at %v: %w", inside, err)
	}
	w := c.wish(p, at)
	keeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	o.events, o.stop, o.done, o.first, o.changed = c.Events, stop, make(chan struct{}), make(chan error, 1), make(chan struct{})
	k := &Keeper{Client: c.Client, Target: c.Target, Events: o.hear}
	go func() {
		defer close(o.done)
		o.err = k.Run(keeping, w)
	}()
	select {
	case err = <-o.first:
	case <-o.done:
		err = o.err
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		o.close()
		return fmt.Errorf("igd: port %v: %w", w.MappingKey, err)
	}
	return nil
}

func (c *ListenConfig) wish(p Protocol, at netip.AddrPort) Wish {
	w := Wish{AnyPort: c.AnyPort}
	w.Protocol, w.InternalPort, w.ExternalPort = p, at.Port(), c.ExternalPort
	if w.ExternalPort == 0 {
		w.ExternalPort = at.Port()
	}
	if addr := at.Addr().Unmap(); addr.Is4() && !addr.IsUnspecified() && !addr.IsLoopback() {
		w.InternalClient = addr
	}
	if w.Description = c.Description; w.Description == "" {
		w.Description = "upnp"
	}
	if w.Lease = c.Lease; w.Lease == 0 {
		w.Lease = time.Hour
	}
	return w
}

// hear takes in what happens to the mapping.
func (o *outside) hear(e KeepEvent) {
	o.mu.Lock()
	before := netip.AddrPortFrom(o.addr, o.port)
	switch {
	case e.IsOpen():
		o.port = e.Mapping.ExternalPort
	case e.Kind == KeepExternal:
		o.addr = e.ExternalAddr
	case e.Asked != nil && e.Kind != KeepProbed:
		o.port = 0
	}
	if before != netip.AddrPortFrom(o.addr, o.port) {
		close(o.changed)
		o.changed = make(chan struct{})
	}
	ready := o.port != 0 && e.Kind == KeepExternal
	o.mu.Unlock()
	o.settle(e, ready)
	if o.events != nil {
		o.events(e)
	}
}

// settle tells a waiting open how it went: open, with the address asked for, or not to be opened.
func (o *outside) settle(e KeepEvent, ready bool) {
	var err error
	switch e.Kind {
	case KeepRefused, KeepConflict:
		err = e.Err
	case KeepUnverified:
		err = ErrIneffective
	case KeepGateway:
		if e.Gateway == GatewayGone {
			err = fmt.Errorf("%w: %s", ErrNoGateway, e.Reason)
		}
	}
	if err == nil && !ready {
		return
	}
	select {
	case o.first <- err:
	default:
	}
}

func (o *outside) close() {
	o.stop()
	<-o.done
}

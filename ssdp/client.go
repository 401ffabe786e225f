package ssdp

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"time"
)

// A Packet is a message together with the circumstances of its arrival.
type Packet struct {
	*Message
	From      netip.AddrPort
	Interface Interface // the one it was heard on
	Time      time.Time
	Raw       []byte // the datagram as it came
}

// A Client searches for devices and hears their announcements. Its zero value uses the system's sockets and every
// usable interface.
type Client struct {
	Listen       ListenFunc                  // nil: ListenMulticast
	Interfaces   func() ([]Interface, error) // nil: SystemInterfaces
	Names        []string                    // only these interfaces, usable or not; empty: the usable ones
	AllowOffLink []netip.Prefix              // answers from here are taken although no interface is on that link
	UserAgent    string                      // of searches: OS/version UPnP/1.1 product/version; empty: none is sent
	Passive      bool                        // a search also yields the ssdp:alive announcements it hears meanwhile
	HearSearches bool                        // Monitor yields M-SEARCHes too

	// Dropped is told of every datagram that was not worth yielding, except repetitions, from several goroutines at once.
	// nil: nobody is told.
	Dropped func(Drop)
}

// A Drop is a datagram that was thrown away. Reason is one of ErrOffLink and its like, or a *SyntaxError.
type Drop struct {
	From      netip.AddrPort
	Interface Interface
	Reason    error
}

// An InterfaceError says why an interface, or one address family on it, could not take part.
type InterfaceError struct {
	Interface Interface
	Op        string         // "list", "listen", "send", "receive"
	Addr      netip.AddrPort // group or host it was about; zero: the interface as such
	Err       error
}

func (e *InterfaceError) Error() string {
	if !e.Addr.IsValid() {
		return fmt.Sprintf("ssdp: %s: %s: %v", e.Interface.Name, e.Op, e.Err)
	}
	return fmt.Sprintf("ssdp: %s: %s %s: %v", e.Interface.Name, e.Op, e.Addr, e.Err)
}

func (e *InterfaceError) Unwrap() error { return e.Err }

func (c *Client) Search(ctx context.Context, targets ...Target) iter.Seq2[*Packet, error] {
	return c.SearchWaves(ctx, DefaultWaves(targets...))
}

func (c *Client) SearchWaves(ctx context.Context, waves []Wave) iter.Seq2[*Packet, error] {
	return func(yield func(*Packet, error) bool) {}
}

func (c *Client) Monitor(ctx context.Context) iter.Seq2[*Packet, error] {
	return func(yield func(*Packet, error) bool) {}
}

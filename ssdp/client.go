package ssdp

import (
	"context"
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
	AllowOffLink []netip.Prefix              // datagrams from here are taken although no interface is on that link
	UserAgent    string                      // of searches: OS/version UPnP/1.1 product/version; empty: none is sent
	Passive      bool                        // a search also yields the ssdp:alive announcements it hears meanwhile
	HearSearches bool                        // Monitor yields M-SEARCHes too

	// Dropped is told of every datagram that was not fit to be yielded, from several goroutines at once. Repetitions and
	// messages of no concern are not among them. nil: nobody is told.
	Dropped func(Drop)
}

func (c *Client) listen() ListenFunc {
	if c.Listen != nil {
		return c.Listen
	}
	return ListenMulticast
}

// Search asks for targets as [DefaultWaves] does and yields the answers as they come, each pair of USN and location
// once. What a device answers need not be what was asked for: match [Message.Target] yourself, and believe the
// description only. An interface that fails is yielded as a nil packet with an *[InterfaceError], and the search goes on.
//
// The loop ends when ctx does, after the time the last request leaves for answers, or, with all reasons yielded, when
// there is no way to send at all. Breaking out ends the search. Afterwards no socket is open.
func (c *Client) Search(ctx context.Context, targets ...Target) iter.Seq2[*Packet, error] {
	return c.SearchWaves(ctx, DefaultWaves(targets...))
}

// SearchWaves is [Client.Search] with a plan of the caller's.
func (c *Client) SearchWaves(ctx context.Context, waves []Wave) iter.Seq2[*Packet, error] {
	return func(yield func(*Packet, error) bool) {
		ends, cancel := context.WithTimeout(ctx, window(waves))
		s := &search{waves: waves, cancel: cancel}
		s.hearing = c.newHearing(ends, answers(c.Passive))
		for _, w := range waves {
			for _, host := range w.Unicast {
				s.asked = append(s.asked, host.Addr().Unmap().WithZone(""))
			}
		}
		s.hearing.run(ctx, cancel, s.run, yield)
	}
}

// answers wants what a search is after.
func answers(passive bool) func(*Packet) (bool, error) {
	admission := newAdmission()
	return func(p *Packet) (bool, error) {
		answer := p.Method == "" && p.Status == 200
		if !answer && !(passive && p.Method == MethodNotify && p.NTS() == Alive) {
			return false, nil
		}
		return admission.admit(p)
	}
}

// Monitor yields the announcements heard on the groups, repetitions included, until ctx ends or the caller breaks out.
// A failing interface is yielded as a nil packet with an *[InterfaceError].
func (c *Client) Monitor(ctx context.Context) iter.Seq2[*Packet, error] {
	return func(yield func(*Packet, error) bool) {
		ends, cancel := context.WithCancel(ctx)
		h := c.newHearing(ends, func(p *Packet) (bool, error) {
			return p.Method == MethodNotify || c.HearSearches && p.Method == MethodSearch, nil
		})
		h.run(ctx, cancel, func() {
			if !h.join() {
				cancel()
			}
		}, yield)
	}
}

// join opens the sockets that hear the groups, and reports whether there is one.
func (h *hearing) join() bool {
	interfaces, problems := selectInterfaces(h.client.Interfaces, h.client.Names)
	for _, err := range problems {
		h.fail(err)
	}
	h.joinOn(interfaces)
	return len(h.conns) > 0
}

func (h *hearing) joinOn(interfaces []Interface) {
	for _, ifi := range interfaces {
		for _, group := range groups() {
			h.open(ifi, group)
		}
	}
}

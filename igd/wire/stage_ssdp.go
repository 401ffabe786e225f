package wire

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"upnp/ssdp"
)

// A stageSocket hears searches, and answers from where it is asked.
type stageSocket struct {
	ssdp.PacketConn
	group netip.AddrPort // joined or, with port 0, announced to
	reply ssdp.PacketConn
}

// openSockets opens, on the interface that has the stage's address, what hears searches to the
// groups and to the address itself.
func (s *stage) openSockets(ctx context.Context) error {
	if len(s.script.searches)+len(s.script.announcements) == 0 {
		return nil
	}
	ifi, ok := s.iface()
	if !ok {
		return nil
	}
	groups := []netip.AddrPort{ssdp.GroupIPv4()}
	if s.at.Is6() {
		groups = []netip.AddrPort{ssdp.GroupIPv6LinkLocal(), ssdp.GroupIPv6SiteLocal()}
	}
	var problems []error
	for _, group := range groups {
		problems = append(problems, s.openGroup(ctx, ifi, group))
	}
	if len(s.sockets) == 0 {
		return errors.Join(problems...)
	}
	return nil
}

func (s *stage) openGroup(ctx context.Context, ifi ssdp.Interface, group netip.AddrPort) error {
	own, err := s.network.ListenPacket(ctx, ifi, netip.AddrPortFrom(s.at, ssdp.Port))
	if err != nil { // somebody else has it; searches to the group are heard all the same
		own, err = s.network.ListenPacket(ctx, ifi, netip.AddrPortFrom(group.Addr(), 0))
	}
	if err != nil {
		return err
	}
	s.sockets = append(s.sockets, &stageSocket{own, netip.AddrPortFrom(group.Addr(), 0), own})
	joined, err := s.network.ListenPacket(ctx, ifi, group)
	if err != nil {
		return err
	}
	s.sockets = append(s.sockets, &stageSocket{joined, group, own})
	return nil
}

// iface is the interface that has the stage's address.
func (s *stage) iface() (ssdp.Interface, bool) {
	all, err := s.network.Interfaces()
	if err != nil {
		return ssdp.Interface{}, false
	}
	for _, ifi := range all {
		for _, p := range ifi.Prefixes {
			if p.Addr().WithZone("") == s.at {
				return ifi, true
			}
		}
	}
	return ssdp.Interface{}, false
}

// hear answers searches until the socket is closed.
func (s *stage) hear(ctx context.Context, c *stageSocket) {
	buf := make([]byte, ssdp.MaxDatagram)
	for ctx.Err() == nil {
		n, from, err := c.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		head, _, _ := splitHead(buf[:n])
		if err != nil || methodOf(head) != "M-SEARCH" {
			continue
		}
		for _, d := range s.script.found(field(head, "ST")) {
			if s.plays(d.device) {
				c.reply.WriteTo(s.moved.text(d.data), from)
			}
		}
	}
}

// announce repeats what was announced, at the times it was.
func (s *stage) announce(ctx context.Context) {
	for _, a := range s.script.announcements {
		if !s.plays(a.device) {
			continue
		}
		if sleepUntil(ctx, s.start.Add(a.after)) != nil {
			return
		}
		for _, c := range s.sockets {
			if c.group.Port() == 0 {
				c.WriteTo(s.moved.text(a.data), netip.AddrPortFrom(c.group.Addr(), ssdp.Port))
			}
		}
	}
}

func sleepUntil(ctx context.Context, at time.Time) error {
	return sleep(ctx, max(0, time.Until(at)))
}

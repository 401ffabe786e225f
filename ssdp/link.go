package ssdp

import (
	"context"
	"math/rand/v2"
	"net/netip"
)

// Where a search port may be (UDA 1.1, 1.3.2), and how many are tried.
const (
	minSearchPort   = 49152
	searchPortTries = 8
)

// A link is a server on one address: an interface, and a family and scope on it.
type link struct {
	ifi        Interface
	group      netip.AddrPort
	location   string
	own        PacketConn // sends everything, hears unicast searches
	heard      PacketConn // hears the group; nil if it could not be joined
	searchPort uint16     // 0: unicast searches are heard where everyone expects it
}

// openLink is nil without an error where ifi has no address for group or the address is left out, and not nil with an
// error where the group could not be joined.
func (v *serving) openLink(ctx context.Context, ifi Interface, group netip.AddrPort) (*link, error) {
	local, ok := ifi.Source(group.Addr())
	if !ok || v.Location == nil {
		return nil, nil
	}
	l := &link{ifi: ifi, group: group, location: v.Location(ifi, local)}
	if l.location == "" {
		return nil, nil
	}
	if err := v.openOwn(ctx, l, local); err != nil {
		return nil, err
	}
	heard, err := v.Server.listen()(ctx, ifi, group)
	if err != nil {
		return l, &InterfaceError{ifi, "listen", group, err}
	}
	l.heard = heard
	return l, nil
}

// openOwn opens the unicast socket of a link, at 1900 if it can.
func (v *serving) openOwn(ctx context.Context, l *link, local netip.Addr) error {
	port, tries := v.SearchPort, 1
	if port == 0 {
		port, tries = Port, 1+searchPortTries
	}
	var err error
	for range tries {
		at := netip.AddrPortFrom(local, port)
		if l.own, err = v.Server.listen()(ctx, l.ifi, at); err == nil {
			if port != Port {
				l.searchPort = port
			}
			return nil
		}
		err = &InterfaceError{l.ifi, "listen", at, err}
		port = uint16(minSearchPort + rand.IntN(1<<16-minSearchPort))
	}
	return err
}

func (l *link) close() {
	l.own.Close()
	if l.heard != nil {
		l.heard.Close()
	}
}

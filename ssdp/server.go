package ssdp

import (
	"context"
	"log/slog"
	"net/netip"
	"time"
)

// An Advertisement is one line of what a device announces.
type Advertisement struct {
	NT  Target
	USN string
}

// A Reply is one datagram a [Server] sends to whoever searched.
type Reply struct {
	Message *Message
	Raw     []byte        // if not nil, sent byte for byte instead of Message
	After   time.Duration // from now
}

// A Server announces a device and answers searches for it.
type Server struct {
	Listen       ListenFunc                  // nil: ListenMulticast
	Interfaces   func() ([]Interface, error) // nil: SystemInterfaces
	Names        []string                    // only these interfaces, usable or not; empty: the usable ones
	AllowOffLink []netip.Prefix              // searches from here are answered although no interface is on that link

	Targets []Advertisement // the whole set: three for the root, two per embedded device, one per service type
	// Location is the URL of the root description for those who reach local, an address of ifi without zone.
	// "" leaves that address out.
	Location func(ifi Interface, local netip.Addr) string
	Product  string        // value of SERVER: OS/version UPnP/1.1 product/version
	MaxAge   time.Duration // 0: DefaultMaxAge
	MaxDelay time.Duration // longest wait before an answer to a multicast search; 0: what its MX allows, at most 5 s
	BootID   uint32        // 0: the Unix time when Serve starts
	ConfigID uint32

	// Answer, if not nil, decides what is really sent for one answer: as it is, changed, later, never (nil).
	Answer func(request *Packet, answer Reply) []Reply
	Logger *slog.Logger // nil: silence
}

func (s *Server) Serve(ctx context.Context) error { return nil }

func (s *Server) Update(ctx context.Context, bootID, configID uint32) error { return nil }

package igd

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"upnp/description"
	"upnp/igd/wire"
	"upnp/ssdp"
)

// Device is the standard a [Server] presents its backend by.
type Device int

// The device trees a Server can stand for.
const (
	// V1 is InternetGatewayDevice:1 with a WANIPConnection:1, what most routers ship.
	V1 Device = iota
	// V2 is InternetGatewayDevice:2 with a WANIPConnection:2: AddAnyPortMapping, the range
	// actions, leases of at most a week; and with a WANIPv6FirewallControl:1 and an IPv6 address
	// of its own, where the interface has one and Backend is a [PinholeBackend].
	V2
	// PPP is InternetGatewayDevice:1 with a WANPPPConnection:1, as DSL routers have.
	PPP
)

// A Server offers a Backend to a LAN as an Internet gateway device: it announces itself,
// answers searches, serves its description and takes actions. The zero value of every field
// but Backend is usable.
//
// A backend may be a [RangeBackend], a [LinkBackend], a [CountersBackend], a [PinholeBackend]
// and a [ConnectionBackend] too. What it is not
// is answered with plain facts where the standard requires an answer, and with 602 where not.
type Server struct {
	Backend Backend
	Device  Device

	// Root is the device description; nil is StandardRoot(Device, ...) with UDNs made from
	// the host's name, the address served on and Port. Its URLs may be whatever resolves
	// against the location. Its Location is set by Serve.
	Root *description.Root
	// Describe may change the description, its location known, before it is served. Nil
	// changes nothing.
	Describe func(*description.Root)
	// Connection chooses the backend of a connection service, for descriptions with several.
	// Nil, and a nil result, are Backend.
	Connection func(*description.Service) Backend

	Network wire.Network // nil: wire.System()
	// Interface is the name of the one interface to serve on; empty is loopback. Naming
	// another is consent to be found by everybody on that network.
	Interface string
	// Public allows an address that anybody on the Internet can reach.
	Public bool
	Port   uint16 // of HTTP; 0 is any free one

	// Policy decides who may make and remove which mapping. Nil is [OwnOnly], refusing with
	// the code of the device's version: 606, or 718 to make a mapping on V1 and PPP.
	Policy Policy
	Logger *slog.Logger // nil is silence

	// Product is the SERVER of answers; empty is a neutral one.
	Product string
	// BootID tells restarts apart (BOOTID.UPNP.ORG); 0 is the time Serve is called.
	BootID uint32

	// MaxDelay caps the random delay of answers to searches, which a searcher bounds in whole
	// seconds (MX). 0 is up to what is asked, as the standard has it for a LAN full of devices.
	MaxDelay time.Duration
	// WrapHTTP sees every HTTP request that passed the guard; nil is none.
	WrapHTTP func(http.Handler) http.Handler
	// Answer decides what is really sent for one answer to a search, see ssdp.Server; nil
	// changes nothing.
	Answer func(search *ssdp.Packet, answer ssdp.Reply) []ssdp.Reply
	// Events handles the event URL of a service. Without, changes are told if Backend is a
	// [Watcher], and subscriptions answered 501 if it is none.
	Events func(*description.Service) http.Handler
	// Ready is called with the URL of the description when it can be fetched and found.
	Ready func(location string)
}

func (s *Server) isMain(c *description.Service) bool {
	return s.Connection == nil || s.Connection(c) == nil
}

func (s *Server) backendOf(c *description.Service) Backend {
	if s.isMain(c) {
		return s.Backend
	}
	return s.Connection(c)
}

// Serve works until ctx ends; then it says goodbye, waits for what it started and returns nil.
// It fails at once when the interface or the port cannot be had.
func (s *Server) Serve(ctx context.Context) error {
	h, err := s.open(ctx)
	if err != nil {
		return err
	}
	return h.run(ctx)
}

// A Policy decides whether caller may make, replace or remove m. Its error is sent to the
// caller; nil is consent. Reading is open to all.
//
// It decides on pinholes too, here also on reading: one is shown as the mapping of its internal port
// to itself, one that was not made through the Server as the zero Mapping.
type Policy func(caller netip.Addr, m Mapping) error

// OwnOnly lets callers map for themselves only, like the secure mode of common routers.
func OwnOnly(caller netip.Addr, m Mapping) error {
	if m.InternalClient == caller {
		return nil
	}
	return ErrNotAuthorized
}

// Anyone lets everybody map for everybody, as most routers did for many years.
func Anyone(netip.Addr, Mapping) error { return nil }

func (s *Server) allow(caller netip.Addr, m Mapping) error {
	if s.Policy == nil {
		return OwnOnly(caller, m)
	}
	return s.Policy(caller, m)
}

// allowAdd is allow with the code for making a mapping: 606 came with version 2.
func (s *Server) allowAdd(caller netip.Addr, m Mapping) error {
	err := s.allow(caller, m)
	if err != nil && s.Policy == nil && s.Device != V2 {
		return ErrConflict
	}
	return err
}

package igd

import (
	"context"
	"net/netip"
)

// A Backend is what an Internet gateway can do. A [Gateway] does it over the network,
// an emulator.Router does it in memory, and a [Server] offers any Backend to a LAN.
//
// Methods report refusals as an [Error]; a Server sends its code to the caller as is, and
// any other error as 501 Action Failed. Each method is one action and one answer.
type Backend interface {
	// ExternalAddr is the address the Internet sees. The zero Addr without an error
	// means the gateway has none, or hides it.
	ExternalAddr(ctx context.Context) (netip.Addr, error)
	// Status is the state of the WAN connection.
	Status(ctx context.Context) (Status, error)
	// AddMapping makes or overwrites the mapping with m's key. Another client's
	// mapping under that key is ErrConflict.
	AddMapping(ctx context.Context, m Mapping) error
	// AddAnyMapping makes a mapping at m's external port or, if that is taken, at
	// another, and tells which. It is not safe to repeat.
	AddAnyMapping(ctx context.Context, m Mapping) (port uint16, err error)
	// DeleteMapping removes the mapping with key k, or fails with ErrNoSuchEntry.
	DeleteMapping(ctx context.Context, k MappingKey) error
	// Mapping reads the mapping with key k, or fails with ErrNoSuchEntry.
	Mapping(ctx context.Context, k MappingKey) (Mapping, error)
	// MappingAt reads the mapping at a table index counted from 0, or fails with
	// ErrNoSuchIndex past the end.
	MappingAt(ctx context.Context, index int) (Mapping, error)
}

// A RangeBackend has the port range actions of WANIPConnection:2.
type RangeBackend interface {
	// DeleteMappings removes all mappings in r at once.
	DeleteMappings(ctx context.Context, r Range) error
	// ListMappings reads the mappings in r. Never ask a real gateway for more than
	// 100 ports: a wider answer kills common firmware (miniupnpd before 2.3.4).
	ListMappings(ctx context.Context, r Range) ([]Mapping, error)
}

// A Range names mappings by their external ports, both ends included.
type Range struct {
	From, To uint16
	Protocol Protocol
	// All includes mappings of other clients, if the gateway allows it (NewManage).
	All bool
	// Max limits the number of entries in a list; 0 is no limit.
	Max int
}

// A LinkBackend tells more of the WAN connection than its status.
type LinkBackend interface {
	ConnectionType(ctx context.Context) (ConnectionType, error)
	NAT(ctx context.Context) (NAT, error)
	Link(ctx context.Context) (Link, error)
}

// A CountersBackend counts traffic (WANCommonInterfaceConfig).
type CountersBackend interface {
	Counters(ctx context.Context) (Counters, error)
}

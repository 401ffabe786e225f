package igd

import (
	"context"
	"net/netip"

	"upnp/description"
)

// A Gateway is an Internet gateway on the network, seen through one of its WAN connections.
type Gateway struct{}

var _ interface {
	Backend
	RangeBackend
	LinkBackend
	CountersBackend
} = (*Gateway)(nil)

// Root is the gateway's device description.
func (g *Gateway) Root() *description.Root { panic("soon") }

// Service is the WAN connection service in use.
func (g *Gateway) Service() *description.Service { panic("soon") }

// Location is the URL of the description.
func (g *Gateway) Location() string { panic("soon") }

// UDN is the root device's unique name.
func (g *Gateway) UDN() string { panic("soon") }

// LocalAddr is this host's address as the gateway sees it.
func (g *Gateway) LocalAddr() netip.Addr { panic("soon") }

// Notes tell what had to be repaired or decided to come here.
func (g *Gateway) Notes() []string { panic("soon") }

// Others are gateways that answered and were not chosen, with the reason.
func (g *Gateway) Others() []Rejected { panic("soon") }

// Offers reports whether the service document lists an action; it is fetched at the first call.
func (g *Gateway) Offers(ctx context.Context, action string) bool { panic("soon") }

// A Rejected device answered the search and was not taken.
type Rejected struct {
	Location string `json:"location"`
	Name     string `json:"friendlyName"`
	Reason   string `json:"reason"`
}

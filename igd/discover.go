package igd

import (
	"context"
	"iter"

	"upnp/igd/wire"
)

// A Client finds gateways. Its zero value searches all interfaces of the system.
type Client struct {
	Network    wire.Network // nil: wire.System()
	Interfaces []string     // only these, by name; empty is all usable ones
	Memory     Memory       // what worked before; nil remembers nothing
}

// Discover returns the best gateway as soon as nothing better can come.
func (c *Client) Discover(ctx context.Context) (*Gateway, error) { panic("soon") }

// All yields each gateway as it answers.
func (c *Client) All(ctx context.Context) iter.Seq2[*Gateway, error] { panic("soon") }

// Open goes straight to a description URL, or to an address or UDN whose description is searched for there.
func (c *Client) Open(ctx context.Context, target string) (*Gateway, error) { panic("soon") }

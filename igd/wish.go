package igd

import "context"

// A Wish is a port wanted open.
type Wish struct {
	Mapping
	// AnyPort lets the gateway or the client pick another external port when the wanted one is taken.
	AnyPort bool
	// Foreign allows an internal client other than this host.
	Foreign bool
}

// A Grant is what came of a wish.
type Grant struct {
	Asked    Mapping  `json:"asked"`
	Mapping  Mapping  `json:"mapping"`  // what is true now, read back
	Verified bool     `json:"verified"` // the table says so too
	Tried    []Rung   `json:"tried"`
	Notes    []string `json:"notes"`
}

// A Rung is one attempt of a wish.
type Rung struct {
	What   string `json:"what"`
	Answer string `json:"answer"`
	Err    error  `json:"-"` // nil when it worked
}

// Map gets a port open on a router that exists.
func (g *Gateway) Map(ctx context.Context, w Wish) (Grant, error) { panic("soon") }

// An Edit is a change of one mapping; nil fields stay as they are.
type Edit struct {
	External *uint16
	Client   *string // address; empty is this host
	Internal *uint16
	Describe *string
	Lease    *int // seconds
	Disabled *bool
	Foreign  bool
}

// Edit changes a mapping and never ends with fewer open ports than it began with.
func (g *Gateway) Edit(ctx context.Context, k MappingKey, e Edit) (before Mapping, _ Grant, err error) {
	panic("soon")
}

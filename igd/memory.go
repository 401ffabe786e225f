package igd

import (
	"maps"
	"strings"
	"time"

	"upnp/ssdp"
)

// A Memory keeps what worked, so that the next call goes straight there: per network, where its
// gateway was; per router, which rungs of a wish it took. It is learnt at run time and keyed by
// fingerprint; nothing else in this module depends on a make of router.
//
// Implementations must be safe for concurrent use and may forget at any time.
type Memory interface {
	Load(key string) (Remembered, bool)
	Store(key string, r Remembered)
}

// Remembered is what a Memory keeps under one key. Fields that do not belong to the kind of key
// are empty.
type Remembered struct {
	Location string            `json:"location,omitempty"` // of a network's gateway
	UDN      string            `json:"udn,omitempty"`      // of that gateway
	Worked   map[string]string `json:"worked,omitempty"`   // of a router: what to use instead of the usual
	// Leases are, of a router, when the mappings made from here end, by key.
	Leases map[string]time.Time `json:"leases,omitempty"`
}

// networkKey names the network this host is in, by its default gateway.
func networkKey(interfaces []ssdp.Interface) (string, bool) {
	for _, ifi := range interfaces {
		for _, gateway := range ifi.Gateways {
			return "network " + ifi.Name + " " + gateway.String(), true
		}
	}
	return "", false
}

// routerKey is the fingerprint of a router.
func (g *Gateway) routerKey() string {
	d := g.root.Device
	return "router " + strings.Join([]string{d.UDN, d.Manufacturer, d.ModelName, d.ModelNumber}, "|")
}

func (c *Client) recall(interfaces []ssdp.Interface) (answer, bool) {
	key, ok := networkKey(interfaces)
	if !ok || c.Memory == nil || len(c.Interfaces) > 0 {
		return answer{}, false
	}
	r, ok := c.Memory.Load(key)
	if !ok {
		return answer{}, false
	}
	a, err := parseLocation(r.Location)
	a.remembered = true
	return a, err == nil
}

func (c *Client) remember(interfaces []ssdp.Interface, g *Gateway) {
	key, ok := networkKey(interfaces)
	if !ok || c.Memory == nil || len(c.Interfaces) > 0 || !besideGateway(g.Location(), interfaces) {
		return
	}
	now := Remembered{Location: g.Location(), UDN: g.UDN()}
	if old, ok := c.Memory.Load(key); !ok || old.Location != now.Location || old.UDN != now.UDN {
		c.Memory.Store(key, now)
	}
}

// besideGateway keeps a gateway elsewhere, such as an emulated one on loopback, from being
// remembered as the network's.
func besideGateway(location string, interfaces []ssdp.Interface) bool {
	a, err := parseLocation(location)
	if err != nil {
		return false
	}
	for _, ifi := range interfaces {
		if len(ifi.Gateways) > 0 && ifi.OnLink(a.host) {
			return true
		}
	}
	return false
}

// worked is what a wish should start with on this router, by kind of rung.
func (g *Gateway) worked(kind string) (string, bool) {
	if g.memory == nil {
		return "", false
	}
	r, ok := g.memory.Load(g.routerKey())
	if !ok {
		return "", false
	}
	value, ok := r.Worked[kind]
	return value, ok
}

// learn remembers what worked in place of the usual.
func (g *Gateway) learn(kind, value string) {
	if g.memory == nil {
		return
	}
	r, _ := g.memory.Load(g.routerKey())
	if r.Worked[kind] == value {
		return
	}
	worked := maps.Clone(r.Worked)
	if worked == nil {
		worked = map[string]string{}
	}
	worked[kind] = value
	g.memory.Store(g.routerKey(), Remembered{Worked: worked, Leases: r.Leases})
}

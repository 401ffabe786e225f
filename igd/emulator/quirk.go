package emulator

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"upnp/description"
	"upnp/igd"
	"upnp/ssdp"
)

// A Quirk is one thing a real router does that the standard does not say. Every function is
// optional; state a quirk needs is its own, so one value belongs to one router.
type Quirk struct {
	Name string // as in --quirk
	Doc  string // what it does and which device does it

	// Backend changes what the router can do.
	Backend func(Backend) Backend
	// HTTP changes how requests are answered. It is called for each request.
	HTTP func(http.Handler) http.Handler
	// Tell decides whether subscribers are told of a change.
	Tell func(igd.Change) bool
	// Answer changes how searches are answered.
	Answer func(search *ssdp.Packet, answer ssdp.Reply) []ssdp.Reply
	// Root changes the description, its Location known.
	Root func(*description.Root)
	// Conn changes what HTTP is read from and written to.
	Conn func(net.Conn) net.Conn
	// Lose decides the fate of one datagram, sent or received.
	Lose func() bool
	// Policy decides who may map what.
	Policy igd.Policy
	// Connection is the backend of a connection service that Root added, nil of any other.
	Connection func(*description.Service) igd.Backend
}

// A kind makes quirks of one name.
type kind struct {
	name, doc string
	make      func(*parameter) Quirk
}

// kinds are all quirks, by subject.
func kinds() []kind {
	return slices.Concat(refusals(), tables(), listings(), wan(), answers(), faults(), descriptions(), searches(), connections(), events(), pinholes())
}

// Quirks returns every quirk, ready for use, with its usual value.
func Quirks() []Quirk {
	var all []Quirk
	for _, k := range kinds() {
		all = append(all, k.quirk(&parameter{}))
	}
	return all
}

// Lookup returns a quirk by name. Some take a value, as in "slow=2s" or "table-limit-silent=4";
// their Doc says so.
func Lookup(text string) (Quirk, error) {
	name, value, given := strings.Cut(text, "=")
	for _, k := range kinds() {
		if k.name == name {
			p := &parameter{text: value, given: given}
			return k.quirk(p), p.problem(name)
		}
	}
	return Quirk{}, fmt.Errorf("emulator: no quirk %q", name)
}

func (k kind) quirk(p *parameter) Quirk {
	q := k.make(p)
	q.Name, q.Doc = k.name, k.doc
	return q
}

// A parameter is the value behind a quirk's name.
type parameter struct {
	text        string
	given, used bool
	err         error
}

func (p *parameter) problem(name string) error {
	if p.given && !p.used {
		return fmt.Errorf("emulator: quirk %s takes no value", name)
	}
	if p.err != nil {
		return fmt.Errorf("emulator: quirk %s: %w", name, p.err)
	}
	return nil
}

// read is the value, or the usual one when none was given.
func read[T any](p *parameter, usual T, parse func(string) (T, error)) T {
	p.used = true
	if !p.given {
		return usual
	}
	v, err := parse(p.text)
	p.err = err
	return v
}

func (p *parameter) number(usual int) int { return read(p, usual, strconv.Atoi) }

func (p *parameter) duration(usual time.Duration) time.Duration {
	return read(p, usual, time.ParseDuration)
}

func (p *parameter) addr(usual string) netip.Addr {
	return read(p, netip.MustParseAddr(usual), netip.ParseAddr)
}

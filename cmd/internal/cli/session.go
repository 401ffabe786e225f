package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"upnp/cmd/internal/plain"
	"upnp/igd"
	"upnp/igd/wire"
	"upnp/ssdp"
)

// A session is one command line while it runs: its streams, its options, and what they lead to,
// each made when first needed.
type session struct {
	Streams
	options options
	command *Command // nil until the verb is known
	stdout  *printer // results for people
	stderr  *printer // everything else for people

	base    wire.Network // where the network is not the system's; tests set it
	state   string       // where state is kept, if not in the usual place; tests set it
	network wire.Network // base with what --wire and -v add to it
	memory  *memoryFile
	gateway *igd.Gateway
	outside *netip.Addr // its external address, once asked for
	closers []func() error

	deadline time.Time // what --timeout sets, zero without it
}

func newSession(streams Streams) *session {
	return &session{
		Streams: streams,
		options: options{color: "auto"},
		stdout:  newPrinter(streams.Out, streams.OutTerminal),
		stderr:  newPrinter(streams.Err, true),
	}
}

// close ends what the session started, in reverse, and keeps what is worth remembering.
func (s *session) close() {
	for _, c := range slices.Backward(s.closers) {
		c()
	}
	if s.memory != nil {
		s.memory.save() // a cache: failing to write it is no failure of the verb
	}
}

// paint decides on colours once the options are known.
func (s *session) paint() {
	on := func(terminal bool) bool {
		plain := s.getenv("NO_COLOR") != "" || s.getenv("TERM") == "dumb"
		return s.options.color == "always" || s.options.color == "auto" && terminal && !plain
	}
	s.stdout.color, s.stderr.color = on(s.OutTerminal), on(s.ErrTerminal)
}

// net is the network of this command line: the system's or an emulated one, tapped as asked.
func (s *session) net(ctx context.Context) (wire.Network, error) {
	if s.network != nil {
		return s.network, nil
	}
	base := s.base
	switch {
	case s.options.emulated.on:
		host, err := s.emulate(ctx, s.options.emulated)
		if err != nil {
			return nil, err
		}
		base = host
	case base == nil:
		base = wire.System()
	}
	tapped, err := s.tap(base)
	if err != nil {
		return nil, err
	}
	s.network = tapped
	return tapped, s.checkInterface()
}

// checkInterface refuses an --interface that does not exist.
func (s *session) checkInterface() error {
	if s.options.iface == "" {
		return nil
	}
	all, err := s.network.Interfaces()
	if err != nil {
		return failf("the network interfaces cannot be listed: %w", err)
	}
	var names []string
	for _, i := range all {
		if i.Name == s.options.iface {
			return nil
		}
		names = append(names, i.Name)
	}
	return usagef("--interface %q: there is none of that name, only %s", s.options.iface, strings.Join(names, ", "))
}

// interfaceNames is --interface as the libraries take it.
func (s *session) interfaceNames() []string {
	if s.options.iface == "" {
		return nil
	}
	return []string{s.options.iface}
}

func (s *session) client(ctx context.Context) (*igd.Client, error) {
	n, err := s.net(ctx)
	if err != nil {
		return nil, err
	}
	c := &igd.Client{Network: n, Interfaces: s.interfaceNames()}
	if m := s.remember(); m != nil {
		c.Memory = m
	}
	return c, nil
}

// remember is the memory file; an emulated router is not worth remembering.
func (s *session) remember() *memoryFile {
	if s.options.noCache || s.options.emulated.on || s.base != nil {
		return nil
	}
	if path := memoryPath(s.getenv); s.memory == nil && path != "" {
		s.memory = &memoryFile{path: path}
	}
	return s.memory
}

// open finds the gateway: the one --gateway names, or the best that answers.
func (s *session) open(ctx context.Context) (*igd.Gateway, error) {
	client, err := s.client(ctx)
	if err != nil {
		return nil, err
	}
	done := s.progress("looking for the gateway")
	var gw *igd.Gateway
	if target := s.options.gateway; target != "" {
		gw, err = client.Open(ctx, target)
	} else {
		gw, err = client.Discover(ctx)
	}
	done()
	if err != nil {
		return nil, s.noGateway(ctx, err)
	}
	s.gateway = gw
	s.noteRivals(gw)
	return gw, nil
}

// noteRivals names the other gateways that answered: with two routers in a house it is good to
// know which one is talked to.
func (s *session) noteRivals(gw *igd.Gateway) {
	for _, other := range gw.Others() {
		if other.Err == nil {
			s.note("using %s; another gateway answered too, %s (%s): %s", gw.Location(), other.Location, other.Name, other.Reason)
		}
	}
}

// noGateway says why there is no gateway to talk to.
func (s *session) noGateway(ctx context.Context, err error) error {
	e := &ExitError{Code: exitNoGateway, Kind: "noGateway"}
	timedOut, _ := errors.AsType[errTimeout](context.Cause(ctx))
	search, _ := errors.AsType[*igd.NoGatewayError](err)
	switch {
	case s.options.gateway != "":
		e.Err = fmt.Errorf("no gateway at %s: %s", s.options.gateway, openWords(err))
	case s.offline() != "":
		e.Err = errors.New(s.offline())
		e.Hint = "connect it to the router and try again"
	case search != nil && len(search.Rejected) > 0:
		r := search.Rejected[0]
		e.Err = fmt.Errorf("no gateway%s: %s answered, none of use (%s: %s)", s.onInterfaces(), plural(len(search.Rejected), "device"), r.Location, r.Reason)
		e.Hint = "`upnp discover --all` shows all that answers"
	case timedOut.after > 0:
		e.Err = fmt.Errorf("no gateway answered%s within --timeout %s", s.onInterfaces(), shortDurationExact(timedOut.after))
		e.Hint = "`upnp discover --all` shows all that answers"
	case errors.Is(err, igd.ErrNoGateway):
		e.Err = errors.New("no gateway answered" + s.onInterfaces())
		e.Hint = "UPnP may be switched off in the router; `upnp discover --all` shows all that answers"
	default:
		return err
	}
	return e
}

// openWords says why what --gateway names is no gateway.
func openWords(err error) string {
	if words := plain.Cause(err); words != "" {
		return words
	}
	if search, ok := errors.AsType[*igd.NoGatewayError](err); ok {
		if len(search.Rejected) > 0 {
			return search.Rejected[0].Reason
		}
		return "nothing answers the search there"
	}
	return strings.TrimPrefix(err.Error(), "igd: ")
}

// usable lists the interfaces a search goes out on: the one that --interface names, if it is up,
// or all that can reach a network.
func (s *session) usable() []ssdp.Interface {
	all, err := s.network.Interfaces()
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(all, func(i ssdp.Interface) bool {
		if s.options.iface != "" {
			return i.Name != s.options.iface || i.Flags&net.FlagUp == 0
		}
		ok, _ := i.Usable()
		return !ok
	})
}

// onInterfaces names the interfaces of a search.
func (s *session) onInterfaces() string {
	var names []string
	for _, i := range s.usable() {
		names = append(names, i.Name)
	}
	return " on " + strings.Join(names, ", ")
}

// offline says why nothing can be searched, or nothing.
func (s *session) offline() string {
	if len(s.usable()) > 0 {
		return ""
	}
	if name := s.options.iface; name != "" {
		return fmt.Sprintf("interface %s is not connected to a network", name)
	}
	return "this machine is not connected to a network"
}

// ownAddrs are the addresses of this machine.
func (s *session) ownAddrs() []netip.Addr {
	all, err := s.network.Interfaces()
	if err != nil {
		return nil
	}
	var addrs []netip.Addr
	for _, i := range all {
		for _, p := range i.Prefixes {
			addrs = append(addrs, p.Addr().WithZone(""))
		}
	}
	return addrs
}

// mine reports whether a mapping leads to this machine.
func (s *session) mine(m igd.Mapping) bool {
	return s.isOwn(m.InternalClient)
}

func (s *session) isOwn(addr netip.Addr) bool {
	return s.gateway != nil && addr == s.gateway.LocalAddr() || slices.Contains(s.ownAddrs(), addr)
}

// emit prints a result as one JSON document.
func (s *session) emit(v any) error {
	return plain.WriteJSON(s.stdout.w, v, true)
}

// emitLine prints a result as one line of JSON, at once.
func (s *session) emitLine(v any) error {
	if err := plain.WriteJSON(s.stdout.w, v, false); err != nil {
		return err
	}
	return s.stdout.w.Flush()
}

// note prints a remark that is not a result. With --json the result holds it already.
func (s *session) note(format string, args ...any) {
	if s.options.json {
		return
	}
	s.stderr.linef("%s "+format, append([]any{s.stderr.style(yellow, "note:")}, args...)...)
}

// patience is how long something may take before a terminal is told about it.
const patience = 300 * time.Millisecond

// progress shows on a terminal what is going on, once it has been going on for a while. The
// function it returns takes the line away again.
func (s *session) progress(doing string) (done func()) {
	if !s.ErrTerminal || s.options.verbose || s.options.wire == "-" {
		return func() {}
	}
	var mu sync.Mutex
	shown, over := false, false
	timer := time.AfterFunc(patience, func() {
		mu.Lock()
		defer mu.Unlock()
		if !over {
			shown = true
			fmt.Fprintf(s.Err, "%s ...", doing)
		}
	})
	return func() {
		timer.Stop()
		mu.Lock()
		defer mu.Unlock()
		if shown && !over {
			fmt.Fprint(s.Err, "\r\x1b[K")
		}
		over = true
	}
}

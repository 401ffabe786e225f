package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"

	"upnp/cmd/internal/plain"
	"upnp/igd/wire"
)

type wireOptions struct {
	exchange int
	raw      bool
	kinds    []string
	peer     string
	listen   string
}

func wireCommand() *Command {
	o := &wireOptions{}
	return &Command{
		Usage: "wire show|replay FILE",
		Short: "read a recorded conversation, or have it again",
		Long: `Every verb records what it says and hears with --wire FILE: the exact bytes in a text file, which
can be sent to somebody who is to find out why a router does not work. --redact writes it with
stand-ins for what tells whose network it is.

show     prints a line for each message: the number of its exchange, the seconds since the start,
         its direction, the peer, what it is and how long it took. --exchange prints one exchange
         whole, its XML indented; --raw exactly as it was. --kind chooses some: search, announcement,
         fetch, call, subscription, notification, failure. FILE may be -, which is stdin
replay   is the recorded router, until interrupted or --timeout ends it: every request gets the next
         recorded answer to that same request, and one that was not recorded is refused, naming the
         nearest that was. It is found by every UPnP program that searches where it listens, which
         is loopback unless --listen-interface names a network`,
		Examples: [2]string{"upnp wire show session.wire --kind call", "upnp wire replay session.wire --timeout 1s"},
		Flags:    o.flags,
		Run:      o.run,
	}
}

func (o *wireOptions) flags(fs *flag.FlagSet) {
	fs.Var(countFlag{&o.exchange}, "exchange", "show: only exchange `N`, whole")
	fs.BoolVar(&o.raw, "raw", false, "show: the bytes of --exchange as they were")
	fs.Var(listFlag{&o.kinds}, "kind", "show: only messages of `KIND`; repeatable")
	fs.StringVar(&o.peer, "peer", "", "show: only what went to or came from `ADDR[:PORT]`")
	fs.StringVar(&o.listen, "listen-interface", "", "replay: serve the network of the interface `NAME` instead of loopback")
}

func (o *wireOptions) run(ctx context.Context, s *session, args []string) error {
	if len(args) != 2 || args[0] != "show" && args[0] != "replay" {
		return usagef("want `upnp wire show FILE` or `upnp wire replay FILE`")
	}
	if args[0] == "replay" {
		if o.exchange != 0 || o.raw || o.peer != "" || o.kinds != nil {
			return usagef("--exchange, --raw, --kind and --peer are for `upnp wire show`")
		}
		return o.replay(ctx, s, args[1])
	}
	if s.options.redact {
		return usagef("--redact is for recording; this only reads")
	}
	if o.listen != "" {
		return usagef("--listen-interface is for `upnp wire replay`")
	}
	return o.show(s, args[1])
}

// openRecording opens a .wire file; - is stdin.
func (s *session) openRecording(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(s.In), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, failf("%s: %v", name, plain.Innermost(err))
	}
	return f, nil
}

// kindNames are the kinds of messages as --kind takes them.
func kindNames() []string {
	var names []string
	for _, k := range wire.MessageKinds() {
		names = append(names, k.String())
	}
	return names
}

// A messageFilter chooses messages.
type messageFilter struct {
	exchange int
	kinds    []string
	addr     netip.Addr
	port     uint16 // 0 is any
}

func (o *wireOptions) filter() (messageFilter, error) {
	f := messageFilter{exchange: o.exchange, kinds: o.kinds}
	for _, k := range o.kinds {
		if names := kindNames(); !slices.Contains(names, k) {
			return f, usagef("--kind %q: want one of %s%s", k, strings.Join(names, ", "), nearest(k, names))
		}
	}
	if o.peer == "" {
		return f, nil
	}
	var err error
	if f.addr, err = netip.ParseAddr(strings.Trim(o.peer, "[]")); err != nil {
		at, err := netip.ParseAddrPort(o.peer)
		if err != nil {
			return f, usagef("--peer %q: want an address, or an address and a port", o.peer)
		}
		f.addr, f.port = at.Addr(), at.Port()
	}
	return f, nil
}

// takes reports whether a message is wanted. Whatever went wrong is a failure too.
func (f messageFilter) takes(m wire.Message) bool {
	peer := m.Remote.Addr()
	switch {
	case f.exchange != 0 && m.Exchange != f.exchange:
		return false
	case f.addr.IsValid() && peer.WithZone("") != f.addr.WithZone(""), f.port != 0 && m.Remote.Port() != f.port:
		return false
	case len(f.kinds) == 0, slices.Contains(f.kinds, m.Kind.String()):
		return true
	}
	return m.Err != "" && slices.Contains(f.kinds, wire.Failure.String())
}

// replay is the recorded router, until somebody or --timeout ends it.
func (o *wireOptions) replay(ctx context.Context, s *session, name string) error {
	if s.options.iface != "" {
		return usagef("--interface is for searching; --listen-interface %s serves there", s.options.iface)
	}
	log, err := s.readRecording(name)
	if err != nil {
		return err
	}
	s.options.emulated.on = false
	n, err := s.net(ctx)
	if err != nil {
		return err
	}
	replay := wire.NewReplay(log)
	replay.Note = func(text string) { s.note("%s", text) }
	site := wire.ReplaySite{Network: wire.NewTap(n, requestsOnly(s.requestLog())), Interface: o.listen, Ready: func(location string) {
		s.stderr.linef("%s is played at %s; ^C ends it", recordingName(name), location)
	}}
	if err := replay.Serve(ctx, site); err != nil {
		return failf("%s", bare(err))
	}
	return interrupted(ctx)
}

// readRecording reads a whole file. One that was cut off is good for what is whole in it.
func (s *session) readRecording(name string) (*wire.Log, error) {
	f, err := s.openRecording(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	log, err := wire.ReadLog(f)
	if err != nil && len(log.Events()) == 0 {
		return nil, failf("%s: %s", recordingName(name), recordingWords(err))
	}
	if err != nil {
		s.note("%s: %s", recordingName(name), recordingWords(err))
	}
	return log, nil
}

func recordingName(file string) string {
	if file == "-" {
		return "stdin"
	}
	return file
}

// recordingWords says what is wrong with a recording.
func recordingWords(err error) string {
	e, ok := errors.AsType[*wire.LogError](err)
	switch {
	case !ok:
		return plain.Innermost(err).Error()
	case e.Event == 0:
		return "this is no recording of --wire"
	case e.Err != nil:
		return fmt.Sprintf("cut off at event %d; what is before it is whole", e.Event)
	}
	return fmt.Sprintf("damaged at event %d: %s; nothing is read from there on", e.Event, e.Reason)
}

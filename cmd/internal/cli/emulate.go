package cli

import (
	"bytes"
	"context"
	"flag"
	"time"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/wire"
	"upnp/ssdp"
)

type emulateOptions struct {
	profile    string
	like       string
	quirks     []string
	listQuirks bool
	listen     string
}

func emulateCommand() *Command {
	o := &emulateOptions{}
	return &Command{
		Usage: "emulate",
		Short: "be a router, with the quirks of real ones if you like",
		Long: `Runs a router on this machine until it is interrupted, and prints a line for each request.

It is found by every UPnP program that searches where it listens, which is loopback unless
--listen-interface names a network. It forwards nothing: it only keeps the table.

--quirk makes it misbehave like a real device; repeat it for several.
--like makes it a router like the one in a file that --wire wrote: with its description, its
spelling, and its refusals as far as they were seen, but a table of its own.
--timeout ends it after a while.`,
		Examples: [2]string{"upnp emulate --list-quirks", "upnp emulate --profile igd1 --quirk only-permanent-leases --timeout 1s"},
		Flags:    o.flags,
		Run:      o.run,
	}
}

func (o *emulateOptions) flags(fs *flag.FlagSet) {
	fs.StringVar(&o.profile, "profile", "", "what kind of router: `NAME`, "+defaultProfile+" if not given")
	fs.StringVar(&o.like, "like", "", "be like the router in a recording: `FILE`, as --wire writes them")
	fs.Var(listFlag{&o.quirks}, "quirk", "what it does wrong: `NAME`, see --list-quirks; repeatable")
	fs.BoolVar(&o.listQuirks, "list-quirks", false, "only list the profiles and quirks there are")
	fs.StringVar(&o.listen, "listen-interface", "", "serve the network of the interface `NAME` instead of loopback")
}

func (o *emulateOptions) run(ctx context.Context, s *session, args []string) error {
	if err := noArguments(args); err != nil {
		return err
	}
	if o.listQuirks {
		return s.listQuirks()
	}
	profile, err := o.router(s)
	if err != nil {
		return err
	}
	return o.serve(ctx, s, profile)
}

// router is the profile that is asked for.
func (o *emulateOptions) router(s *session) (emulator.Profile, error) {
	if o.like == "" {
		p, err := profileOf(o.profile, o.quirks)
		if err != nil {
			err = usagef("%v", err)
		}
		return p, err
	}
	if o.profile != "" {
		return emulator.Profile{}, usagef("--like and --profile are two routers; one is enough")
	}
	log, err := s.readRecording(o.like)
	if err != nil {
		return emulator.Profile{}, err
	}
	like, err := emulator.Like(log)
	if err != nil {
		return like, failf("%s: %s", recordingName(o.like), bare(err))
	}
	own, err := profileOf("", o.quirks)
	if err != nil {
		return like, usagef("%v", err)
	}
	like.Quirks = append(like.Quirks, own.Quirks...)
	return like, nil
}

// serve is the router, until somebody or --timeout ends it.
func (o *emulateOptions) serve(ctx context.Context, s *session, profile emulator.Profile) error {
	if s.options.iface != "" {
		return usagef("--interface is for searching; --listen-interface %s serves there", s.options.iface)
	}
	s.options.emulated.on = false
	n, err := s.net(ctx)
	if err != nil {
		return err
	}
	n = wire.NewTap(n, requestsOnly(s.requestLog()))
	server := igd.Server{Network: n, Interface: o.listen, MaxDelay: promptAnswer, Ready: func(location string) {
		s.stderr.linef("%s is at %s; ^C ends it", profile.Name, location)
	}}
	if err := emulator.New(profile).Serve(ctx, server); err != nil {
		return failf("%s", bare(err))
	}
	return interrupted(ctx)
}

// requestLog shows what is asked of the router.
func (s *session) requestLog() func(wire.Event) {
	if !s.options.json {
		return wire.Summary(s.Out, s.stdout.color)
	}
	return func(e wire.Event) {
		if e.Kind == wire.Received || e.Kind == wire.Sent {
			s.emitLine(message{e.Time, e.Kind.String(), e.Net, e.Remote.String(), string(e.Data)})
		}
	}
}

// A message is a line of emulate --json: some bytes that came in or went out.
type message struct {
	Time   time.Time `json:"time"`
	Kind   string    `json:"kind"` // received, sent
	Net    string    `json:"net"`
	Remote string    `json:"remote"`
	Data   string    `json:"data"`
}

// requestsOnly leaves out announcements, of which every router sends and hears dozens, and the
// answers to searches.
func requestsOnly(sink func(wire.Event)) func(wire.Event) {
	return func(e wire.Event) {
		search := e.Kind == wire.Received && bytes.HasPrefix(e.Data, []byte(ssdp.MethodSearch))
		if e.Net != "udp" || search || e.Kind == wire.Failed {
			sink(e)
		}
	}
}

type quirkInfo struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // profile, quirk
	Doc  string `json:"doc"`
}

func (s *session) listQuirks() error {
	var all []quirkInfo
	for _, p := range emulator.Profiles() {
		all = append(all, quirkInfo{p.Name, "profile", p.Doc})
	}
	for _, q := range emulator.Quirks() {
		all = append(all, quirkInfo{q.Name, "quirk", q.Doc})
	}
	if s.options.json {
		return s.emit(all)
	}
	longest := 0
	for _, q := range all {
		longest = max(longest, len(q.Name))
	}
	t := &table{p: s.stdout, limit: s.Columns, columns: []column{{head: "KIND", width: len("profile")}, {head: "NAME", width: longest}, {head: "WHAT IT DOES"}}}
	for _, q := range all {
		t.row(q.Kind, q.Name, q.Doc)
	}
	return nil
}

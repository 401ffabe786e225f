package cli

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"sync"

	"upnp/cmd/internal/notation"
	"upnp/igd"
)

type keepOptions struct {
	addOptions
	file    string
	repair  bool
	probe   string
	journal string
	holes   []string
}

func keepCommand() *Command {
	o := &keepOptions{addOptions: addOptions{lease: notation.DefaultLease, description: defaultDescription}}
	return &Command{
		Usage: "keep MAPPING... [--pinhole PINHOLE]",
		Short: "open ports and keep them open",
		Long: `Opens ports as add does, or those of a file as apply does (-f FILE), and keeps them open until it is
interrupted: through leases that end, routers that restart, forget or are replaced, and addresses
that change. Prints a line for each change. At its end it closes what it opened.

What it opens is noted in a journal first, so that what a crash leaves behind is closed at the next
start. One keep at a time uses a journal; --journal names another one for a second.

A port that another machine has is reported and left alone; --any takes another port instead.

--pinhole  keeps a pinhole in the router's IPv6 firewall open, PINHOLE as for upnp pinhole, and follows
           this machine from one IPv6 address to the next
--repair   opens anew what is open already, at the start and after each restart of the router:
           some routers list a mapping that they do not forward any more
--probe    asks a web service whether the port is really open, a TCP port a minute, and opens anew
           what is not. URL is as for check, which says more; it may be just http://HOST:9543 where
           probe-server runs.

Under systemd it is Type=notify.`,
		Examples: [2]string{"upnp keep 9542:8080 --timeout 10m", "upnp keep -f ports.txt --json --timeout 10m"},
		Flags:    o.flags,
		Run:      o.run,
	}
}

func (o *keepOptions) flags(fs *flag.FlagSet) {
	o.keepable(fs)
	fs.StringVar(&o.file, "f", "", "keep the mappings of `FILE`, which is as for apply; - is stdin")
	fs.BoolVar(&o.repair, "repair", false, "open anew what is open already")
	fs.Var(listFlag{&o.holes}, "pinhole", "keep the `PINHOLE` open too, [[HOST]:]PORT[/PROTO]; repeatable")
	fs.StringVar(&o.probe, "probe", "", "ask the web service at `URL` whether a port is really open")
	fs.StringVar(&o.journal, "journal", "", "note what was opened in `FILE`, not in the usual one")
}

func (o *keepOptions) run(ctx context.Context, s *session, args []string) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	wishes, err := o.wanted(s, args)
	if err != nil {
		return err
	}
	holes, err := o.pinholes(s)
	if err != nil {
		return err
	}
	k := igd.Keeper{Client: client, Pinholes: holes, Ledger: s.ledger(), Target: s.options.gateway, Repair: o.repair, Journal: o.journalPath(s)}
	if o.probe != "" {
		p, err := s.probe(o.probe)
		if err != nil {
			return err
		}
		k.Probe = p.Reachable
	}
	p := &keepPrinter{session: s, notify: openNotify(s.getenv), settled: map[string]igd.KeepKind{}, wishes: len(wishes) + len(holes)}
	defer p.notify.close()
	k.Events = p.print
	running, stop := context.WithCancel(ctx)
	told := make(chan struct{})
	go func() {
		defer close(told)
		<-running.Done()
		p.notify.send("STOPPING=1")
	}()
	err = k.Run(running, wishes...)
	stop()
	<-told
	switch {
	case errors.Is(err, igd.ErrJournalInUse):
		return &ExitError{Code: exitFailed, Kind: "failed", Err: fmt.Errorf("another keep is running with the journal %s", k.Journal),
			Hint: "give all mappings to one keep, or this one a --journal of its own"}
	case err != nil:
		return failf("%s", bare(err))
	}
	return interrupted(ctx)
}

// wanted are the wishes of the arguments or of the file.
func (o *keepOptions) wanted(s *session, args []string) ([]igd.Wish, error) {
	switch {
	case o.file != "" && len(args) > 0:
		return nil, usagef("mappings, or -f FILE, and not both")
	case o.file != "":
		return o.fromFile(s)
	case len(args) == 0 && len(o.holes) > 0:
		return nil, nil
	case len(args) == 0:
		return nil, usagef("which port? upnp keep 9542, or -f FILE; `upnp help keep` tells all")
	}
	groups, err := o.wishes(args)
	if err != nil {
		return nil, err
	}
	var all []igd.Wish
	for i, arg := range args {
		if err := o.checkHosts(s, arg, groups[i]); err != nil {
			return nil, err
		}
		all = append(all, groups[i]...)
	}
	return all, nil
}

// pinholes are those of --pinhole.
func (o *keepOptions) pinholes(s *session) ([]igd.Pinhole, error) {
	if len(o.holes) == 0 {
		return nil, nil
	}
	options := pinholeOptions{lease: min(o.lease, igd.MaxPinholeLease), host: o.host, iKnow: o.iKnow}
	options.lease = cmp.Or(options.lease, igd.MaxPinholeLease)
	holes, err := options.holes("add", o.holes)
	if err != nil {
		return nil, err
	}
	return holes, options.checkHosts(s, holes)
}

func (o *keepOptions) fromFile(s *session) ([]igd.Wish, error) {
	lines, err := (&applyOptions{iKnow: o.iKnow}).read(s, o.file)
	if err != nil {
		return nil, err
	}
	var all []igd.Wish
	for _, l := range lines {
		for _, m := range l.Mappings() {
			if m.InternalClient.IsValid() && !s.isOwn(m.InternalClient) {
				return nil, usagef("%s line %d: leads to another machine, %s: keep it there, or with upnp keep --for", o.file, l.Number, m.InternalClient)
			}
			all = append(all, igd.Wish{Mapping: m, AnyPort: o.any})
		}
	}
	if len(all) == 0 {
		return nil, usagef("%s: no mappings", o.file)
	}
	return all, nil
}

// journalPath is where the journal is: as --journal says, or at the usual place.
func (o *keepOptions) journalPath(s *session) string {
	if o.journal != "" {
		return o.journal
	}
	return s.statePath("keep.journal")
}

// A keepPrinter prints what happens, and tells systemd.
type keepPrinter struct {
	*session
	notify *notifier

	mu      sync.Mutex
	wishes  int
	settled map[string]igd.KeepKind
	ready   bool
}

func (p *keepPrinter) print(e igd.KeepEvent) {
	p.follow(e)
	if p.options.json {
		p.emitLine(e)
		return
	}
	p.stdout.linef("%s  %s", p.stdout.style(dim, e.Time.Format("15:04:05")), p.words(e))
	p.stdout.w.Flush()
}

// words is an event as a line.
func (p *keepPrinter) words(e igd.KeepEvent) styled {
	switch e.Kind {
	case igd.KeepGateway:
		return p.sentence("", because("gateway "+e.Gateway+onlyIf(" at ", e.Location), e.Reason))
	case igd.KeepExternal:
		text := "no external address"
		if e.ExternalAddr.IsValid() {
			text = "external address " + e.ExternalAddr.String()
			if e.Class != igd.Public {
				text += " (" + string(e.Class) + ")"
			}
		}
		return p.sentence("", because(text, e.Reason))
	case igd.KeepJournal:
		return p.sentence(yellow, "journal: "+e.Reason)
	}
	return p.about(e)
}

// about is an event about one mapping as a line.
func (p *keepPrinter) about(e igd.KeepEvent) styled {
	colour, what := yellow, subject(e)
	switch {
	case e.IsOpen() && e.Pinhole != nil:
		colour, what = green, fmt.Sprintf("%s, lease %s%s", endpoint(*e.Pinhole), leaseText(e.Pinhole.Lease), fromWords(*e.Pinhole))
	case e.IsOpen():
		colour, what = green, mappingLine(*e.Mapping)
	case e.Kind == igd.KeepRemoved:
		colour = dim
	case e.Kind == igd.KeepRefused || e.Kind == igd.KeepLeft:
		colour = red
	}
	return p.stdout.style(colour, string(e.Kind)) + styled(" ") + p.sentence("", because(what, e.Reason))
}

// subject is the mapping or pinhole that an event is about.
func subject(e igd.KeepEvent) string {
	if e.Pinhole != nil {
		return endpoint(*e.Pinhole)
	}
	return e.Asked.MappingKey.String()
}

func (p *keepPrinter) sentence(colour, text string) styled {
	if colour == "" {
		return styled(clean(text))
	}
	return p.stdout.style(colour, text)
}

func onlyIf(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

// follow tells systemd that it has begun: when it is known of every wish what became of it, or
// that there is no router yet.
func (p *keepPrinter) follow(e igd.KeepEvent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case e.Pinhole != nil: // its address may change
		p.settled[fmt.Sprintf("pinhole %d/%s", e.Pinhole.InternalPort, e.Pinhole.Protocol)] = e.Kind
	case e.Asked != nil && e.Kind != igd.KeepProbed:
		p.settled[e.Asked.MappingKey.String()] = e.Kind
	}
	open := 0
	for _, kind := range p.settled {
		if kind == igd.KeepOpen || kind == igd.KeepRenewed {
			open++
		}
	}
	text := fmt.Sprintf("STATUS=%d of %s open", open, plural(p.wishes, "port"))
	if gone := e.Kind == igd.KeepGateway && e.Gateway == igd.GatewayGone; !p.ready && (gone || len(p.settled) >= p.wishes) {
		p.ready = true
		text = "READY=1\n" + text
	}
	p.notify.send(text)
}

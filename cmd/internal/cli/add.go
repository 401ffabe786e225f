package cli

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"upnp/cmd/internal/notation"
	"upnp/cmd/internal/plain"
	"upnp/igd"
)

const (
	defaultDescription = "upnp"
)

type addOptions struct {
	lease       time.Duration
	description string
	remoteHost  string
	host        netip.Addr
	any         bool
	disabled    bool
	iKnow       bool
	dryRun      bool
}

func addCommand() *Command {
	o := &addOptions{lease: notation.DefaultLease, description: defaultDescription}
	return &Command{
		Usage: "add MAPPING...",
		Short: "open ports",
		Long: `Opens ports on the gateway and prints what is true then, read back from its table.

MAPPING is EXT[-EXT][:[HOST:]INT[-INT]][/PROTO]:
  9542                        TCP 9542 on the router to 9542 on this machine
  9542:8080                   TCP 9542 to this machine's 8080
  9542:192.168.1.20:8080/udp  UDP 9542 to another machine; needs --for 192.168.1.20
  9542:[fd00::20]:8080        an IPv6 host, where the router takes one
  4000-4010/both              eleven ports, TCP and UDP

A range, or both protocols, is one wish: if the router refuses a part of it, the parts that were
opened for it are closed again. Several arguments are several wishes.

If the router does not like the lease, the remote host or the description, what it does like is
found out, used, and told. The exit code is 5 if the router said yes but its table disagrees.`,
		Examples: [2]string{"upnp add 9542", "upnp add 4000-4002:5000-5002/both --lease 2h --description game"},
		Flags:    o.flags,
		Run:      o.run,
	}
}

func (o *addOptions) flags(fs *flag.FlagSet) {
	o.keepable(fs)
	fs.BoolVar(&o.dryRun, "dry-run", false, "show what would be asked for, and who has the port now")
}

// keepable declares the flags that say what is wanted.
func (o *addOptions) keepable(fs *flag.FlagSet) {
	fs.Var(leaseFlag{&o.lease, nil}, "lease", "how long it lives: `D` is 1h (the default), 90m, ...; 0 is permanent")
	fs.StringVar(&o.description, "description", o.description, "what the router's table shows: `S`, upnp if not given")
	fs.StringVar(&o.remoteHost, "remote-host", "", "only the host at this address outside, `A`, may use it")
	fs.Var(addrFlag{&o.host}, "for", "open it for another machine, the one at `ADDR`")
	fs.BoolVar(&o.any, "any", false, "another external port will do if that one is taken")
	fs.BoolVar(&o.disabled, "disabled", false, "make the mapping, but do not forward yet")
	fs.BoolVar(&o.iKnow, "i-know", false, "open even a port that attackers look for first")
}

func (o *addOptions) run(ctx context.Context, s *session, args []string) error {
	wishes, err := o.wishes(args)
	if err != nil {
		return err
	}
	if _, err := s.net(ctx); err != nil {
		return err
	}
	for i, arg := range args {
		if err := o.checkHosts(s, arg, wishes[i]); err != nil {
			return err
		}
	}
	gw, err := s.open(ctx)
	if err != nil {
		return err
	}
	if o.dryRun {
		return s.dryAdd(ctx, gw, wishes)
	}
	return s.addAll(ctx, gw, args, wishes)
}

// wishes turns the arguments into wishes, one slice for each, before anything is sent.
func (o *addOptions) wishes(args []string) ([][]igd.Wish, error) {
	if len(args) == 0 {
		return nil, usagef("which port? upnp add 9542, or 9542:8080/udp; `upnp help add` tells all")
	}
	if o.remoteHost != "" {
		if _, err := netip.ParseAddr(o.remoteHost); err != nil {
			return nil, usagef("--remote-host %q: not an address", o.remoteHost)
		}
	}
	all := make([][]igd.Wish, len(args))
	seen := map[igd.MappingKey]string{}
	for i, arg := range args {
		m, err := notation.Parse(arg)
		if err != nil {
			return nil, usagef("%q: %w", arg, err)
		}
		if all[i], err = o.wish(arg, m, seen); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (o *addOptions) wish(arg string, m notation.PortMap, seen map[igd.MappingKey]string) ([]igd.Wish, error) {
	if o.host.IsValid() && m.Host.IsValid() && m.Host != o.host {
		return nil, usagef("%q: names host %s, but --for names %s", arg, m.Host, o.host)
	}
	m.Host = cmp.Or(m.Host, o.host)
	var wishes []igd.Wish
	for _, mapping := range m.Mappings() {
		if first, ok := seen[mapping.MappingKey]; ok {
			return nil, usagef("%q: %s is in %q already", arg, mapping.MappingKey, first)
		}
		seen[mapping.MappingKey] = arg
		if risk := notation.RiskOf(mapping.InternalPort); risk != "" && !o.iKnow {
			return nil, usagef("%q: port %d is %s, which attackers look for first; --i-know opens it all the same", arg, mapping.InternalPort, risk)
		}
		mapping.Lease, mapping.Description = o.lease, o.description
		mapping.RemoteHost, mapping.Disabled = o.remoteHost, o.disabled
		wishes = append(wishes, igd.Wish{Mapping: mapping, AnyPort: o.any})
	}
	return wishes, nil
}

// checkHosts allows another host only if --for named it and it is on a network of this machine
// (SECURITY D1).
func (o *addOptions) checkHosts(s *session, arg string, wishes []igd.Wish) error {
	for i := range wishes {
		host := wishes[i].InternalClient
		if !host.IsValid() || s.isOwn(host) {
			continue
		}
		if host != o.host {
			return usagef("%q: opens a port for another machine; --for %s allows it", arg, host)
		}
		if !s.onLink(host) {
			return usagef("--for %s: not on a network of this machine", host)
		}
		wishes[i].Foreign = true
	}
	return nil
}

func (s *session) onLink(addr netip.Addr) bool {
	for _, i := range s.usable() {
		if i.OnLink(addr) {
			return true
		}
	}
	return false
}

// addAll grants wish after wish. A refusal does not keep the others from being tried.
func (s *session) addAll(ctx context.Context, gw *igd.Gateway, args []string, wishes [][]igd.Wish) error {
	var granted []igd.Grant
	var first *ExitError
	for i := range wishes {
		grants, err := s.addOne(ctx, gw, wishes[i])
		granted = append(granted, grants...)
		if err == nil {
			s.showGrants(ctx, grants)
			continue
		}
		e := s.explain(err)
		if len(args) > 1 {
			e.Err = fmt.Errorf("%s: %w", args[i], e.Err)
		}
		if first == nil {
			first = e
		} else if !s.options.json {
			s.complain(e)
		}
		if e.Code != exitRefused || ctx.Err() != nil {
			break
		}
	}
	if first != nil {
		return withDone(first, granted)
	}
	return s.endGrants(ctx, granted)
}

// endGrants prints what --json wants to know and settles the exit code.
func (s *session) endGrants(ctx context.Context, granted []igd.Grant) error {
	addr, err := s.external(ctx)
	switch words := plain.ClassWords(addr); {
	case err != nil || words == "":
	case s.options.json:
		for i := range granted {
			granted[i].Notes = append(granted[i].Notes, words)
		}
	default:
		s.note("%s", words)
	}
	if s.options.json {
		if err := s.emit(granted); err != nil {
			return err
		}
	}
	return unverified(granted)
}

// unverified is the error of grants the router's table does not confirm.
func unverified(grants []igd.Grant) error {
	for _, g := range grants {
		if !g.Verified {
			return &ExitError{
				Code: exitUnverified, Kind: "unverified",
				Err:  fmt.Errorf("the router said yes to %s, but its table does not show what was asked", g.Asked.MappingKey),
				Hint: "`upnp list` shows what it has",
			}
		}
	}
	return nil
}

// addOne grants one wish, all of it or nothing: what was opened before a refusal is closed
// again, unless it was open before.
func (s *session) addOne(ctx context.Context, gw *igd.Gateway, wishes []igd.Wish) ([]igd.Grant, error) {
	var grants []igd.Grant
	var opened []igd.MappingKey
	for i, w := range wishes {
		fresh := len(wishes) > 1 && !s.exists(ctx, gw, w.MappingKey)
		done := s.progress(fmt.Sprintf("opening %d of %d: %s", i+1, len(wishes), w.MappingKey))
		grant, err := gw.Map(ctx, w)
		done()
		switch {
		case err == nil && fresh:
			opened = append(opened, grant.Mapping.MappingKey)
		case fresh && ctx.Err() != nil:
			opened = append(opened, w.MappingKey) // nobody heard whether it was made
		}
		if err != nil {
			return nil, s.rollBack(ctx, gw, opened, s.refusedPart(err, w, len(wishes)))
		}
		grants = append(grants, grant)
	}
	return grants, nil
}

// refusedPart explains why a part of a wish was refused, and names it.
func (s *session) refusedPart(err error, w igd.Wish, parts int) *ExitError {
	e := s.explain(err)
	e.Hint = cmp.Or(addHint(e.UPnPCode, w), e.Hint)
	if parts > 1 && !errors.Is(err, igd.ErrConflict) { // whose words name the port
		e.Err = fmt.Errorf("%s: %w", w.MappingKey, e.Err)
	}
	return e
}

func (s *session) exists(ctx context.Context, gw *igd.Gateway, k igd.MappingKey) bool {
	_, err := gw.Mapping(ctx, k)
	return err == nil
}

// rollBackTime is how long a roll-back may take, also after the verb was interrupted.
const rollBackTime = 30 * time.Second

// rollBack closes what one wish opened before it was refused, and says so in its error.
func (s *session) rollBack(ctx context.Context, gw *igd.Gateway, opened []igd.MappingKey, e *ExitError) error {
	stopped := ctx.Err() != nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollBackTime)
	defer cancel()
	var closed, left []string
	for _, k := range opened {
		switch err := gw.DeleteMapping(ctx, k); {
		case err == nil:
			closed = append(closed, k.String())
		case !errors.Is(err, igd.ErrNoSuchEntry):
			left = append(left, k.String())
		}
	}
	s.tellRollBack(e, stopped, "closed again", closed)
	s.tellRollBack(e, stopped, "could not close again", left)
	return e
}

// tellRollBack adds to an error what became of ports; an interrupt has no words to add them to.
func (s *session) tellRollBack(e *ExitError, interrupted bool, what string, ports []string) {
	switch {
	case len(ports) == 0:
	case interrupted:
		s.note("%s: %s", what, listing(ports))
	default:
		e.Err = fmt.Errorf("%w; %s: %s", e.Err, what, listing(ports))
	}
}

// listing names a few things, and counts the rest.
func listing(names []string) string {
	const few = 4
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}

// dryAdd shows what would be asked for and what stands in its way.
func (s *session) dryAdd(ctx context.Context, gw *igd.Gateway, wishes [][]igd.Wish) error {
	planned := []igd.Grant{}
	for _, group := range wishes {
		for _, w := range group {
			if !w.InternalClient.IsValid() {
				w.InternalClient = gw.LocalAddr()
			}
			g := igd.Grant{Asked: w.Mapping, Mapping: w.Mapping, Tried: []igd.Rung{}, Notes: []string{s.whatIsThere(ctx, gw, w.Mapping)}}
			planned = append(planned, g)
		}
	}
	if s.options.json {
		return s.emit(planned)
	}
	for _, g := range planned {
		s.stdout.linef("would open %s: %s", mappingLine(g.Mapping), g.Notes[0])
	}
	return nil
}

// whatIsThere tells what a dry run found at the place of a mapping.
func (s *session) whatIsThere(ctx context.Context, gw *igd.Gateway, m igd.Mapping) string {
	now, err := gw.Mapping(ctx, m.MappingKey)
	switch {
	case errors.Is(err, igd.ErrNoSuchEntry):
		return "the port is free"
	case err != nil:
		return "the router does not tell whether the port is free"
	case now.InternalClient == m.InternalClient:
		if now.InternalPort != m.InternalPort {
			return fmt.Sprintf("open already, to port %d: would be changed", now.InternalPort)
		}
		return "open already: would be renewed"
	}
	return "taken by " + notation.Holder(now)
}

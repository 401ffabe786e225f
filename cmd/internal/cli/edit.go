package cli

import (
	"context"
	"flag"
	"net/netip"
	"time"

	"upnp/cmd/internal/notation"
	"upnp/igd"
)

type editOptions struct {
	external    *uint16
	to          string
	target      notation.PortMap
	host        netip.Addr
	description stringFlag
	remoteHost  string
	lease       time.Duration
	leaseSet    bool
	enable      bool
	disable     bool
	iKnow       bool
}

func editCommand() *Command {
	o := &editOptions{}
	return &Command{
		Usage: "edit EXT/PROTO",
		Short: "change a mapping without losing it",
		Long: `Changes one mapping and prints it as it was and as it is, read back.

The mapping is never lost on the way: a new external port is opened and seen in the router's table
before the old one is closed, and if the router refuses, the old one is as it was.

What is not named stays. TCP is meant if no protocol is given.`,
		Examples: [2]string{"upnp edit 8080/tcp --to 9090 --description web", "upnp edit 8080 --external 8081 --lease 4h"},
		Flags:    o.flags,
		Run:      o.run,
	}
}

func (o *editOptions) flags(fs *flag.FlagSet) {
	fs.Var(portFlag{&o.external}, "external", "the new external `PORT`")
	fs.StringVar(&o.to, "to", "", "where it leads: `[HOST:]PORT`, this machine without HOST")
	fs.Var(addrFlag{&o.host}, "for", "another machine may be meant, the one at `ADDR`")
	fs.Var(&o.description, "description", "the new description, `S`")
	fs.StringVar(&o.remoteHost, "remote-host", "", "the mapping is the one for this remote host, `A`")
	fs.Var(leaseFlag{&o.lease, &o.leaseSet}, "lease", "how long it lives from now: `D` is 1h, 90m, ...; 0 is permanent")
	fs.BoolVar(&o.enable, "enable", false, "forward")
	fs.BoolVar(&o.disable, "disable", false, "keep the mapping, but do not forward")
	fs.BoolVar(&o.iKnow, "i-know", false, "lead even to a port that attackers look for first")
}

// A stringFlag knows whether it was given, because an empty text is a wish too.
type stringFlag struct{ value *string }

func (f *stringFlag) String() string { return "" }

func (f *stringFlag) Set(s string) error {
	f.value = &s
	return nil
}

func (o *editOptions) run(ctx context.Context, s *session, args []string) error {
	key, err := o.key(args)
	if err != nil {
		return err
	}
	revision, err := o.revision()
	if err != nil {
		return err
	}
	gw, err := s.open(ctx)
	if err != nil {
		return err
	}
	before, err := gw.Find(ctx, key)
	if err != nil {
		return err
	}
	if err := o.checkHost(s, before, &revision); err != nil {
		return err
	}
	done := s.progress("changing " + key.String())
	before, grant, err := gw.Edit(ctx, before.MappingKey, revision)
	done()
	if err != nil {
		return err
	}
	return s.showEdit(before, grant)
}

func (o *editOptions) key(args []string) (igd.MappingKey, error) {
	if len(args) != 1 {
		return igd.MappingKey{}, usagef("one mapping: upnp edit 9542/tcp --to 8080")
	}
	m, err := notation.ParseKey(args[0])
	if err != nil {
		return igd.MappingKey{}, usagef("%q: %w", args[0], err)
	}
	if !m.Single() {
		return igd.MappingKey{}, usagef("%q: edit changes one mapping at a time", args[0])
	}
	key := m.Keys()[0]
	key.RemoteHost = o.remoteHost
	return key, nil
}

// revision turns the flags into a change, before anything is sent.
func (o *editOptions) revision() (igd.Revision, error) {
	r := igd.Revision{ExternalPort: o.external, Description: o.description.value}
	if o.enable && o.disable {
		return r, usagef("--enable and --disable at once")
	}
	if o.enable || o.disable {
		r.Disabled = &o.disable
	}
	if o.leaseSet {
		r.Lease = &o.lease
	}
	if o.to != "" {
		if err := o.parseTo(&r); err != nil {
			return r, err
		}
	}
	if r == (igd.Revision{}) {
		return r, usagef("nothing to change: --external, --to, --description, --lease, --enable or --disable")
	}
	return r, nil
}

func (o *editOptions) parseTo(r *igd.Revision) error {
	target, err := notation.Parse("1:" + o.to)
	if err != nil {
		return usagef("--to %q: %w", o.to, err)
	}
	if risk := notation.RiskOf(target.Internal); risk != "" && !o.iKnow {
		return usagef("--to %q: port %d is %s, which attackers look for first; --i-know leads there all the same", o.to, target.Internal, risk)
	}
	r.InternalPort, r.InternalClient = &target.Internal, &target.Host
	return nil
}

// checkHost allows a mapping that is or becomes another machine's only if --for names it
// (SECURITY D1).
func (o *editOptions) checkHost(s *session, before igd.Mapping, r *igd.Revision) error {
	hosts := []netip.Addr{before.InternalClient}
	if r.InternalClient != nil {
		hosts = append(hosts, *r.InternalClient)
	}
	for _, h := range hosts {
		if !h.IsValid() || s.isOwn(h) {
			continue
		}
		if h != o.host {
			return usagef("%s leads to another machine; --for %s allows to change it", before.MappingKey, h)
		}
		r.Foreign = true
	}
	return nil
}

type editResult struct {
	Before igd.Mapping `json:"before"`
	igd.Grant
}

func (s *session) showEdit(before igd.Mapping, grant igd.Grant) error {
	if s.options.json {
		if err := s.emit(editResult{before, grant}); err != nil {
			return err
		}
		return unverified([]igd.Grant{grant})
	}
	s.stdout.linef("was  %s", mappingLine(before))
	s.stdout.linef("now  %s", mappingLine(grant.Mapping))
	s.grantNotes([]igd.Grant{grant})
	return unverified([]igd.Grant{grant})
}

package cli

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"upnp/igd"
)

type applyOptions struct {
	prune  bool
	dryRun bool
	iKnow  bool
}

func applyCommand() *Command {
	o := &applyOptions{}
	return &Command{
		Usage: "apply FILE",
		Short: "make a file of mappings true",
		Long: `Opens the mappings of FILE (- is stdin) that the gateway lacks and changes those that differ.
Prints a line for each change: + opened, ~ changed, - closed. Leases are renewed once less than
half is left, so that running it again and again keeps the file true.

One mapping a line, as for add, then optional words:
  9542:8080/tcp lease=4h "web server"    # a comment
  4000-4010/both lease=0 remote-host=198.51.100.7 disabled

--prune also closes the mappings that lead to this machine and are not in FILE. Mappings of other
machines are never touched; a line for one is fine as long as it is true already.
upnp list --export writes such a file.`,
		Examples: [2]string{"upnp apply ports.txt --dry-run", "upnp apply ports.txt --prune"},
		Flags:    o.flags,
		Run:      o.run,
	}
}

func (o *applyOptions) flags(fs *flag.FlagSet) {
	fs.BoolVar(&o.prune, "prune", false, "close the mappings of this machine that are not in the file")
	fs.BoolVar(&o.dryRun, "dry-run", false, "only show the difference")
	fs.BoolVar(&o.iKnow, "i-know", false, "open even ports that attackers look for first")
}

func (o *applyOptions) run(ctx context.Context, s *session, args []string) error {
	if len(args) != 1 {
		return usagef("one file: upnp apply ports.txt, or - for stdin")
	}
	lines, err := o.read(s, args[0])
	if err != nil {
		return err
	}
	gw, err := s.open(ctx)
	if err != nil {
		return err
	}
	have := map[igd.MappingKey]igd.Mapping{}
	var order []igd.MappingKey
	err = s.eachMapping(ctx, gw, func(m igd.Mapping) {
		have[m.MappingKey] = m
		order = append(order, m.MappingKey)
	})
	if err != nil {
		return err
	}
	plan, err := s.plan(gw, args[0], lines, have)
	if err != nil {
		return err
	}
	if o.prune {
		plan = append(plan, s.surplus(lines, have, order)...)
	}
	return o.carryOut(ctx, s, gw, plan)
}

func (o *applyOptions) read(s *session, name string) ([]fileLine, error) {
	in := s.In
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, usagef("%s: %w", name, lastError(err))
		}
		defer f.Close()
		in = f
	}
	if in == nil {
		in = eof{}
	}
	lines, err := readMappings(in, name)
	if err != nil {
		return nil, err
	}
	for _, l := range lines {
		for _, m := range l.mappings() {
			if risk := riskOf(m.InternalPort); risk != "" && !o.iKnow {
				return nil, usagef("%s line %d: port %d is %s, which attackers look for first; --i-know opens it all the same", name, l.number, m.InternalPort, risk)
			}
		}
	}
	return lines, nil
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// A change is one step from the gateway's table to the file.
type change struct {
	Change  string       `json:"change"` // add, edit, delete
	Mapping igd.Mapping  `json:"mapping"`
	Before  *igd.Mapping `json:"before,omitempty"`
	Done    bool         `json:"done"`

	grant *igd.Grant
}

// plan compares the file with the table: what is missing, and what differs.
func (s *session) plan(gw *igd.Gateway, name string, lines []fileLine, have map[igd.MappingKey]igd.Mapping) ([]change, error) {
	var plan []change
	for _, l := range lines {
		for _, want := range l.mappings() {
			if !want.InternalClient.IsValid() {
				want.InternalClient = gw.LocalAddr()
			}
			now, there := have[want.MappingKey]
			foreign := !s.isOwn(want.InternalClient)
			switch {
			case there && alike(now, want):
			case there && !s.mine(now):
				return nil, failf("%s line %d: %s is taken by %s", name, l.number, want.MappingKey, describeHolder(now))
			case foreign:
				return nil, usagef("%s line %d: leads to another machine, %s: open it there, or with upnp add --for", name, l.number, want.InternalClient)
			case there:
				plan = append(plan, change{Change: "edit", Mapping: want, Before: &now})
			default:
				plan = append(plan, change{Change: "add", Mapping: want})
			}
		}
	}
	return plan, nil
}

// alike reports whether a mapping in the table is what the file wants.
func alike(now, want igd.Mapping) bool {
	return now.InternalClient == want.InternalClient && now.InternalPort == want.InternalPort &&
		now.Description == want.Description && now.Disabled == want.Disabled && leaseLasts(now.Lease, want.Lease)
}

// longest is the longest lease of IGD:2 routers, which is what they make of a permanent one.
const longest = 7 * 24 * time.Hour

// leaseLasts reports whether what is left of a lease need not be renewed yet.
func leaseLasts(left, want time.Duration) bool {
	if want == 0 {
		return left == 0 || left >= longest/2
	}
	return left >= want/2 && left <= want
}

// surplus are the mappings of this machine that the file lacks, in the table's order.
func (s *session) surplus(lines []fileLine, have map[igd.MappingKey]igd.Mapping, order []igd.MappingKey) []change {
	wanted := map[igd.MappingKey]bool{}
	for _, l := range lines {
		for _, m := range l.mappings() {
			wanted[m.MappingKey] = true
		}
	}
	var plan []change
	for _, k := range order {
		if m := have[k]; !wanted[k] && s.mine(m) {
			plan = append(plan, change{Change: "delete", Mapping: m})
		}
	}
	return plan
}

// carryOut makes the changes, or only shows them. A refused change does not keep the others
// from being made.
func (o *applyOptions) carryOut(ctx context.Context, s *session, gw *igd.Gateway, plan []change) error {
	var first *ExitError
	var grants []igd.Grant
	for i := range plan {
		c := &plan[i]
		if !o.dryRun {
			if err := c.make(ctx, s, gw); err != nil {
				e := s.explain(err)
				e.Err = fmt.Errorf("%s: %w", c.Mapping.MappingKey, e.Err)
				if first == nil {
					first = e
				} else if !s.options.json {
					s.complain(e)
				}
				if e.Code != exitRefused || ctx.Err() != nil {
					break
				}
				continue
			}
		}
		s.showChange(c)
		if c.grant != nil {
			grants = append(grants, *c.grant)
		}
	}
	switch {
	case first != nil:
		return withDone(first, plan)
	case s.options.json:
		if err := s.emit(append([]change{}, plan...)); err != nil {
			return err
		}
	case len(plan) == 0:
		s.note("nothing to change")
	}
	return unverified(grants)
}

// make carries out one change.
func (c *change) make(ctx context.Context, s *session, gw *igd.Gateway) error {
	if c.Change == "delete" {
		_, err := gw.Remove(ctx, c.Mapping.MappingKey)
		c.Done = err == nil
		return err
	}
	grant, err := gw.Map(ctx, igd.Wish{Mapping: c.Mapping})
	if err != nil {
		return err
	}
	c.grant, c.Done, c.Mapping = &grant, true, grant.Mapping
	return nil
}

func (s *session) showChange(c *change) {
	if s.options.json {
		return
	}
	sign, sgr := "+", green
	switch c.Change {
	case "edit":
		sign, sgr = "~", yellow
	case "delete":
		sign, sgr = "-", red
	}
	line := mappingLine(c.Mapping)
	if c.Before != nil {
		line += " (was " + mappingLine(*c.Before) + ")"
	}
	s.stdout.linef("%s %s", s.stdout.style(sgr, sign), line)
	if c.grant != nil {
		s.grantNotes([]igd.Grant{*c.grant})
	}
}

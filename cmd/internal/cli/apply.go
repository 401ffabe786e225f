package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"upnp/cmd/internal/notation"
	"upnp/cmd/internal/plain"
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
	table := notation.Table{Local: gw.LocalAddr(), Own: s.isOwn}
	err = s.eachMapping(ctx, gw, func(m igd.Mapping) { table.Mappings = append(table.Mappings, m) })
	if err != nil {
		return err
	}
	changes, err := table.Plan(args[0], lines)
	if err != nil {
		return fileError(err)
	}
	if o.prune {
		changes = append(changes, table.Surplus(lines)...)
	}
	plan := make([]change, len(changes))
	for i, c := range changes {
		plan[i].Change = c
	}
	return o.carryOut(ctx, s, gw, plan)
}

func (o *applyOptions) read(s *session, name string) ([]notation.Line, error) {
	in := s.In
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, usagef("%s: %w", name, plain.Innermost(err))
		}
		defer f.Close()
		in = f
	}
	if in == nil {
		in = eof{}
	}
	lines, err := notation.Read(in, name)
	if err != nil {
		return nil, fileError(err)
	}
	for _, l := range lines {
		for _, m := range l.Mappings() {
			if risk := notation.RiskOf(m.InternalPort); risk != "" && !o.iKnow {
				return nil, usagef("%s line %d: port %d is %s, which attackers look for first; --i-know opens it all the same", name, l.Number, m.InternalPort, risk)
			}
		}
	}
	return lines, nil
}

// fileError tells a wrong file from one that cannot be read or made true.
func fileError(err error) error {
	if _, wrong := errors.AsType[*notation.SyntaxError](err); wrong {
		return usagef("%w", err)
	}
	if _, foreign := errors.AsType[*notation.ForeignError](err); foreign {
		return usagef("%w, or with upnp add --for", err)
	}
	return failf("%w", err)
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// A change is one step from the gateway's table to the file.
type change struct {
	notation.Change
	Done  bool `json:"done"`
	grant *igd.Grant
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
		if err := s.emit(plan); err != nil {
			return err
		}
	case len(plan) == 0:
		s.note("nothing to change")
	}
	return unverified(grants)
}

// make carries out one change.
func (c *change) make(ctx context.Context, s *session, gw *igd.Gateway) error {
	if c.Change.Change == "delete" {
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
	switch c.Change.Change {
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

package cli

import (
	"context"
	"errors"
	"flag"
	"strconv"

	"upnp/cmd/internal/notation"
	"upnp/igd"
)

type listOptions struct{ export bool }

func listCommand() *Command {
	o := &listOptions{}
	return &Command{
		Usage: "list [--export]",
		Short: "the port mappings of the gateway",
		Long: `Prints every port mapping the gateway has, of all hosts, as it is read.

LEASE is what is left of it; a permanent mapping stays until somebody deletes it or the router
forgets it. FROM is the only host outside that may use the mapping, usually any.

--export writes a mappings file instead, which upnp apply reads back.`,
		Examples: [2]string{"upnp list", "upnp list --export"},
		Flags:    o.flags,
		Run:      o.run,
	}
}

func (o *listOptions) flags(fs *flag.FlagSet) {
	fs.BoolVar(&o.export, "export", false, "write a mappings file that apply reads back")
}

func (o *listOptions) run(ctx context.Context, s *session, args []string) error {
	if err := noArguments(args); err != nil {
		return err
	}
	gw, err := s.open(ctx)
	if err != nil {
		return err
	}
	switch {
	case s.options.json:
		return s.listJSON(ctx, gw)
	case o.export:
		return s.listExport(ctx, gw)
	}
	return s.listTable(ctx, gw)
}

func mappingTable(s *session) *table {
	return &table{p: s.stdout, limit: s.Columns, columns: []column{
		{head: "PROTO"}, {head: "EXTERNAL", right: true}, {head: "CLIENT", width: len("192.168.100.100")},
		{head: "PORT", width: 5, right: true}, {head: "ON", width: len("yes")}, {head: "LEASE", width: len("permanent")},
		{head: "FROM"}, {head: "DESCRIPTION"},
	}}
}

func mappingRow(m igd.Mapping) []string {
	on := "yes"
	if m.Disabled {
		on = "no"
	}
	from := m.RemoteHost
	if from == "" {
		from = "any"
	}
	return []string{
		string(m.Protocol), strconv.Itoa(int(m.ExternalPort)), m.Client(), strconv.Itoa(int(m.InternalPort)),
		on, leaseText(m.Lease), from, m.Description,
	}
}

// eachMapping calls do for every mapping of the gateway. An entry that cannot be read does not
// end the listing; it makes the list incomplete, which is the error at the end.
func (s *session) eachMapping(ctx context.Context, gw *igd.Gateway, do func(igd.Mapping)) error {
	var first error
	for m, err := range igd.Mappings(ctx, gw) {
		switch {
		case err == nil:
			do(m)
		case first == nil:
			first = err
		}
	}
	if errors.Is(first, igd.ErrTableChanged) {
		return failf("%w", igd.ErrTableChanged)
	}
	return first
}

func (s *session) listTable(ctx context.Context, gw *igd.Gateway) error {
	t := mappingTable(s)
	err := s.eachMapping(ctx, gw, func(m igd.Mapping) { t.row(mappingRow(m)...) })
	if err == nil && !t.begun {
		s.note("the gateway has no port mappings")
	}
	return err
}

func (s *session) listJSON(ctx context.Context, gw *igd.Gateway) error {
	all := []igd.Mapping{}
	if err := s.eachMapping(ctx, gw, func(m igd.Mapping) { all = append(all, m) }); err != nil {
		return withDone(s.explain(err), all)
	}
	return s.emit(all)
}

func (s *session) listExport(ctx context.Context, gw *igd.Gateway) error {
	return s.eachMapping(ctx, gw, func(m igd.Mapping) { s.stdout.linef("%s", notation.Export(m, s.mine)) })
}

// withDone adds to an error what was done, or read, all the same; nothing if that is nothing.
func withDone[T any](e *ExitError, done []T) *ExitError {
	if len(done) > 0 {
		e.Done = done
	}
	return e
}

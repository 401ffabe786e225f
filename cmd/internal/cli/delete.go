package cli

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"upnp/cmd/internal/notation"
	"upnp/igd"
)

type deleteOptions struct {
	allMine    bool
	yes        bool
	remoteHost string
}

func deleteCommand() *Command {
	o := &deleteOptions{}
	return &Command{
		Usage: "delete MAPPING... | --all-mine",
		Short: "close ports",
		Long: `Removes mappings and prints what was removed. MAPPING is EXT[-EXT][/PROTO]; TCP is meant if no
protocol is given. A mapping that is not there is no failure.

Before a mapping that leads to another machine is removed, you are asked, on a terminal and
without --yes.
--all-mine removes every mapping that leads to this machine, whoever made it.`,
		Examples: [2]string{"upnp delete 8080", "upnp delete --all-mine"},
		Flags:    o.flags,
		Run:      o.run,
	}
}

func (o *deleteOptions) flags(fs *flag.FlagSet) {
	fs.BoolVar(&o.allMine, "all-mine", false, "remove all mappings that lead to this machine")
	fs.BoolVar(&o.yes, "yes", false, "also those of other machines, without asking")
	fs.StringVar(&o.remoteHost, "remote-host", "", "the mappings are those for this remote host, `A`")
}

func (o *deleteOptions) run(ctx context.Context, s *session, args []string) error {
	keys, err := o.keys(args)
	if err != nil {
		return err
	}
	gw, err := s.open(ctx)
	if err != nil {
		return err
	}
	if o.allMine {
		if keys, err = s.ownKeys(ctx, gw); err != nil {
			return err
		}
	}
	removed := []igd.Mapping{}
	for _, k := range keys {
		m, gone, err := o.remove(ctx, s, gw, k)
		if err != nil {
			return withDone(s.explain(err), removed)
		}
		if gone {
			removed = append(removed, m)
			s.sayRemoved(m)
		}
	}
	if s.options.json {
		return s.emit(removed)
	}
	if len(removed) == 0 && o.allMine {
		s.note("no mapping leads to this machine")
	}
	return nil
}

func (s *session) sayRemoved(m igd.Mapping) {
	if !s.options.json {
		s.stdout.linef("removed %s", mappingLine(m))
	}
}

// keys are the mappings the arguments name.
func (o *deleteOptions) keys(args []string) ([]igd.MappingKey, error) {
	switch {
	case o.allMine && len(args) > 0:
		return nil, usagef("%q: --all-mine takes no mapping", args[0])
	case !o.allMine && len(args) == 0:
		return nil, usagef("which mapping? upnp delete 9542/udp, or --all-mine")
	}
	var keys []igd.MappingKey
	for _, arg := range args {
		m, err := notation.ParseKey(arg)
		if err != nil {
			return nil, usagef("%q: %w", arg, err)
		}
		for _, k := range m.Keys() {
			k.RemoteHost = o.remoteHost
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// ownKeys are all mappings that lead to this machine.
func (s *session) ownKeys(ctx context.Context, gw *igd.Gateway) ([]igd.MappingKey, error) {
	var keys []igd.MappingKey
	err := s.eachMapping(ctx, gw, func(m igd.Mapping) {
		if s.mine(m) {
			keys = append(keys, m.MappingKey)
		}
	})
	return keys, err
}

// remove closes one port; gone is false if there was nothing to close.
func (o *deleteOptions) remove(ctx context.Context, s *session, gw *igd.Gateway, k igd.MappingKey) (m igd.Mapping, gone bool, err error) {
	m, err = gw.Find(ctx, k)
	if errors.Is(err, igd.ErrNoSuchEntry) {
		s.note("no mapping %s, nothing to remove", k)
		return m, false, nil
	}
	if err != nil {
		return m, false, err
	}
	if !s.mine(m) && !o.yes && s.InTerminal && s.ErrTerminal {
		if err := s.confirm(ctx, m); err != nil {
			return m, false, err
		}
	}
	_, err = gw.Remove(ctx, m.MappingKey)
	if errors.Is(err, igd.ErrNoSuchEntry) {
		err = nil // it ended by itself in between
	}
	return m, err == nil, err
}

// confirm asks before another machine's mapping goes.
func (s *session) confirm(ctx context.Context, m igd.Mapping) error {
	yes, err := s.ask(ctx, fmt.Sprintf("%s leads to another machine: %s. Remove it?", m.MappingKey, mappingLine(m)))
	if err == nil && !yes {
		err = failf("%s stays", m.MappingKey)
	}
	return err
}

// ask has a question answered on the terminal; anything but a yes is a no.
func (s *session) ask(ctx context.Context, question string) (yes bool, err error) {
	fmt.Fprintf(s.Err, "%s [y/N] ", clean(question))
	answer, err := readLine(ctx, s.In)
	if err != nil && err != io.EOF {
		return false, err
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes", nil
}

// readLine reads a line, or gives up when ctx ends. A reader that blocks for ever is then left
// to the end of the process, which is near.
func readLine(ctx context.Context, r io.Reader) (string, error) {
	type result struct {
		line string
		err  error
	}
	got := make(chan result, 1)
	go func() {
		line, err := bufio.NewReader(io.LimitReader(r, 1<<10)).ReadString('\n')
		got <- result{line, err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case r := <-got:
		return r.line, r.err
	}
}

package cli

import (
	"context"
	"flag"
)

func helpCommand() *Command {
	return &Command{
		Usage:    "help [VERB]",
		Short:    "what there is, and how it is used",
		Long:     `Prints the verbs and the flags that all of them have, or all about one verb.`,
		Examples: [2]string{"upnp help", "upnp help add"},
		Run:      runHelp,
	}
}

func runHelp(_ context.Context, s *session, args []string) error {
	switch len(args) {
	case 0:
		return s.overview()
	case 1:
		c, ok := find(args[0])
		if !ok {
			return usagef("no verb %q%s", args[0], nearest(args[0], verbNames()))
		}
		return s.help(c)
	}
	return usagef("one verb at a time")
}

// overview prints the verbs and the global flags.
func (s *session) overview() error {
	s.paint()
	p := s.stdout
	p.linef("upnp opens ports on your router, and shows what the router says.")
	p.linef("")
	p.linef("%s upnp VERB [ARGUMENT...] [FLAG...], in any order after the verb", p.style(bold, "usage:"))
	p.linef("")
	p.linef("%s", p.style(bold, "verbs:"))
	for _, c := range commands() {
		p.linef("  %s %s", pad(c.Name(), 12, false), c.Short)
	}
	p.linef("")
	p.linef("%s", p.style(bold, "flags of every verb, before or after it:"))
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	(&options{}).declare(fs)
	s.printFlags(fs)
	p.linef("")
	p.linef("%s 0 done, 1 failed, 2 wrong usage, 3 no gateway found, 4 the gateway refused,", p.style(bold, "exit codes:"))
	p.linef("  5 done but not verified, 130 interrupted")
	p.linef("")
	p.linef("`upnp help add` tells all about a verb. Without a router at hand: upnp demo, or --emulated.")
	return nil
}

// help prints all about one verb.
func (s *session) help(c *Command) error {
	s.paint()
	p := s.stdout
	p.linef("%s upnp %s", p.style(bold, "usage:"), c.Usage)
	p.linef("")
	p.linef("%s", styled(c.Long))
	if c.Flags != nil {
		p.linef("")
		p.linef("%s (and those of every verb, see upnp help)", p.style(bold, "flags:"))
		fs := flag.NewFlagSet("", flag.ContinueOnError)
		c.Flags(fs)
		s.printFlags(fs)
	}
	p.linef("")
	p.linef("%s", p.style(bold, "examples:"))
	for _, e := range c.Examples {
		p.linef("  %s", e)
	}
	return nil
}

// printFlags prints what each flag is for, aligned.
func (s *session) printFlags(fs *flag.FlagSet) {
	longest := 0
	fs.VisitAll(func(f *flag.Flag) { longest = max(longest, len(flagSynopsis(f))) })
	fs.VisitAll(func(f *flag.Flag) {
		_, usage := flag.UnquoteUsage(f)
		s.stdout.linef("  %s  %s", pad(flagSynopsis(f), longest, false), usage)
	})
}

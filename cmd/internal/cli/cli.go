// Package cli is the command upnp: its verbs, what they print and how they end.
//
// A verb is a struct of options with a method that declares them as flags and a method that runs,
// in the file that bears its name. Everything a verb touches comes from its session: the streams,
// the network, the gateway.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Command is one verb.
type Command struct {
	Usage    string    // as typed after "upnp", the verb first
	Short    string    // one line for the overview
	Long     string    // paragraphs for its help
	Examples [2]string // command lines that run as they stand; the help ends with them

	// Flags declares the verb's own flags; nil means it has none.
	Flags func(*flag.FlagSet)
	// Run does the verb's work. Arguments come without the flags.
	Run func(ctx context.Context, s *session, args []string) error
}

// Name is the verb.
func (c *Command) Name() string {
	name, _, _ := strings.Cut(c.Usage, " ")
	return name
}

// commands lists the verbs in the order of the overview.
func commands() []*Command {
	return []*Command{
		discoverCommand(), infoCommand(), ipCommand(), listCommand(),
		addCommand(), editCommand(), deleteCommand(), applyCommand(),
		pinholeCommand(), connectionCommand(),
		watchCommand(), keepCommand(), uiCommand(),
		checkCommand(), probeServerCommand(), doctorCommand(),
		devicesCommand(), describeCommand(), callCommand(), subscribeCommand(),
		emulateCommand(), wireCommand(), demoCommand(),
		completionCommand(), versionCommand(), helpCommand(),
	}
}

func find(name string) (*Command, bool) {
	all := commands()
	i := slices.IndexFunc(all, func(c *Command) bool { return c.Name() == name })
	if i < 0 {
		return nil, false
	}
	return all[i], true
}

// Main runs one command line, without the program's name, and returns the exit code.
func Main(ctx context.Context, args []string, streams Streams) int {
	s := newSession(streams)
	defer s.close()
	return s.finish(ctx, s.main(ctx, args))
}

// main finds the verb among the global flags, reads its flags and arguments, and runs it.
func (s *session) main(ctx context.Context, args []string) error {
	s.options.json = asksJSON(args)
	rest, err := s.verb(args)
	if err != nil || s.command == nil {
		return err
	}
	fs := s.flagSet(s.command)
	positional, _, err := parseFlags(fs, rest, false)
	if errors.Is(err, flag.ErrHelp) {
		return s.help(s.command)
	}
	if err != nil {
		return err
	}
	if err := checkGateway(s.options.gateway); err != nil {
		return err
	}
	s.paint()
	return s.run(ctx, positional)
}

// verb reads the global flags that stand before the verb, and the verb. Without an error it
// leaves no command only after printing help.
func (s *session) verb(args []string) (rest []string, err error) {
	words, rest, err := parseFlags(s.flagSet(nil), args, true)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return nil, s.overview()
	case err != nil:
		return nil, err
	case len(words) == 0:
		return nil, usagef("what shall it do? `upnp help` lists the verbs")
	}
	command, ok := find(words[0])
	if !ok {
		return nil, usagef("no verb %q%s", words[0], nearest(words[0], verbNames()))
	}
	s.command = command
	return rest, nil
}

func (s *session) flagSet(c *Command) *flag.FlagSet {
	fs := flag.NewFlagSet("upnp", flag.ContinueOnError)
	s.options.declare(fs)
	if c != nil && c.Flags != nil {
		c.Flags(fs)
	}
	return fs
}

func (s *session) run(ctx context.Context, args []string) error {
	if d := s.options.timeout; d > 0 {
		s.deadline = time.Now().Add(d)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d, errTimeout{d})
		defer cancel()
	}
	return s.command.Run(ctx, s, args)
}

func verbNames() []string {
	var names []string
	for _, c := range commands() {
		names = append(names, c.Name())
	}
	return names
}

// noArguments is the check of verbs that take none.
func noArguments(args []string) error {
	if len(args) > 0 {
		return usagef("%q: this verb takes no argument", args[0])
	}
	return nil
}

// nearest suggests the candidate a mistyped word may have meant, or nothing.
func nearest(word string, candidates []string) string {
	best, distance := "", 3
	for _, c := range candidates {
		if d := editDistance(word, c); d < distance {
			best, distance = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", best)
}

// editDistance counts the letters to insert, remove or replace between two short words.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

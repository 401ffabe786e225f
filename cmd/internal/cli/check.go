package cli

import (
	"context"
	"flag"

	"upnp/cmd/internal/notation"
	"upnp/igd"
	"upnp/igd/reach"
)

type checkOptions struct {
	serve  bool
	open   bool
	probes []string
}

func checkCommand() *Command {
	o := &checkOptions{}
	return &Command{
		Usage: "check MAPPING",
		Short: "is a port really open?",
		Long: `Finds out whether a port is really open, and prints five verdicts with their reasons:

  local    something listens at the inner end
  mapped   the router's table has the mapping, enabled, and it leads there
  public   the router's own address is one of the Internet
  hairpin  the router loops a connection to that address back; no proof, whatever comes of it
  outside  somebody on the Internet, a probe, connects and arrives

and then "open": yes, no or unknown. MAPPING is EXT[/PROTO], or EXT:[HOST:]INT[/PROTO] to check that
it leads there and nowhere else.

--serve    a small server takes the place of the program that is to be reached, which must not run
           meanwhile. It knows a number that is told to the probe only. When that arrives, or over TCP
           a connection from the probe, the port is open: "yes" is said for nothing less, and so never
           without --serve. The server ends with the command.
--map      opens the port for as long as the check takes, if the router's table does not have it
--probe    asks the web service at URL to look from outside; may be given several times: they are
           asked in turn until one has proven it. http://HOST:9543 is a host where upnp probe-server
           runs. In any other URL {address} {port} {protocol} {nonce} stand for what to look at, as in
           https://echoip.example/port/{port} or http://fetch.example/?http://{address}:{port}/r/{nonce}.
           Without --probe those in the file probes.txt are asked, a URL a line, in $UPNP_CONFIG or
           in the folder upnp of your configurations (~/.config/upnp). Nobody else is ever asked.

The exit code is 0 for yes, 1 for no, and 5 for unknown.`,
		Examples: [2]string{"upnp check 8080", "upnp check 9542 --serve --map --json"},
		Flags:    o.flags,
		Run:      o.run,
	}
}

func (o *checkOptions) flags(fs *flag.FlagSet) {
	fs.BoolVar(&o.serve, "serve", false, "bring a test server to where the mapping leads")
	fs.BoolVar(&o.open, "map", false, "open the port meanwhile, if it is not open")
	fs.Func("probe", "have the web service at `URL` look from outside; may be repeated", func(url string) error {
		o.probes = append(o.probes, url)
		return nil
	})
}

func (o *checkOptions) run(ctx context.Context, s *session, args []string) error {
	want, err := o.wanted(args)
	if err != nil {
		return err
	}
	if _, err := s.net(ctx); err != nil {
		return err
	}
	probes, err := s.asked(o.probes)
	if err != nil {
		return err
	}
	gw, err := s.open(ctx)
	if err != nil {
		return err
	}
	if o.open {
		closePort, err := s.openMeanwhile(ctx, gw, want)
		if err != nil {
			return err
		}
		defer closePort()
	}
	report, err := s.look(ctx, gw, want, reach.Checker{Probes: probes, Serve: o.serve})
	if err != nil {
		return err
	}
	return o.conclude(s, report, len(probes) > 0)
}

// look checks a mapping and prints each finding.
func (s *session) look(ctx context.Context, gw *igd.Gateway, want igd.Mapping, c reach.Checker) (*reach.Report, error) {
	v := &verdicts{session: s, findings: map[reach.Look]reach.Finding{}}
	c.Network, c.Found = s.network, v.found
	v.wait()
	defer v.done()
	return c.Check(ctx, gw, want)
}

// wanted is the one mapping that the argument names.
func (o *checkOptions) wanted(args []string) (igd.Mapping, error) {
	if len(args) != 1 {
		return igd.Mapping{}, usagef("which port? upnp check 9542, or 9542/udp, one at a time")
	}
	m, err := notation.Parse(args[0])
	switch {
	case err != nil:
		return igd.Mapping{}, usagef("%q: %w", args[0], err)
	case !m.Single():
		return igd.Mapping{}, usagef("%q: one port and one protocol at a time", args[0])
	}
	want := m.Mappings()[0]
	if !m.Target {
		want.InternalPort = 0
	}
	return want, nil
}

// asked are the probes to ask: those that are named, or else those of the file.
func (s *session) asked(templates []string) ([]reach.Probe, error) {
	if len(templates) == 0 {
		return s.fileProbes()
	}
	var all []reach.Probe
	for _, template := range templates {
		p, err := s.probe(template)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// errNotOpen ends a check whose answer is no; all has been said.
var errNotOpen = &ExitError{Code: exitFailed, Kind: "closed"}

// conclude prints the answer and makes it the exit code.
func (o *checkOptions) conclude(s *session, r *reach.Report, asked bool) error {
	if s.options.json {
		if err := s.emit(r); err != nil {
			return err
		}
	}
	switch r.Open {
	case reach.Yes:
		s.sayOpen(green, "yes", "")
		return nil
	case reach.No:
		s.sayOpen(red, "no", "")
		return errNotOpen
	}
	s.sayOpen(yellow, "unknown", o.advice(r, asked))
	return &ExitError{Code: exitUnverified, Kind: "unverified"}
}

// advice is what would tell more.
func (o *checkOptions) advice(r *reach.Report, asked bool) string {
	switch {
	case !asked:
		return "a --probe would tell"
	case !o.serve:
		return "--serve would tell"
	}
	return ""
}

func (s *session) sayOpen(colour, answer, advice string) {
	if s.options.json {
		return
	}
	s.stdout.linef("%-8s %s", "open", s.stdout.style(colour, answer)+styled(onlyIf("; ", advice)))
}

package cli

import (
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"upnp/cmd/internal/notation"
	"upnp/igd"
)

// options are the flags every verb has.
type options struct {
	gateway  string
	iface    string
	timeout  time.Duration
	json     bool
	verbose  bool
	wire     string
	wireSize int64
	redact   bool
	emulated emulatedFlag
	color    string
	noCache  bool
}

// declare adds the global flags to fs. Called again for the verb's own set, it keeps what was
// read before the verb.
func (o *options) declare(fs *flag.FlagSet) {
	fs.StringVar(&o.gateway, "gateway", o.gateway, "go straight there, no search: `URL|IP|UDN`")
	fs.StringVar(&o.iface, "interface", o.iface, "search only on the interface `NAME`")
	fs.Var(durationFlag{&o.timeout}, "timeout", "give up, or stop listening, after `D` (5s, 2m)")
	fs.BoolVar(&o.json, "json", o.json, "JSON on stdout, errors too")
	fs.BoolVar(&o.verbose, "v", o.verbose, "a line on stderr for every message sent and received")
	fs.StringVar(&o.wire, "wire", o.wire, "write the exact bytes, both directions, to `FILE|-`; - is stderr")
	fs.Var(sizeFlag{&o.wireSize}, "wire-size", "a new FILE at `SIZE`, 64M if not given; full ones become FILE.1 to FILE.3")
	fs.BoolVar(&o.redact, "redact", o.redact, "in --wire and -v, stand-ins for public addresses and what else names a device")
	fs.Var(&o.emulated, "emulated", "talk to a fresh emulated router; =NAME,... picks its profile and quirks")
	fs.Var(choiceFlag{&o.color, []string{"auto", "always", "never"}}, "color", "use colours: `auto|always|never`; NO_COLOR turns auto off")
	fs.BoolVar(&o.noCache, "no-cache", o.noCache, "forget what is remembered of routers, and remember nothing")
}

// checkGateway refuses what can be neither a description's URL, an address nor a UDN.
func checkGateway(target string) error {
	if target == "" || igd.CheckTarget(target) == nil {
		return nil
	}
	return usagef("--gateway %q: want a URL (http://192.168.1.1:5000/rootDesc.xml, no host name), an address or a UDN (uuid:...)", target)
}

// parseFlags reads flags and words in any order; "--" ends the flags. With first it stops after
// the first word and returns what follows.
func parseFlags(fs *flag.FlagSet, args []string, first bool) (words, rest []string, err error) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			return append(words, args...), nil, nil
		case arg == "-" || !strings.HasPrefix(arg, "-"):
			words = append(words, arg)
			if first {
				return words, args, nil
			}
		default:
			if args, err = parseFlag(fs, arg, args); err != nil {
				return nil, nil, err
			}
		}
	}
	return words, nil, nil
}

// parseFlag sets one flag, taking its value from rest if it needs one and has none, and returns
// what is left.
func parseFlag(fs *flag.FlagSet, arg string, rest []string) ([]string, error) {
	name, value, hasValue := strings.Cut(strings.TrimPrefix(arg[1:], "-"), "=")
	if name == "h" || name == "help" {
		return nil, flag.ErrHelp
	}
	f := fs.Lookup(name)
	if f == nil {
		return nil, usagef("unknown flag %s%s", arg, nearestFlag(fs, name))
	}
	switch {
	case hasValue:
	case isBool(f):
		value = "true"
	case len(rest) == 0:
		return nil, usagef("%s needs a value: %s", arg, flagSynopsis(f))
	default:
		value, rest = rest[0], rest[1:]
	}
	if err := f.Value.Set(value); err != nil {
		return nil, usagef("%s %q: %v", dashed(name), value, plainFlagError(err))
	}
	return rest, nil
}

// plainFlagError rewords what the standard flag values say of a bad boolean.
func plainFlagError(err error) error {
	if err.Error() == "parse error" {
		return errors.New("takes no value")
	}
	return err
}

func isBool(f *flag.Flag) bool {
	b, ok := f.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

// dashed is a flag as it is written: -v, --json.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// flagSynopsis is a flag with its value's name, as in --lease D.
func flagSynopsis(f *flag.Flag) string {
	value, _ := flag.UnquoteUsage(f)
	if isBool(f) || value == "" {
		return dashed(f.Name)
	}
	return dashed(f.Name) + " " + value
}

func nearestFlag(fs *flag.FlagSet, name string) string {
	var names []string
	fs.VisitAll(func(f *flag.Flag) { names = append(names, dashed(f.Name)) })
	return nearest(dashed(name), names)
}

// asksJSON finds --json on a command line that may be wrong elsewhere, so that the error about
// it is JSON too.
func asksJSON(args []string) bool {
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	return slices.Contains(args, "--json") || slices.Contains(args, "-json")
}

// durationFlag is a length of time above zero.
type durationFlag struct{ d *time.Duration }

func (f durationFlag) String() string { return "" }

func (f durationFlag) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return errors.New("want a duration such as 5s or 2m")
	}
	*f.d = d
	return nil
}

// choiceFlag is one of a few words.
type choiceFlag struct {
	value   *string
	choices []string
}

func (f choiceFlag) String() string { return "" }

func (f choiceFlag) Set(s string) error {
	if !slices.Contains(f.choices, s) {
		return fmt.Errorf("want one of %s", strings.Join(f.choices, ", "))
	}
	*f.value = s
	return nil
}

// countFlag is a number from 1.
type countFlag struct{ n *int }

func (f countFlag) String() string { return "" }

func (f countFlag) Set(s string) error {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 1 {
		return errors.New("want a number from 1")
	}
	*f.n = int(n)
	return nil
}

// sizeFlag is a number of bytes, with k, M or G for powers of 1024.
type sizeFlag struct{ size *int64 }

func (f sizeFlag) String() string { return "" }

func (f sizeFlag) Set(s string) error {
	number, shift := s, 0
	if i := strings.IndexAny(s, "kKMG"); i > 0 && i == len(s)-1 {
		number, shift = s[:i], map[byte]int{'k': 10, 'K': 10, 'M': 20, 'G': 30}[s[i]]
	}
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil || n <= 0 {
		return errors.New("want a size such as 500k or 64M")
	}
	*f.size = n << shift
	return nil
}

// leaseFlag is how long a mapping shall live: a duration or a number of seconds; 0 or
// "permanent" for ever.
type leaseFlag struct {
	lease *time.Duration
	set   *bool // told when the flag was given; may be nil
}

func (f leaseFlag) String() string { return "" }

func (f leaseFlag) Set(s string) error {
	d, err := notation.ParseLease(s)
	if err != nil {
		return err
	}
	*f.lease = d
	if f.set != nil {
		*f.set = true
	}
	return nil
}

// portFlag is a port number, kept as nil until it is given.
type portFlag struct{ port **uint16 }

func (f portFlag) String() string { return "" }

func (f portFlag) Set(s string) error {
	port, err := notation.ParsePort(s)
	if err != nil {
		return err
	}
	*f.port = &port
	return nil
}

// addrFlag is the address of a host.
type addrFlag struct{ addr *netip.Addr }

func (f addrFlag) String() string { return "" }

func (f addrFlag) Set(s string) error {
	addr, err := notation.ParseHost(strings.Trim(s, "[]"))
	if err != nil {
		return err
	}
	*f.addr = addr
	return nil
}

// listFlag collects the values of a flag that may be repeated.
type listFlag struct{ values *[]string }

func (f listFlag) String() string { return "" }

func (f listFlag) Set(s string) error {
	*f.values = append(*f.values, strings.Split(s, ",")...)
	return nil
}

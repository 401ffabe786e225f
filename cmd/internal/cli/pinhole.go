package cli

import (
	"cmp"
	"context"
	"flag"
	"net/netip"
	"slices"
	"strings"
	"time"

	"upnp/cmd/internal/notation"
	"upnp/igd"
)

type pinholeOptions struct {
	lease      time.Duration
	remoteHost string
	remotePort *uint16
	host       netip.Addr
	iKnow      bool
	all        bool
}

func pinholeCommand() *Command {
	o := &pinholeOptions{lease: notation.DefaultLease}
	return &Command{
		Usage: "pinhole add|update|delete|check|list [PINHOLE...]",
		Short: "let IPv6 traffic in through the router's firewall",
		Long: `Opens the router's IPv6 firewall for a port of this machine. Nothing is translated as with add:
who comes in uses this machine's own address and port.

PINHOLE is [[HOST]:]PORT[/PROTO]:
  8080                this machine's TCP 8080
  8080/both           TCP and UDP
  [2001:db8::20]:22   another machine's; needs --for 2001:db8::20

add     opens pinholes, or extends their leases
update  extends the leases of pinholes that are open
delete  closes them; --all closes all that are known
check   asks the router whether they work, all that are known if none is named
list    shows the firewall, and all that are known

No router can list its pinholes. Those made here are noted in a file and known by it; a pinhole
ends with its lease, a day at most, and with a restart of the router. upnp keep --pinhole keeps
one open.`,
		Examples: [2]string{"upnp pinhole add 8080", "upnp pinhole list"},
		Flags:    o.flags,
		Run:      o.run,
	}
}

func (o *pinholeOptions) flags(fs *flag.FlagSet) {
	fs.Var(leaseFlag{&o.lease, nil}, "lease", "how long they live: `D` is 1h (the default), 90m, ..., 24h at most")
	fs.StringVar(&o.remoteHost, "remote-host", "", "only the host at this IPv6 address outside, `A`, may come in")
	fs.Var(portFlag{&o.remotePort}, "remote-port", "only from the port `P` outside")
	fs.Var(addrFlag{&o.host}, "for", "for another machine, the one at `ADDR`")
	fs.BoolVar(&o.iKnow, "i-know", false, "open even a port that attackers look for first")
	fs.BoolVar(&o.all, "all", false, "delete: close all that are known")
}

// pinholeActions are the words after the verb.
var pinholeActions = []string{"add", "update", "delete", "check", "list"}

func (o *pinholeOptions) run(ctx context.Context, s *session, args []string) error {
	if len(args) == 0 {
		return usagef("what about pinholes? %s", strings.Join(pinholeActions, ", "))
	}
	action, rest := args[0], args[1:]
	if !slices.Contains(pinholeActions, action) {
		return usagef("no action %q%s", action, nearest(action, pinholeActions))
	}
	holes, err := o.holes(action, rest)
	if err != nil {
		return err
	}
	if _, err := s.net(ctx); err != nil {
		return err
	}
	if action == "add" {
		if err := o.checkHosts(s, holes); err != nil {
			return err
		}
	}
	gw, err := s.open(ctx)
	if err != nil {
		return err
	}
	w := &pinholeWork{session: s, gw: gw, ledger: s.ledger(), lease: o.lease}
	return w.do(ctx, action, holes)
}

// holes are the pinholes that the arguments name, checked before anything is sent.
func (o *pinholeOptions) holes(action string, args []string) ([]igd.Pinhole, error) {
	if err := o.check(action, args); err != nil {
		return nil, err
	}
	var all []igd.Pinhole
	for _, arg := range args {
		holes, err := notation.ParsePinhole(arg)
		if err != nil {
			return nil, usagef("%q: %w", arg, err)
		}
		for _, p := range holes {
			if risk := notation.RiskOf(p.InternalPort); action == "add" && risk != "" && !o.iKnow {
				return nil, usagef("%q: port %d is %s, which attackers look for first; --i-know opens it all the same", arg, p.InternalPort, risk)
			}
			if o.host.IsValid() && p.InternalClient.IsValid() && p.InternalClient != o.host {
				return nil, usagef("%q: names host %s, but --for names %s", arg, p.InternalClient, o.host)
			}
			p.InternalClient = cmp.Or(p.InternalClient, o.host)
			p.Lease, p.RemoteHost = o.lease, o.remoteHost
			if o.remotePort != nil {
				p.RemotePort = *o.remotePort
			}
			all = append(all, p)
		}
	}
	return all, nil
}

// check is what is wrong with the options, or with the number of arguments.
func (o *pinholeOptions) check(action string, args []string) error {
	remote, err := netip.ParseAddr(o.remoteHost)
	switch {
	case o.remoteHost != "" && (err != nil || !remote.Is6()):
		return usagef("--remote-host %q: not an IPv6 address", o.remoteHost)
	case o.lease == 0:
		return usagef("--lease 0: no pinhole is permanent; 24h is the longest")
	case o.lease > igd.MaxPinholeLease:
		return usagef("--lease: a pinhole lives 24h at most; upnp keep --pinhole keeps one open for longer")
	case o.all && (action != "delete" || len(args) > 0):
		return usagef("--all is for upnp pinhole delete without a pinhole")
	case action == "list" && len(args) > 0:
		return usagef("%q: list takes no pinhole", args[0])
	case len(args) == 0 && (action == "add" || action == "update" || action == "delete" && !o.all):
		return usagef("which pinhole? upnp pinhole %s 8080; `upnp help pinhole` tells all", action)
	}
	return nil
}

// checkHosts allows another host only if --for named it and it is on a network of this machine
// (SECURITY D1).
func (o *pinholeOptions) checkHosts(s *session, holes []igd.Pinhole) error {
	for _, p := range holes {
		switch host := p.InternalClient; {
		case !host.IsValid() || s.isOwn(host):
		case host != o.host:
			return usagef("%s opens a port of another machine; --for %s allows it", p, host)
		case !host.Is6():
			return usagef("--for %s: not an IPv6 address", host)
		case !s.onLink(host):
			return usagef("--for %s: not on a network of this machine", host)
		}
	}
	return nil
}

// ledger is where pinholes are noted.
func (s *session) ledger() *igd.Ledger {
	return &igd.Ledger{Path: s.statePath("pinholes.json")}
}

package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"syscall"

	"upnp/cmd/internal/plain"
	"upnp/igd/reach"
)

type probeServerOptions struct {
	listen  string
	private bool
	proxies []netip.Prefix
}

func probeServerCommand() *Command {
	o := &probeServerOptions{listen: fmt.Sprintf(":%d", reach.DefaultProbePort)}
	return &Command{
		Usage: "probe-server",
		Short: "look at other people's ports, for check",
		Long: `The outside half of check, for a host of yours on the Internet. Who asks it over HTTP for

  /port/9542?protocol=tcp&nonce=00112233445566778899aabbccddeeff

is connected back to at that port, over TCP or UDP, and told in JSON what came of it, as by an echoip
server: {"ip": ..., "port": ..., "reachable": ...}. In check, --probe http://THIS-HOST:9543 asks it.

It connects to nothing but the address the question comes from, so it cannot be used to look at
anybody else; never to private or reserved addresses, and never to itself. Each asker gets 30 looks a
minute at 16 different ports in ten minutes; over UDP it sends no more than it was sent. It prints a
line for each look and each refusal, a few per asker. It needs no rights and keeps nothing.

--trust-proxy names the address, or network, of a web proxy in front of it: then the last address in
the X-Forwarded-For that this proxy sends is the asker's. Nobody else's header is believed.`,
		Examples: [2]string{"upnp probe-server --timeout 10m", "upnp probe-server --listen 192.168.1.2:9543 --json --timeout 10m"},
		Flags:    o.flags,
		Run:      o.run,
	}
}

func (o *probeServerOptions) flags(fs *flag.FlagSet) {
	fs.StringVar(&o.listen, "listen", o.listen, "where to be asked, `ADDR:PORT`")
	fs.BoolVar(&o.private, "allow-private", false, "look at private and reserved addresses too, on a network of your own")
	fs.Func("trust-proxy", "believe the X-Forwarded-For of the proxy at `ADDR`; may be repeated", func(s string) error {
		p, err := netip.ParsePrefix(s)
		if addr, e := netip.ParseAddr(s); e == nil {
			p, err = addr.Unmap().Prefix(addr.Unmap().BitLen())
		}
		if err != nil {
			return errors.New("want an address or a network, such as 10.0.0.0/24")
		}
		o.proxies = append(o.proxies, p)
		return nil
	})
}

func (o *probeServerOptions) run(ctx context.Context, s *session, args []string) error {
	if err := noArguments(args); err != nil {
		return err
	}
	n, err := s.net(ctx)
	if err != nil {
		return err
	}
	p := &lookPrinter{session: s}
	server := reach.ProbeServer{
		Network: n, Addr: o.listen, AllowPrivate: o.private, Proxies: o.proxies, Looked: p.print,
		Ready: func(at netip.AddrPort) { s.stderr.linef("listening at %s; ^C ends it", at) },
	}
	err = server.Serve(ctx)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return failf("--listen %s: something listens there already", o.listen)
	case err != nil:
		return failf("--listen %s: %v", o.listen, plain.Innermost(err))
	}
	return interrupted(ctx)
}

// A lookPrinter prints what a probe server does.
type lookPrinter struct {
	*session
	mu sync.Mutex
}

func (p *lookPrinter) print(l reach.Looked) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.options.json {
		p.emitLine(l)
		return
	}
	what := "-"
	if l.Port != 0 {
		what = fmt.Sprintf("%d/%s", l.Port, strings.ToLower(string(l.Protocol)))
	}
	p.stdout.linef("%s  %-15s  %-9s  %s", p.stdout.style(dim, l.Time.Format("15:04:05")), l.From, what, p.outcome(l))
	p.stdout.w.Flush()
}

func (p *lookPrinter) outcome(l reach.Looked) styled {
	var text styled
	switch {
	case l.Refused != "":
		text = p.stdout.style(yellow, "refused: "+l.Refused)
	case l.Reachable:
		text = p.stdout.style(green, "reachable")
	default:
		text = "not reachable"
	}
	if l.Suppressed > 0 {
		text += styled(fmt.Sprintf(" (and %d times more before)", l.Suppressed))
	}
	return text
}

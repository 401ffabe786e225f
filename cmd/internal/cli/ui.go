package cli

import (
	"context"
	"flag"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"runtime"

	"upnp/cmd/internal/web"
)

type uiOptions struct {
	listen string
	noOpen bool
	assets string
	probes []string
	iKnow  bool
}

func uiCommand() *Command {
	o := &uiOptions{}
	return &Command{
		Usage: "ui",
		Short: "a page in the browser: mappings, messages, devices",
		Long: `Serves a page on this machine, prints its address, and opens it in the browser if there is one.
It shows the gateway and its mappings as they change, opens and closes ports, says whether a port
is really open, and lays bare every message and every UPnP device. It ends with ^C, or after
--timeout.

The address bears a secret, new each time, without which nobody can use the page: keep it to
yourself. Nothing on the page is fetched from elsewhere.

With --emulated the page is about an emulated router, with its quirks as switches.`,
		Examples: [2]string{"upnp ui", "upnp ui --emulated --no-open --timeout 1s"},
		Flags:    o.flags,
		Run:      o.run,
	}
}

func (o *uiOptions) flags(fs *flag.FlagSet) {
	fs.StringVar(&o.listen, "listen", "", "serve at `ADDR:PORT` instead of a free port of 127.0.0.1")
	fs.BoolVar(&o.noOpen, "no-open", false, "only print the address")
	fs.StringVar(&o.assets, "assets", "", "serve the page's files from the folder `DIR`, for working on them")
	fs.Func("probe", "have the web service at `URL` look from outside, as for check; may be repeated", func(url string) error {
		o.probes = append(o.probes, url)
		return nil
	})
	fs.BoolVar(&o.iKnow, "i-know", false, "listen even where others can connect, and see what passes")
}

// uiAddress is what ui --json prints.
type uiAddress struct {
	URL string `json:"url"`
}

func (o *uiOptions) run(ctx context.Context, s *session, args []string) error {
	if err := noArguments(args); err != nil {
		return err
	}
	server, err := o.server(ctx, s)
	if err != nil {
		return err
	}
	server.Ready = func(url string) {
		if s.options.json {
			s.emitLine(uiAddress{url})
		} else {
			s.stdout.linef("%s", url)
			s.stdout.w.Flush()
			s.note("the page is for this address only, with its secret; ^C ends it")
			if !server.Listen.Addr().IsLoopback() && server.Listen.IsValid() {
				s.note("others on that network can connect, and read what passes, the secret included")
			}
		}
		if !o.noOpen && s.OutTerminal {
			s.browse(url)
		}
	}
	if err := server.Serve(ctx); err != nil {
		return failf("%s", bare(err))
	}
	return interrupted(ctx)
}

// server is the page as the flags want it.
func (o *uiOptions) server(ctx context.Context, s *session) (*web.Server, error) {
	listen, err := o.address()
	if err != nil {
		return nil, err
	}
	files, err := o.files()
	if err != nil {
		return nil, err
	}
	server := &web.Server{Target: s.options.gateway, Listen: listen, Assets: files, Version: thisBuild().Version, Emulator: s.emulator()}
	client, err := s.client(ctx)
	if err != nil {
		return nil, err
	}
	server.Client, server.Journal = *client, s.statePath("ui.journal")
	server.Probes, err = s.asked(o.probes)
	return server, err
}

// emulator makes the network of --emulated this machine's; the page puts the router there.
func (s *session) emulator() *web.Emulator {
	if !s.options.emulated.on {
		return nil
	}
	e := &web.Emulator{Profile: s.options.emulated.profile, Mappings: prefilled(), Other: emulatedOther}
	s.base, e.Server = emulatedLAN()
	s.options.emulated.on = false
	return e
}

// address is --listen, which must be one that this machine has and that others cannot reach,
// unless that is meant.
func (o *uiOptions) address() (netip.AddrPort, error) {
	if o.listen == "" {
		return netip.AddrPort{}, nil
	}
	at, err := netip.ParseAddrPort(o.listen)
	switch {
	case err != nil:
		return at, usagef("--listen %q: want an address and a port, such as 127.0.0.1:8080", o.listen)
	case at.Addr().IsUnspecified():
		return at, usagef("--listen %s: name the one address the page shall be at", o.listen)
	case !at.Addr().IsLoopback() && !o.iKnow:
		return at, usagef("--listen %s: other machines can connect there, and what passes is not encrypted; --i-know does it all the same", o.listen)
	}
	return at, nil
}

func (o *uiOptions) files() (fs.FS, error) {
	if o.assets == "" {
		return nil, nil
	}
	if _, err := os.Stat(o.assets); err != nil {
		return nil, usagef("--assets: %v", err)
	}
	return os.DirFS(o.assets), nil
}

// browse opens an address in the browser of whoever sits here. Without one nothing happens: the
// address is printed. A browser is not started as root, for which most are not made.
func (s *session) browse(url string) {
	name, args := "xdg-open", []string{url}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", url}
	default:
		if s.getenv("DISPLAY") == "" && s.getenv("WAYLAND_DISPLAY") == "" || os.Geteuid() == 0 {
			return
		}
	}
	c := exec.Command(name, args...)
	if c.Start() == nil {
		c.Process.Release() // it may live as long as the browser
	}
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"upnp/cmd/internal/notation"
	"upnp/cmd/internal/plain"
	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/wire"
	"upnp/ssdp"
)

func demoCommand() *Command {
	return &Command{
		Usage: "demo",
		Short: "the whole story against an emulated router, no network needed",
		Long: `Starts an emulated router on loopback and uses it over real sockets, as the other verbs would use
yours: discover, info, add, list, edit, read back, delete. Each step is printed with its time.`,
		Examples: [2]string{"upnp demo", "upnp demo --json"},
		Run:      runDemo,
	}
}

// A demo is the story while it is told.
type demo struct {
	s      *session
	client *igd.Client
	gw     *igd.Gateway
	key    igd.MappingKey
	began  time.Time
}

// A demoStep is one chapter: what it does, and what came of it in a line and as a value.
type demoStep struct {
	name string
	do   func(*demo, context.Context) (line string, result any, err error)
}

const (
	demoPort     = 9542
	demoInternal = 8080
)

func runDemo(ctx context.Context, s *session, args []string) error {
	if err := noArguments(args); err != nil {
		return err
	}
	d, err := s.newDemo(ctx)
	if err != nil {
		return err
	}
	d.say("A router is emulated on %s; it and this program talk over real sockets.", d.client.Interfaces[0])
	d.say("")
	d.began = time.Now()
	for _, step := range []demoStep{
		{"discover", (*demo).discover}, {"info", (*demo).info}, {"add", (*demo).add}, {"list", (*demo).list},
		{"edit", (*demo).edit}, {"read back", (*demo).readBack}, {"delete", (*demo).remove},
	} {
		if err := d.run(ctx, step); err != nil {
			return err
		}
	}
	d.say("")
	d.say("All of it took %s. The same with your router: upnp discover, upnp add 9542, ...", elapsed(time.Since(d.began)))
	return nil
}

// newDemo starts the router and a client that searches loopback alone.
func (s *session) newDemo(ctx context.Context) (*demo, error) {
	if s.options.iface != "" || s.options.gateway != "" {
		return nil, usagef("the demo has its own gateway, on loopback: leave out --interface and --gateway")
	}
	s.options.emulated.on = false
	n, err := s.net(ctx)
	if err != nil {
		return nil, err
	}
	name, err := loopback(n)
	if err != nil {
		return nil, err
	}
	profile, err := profileOf("", nil)
	if err != nil {
		return nil, err
	}
	router := emulator.New(profile)
	if err := router.Put(prefilled()...); err != nil {
		return nil, err
	}
	if err := s.serve(ctx, router, igd.Server{Network: n, Interface: name, MaxDelay: promptAnswer}); err != nil {
		return nil, failf("%w", err)
	}
	return &demo{s: s, client: &igd.Client{Network: n, Interfaces: []string{name}}}, nil
}

// loopback is the name of this machine's loopback interface.
func loopback(n wire.Network) (string, error) {
	all, err := n.Interfaces()
	if err != nil {
		return "", failf("the network interfaces cannot be listed: %w", err)
	}
	i := slices.IndexFunc(all, func(i ssdp.Interface) bool {
		return i.Flags&(net.FlagLoopback|net.FlagUp) == net.FlagLoopback|net.FlagUp
	})
	if i < 0 {
		return "", failf("this machine has no loopback interface that is up")
	}
	return all[i].Name, nil
}

func (d *demo) say(format string, args ...any) {
	if !d.s.options.json {
		d.s.stdout.linef(format, args...)
	}
}

type demoResult struct {
	Step         string  `json:"step"`
	Milliseconds float64 `json:"milliseconds"`
	Result       any     `json:"result"`
}

func (d *demo) run(ctx context.Context, step demoStep) error {
	began := time.Now()
	line, result, err := step.do(d, ctx)
	took := time.Since(began)
	if err != nil {
		e := d.s.explain(err)
		e.Err = fmt.Errorf("%s: %w", step.name, e.Err)
		return e
	}
	if d.s.options.json {
		return d.s.emitLine(demoResult{step.name, float64(took.Microseconds()) / 1000, result})
	}
	p := d.s.stdout
	p.linef("%s  %s  %s", p.style(bold, pad(step.name, len("read back"), false)), pad(elapsed(took), len("999.9 ms"), true), line)
	return nil
}

func (d *demo) discover(ctx context.Context) (string, any, error) {
	gw, err := d.client.Discover(ctx)
	if err != nil {
		return "", nil, err
	}
	d.gw, d.s.gateway = gw, gw
	device := gw.Root().Device
	return fmt.Sprintf("%s at %s", plain.KindOf(device.Type), gw.Location()), gw.Location(), nil
}

func (d *demo) info(ctx context.Context) (string, any, error) {
	g := plain.Inspect(ctx, d.gw)
	return fmt.Sprintf("%q by %s, %s, external address %s", g.FriendlyName, g.Manufacturer, g.Status.Connection, g.ExternalAddress), g, nil
}

func (d *demo) add(ctx context.Context) (string, any, error) {
	grant, err := d.gw.Map(ctx, igd.Wish{Mapping: igd.Mapping{
		MappingKey:   igd.MappingKey{ExternalPort: demoPort, Protocol: igd.TCP},
		InternalPort: demoInternal, Lease: notation.DefaultLease, Description: "demo",
	}})
	d.key = grant.Mapping.MappingKey
	return mappingLine(grant.Mapping), grant, err
}

func (d *demo) list(ctx context.Context) (string, any, error) {
	var all []igd.Mapping
	line := ""
	err := d.s.eachMapping(ctx, d.gw, func(m igd.Mapping) {
		if line != "" {
			line += ", "
		}
		line += m.MappingKey.String()
		all = append(all, m)
	})
	return plural(len(all), "mapping") + ": " + line, all, err
}

func (d *demo) edit(ctx context.Context) (string, any, error) {
	port, description := uint16(demoPort+1), "demo, edited"
	before, grant, err := d.gw.Edit(ctx, d.key, igd.Revision{ExternalPort: &port, Description: &description})
	d.key = grant.Mapping.MappingKey
	return mappingLine(grant.Mapping), editResult{before, grant}, err
}

func (d *demo) readBack(ctx context.Context) (string, any, error) {
	m, err := d.gw.Mapping(ctx, d.key)
	if err == nil && m.InternalPort != demoInternal {
		err = errors.New("the router's table does not show what was asked for")
	}
	return mappingLine(m), m, err
}

func (d *demo) remove(ctx context.Context) (string, any, error) {
	if err := d.gw.DeleteMapping(ctx, d.key); err != nil {
		return "", nil, err
	}
	_, err := d.gw.Mapping(ctx, d.key)
	if !errors.Is(err, igd.ErrNoSuchEntry) {
		return "", nil, errors.New("the mapping is still there")
	}
	return fmt.Sprintf("%s is gone", d.key), d.key.String(), nil
}

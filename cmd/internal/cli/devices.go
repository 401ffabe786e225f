package cli

import (
	"context"
	"errors"
	"flag"
	"strings"
	"time"

	"upnp/cmd/internal/plain"
	"upnp/igd/device"
)

type devicesOptions struct{ watch bool }

func devicesCommand() *Command {
	o := &devicesOptions{}
	return &Command{
		Usage: "devices",
		Short: "every UPnP device, with its services and what is embedded in it",
		Long: `Searches on all networks of this machine at once and prints each device when it has answered and its
description was read: name, kind, where the description is, and the tree of its services and embedded
devices. One that answers over IPv4 and IPv6 is one device.

--watch  goes on until interrupted, or --timeout ends it, with a line for each change: a device comes,
         goes (it says goodbye, or is silent for longer than it promised), restarts, moves, or describes
         itself anew

With --json it prints one object a line.`,
		Examples: [2]string{"upnp devices", "upnp devices --watch --timeout 1m --json"},
		Flags:    o.flags,
		Run:      o.run,
	}
}

func (o *devicesOptions) flags(fs *flag.FlagSet) {
	fs.BoolVar(&o.watch, "watch", false, "go on with what the devices announce")
}

func (o *devicesOptions) run(ctx context.Context, s *session, args []string) error {
	if err := noArguments(args); err != nil {
		return err
	}
	client, err := s.controlPoint(ctx)
	if err != nil {
		return err
	}
	n, err := o.print(ctx, s, client)
	if err != nil {
		return err
	}
	if n == 0 && !o.watch && ctx.Err() == nil {
		return &ExitError{Code: exitNoGateway, Kind: "noDevice", Err: errors.New("no device answered" + s.onInterfaces())}
	}
	return interrupted(ctx)
}

// print prints the devices, or what becomes of them, and counts the lines.
func (o *devicesOptions) print(ctx context.Context, s *session, client *device.Client) (n int, err error) {
	changes := client.Search
	if o.watch {
		changes = client.Devices
	}
	done := s.progress("searching")
	defer done()
	for change, err := range changes(ctx) {
		if err != nil {
			if err := s.unreadable(err); err != nil {
				return n, err
			}
			continue
		}
		done()
		n++
		if err := s.showDevice(change, o.watch); err != nil {
			return n, err
		}
	}
	return n, nil
}

// An unreadableDevice is a line of devices --json for one whose description cannot be read.
type unreadableDevice struct {
	Time     time.Time `json:"time"`
	Kind     string    `json:"kind"` // unreadable
	Reason   string    `json:"reason"`
	UDN      string    `json:"udn"`
	Location string    `json:"location"`
}

// unreadable tells of an interface that could not take part, or of a device that could not be read,
// which ends nothing.
func (s *session) unreadable(err error) error {
	e, ok := errors.AsType[*device.UnreadableError](err)
	if !ok {
		s.noteInterface(err)
		return nil
	}
	reason := s.explain(e.Err).Error()
	if s.options.json {
		return s.emitLine(unreadableDevice{time.Now(), "unreadable", reason, e.UDN, e.Location})
	}
	s.note("a device answered whose description at %s cannot be read: %s", e.Location, reason)
	return nil
}

// A deviceChange is a line of devices --json.
type deviceChange struct {
	Time      time.Time   `json:"time"`
	Kind      device.Kind `json:"kind"`
	Reason    string      `json:"reason,omitempty"`
	UDN       string      `json:"udn"`
	Locations []string    `json:"locations"`
	Expires   time.Time   `json:"expires"`
	Device    plain.Tree  `json:"device"`
	Notes     []string    `json:"notes,omitempty"`
}

func (s *session) showDevice(c device.Change, watch bool) error {
	d := c.Device
	if s.options.json {
		return s.emitLine(deviceChange{
			c.Time, c.Kind, c.Reason, d.UDN(), d.Locations, d.Expires, plain.TreeOf(d.Root, d.Root.Device), d.Notes(),
		})
	}
	when, kind := styled(""), styled("")
	if watch {
		when = s.stdout.style(dim, c.Time.Format("15:04:05")) + "  "
		kind = s.stdout.style(kindColour[c.Kind], pad(string(c.Kind), len("changed"), false)) + "  "
	}
	name := s.stdout.style(bold, d.Root.Device.FriendlyName)
	if c.Kind == device.Found {
		s.stdout.linef("%s%s%s (%s) at %s", when, kind, name, plain.KindOf(d.Root.Device.Type), strings.Join(d.Locations, ", "))
		s.showTree(d.Root.Device.UDN, plain.TreeOf(d.Root, d.Root.Device), 1)
	} else {
		s.stdout.linef("%s%s%s %s", when, kind, name, c.Reason)
	}
	return s.stdout.w.Flush()
}

var kindColour = map[device.Kind]string{device.Found: green, device.Changed: yellow, device.Gone: red}

// showTree prints what a device has, each level further to the right.
func (s *session) showTree(udn string, t plain.Tree, depth int) {
	indent := styled(strings.Repeat("  ", depth))
	s.stdout.linef("%s%s", indent, s.stdout.style(dim, dash(udn)))
	for _, service := range t.Services {
		s.stdout.linef("%s%s", indent, plain.KindOf(service.Type))
	}
	for _, inner := range t.Devices {
		s.stdout.linef("%s%s (%s)", indent, s.stdout.style(bold, dash(inner.FriendlyName)), plain.KindOf(inner.Type))
		s.showTree(inner.UDN, inner, depth+1)
	}
}

package cli

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"

	"upnp/cmd/internal/plain"
	"upnp/igd/device"
)

type describeOptions struct{ xml bool }

func describeCommand() *Command {
	o := &describeOptions{}
	return &Command{
		Usage: "describe TARGET [SERVICE]",
		Short: "what a device, or one of its services, says of itself",
		Long: `Prints all that a device says of itself and its embedded devices, or with SERVICE what that can do: its
actions with the types of what goes in and comes out, and its variables with their ranges, lists and
defaults, and whether it tells of their changes (evented).

` + targetHelp + `

--xml  the document as it was sent`,
		Examples: [2]string{"upnp describe 192.168.1.1", "upnp describe 192.168.1.1 WANIPConnection"},
		Flags:    o.flags,
		Run:      o.run,
	}
}

func (o *describeOptions) flags(fs *flag.FlagSet) {
	fs.BoolVar(&o.xml, "xml", false, "the document, byte for byte")
}

func (o *describeOptions) run(ctx context.Context, s *session, args []string) error {
	switch len(args) {
	case 1:
		return o.device(ctx, s, args[0])
	case 2:
		return o.service(ctx, s, args[0], args[1])
	}
	return usagef("which device? upnp describe TARGET [SERVICE]; `upnp devices` shows what there is")
}

// describedDevice is the object of describe TARGET.
type describedDevice struct {
	Location  string     `json:"location"`
	Locations []string   `json:"locations"`
	Device    plain.Tree `json:"device"`
	Notes     []string   `json:"notes"`
}

func (o *describeOptions) device(ctx context.Context, s *session, target string) error {
	d, err := s.target(ctx, target)
	if err != nil {
		return err
	}
	if o.xml {
		data, err := d.Document(ctx)
		return s.document(data, err)
	}
	tree := plain.TreeOf(d.Root, d.Named)
	if s.options.json {
		return s.emit(describedDevice{d.Root.Location, d.Locations, tree, append([]string{}, d.Notes()...)})
	}
	s.stdout.linef("%s (%s)", s.stdout.style(bold, dash(d.Named.FriendlyName)), plain.KindOf(d.Named.Type))
	s.section("Device", append(deviceFacts(tree.Device), fact{"Description at", strings.Join(d.Locations, ", ")}))
	s.section("Services", refFacts(tree.Services))
	for inner := range d.Root.Devices() {
		if inner != d.Named && inner != d.Root.Device && d.Named == d.Root.Device {
			sub := plain.TreeOf(d.Root, inner)
			s.section("Device "+inner.FriendlyName+", in "+sub.Parent, deviceFacts(sub.Device))
			s.section("Services of "+inner.FriendlyName, refFacts(sub.Services))
		}
	}
	s.list("Repaired on the way", d.Notes())
	return nil
}

func refFacts(services []plain.ServiceRef) []fact {
	var facts []fact
	for _, r := range services {
		facts = append(facts, fact{plain.KindOf(r.Type), dash(r.Type)}, fact{"  id", r.ID},
			fact{"  control", r.ControlURL}, fact{"  events", r.EventURL}, fact{"  document", r.SCPDURL})
	}
	return facts
}

func (o *describeOptions) service(ctx context.Context, s *session, target, name string) error {
	d, service, err := s.targetService(ctx, target, name)
	if err != nil {
		return err
	}
	if o.xml {
		data, err := service.Document(ctx)
		return s.document(data, err)
	}
	scpd, err := service.SCPD(ctx)
	if err != nil {
		return failf("no description of %s: %w", service.Short(), s.explain(err))
	}
	i := plain.InterfaceOf(plain.RefOf(d.Root, service.Service), scpd)
	if s.options.json {
		return s.emit(struct {
			about
			plain.Interface
		}{aboutService(service), i})
	}
	s.showInterface(service, i)
	return nil
}

func (s *session) showInterface(service *device.Service, i plain.Interface) {
	s.stdout.linef("%s of %s", s.stdout.style(bold, service.Short()), dash(service.Device.FriendlyName))
	s.section("Service", []fact{{"Type", i.Type}, {"Id", i.ID}, {"Control", i.ControlURL}, {"Events", dash(i.EventURL)}, {"Document", i.SCPDURL}})
	if len(i.Actions) > 0 {
		s.heading(fmt.Sprintf("Actions (%d)", len(i.Actions)))
	}
	for _, a := range i.Actions {
		s.stdout.linef("  %s", s.stdout.style(bold, a.Name))
		s.showArguments(a)
	}
	s.section(fmt.Sprintf("Variables (%d)", len(i.Variables)), variableFacts(i.Variables))
	s.list("Repaired on the way", i.Notes)
}

func (s *session) showArguments(a plain.Action) {
	longest := 0
	for _, arg := range slices.Concat(a.In, a.Out) {
		longest = max(longest, width(clean(arg.Name)))
	}
	for i, arg := range slices.Concat(a.In, a.Out) {
		direction := "in "
		if i >= len(a.In) {
			direction = "out"
		}
		s.stdout.linef("    %s  %s  %s", direction, styled(pad(clean(arg.Name), longest, false)), arg.Words)
	}
}

func variableFacts(variables []plain.Variable) []fact {
	var facts []fact
	for _, v := range variables {
		text := v.Words
		if v.Default != "" {
			text += ", default " + v.Default
		}
		if v.Evented {
			text += ", evented"
		}
		if v.Multicast {
			text += ", multicast"
		}
		facts = append(facts, fact{v.Name, text})
	}
	return facts
}

// document prints a document byte for byte, except to a terminal, which could act upon them.
func (s *session) document(data []byte, err error) error {
	if err != nil {
		return err
	}
	if s.options.json {
		return s.emit(struct {
			XML string `json:"xml"`
		}{string(data)})
	}
	if !s.OutTerminal {
		_, err := s.stdout.w.Write(data)
		return err
	}
	for line := range strings.Lines(string(data)) {
		s.stdout.linef("%s", strings.TrimRight(line, "\r\n"))
	}
	return nil
}

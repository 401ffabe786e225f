package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"upnp/cmd/internal/plain"
	"upnp/igd"
)

func infoCommand() *Command {
	return &Command{
		Usage: "info",
		Short: "all about the gateway",
		Long: `Prints what the gateway says of itself: its description, its connection to the Internet, its
addresses, traffic, services, what it can do, and what had to be repaired to understand it.

What it does not tell is left out, or told with the reason.`,
		Examples: [2]string{"upnp info", "upnp info --json"},
		Run:      runInfo,
	}
}

func runInfo(ctx context.Context, s *session, args []string) error {
	if err := noArguments(args); err != nil {
		return err
	}
	gw, err := s.open(ctx)
	if err != nil {
		return err
	}
	done := s.progress("asking the gateway")
	g := plain.Inspect(ctx, gw)
	done()
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.options.json {
		return s.emit(g)
	}
	s.showInfo(g)
	return nil
}

// A fact is a line of a section. An empty value is not printed.
type fact struct{ name, value string }

// section prints facts under a heading, their values aligned.
func (s *session) section(heading string, facts []fact) {
	facts = slices.DeleteFunc(facts, func(f fact) bool { return f.value == "" })
	if len(facts) == 0 {
		return
	}
	s.heading(heading)
	s.facts("  ", facts)
}

// facts prints names and values, the values aligned.
func (s *session) facts(indent styled, facts []fact) {
	longest := 0
	for _, f := range facts {
		longest = max(longest, width(clean(f.name)))
	}
	for _, f := range facts {
		s.stdout.linef("%s%s  %s", indent, styled(pad(clean(f.name), longest, false)), f.value)
	}
}

// heading prints the first line of a section, after a blank one.
func (s *session) heading(text string) {
	s.stdout.linef("")
	s.stdout.linef("%s", s.stdout.style(bold, text))
}

func (s *session) showInfo(g plain.Gateway) {
	s.stdout.linef("%s", s.stdout.style(bold, g.FriendlyName))
	facts := deviceFacts(g.Device)
	for i := range facts { // of the gateway itself, all that a description may say
		facts[i].value = dash(facts[i].value)
	}
	s.section("Gateway", append(facts, fact{"Description at", g.Location}))
	s.section("Internet connection", connectionFacts(g))
	s.section("Traffic", trafficFacts(g.Counters))
	s.section("Services", serviceFacts(g.Services))
	s.section("Can it", abilityFacts(g.Abilities))
	for _, d := range g.Devices {
		if !d.IsRoot {
			s.section("Device "+d.FriendlyName+", in "+d.Parent, deviceFacts(d))
		}
	}
	var others, untold []fact
	for _, o := range g.Others {
		others = append(others, fact{o.Location, strings.TrimPrefix(o.Name+": "+o.Reason, ": ")})
	}
	s.section("Not chosen", others)
	for _, what := range slices.Sorted(maps.Keys(g.Untold)) {
		untold = append(untold, fact{what, g.Untold[what]})
	}
	s.section("Did not tell", untold)
	s.list("Repaired or decided on the way", g.Notes)
}

// list prints lines under a heading.
func (s *session) list(heading string, lines []string) {
	if len(lines) == 0 {
		return
	}
	s.heading(heading)
	for _, l := range lines {
		s.stdout.linef("  %s", l)
	}
}

func deviceFacts(d plain.Device) []fact {
	facts := []fact{
		{"Friendly name", d.FriendlyName},
		{"Type", d.Type},
		{"Manufacturer", d.Manufacturer},
		{"Manufacturer URL", d.ManufacturerURL},
		{"Model name", d.ModelName},
		{"Model number", d.ModelNumber},
		{"Model description", d.ModelDescription},
		{"Model URL", d.ModelURL},
		{"Serial number", d.SerialNumber},
		{"UDN", d.UDN},
		{"UPC", d.UPC},
		{"Presentation URL", d.PresentationURL},
		{"Icon URL", d.IconURL},
		{"Is root", yesNo(d.IsRoot)},
		{"Root", d.Root},
		{"Parent", dash(d.Parent)},
		{"Has children", yesNo(d.HasChildren)},
		{"Children", strconv.Itoa(d.Children)},
		{"Services", strconv.Itoa(d.ServiceCount)},
	}
	for _, e := range d.Extra {
		facts = append(facts, fact{e.Name, e.Text})
	}
	return facts
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func connectionFacts(g plain.Gateway) []fact {
	facts := []fact{
		{"External address", externalText(g.ExternalAddress, g.AddressClass)},
		{"This machine", g.LocalAddress},
		{"Status", g.Status.Connection},
		{"Last error", g.Status.LastError},
	}
	if g.Status.Connection != "" {
		facts = append(facts, fact{"Up for", uptimeText(g.Status.Uptime)})
	}
	if t := g.ConnectionType; t != nil {
		facts = append(facts, fact{"Connection type", t.Type}, fact{"Possible types", strings.Join(t.Possible, ", ")})
	}
	if n := g.NAT; n != nil {
		facts = append(facts, fact{"NAT", onOff(n.Enabled)}, fact{"RSIP", onOff(n.RSIP)})
	}
	if l := g.Link; l != nil {
		facts = append(facts, fact{"Link", l.Physical}, fact{"Access type", l.AccessType},
			fact{"Upstream", rateText(l.UpstreamBits)}, fact{"Downstream", rateText(l.DownstreamBits)})
	}
	return facts
}

func onOff(b bool) string {
	if b {
		return "on"
	}
	return "off"
}

func externalText(addr string, class igd.Class) string {
	if addr == "" {
		return "none"
	}
	return addr + " (" + string(class) + ")"
}

func trafficFacts(c *igd.Counters) []fact {
	if c == nil {
		return nil
	}
	return []fact{
		{"Sent", fmt.Sprintf("%s in %d packets", byteText(c.BytesSent), c.PacketsSent)},
		{"Received", fmt.Sprintf("%s in %d packets", byteText(c.BytesReceived), c.PacketsReceived)},
	}
}

func serviceFacts(services []plain.Service) []fact {
	var facts []fact
	for _, s := range services {
		name := plain.KindOf(s.Type)
		if s.InUse {
			name += " (in use)"
		}
		facts = append(facts, fact{name, dash(s.Type)}, fact{"  control", s.ControlURL}, fact{"  events", s.EventURL}, fact{"  document", s.SCPDURL})
	}
	return facts
}

func abilityFacts(all []plain.Ability) []fact {
	var facts []fact
	for _, a := range all {
		facts = append(facts, fact{a.Name, yesNo(a.Can) + " (" + a.How + ")"})
	}
	return facts
}

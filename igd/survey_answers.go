package igd

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"upnp/igd/wire"
	"upnp/ssdp"
)

// tellMulticast tells what became of joining, sending and hearing on each interface.
func (v *surveying) tellMulticast() {
	var fine []string
	for n := range v.report.Interfaces {
		i := &v.report.Interfaces[n]
		if !i.Searched {
			continue
		}
		i.Echoed = v.hunted.echoed[i.Name]
		i.judge(v.hunted.errors[i.Name])
		if v.tellFlaws(i) {
			fine = append(fine, i.Name)
		}
	}
	switch {
	case v.nothingSent():
		v.found(FindNotSent, Problem, Advice{"The search could not be sent anywhere.", letOut})
	case len(fine) > 0:
		v.found(FindMulticast, OK, Advice{What: "Multicast works on " + strings.Join(fine, ", ") + ": group joined, search sent and heard back."})
	}
}

// tellFlaws tells what does not work on an interface; true is nothing.
func (v *surveying) tellFlaws(i *SeenInterface) bool {
	switch {
	case !i.Sent:
		v.found(FindNotSent, Warning, Advice{"The search could not be sent on " + i.Name + ".", letOut}, i.Errors...)
	case !i.Joined:
		v.found(FindNotJoined, Warning, Advice{What: "Announcements cannot be heard on " + i.Name + "."}, i.Errors...)
	case !i.Echoed:
		v.found(FindOwnUnheard, Note, Advice{What: "Multicasts sent on " + i.Name + " are not heard there by this machine itself, as they should be."})
	default:
		return true
	}
	return false
}

// nothingSent reports that no interface could send.
func (v *surveying) nothingSent() bool {
	return !slices.ContainsFunc(v.report.Interfaces, func(i SeenInterface) bool { return i.Searched && i.Sent })
}

// judge reads the errors of an interface. IPv6 is left out where IPv4 works: routers answer over
// that.
func (i *SeenInterface) judge(all []*ssdp.InterfaceError) {
	i.Joined, i.Sent = true, true
	for _, e := range all {
		i.Errors = addNew(i.Errors, e.Op+" "+e.Addr.String()+": "+e.Err.Error())
		if e.Addr.Addr().Is6() {
			continue
		}
		if e.Op == "listen" && e.Addr == ssdp.GroupIPv4() {
			i.Joined = false
		} else if e.Op != "receive" {
			i.Sent = false
		}
	}
}

// listAnswers lists who answered, and what was made of it.
func (v *surveying) listAnswers() {
	s := v.hunted
	slices.SortStableFunc(s.answers, func(a, b *SeenAnswer) int { return int(a.After - b.After) })
	for _, a := range s.answers {
		v.report.Answers = append(v.report.Answers, *a)
	}
	if len(s.drops) > 0 {
		v.found(FindDropped, Note, Advice{What: "Datagrams came that were no answers to use."}, s.drops...)
	}
}

// judgeAll gives every answer its verdict.
func (s *hunted) judgeAll() {
	for _, f := range s.rejected {
		a := s.at(f.location)
		if a == nil {
			continue
		}
		a.Name = f.name
		if f.gateway != nil && s.best != nil && sameBox(f.gateway, s.best.gateway) {
			a.Verdict = "another description of the router that was taken"
			continue
		}
		a.Verdict = f.rejection(s.best).Reason
	}
	if s.best == nil {
		return
	}
	if a := s.at(s.best.location); a != nil {
		a.Name, a.Taken, a.Verdict = s.best.name, true, "taken: "+s.best.rank.words()
	}
}

// words is why a candidate ranks where it does, the weightiest first.
func (r rank) words() string {
	var all []string
	for _, w := range []struct {
		bit  rank
		text string
	}{
		{atGateway, "it is the default gateway"}, {answers, "answers calls"}, {isPublic, "has a public address"},
		{connected, "is connected"}, {speaksIPv4, "speaks IPv4"},
	} {
		if r&w.bit != 0 {
			all = append(all, w.text)
		}
	}
	return strings.Join(all, ", ")
}

// letOut is what to do about searches that cannot be sent.
const letOut = "See whether a firewall or a VPN on this machine keeps UDP to 239.255.255.250 from going out."

// short is a device's own text for use in a line.
func short(text string) string { return wire.Sanitize(text, 80) }

// line is an answer as evidence.
func (a *SeenAnswer) line() string {
	name := short(a.Name)
	if name == "" {
		name = "something"
	}
	return fmt.Sprintf("%s at %s: %s", name, a.Location, a.Verdict)
}

// tellOthers tells of devices that are no gateways.
func (v *surveying) tellOthers() {
	var lines []string
	first := ""
	for i, a := range v.hunted.answers {
		if a.Taken || v.hunted.isRival(a.Location) {
			continue
		}
		if lines = append(lines, a.line()); i == 0 {
			first = " One of them was the first to answer, which misleads some programs."
		}
	}
	if len(lines) == 0 {
		return
	}
	v.found(FindOtherDevices, OK, Advice{What: "Other devices answered too, and are no gateways; they were left alone." + first}, lines...)
}

// isRival reports a gateway that could have been taken.
func (s *hunted) isRival(location string) bool {
	return slices.ContainsFunc(s.rejected, func(f *find) bool { return f.gateway != nil && f.location == location })
}

// tellRivals tells of other gateways.
func (v *surveying) tellRivals() {
	var lines []string
	for _, r := range v.hunted.others(v.hunted.best) {
		if r.Err == nil {
			lines = append(lines, fmt.Sprintf("%s at %s: %s", short(r.Name), r.Location, r.Reason))
		}
	}
	if len(lines) == 0 {
		return
	}
	v.found(FindTwoGateways, Warning, Advice{"More than one router on this network opens ports. Programs may ask the wrong one.",
		"Switch UPnP off in those that are not the way to the Internet, or run them as plain access points."}, lines...)
}

// tellWay tells by which way the gateway was found, when that is not the usual one.
func (v *surveying) tellWay() {
	s := v.hunted
	a := s.at(s.best.location)
	if a == nil {
		return
	}
	var ways SeenAnswer // of all answers of the box
	for _, other := range s.answers {
		if other.host == a.host {
			ways.Multicast, ways.Direct = ways.Multicast || other.Multicast, ways.Direct || other.Direct
		}
	}
	switch {
	case ways.Multicast && a.After > lateAnswer.Milliseconds():
		v.found(FindLateAnswer, Warning, Advice{What: fmt.Sprintf("The router took %.1f s to answer the search; impatient programs do not find it.", float64(a.After)/1000)})
	case ways.Multicast:
	case ways.Direct:
		v.found(FindMulticastLost, Warning, Advice{"The router answers when it is asked directly, but its answers to multicasts do not arrive. Programs that only search by multicast do not find it.",
			v.letIn()}, v.lossEvidence()...)
	default:
		v.found(FindOnlyAnnounced, Warning, Advice{"The router announces itself, but its answers to searches do not arrive. Most programs do not find it.", v.letIn()}, v.lossEvidence()...)
	}
}

// lossEvidence is what speaks for answers being lost on this host.
func (v *surveying) lossEvidence() []string {
	var all []string
	if n := v.report.Undelivered; n != nil && *n > 0 {
		all = append(all, fmt.Sprintf("%d packets came in during the search and reached no program", *n))
	}
	return append(all, v.wallEvidence()...)
}

// wallEvidence is the firewall of this host that may keep answers out, if one is known to.
func (v *surveying) wallEvidence() []string {
	if f := v.blocking(); f != nil {
		return []string{f.Name + " on this machine refuses what was not asked for"}
	}
	return nil
}

// gatewaysOf are the default gateways of the searched interfaces.
func (v *surveying) gatewaysOf() []netip.Addr {
	var all []netip.Addr
	for _, i := range v.hunted.interfaces {
		if v.client.searches(i) {
			all = append(all, i.Gateways...)
		}
	}
	return all
}

// unusable are finds that call themselves gateways, or are where one is, and cannot be used.
func (v *surveying) unusable() []*find {
	var all []*find
	for _, f := range v.hunted.rejected {
		if f.remembered || isOther(f.err) {
			continue
		}
		if a := v.hunted.at(f.location); a != nil && (slices.Contains(v.gatewaysOf(), a.host) || slices.ContainsFunc(a.Targets, claimsGateway)) {
			all = append(all, f)
		}
	}
	return all
}

// isOther reports a description of another kind of device. One without a type, or of a gateway
// without a connection service, is a gateway's that was cut off.
func isOther(err error) bool {
	e, ok := errors.AsType[*NotGatewayError](err)
	return ok && typeName(e.Type) != "" && !isType(e.Type, "InternetGatewayDevice")
}

func claimsGateway(target string) bool { return isGatewayTarget(ssdp.Target(target)) }

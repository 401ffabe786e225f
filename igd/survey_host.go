package igd

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"upnp/ssdp"
)

// A Machine tells a [Survey] what only the operating system knows. Nothing it says decides what is
// searched; it explains.
type Machine interface {
	// Firewalls are the packet filters of this host that can be seen, with what they do.
	Firewalls(ctx context.Context) []Firewall
	// Virtual says where an interface leads that leads out of no wall: "a bridge for containers".
	// It is empty for others, and for unknown ones.
	Virtual(name string) string
	// Undelivered counts the packets that came in and reached no program, since the system started;
	// ok is false if the system does not tell.
	Undelivered() (n uint64, ok bool)
	// LetIn says how the answers of a router, which may be not valid, are let in on this system.
	LetIn(router netip.Addr) string
}

// A Firewall is a packet filter of this host.
type Firewall struct {
	Name   string   `json:"name"`
	Blocks bool     `json:"blocks"` // it is known to refuse what nobody here asked for
	Detail []string `json:"detail"` // what was seen of it
}

// A SeenInterface is a network interface of this host.
type SeenInterface struct {
	Name      string   `json:"name"`
	Addresses []string `json:"addresses"` // with the length of their network
	Gateways  []string `json:"gateways"`  // next hops of default routes
	Searched  bool     `json:"searched"`
	Reason    string   `json:"reason,omitempty"`  // why it is not searched
	Virtual   string   `json:"virtual,omitempty"` // where it leads, if out of no wall
	// Joined, Sent and Echoed are about multicast: groups joined, nothing in the way of sending,
	// own searches heard back. All are false without a search.
	Joined bool     `json:"joined"`
	Sent   bool     `json:"sent"`
	Echoed bool     `json:"echoed"`
	Errors []string `json:"errors,omitempty"`
}

// host looks at this host's interfaces and filters.
func (v *surveying) host(ctx context.Context) {
	v.doing("looking at this machine")
	all, err := v.client.network().Interfaces()
	if err != nil {
		v.found(FindNoNetwork, Problem, Advice{What: "This machine's network interfaces cannot be listed."}, err.Error())
		return
	}
	for _, i := range all {
		v.report.Interfaces = append(v.report.Interfaces, v.see(i))
	}
	v.tellInterfaces(all)
	if v.Machine == nil {
		return
	}
	v.report.Firewalls = v.Machine.Firewalls(ctx)
	for _, f := range v.report.Firewalls {
		v.tellFirewall(f)
	}
}

func (v *surveying) see(i ssdp.Interface) SeenInterface {
	seen := SeenInterface{Name: i.Name, Addresses: texts(i.Prefixes), Gateways: texts(i.Gateways), Searched: v.client.searches(i)}
	if !seen.Searched {
		_, seen.Reason = i.Usable()
		if seen.Reason == "" {
			seen.Reason = "another one was asked for"
		}
	}
	if v.Machine != nil {
		seen.Virtual = v.Machine.Virtual(i.Name)
	}
	return seen
}

func texts[T fmt.Stringer](all []T) []string {
	out := make([]string, len(all))
	for i, t := range all {
		out[i] = t.String()
	}
	return out
}

func (v *surveying) tellInterfaces(all []ssdp.Interface) {
	var skipped []string
	routed := slices.ContainsFunc(v.report.Interfaces, func(i SeenInterface) bool { return i.Searched && len(i.Gateways) > 0 })
	for n, i := range all {
		if seen := v.report.Interfaces[n]; seen.Searched {
			v.tellInterface(i, seen, routed)
		} else {
			skipped = append(skipped, i.Name+": "+seen.Reason)
		}
	}
	if len(skipped) > 0 {
		v.found(FindSkipped, OK, Advice{What: "Not searched: " + strings.Join(skipped, "; ") + "."})
	}
	switch {
	case len(skipped) == len(all):
		v.found(FindNoNetwork, Problem, Advice{"This machine is not connected to a network.", "Plug in the cable or join the wireless network of the router."}, skipped...)
	case !routed && v.Target == "":
		v.found(FindNoRoute, Warning, Advice{"This machine knows no way to the Internet: it has no default gateway.",
			"See whether it is connected to the right network, and gets its address from the router (DHCP)."})
	}
}

// tellInterface tells of one that is searched. What it lacks matters less where another one has a
// way to the Internet.
func (v *surveying) tellInterface(i ssdp.Interface, seen SeenInterface, routed bool) {
	bad := Problem
	if routed && len(seen.Gateways) == 0 {
		bad = Note
	}
	what := i.Name + " is searched: " + strings.Join(seen.Addresses, ", ")
	if len(seen.Gateways) > 0 {
		what += ", default gateway " + strings.Join(seen.Gateways, ", ")
	}
	switch own := ipv4Of(i); {
	case seen.Virtual != "" && len(seen.Gateways) == 0:
		v.found(FindVirtual, Note, Advice{What: fmt.Sprintf("%s is searched too, although it is %s.", i.Name, seen.Virtual)})
	case !own.IsValid():
		v.found(FindNoIPv4, bad, Advice{i.Name + " has no IPv4 address, and ports are mapped to IPv4 addresses only.", "Switch IPv4 on for it."}, seen.Addresses...)
	case own.IsLinkLocalUnicast():
		v.found(FindNoDHCP, bad, Advice{i.Name + " got no address from a router and gave itself one.", "Restart the router, then this machine's connection."}, seen.Addresses...)
	default:
		v.found(FindInterface, OK, Advice{What: what + "."})
	}
}

// ipv4Of is the IPv4 address of an interface, one of its own making only if there is no other.
func ipv4Of(i ssdp.Interface) (own netip.Addr) {
	for _, p := range i.Prefixes {
		if p.Addr().Is4() && (!own.IsValid() || own.IsLinkLocalUnicast()) {
			own = p.Addr()
		}
	}
	return own
}

func (v *surveying) tellFirewall(f Firewall) {
	if f.Blocks {
		v.found(FindFirewall, Note, Advice{What: f.Name + " on this machine refuses what was not asked for, answers to searches perhaps too."}, f.Detail...)
		return
	}
	v.found(FindFirewall, OK, Advice{What: f.Name + " on this machine: nothing seen that is in the way."}, f.Detail...)
}

// blocking is the firewall of this host that may keep answers out; nil if none is known to.
func (v *surveying) blocking() *Firewall {
	for i, f := range v.report.Firewalls {
		if f.Blocks {
			return &v.report.Firewalls[i]
		}
	}
	return nil
}

// letIn is how answers are let in.
func (v *surveying) letIn() string {
	if v.Machine != nil {
		var router netip.Addr
		if all := v.gatewaysOf(); len(all) > 0 {
			router = all[0]
		}
		return v.Machine.LetIn(router)
	}
	return "Let UDP from the router in through this machine's firewall, from its port 1900."
}

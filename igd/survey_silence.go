package igd

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"

	"upnp/ssdp"
)

// A Knock is a TCP port of the default gateway, tried because no gateway answered the search.
type Knock struct {
	Address string `json:"address"`
	Result  string `json:"result"`             // open, closed, or silent
	Found   string `json:"location,omitempty"` // a gateway's description read there
}

// Results of a Knock.
const (
	knockOpen   = "open"
	knockClosed = "closed"
	knockSilent = "silent"
)

const (
	doorTimeout  = 2500 * time.Millisecond // to connect to a port of a router nearby; Windows takes 2 s to notice a closed one
	doorsTimeout = 6 * time.Second         // for all of them, and what is behind
)

// doors are ports at which routers keep their descriptions, with where it was seen there, and two
// that tell whether there is a router at all. They only help to tell a router that does not speak
// UPnP from one whose answers are lost: what counts is the description that is read there.
var doors = []struct {
	port  uint16
	paths []string
}{
	{5000, []string{"/rootDesc.xml", "/root.xml"}},
	{1900, []string{"/rootDesc.xml", "/igd.xml"}},
	{2189, []string{"/rootDesc.xml"}},
	{49000, []string{"/igddesc.xml"}},
	{49152, []string{"/root.xml", "/rootDesc.xml", "/gatedesc.xml"}},
	{49153, []string{"/gatedesc.xml"}},
	{52869, []string{"/gatedesc.xml"}},
	{80, []string{"/rootDesc.xml"}},
	{443, nil},
	{53, nil},
}

// silence finds out why there is no gateway.
func (v *surveying) silence(ctx context.Context) {
	if v.tellUnusable() {
		return
	}
	v.doing("knocking at the router")
	alive := v.knock(ctx)
	others := v.namesOfOthers()
	routers := v.gatewaysOf()
	switch {
	case ctx.Err() != nil || v.nothingSent():
	case v.hunted.best != nil:
		v.tellBehindDoor(v.hunted.best.location, others)
	case v.blocking() != nil && len(others) == 0:
		v.found(FindRepliesLost, Problem, Advice{"Nobody answers, and a firewall on this machine keeps answers out: whether the router speaks UPnP cannot be told.", v.letIn()}, append(v.lossEvidence(), v.knockLines()...)...)
	case len(others) > 0:
		v.found(FindOnlyOthers, Problem, Advice{"Other devices answer, but no router that opens ports: UPnP is switched off in the router, or it has none.", switchOn(routers)}, others...)
	case len(routers) == 0:
		v.found(FindNoAnswer, Problem, Advice{"No router answers on this network, and this machine knows of none.", "See whether this machine is connected to the right network."})
	case alive:
		v.found(FindUPnPOff, Problem, Advice{fmt.Sprintf("The router at %s is there, but does not answer UPnP: it is switched off in it, or it has none.", list(routers)), switchOn(routers)}, v.knockLines()...)
	default:
		v.found(FindRouterSilent, Problem, Advice{fmt.Sprintf("The router at %s does not answer to anything.", list(routers)),
			"See whether other things work on this network. A guest network often keeps devices from talking to the router."}, v.knockLines()...)
	}
}

// tellBehindDoor tells of a gateway that was only found by knocking.
func (v *surveying) tellBehindDoor(location string, others []string) {
	read, directly := "its description was read at "+location, " Until then, name the router directly: "+location
	if len(others) > 0 {
		v.found(FindMuteRouter, Problem, Advice{"The router speaks UPnP, but does not answer searches, while other devices do.", "Restart the router." + directly}, append(others, read)...)
		return
	}
	v.found(FindRepliesLost, Problem, Advice{"The router speaks UPnP, but its answers to searches do not arrive here: a firewall on this machine, or something between, keeps them out.",
		v.letIn() + directly}, append([]string{read}, v.lossEvidence()...)...)
}

func list(addrs []netip.Addr) string { return strings.Join(texts(addrs), ", ") }

func switchOn(routers []netip.Addr) string {
	if len(routers) == 0 {
		return "Switch UPnP on in the router's settings."
	}
	return fmt.Sprintf("Switch UPnP on in the router's settings, usually at http://%s/.", routers[0])
}

// tellUnusable tells of gateways that answer and cannot be used.
func (v *surveying) tellUnusable() bool {
	all := v.unusable()
	for _, f := range all {
		name := short(f.name)
		if name == "" {
			name = "The router"
		}
		a := v.words(f.err)
		v.found(FindUnusable, Problem, Advice{fmt.Sprintf("%s answers the search, but cannot be used: %s.", name, strings.TrimSuffix(a.What, ".")),
			"Restart the router; look for an update of its firmware."}, f.location+": "+plainReason(f.err))
	}
	return len(all) > 0
}

// namesOfOthers are the devices that answered and are no gateways.
func (v *surveying) namesOfOthers() []string {
	v.hunted.judgeAll()
	var all []string
	for _, a := range v.hunted.answers {
		all = append(all, a.line())
	}
	return all
}

// knock tries the default gateways over TCP, and where the gateway was before. It reports whether
// anything there lives; a gateway that is found is the best.
func (v *surveying) knock(ctx context.Context) (alive bool) {
	ctx, cancel := context.WithTimeout(ctx, doorsTimeout)
	defer cancel()
	s := v.hunted
	if a, ok := v.client.recall(s.interfaces); ok {
		v.enter(ctx, a)
	}
	for _, i := range s.interfaces {
		if !v.client.searches(i) {
			continue
		}
		for _, router := range i.Gateways {
			if router.Is4() {
				alive = v.knockAt(ctx, i, router) || alive
			}
		}
	}
	return alive || s.best != nil
}

// knockAt tries all doors of a router at once, and then looks behind the open ones.
func (v *surveying) knockAt(ctx context.Context, ifi ssdp.Interface, router netip.Addr) (alive bool) {
	knocks := make([]Knock, len(doors))
	var work sync.WaitGroup
	for n, d := range doors {
		work.Go(func() { knocks[n] = v.knockDoor(ctx, ifi, netip.AddrPortFrom(router, d.port)) })
	}
	work.Wait()
	for n := range knocks {
		alive = alive || knocks[n].Result != knockSilent
		for _, path := range doors[n].paths {
			if knocks[n].Result == knockOpen && v.hunted.best == nil && v.enter(ctx, answer{location: "http://" + knocks[n].Address + path, host: router, ifi: ifi}) {
				knocks[n].Found = v.hunted.best.location
			}
		}
	}
	v.report.Knocks = append(v.report.Knocks, knocks...)
	return alive
}

func (v *surveying) knockDoor(ctx context.Context, ifi ssdp.Interface, to netip.AddrPort) Knock {
	ctx, cancel := context.WithTimeout(ctx, doorTimeout)
	defer cancel()
	own, _ := ifi.Source(to.Addr())
	conn, err := v.client.network().Dial(bound(ctx, own), "tcp4", to.String())
	k := Knock{Address: to.String(), Result: knockSilent}
	switch {
	case err == nil:
		conn.Close()
		k.Result = knockOpen
	case errors.Is(err, syscall.ECONNREFUSED):
		k.Result = knockClosed
	}
	return k
}

// enter takes the gateway that is described at a place, if there is one.
func (v *surveying) enter(ctx context.Context, a answer) bool {
	s := v.hunted
	ctx, cancel := context.WithTimeout(ctx, doorTimeout)
	defer cancel()
	g, r, err := v.client.open(ctx, s.network, a, s.interfaces, true)
	if err != nil {
		return false
	}
	s.best = &find{gateway: g, rank: r, location: a.location, name: g.root.Device.FriendlyName}
	return true
}

// knockLines are the ports that were tried, by router and what came of it.
func (v *surveying) knockLines() []string {
	var heads []string
	ports := map[string][]string{}
	for _, k := range v.report.Knocks {
		at := netip.MustParseAddrPort(k.Address)
		head := fmt.Sprintf("TCP at %v, %s: ", at.Addr(), k.Result)
		if ports[head] == nil {
			heads = append(heads, head)
		}
		ports[head] = append(ports[head], fmt.Sprint(at.Port()))
	}
	for i, head := range heads {
		heads[i] = head + strings.Join(ports[head], ", ")
	}
	return heads
}

package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"upnp/ssdp"
)

// A ReplaySite is where a [Replay] is served.
type ReplaySite struct {
	Network Network // nil: System
	// Interface is the name of the one interface to serve on; empty is loopback. Naming another
	// is consent to be found by everybody on that network.
	Interface string
	// Ready is called when it can be reached, with the URL of what was recorded as a gateway's
	// description or, without one, of what was asked for first. Nil is nobody.
	Ready func(location string)
}

var errNothingAsked = errors.New("wire: this recording holds no request to a device")

// Serve plays all recorded devices at one address, until ctx ends; then it waits for what it started
// and returns nil. Where it can it has the recorded ports. The URLs in what it answers lead to
// where they are served, and the address of who asked in the recording is that of who asks now. What was not
// recorded is answered with 404, or the fault 899, and the text of the [*UnrecordedError].
// It fails at once if the interface has no address or no port can be had.
func (r *Replay) Serve(ctx context.Context, site ReplaySite) error {
	if len(r.script.scenes) == 0 {
		return errNothingAsked
	}
	n := orSystem(site.Network)
	at, zone, err := siteAddr(n, site.Interface)
	if err != nil {
		return err
	}
	s := newStage(r, n, at)
	s.zone, s.moved = zone, &rewriter{hosts: make(map[netip.AddrPort]netip.AddrPort)}
	if err := s.open(ctx); err != nil {
		return err
	}
	for recorded, l := range s.listeners {
		s.moved.hosts[recorded] = netip.AddrPortFrom(at, addrPort(l.Addr()).Port())
	}
	if site.Ready != nil {
		site.Ready(s.location())
	}
	s.run(ctx)
	return nil
}

// siteAddr is the address of an interface to serve at, IPv4 if it has one, and its zone.
func siteAddr(n Network, name string) (addr netip.Addr, zone string, err error) {
	all, err := n.Interfaces()
	if err != nil {
		return addr, "", err
	}
	for _, ifi := range all {
		if ifi.Name != name && (name != "" || ifi.Flags&net.FlagLoopback == 0) {
			continue
		}
		for _, group := range []netip.AddrPort{ssdp.GroupIPv4(), ssdp.GroupIPv6LinkLocal()} {
			if a, ok := ifi.Source(group.Addr()); ok && a.IsLinkLocalUnicast() && a.Is6() {
				return a.WithZone(""), ifi.Name, nil
			} else if ok {
				return a.WithZone(""), "", nil
			}
		}
		return addr, "", fmt.Errorf("wire: interface %s has no address", ifi.Name)
	}
	if name == "" {
		name = "loopback"
	}
	return addr, "", fmt.Errorf("wire: no interface %s", name)
}

// location is what to open first, where it is served.
func (s *stage) location() string {
	for _, r := range s.script.searches {
		for _, a := range r.answers {
			head, _, _ := splitHead(a.data)
			at := []byte(field(head, "LOCATION"))
			if s.moved.leads(at) && strings.Contains(field(head, "ST")+field(head, "USN"), "InternetGatewayDevice") {
				return string(s.moved.text(at))
			}
		}
	}
	first := s.script.scenes[0]
	for _, sc := range s.script.scenes {
		if sc.method == "GET" && strings.Contains(string(sc.Answer), ":InternetGatewayDevice:") {
			first = sc
			break
		}
	}
	return fmt.Sprintf("http://%v%s", s.moved.hosts[first.question.device], first.path)
}

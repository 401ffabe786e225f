package ssdp

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// spacing keeps the requests of one wave from arriving as one burst, which small routers drop the end of.
const spacing = 2 * time.Millisecond

// margin is how long answers may come after the last moment MX allows.
const margin = time.Second

// maxMX bounds how long an answer may be put off, in seconds (UDA 1.1, 1.3.2).
const maxMX = 5

// A search sends the waves of a plan.
type search struct {
	*hearing
	waves  []Wave
	cancel context.CancelFunc
	sent   int
}

// window is how long a search lasts.
func window(waves []Wave) time.Duration {
	var last time.Duration
	for _, w := range waves {
		last = max(last, w.After+w.Jitter+time.Duration(w.mx())*time.Second)
	}
	return last + margin
}

func (w *Wave) mx() int { return min(max(w.MX, 1), maxMX) }

func (s *search) run() {
	start := time.Now()
	interfaces, problems := selectInterfaces(s.client.Interfaces, s.client.Names)
	for _, err := range problems {
		s.fail(err)
	}
	if len(interfaces) == 0 {
		s.cancel()
		return
	}
	s.sendAll(start, interfaces)
	if s.sent == 0 && !s.client.Passive {
		s.cancel()
	}
}

func (s *search) sendAll(start time.Time, interfaces []Interface) {
	for i, w := range s.timetable() {
		if !s.waitUntil(start.Add(w.After)) {
			return
		}
		s.send(&w, interfaces)
		if i == 0 && s.client.Passive {
			s.joinOn(interfaces)
		}
	}
}

// timetable is the waves with their jitter settled, in the order of time.
func (s *search) timetable() []Wave {
	waves := slices.Clone(s.waves)
	for i, w := range waves {
		if w.Jitter > 0 {
			waves[i].After += rand.N(w.Jitter)
		}
	}
	slices.SortStableFunc(waves, func(a, b Wave) int { return int(a.After - b.After) })
	return waves
}

// waitUntil reports whether t came before the end.
func (s *search) waitUntil(t time.Time) bool {
	return sleep(s.ctx, time.Until(t)) == nil
}

// sleep waits for d, unless ctx ends earlier.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *search) send(w *Wave, interfaces []Interface) {
	for i, target := range w.Targets {
		if i > 0 && sleep(s.ctx, spacing) != nil {
			return
		}
		for _, ifi := range interfaces {
			for _, to := range w.destinations(ifi, interfaces) {
				s.ask(ifi, to, target, w.mx())
			}
		}
	}
}

// destinations is who is asked on ifi.
func (w *Wave) destinations(ifi Interface, all []Interface) []netip.AddrPort {
	groups := within(ifi, w.Groups)
	if len(groups) == 0 {
		groups = within(ifi, w.Fallback)
	}
	hosts := within(ifi, w.Unicast)
	hosts = slices.DeleteFunc(hosts, func(to netip.AddrPort) bool { return !leadsTo(ifi, to.Addr(), all) })
	if w.Gateways {
		for _, g := range ifi.Gateways {
			hosts = append(hosts, netip.AddrPortFrom(g, Port))
		}
	}
	return append(groups, hosts...)
}

// within keeps the addresses ifi has an address to speak from to. The result is a copy.
func within(ifi Interface, addrs []netip.AddrPort) []netip.AddrPort {
	var kept []netip.AddrPort
	for _, to := range addrs {
		if _, ok := ifi.Source(to.Addr()); ok {
			kept = append(kept, to)
		}
	}
	return kept
}

// leadsTo reports whether ifi is a way to a host: it is on its link or, if it is on nobody's, ifi has a gateway.
func leadsTo(ifi Interface, host netip.Addr, all []Interface) bool {
	if ifi.OnLink(host) {
		return true
	}
	near := slices.ContainsFunc(all, func(other Interface) bool { return other.OnLink(host) })
	return !near && len(ifi.Gateways) > 0
}

// ask sends one request.
func (s *search) ask(ifi Interface, to netip.AddrPort, target Target, mx int) {
	conn, ok := s.open(ifi, netip.AddrPortFrom(to.Addr(), 0))
	if !ok {
		return
	}
	data, err := searchRequest(to, target, mx, s.client.UserAgent).AppendText(nil)
	if err == nil {
		err = conn.WriteTo(data, to)
	}
	if err != nil {
		s.fail(&InterfaceError{ifi, "send", to, err})
		return
	}
	s.sent++
}

// searchRequest is an M-SEARCH (UDA 1.1, 1.3.2). A unicast one has no MX: it is answered at once.
func searchRequest(to netip.AddrPort, target Target, mx int, userAgent string) *Message {
	m := &Message{Method: MethodSearch}
	m.Header = append(make(Header, 0, 5), Field{"HOST", hostField(to)}, Field{"MAN", `"ssdp:discover"`})
	if to.Addr().IsMulticast() {
		m.Header.Add("MX", strconv.Itoa(mx))
	}
	m.Header.Add("ST", string(target))
	if userAgent != "" {
		m.Header.Add("USER-AGENT", userAgent)
	}
	return m
}

// hostField is an address as HOST has it: without zone, and the IPv6 groups in the capitals of UDA 2.0, Annex A.
func hostField(to netip.AddrPort) string {
	switch to {
	case GroupIPv6LinkLocal():
		return "[FF02::C]:1900"
	case GroupIPv6SiteLocal():
		return "[FF05::C]:1900"
	}
	return netip.AddrPortFrom(to.Addr().WithZone(""), to.Port()).String()
}

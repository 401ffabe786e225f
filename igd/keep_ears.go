package igd

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"upnp/ssdp"
)

const (
	watchEvery   = 2 * time.Second // own addresses, routes and clocks are looked at
	settleTime   = time.Second     // they must stand still for so long
	suspendedFor = 4 * time.Second // from here on, it is no hiccup of a clock
	reopenEvery  = 10 * time.Minute
)

// listen starts what listens until ctx ends.
func (r *keeping) listen(ctx context.Context) {
	r.ears.Go(func() { r.watchHost(ctx) })
	r.ears.Go(func() { r.hearAnnouncements(ctx) })
}

// watchHost notices changes of this host: addresses, routes, and having been asleep.
func (r *keeping) watchHost(ctx context.Context) {
	known, changed := r.host(), false
	slept, last := r.slept(), time.Now()
	for sleep(ctx, watchPause(changed)) == nil {
		if time.Since(last) > watchEvery+suspendedFor {
			r.hear(hint{why: "this program was stopped for a while", search: true, own: true})
		}
		last = time.Now()
		if now := r.host(); now != known {
			known, changed = now, true
		} else if changed {
			changed = false
			r.hear(hint{why: "this host's addresses or routes changed", search: true, own: true})
		}
		if s := r.slept(); s-slept > suspendedFor || slept-s > suspendedFor {
			slept = s
			r.hear(hint{why: "this host was suspended, or its clock was set", search: true, own: true})
		}
	}
}

func watchPause(changed bool) time.Duration {
	if changed {
		return settleTime
	}
	return watchEvery
}

// host is what matters of this host's interfaces, as a text to compare.
func (r *keeping) host() string {
	interfaces, err := r.client.network().Interfaces()
	if err != nil {
		return err.Error()
	}
	var lines []string
	for _, i := range interfaces {
		if ok, _ := i.Usable(); ok {
			lines = append(lines, fmt.Sprintln(i.Name, i.Flags&net.FlagUp, i.Prefixes, i.Gateways))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// slept is how much longer the wall has been than the monotonic clock, which stands still while a
// machine is suspended. A wall clock that is set looks the same, and costs one look at the table.
func (r *keeping) slept() time.Duration {
	if r.keeper.slept != nil {
		return r.keeper.slept()
	}
	now := time.Now()
	return now.Round(0).Sub(r.began.Round(0)) - now.Sub(r.began)
}

// hearAnnouncements listens for routers that come and go.
func (r *keeping) hearAnnouncements(ctx context.Context) {
	for ctx.Err() == nil {
		for p, err := range r.client.Search().Monitor(ctx) {
			if err != nil || p == nil {
				continue
			}
			if h, ok := r.place.judge(p); ok {
				r.hear(h)
			}
		}
		if sleep(ctx, searchEvery) != nil { // no interface; there may be one later
			return
		}
	}
}

// judge tells what an announcement means. Those of other devices mean something only while there
// is no router.
func (p *place) judge(packet *ssdp.Packet) (hint, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	from := packet.From.Addr().Unmap().WithZone("").String()
	gone := strings.EqualFold(packet.NTS(), "ssdp:byebye")
	if !p.answers {
		ok := !gone && isGateway(packet.Target()) && packet.Location() != ""
		return hint{why: "a gateway announces itself", search: true, repair: true}, ok
	}
	if from != p.host && !strings.EqualFold(packet.USN().UDN, p.udn) {
		return hint{}, false
	}
	if gone {
		return hint{why: "the router said goodbye", lost: true, repair: true}, from == p.host
	}
	boot, known := packet.BootID()
	location := packet.Location()
	switch {
	case from != p.host:
		return hint{why: "an announcement in the router's name from another address"}, isGateway(packet.Target())
	case known && p.bootKnown && boot != p.boot:
		p.boot = boot
		return hint{why: "the router restarted", search: true, repair: true}, true
	case known && !p.bootKnown:
		p.boot, p.bootKnown = boot, true
		return hint{why: "the router announces itself"}, true
	case isGateway(packet.Target()) && location != "" && location != p.location:
		p.location = location
		return hint{why: "the router announces another address", search: true}, true
	}
	return hint{}, false
}

func isGateway(t ssdp.Target) bool {
	return strings.Contains(strings.ToLower(string(t)), ":internetgatewaydevice:")
}

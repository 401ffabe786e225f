package igd

import (
	"context"
	"net/http"
	"sync"
	"time"

	"upnp/description"
	"upnp/gena"
	"upnp/igd/wire"
)

// firstState is how long a Server waits for its backend's present before it opens.
const firstState = 3 * time.Second

// firstDelay is enough for subscribers to read the answer before the first event.
const firstDelay = 100 * time.Millisecond

// A newsroom tells subscribers what watched backends tell it.
type newsroom struct {
	host  *host
	desks []*desk
	work  sync.WaitGroup
}

// A desk publishes the events of one service.
type desk struct {
	*gena.Publisher
	actor   *actor
	service *description.Service
	updates uint32 // SystemUpdateID (WANIPConnection:2 section 2.3.23)
	begun   bool
}

// publisher makes what answers subscriptions to a service, nil if nobody tells of changes.
func (n *newsroom) publisher(a *actor, s *description.Service, scpd *description.SCPD) http.Handler {
	if _, ok := a.backend.(Watcher); !ok {
		return nil
	}
	d := &desk{actor: a, service: s, Publisher: &gena.Publisher{
		SCPD: scpd, HTTP: wire.HTTPClient(n.host.site.Outward()),
		Delay: firstDelay, Server: n.host.server.product(), Logger: n.host.server.Logger,
	}}
	n.desks = append(n.desks, d)
	return d.Publisher
}

// open starts to follow the backends, and returns when new subscribers get the present, if that is
// soon.
func (n *newsroom) open(ctx context.Context) {
	var first sync.WaitGroup
	for backend, desks := range n.byBackend() {
		first.Add(1)
		n.work.Go(func() { follow(ctx, backend, desks, sync.OnceFunc(first.Done)) })
	}
	known := make(chan struct{})
	n.work.Go(func() { first.Wait(); close(known) })
	timer := time.NewTimer(firstState)
	defer timer.Stop()
	select {
	case <-known:
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (n *newsroom) close() { n.work.Wait() }

func (n *newsroom) byBackend() map[Watcher][]*desk {
	all := map[Watcher][]*desk{}
	for _, d := range n.desks {
		w, _ := d.actor.backend.(Watcher)
		all[w] = append(all[w], d)
	}
	return all
}

// follow publishes changes until ctx ends. The table is the last of the present.
func follow(ctx context.Context, w Watcher, desks []*desk, known func()) {
	defer known()
	for _, d := range desks {
		d.prepare(ctx)
	}
	for c, err := range w.Changes(ctx) {
		if err != nil {
			return
		}
		for _, d := range desks {
			d.publish(ctx, c)
		}
		if c.Kind == MappingsChanged {
			known()
		}
	}
}

// prepare publishes what no change is told of.
func (d *desk) prepare(ctx context.Context) {
	if isType(d.service.Type, typeName(Layer3Forwarding1)) {
		d.say("DefaultConnectionService", connectionName(d.actor.mainConnection()))
	}
	if isConnection(d.service.Type) {
		if t, err := d.actor.typeInfo(ctx); err == nil {
			d.say("PossibleConnectionTypes", connectionTypeArgs(t).Value("NewPossibleConnectionTypes"))
		}
	}
	d.sayFirewall(ctx)
}

// sayFirewall tells of the IPv6 firewall, if that is what the service is about.
func (d *desk) sayFirewall(ctx context.Context) {
	b, ok := d.actor.backend.(PinholeBackend)
	if !ok || !isType(d.service.Type, firewallControl) {
		return
	}
	if s, err := b.FirewallStatus(ctx); err == nil {
		for _, arg := range firewallArgs(s) {
			d.say(arg.Name, arg.Value)
		}
	}
}

// publish tells the subscribers of one service what concerns it.
func (d *desk) publish(ctx context.Context, c Change) {
	connection := isConnection(d.service.Type)
	switch {
	case c.Kind == ExternalAddressChanged && connection:
		d.say("ExternalIPAddress", addrText(c.ExternalAddr))
	case c.Kind == StatusChanged && connection:
		d.say("ConnectionStatus", c.Status)
	case c.Kind == StatusChanged && isType(d.service.Type, typeName(WANCommonInterfaceConfig1)):
		if l, err := d.actor.linkInfo(ctx); err == nil {
			d.say("PhysicalLinkStatus", l.Physical)
		}
	case c.Kind == MappingsChanged && connection:
		d.sayTable(c)
	case c.Kind == StatusChanged:
		d.sayFirewall(ctx)
	}
}

// sayTable tells of the table: the two variables of version 2 belong together
// (WANIPConnection:2 section 2.3.23).
func (d *desk) sayTable(c Change) {
	if d.begun {
		d.updates++
	}
	d.begun = true
	entries := gena.Property{Name: "PortMappingNumberOfEntries", Value: description.FormatUI2(uint16(min(c.NumberOfEntries, 1<<16-1)))}
	if d.SCPD.Variable("SystemUpdateID") == nil {
		_ = d.Publish(entries)
		return
	}
	_ = d.Publish(entries, gena.Property{Name: "SystemUpdateID", Value: description.FormatUI4(d.updates)})
}

// say publishes one variable. Our own documents name all that is said.
func (d *desk) say(name, value string) {
	_ = d.Publish(gena.Property{Name: name, Value: value})
}

package web

import (
	"context"
	"errors"
	"sync"
	"time"

	"upnp/cmd/internal/plain"
	"upnp/igd"
)

// A visit is the time with one gateway: what it tells of itself, and what changes there.
type visit struct {
	page *page

	// Under the hub's lock:
	gw     *igd.Gateway
	info   plain.Gateway
	state  string // reading, ready, lost
	reason string
}

// auditEvery is how often leases that ran out unheard are looked for.
const auditEvery = 10 * time.Second

type gatewayLine struct {
	Type    string         `json:"type"`
	State   string         `json:"state"`
	Reason  string         `json:"reason"`
	Gateway *plain.Gateway `json:"gateway"`
}

func newVisit(p *page, gw *igd.Gateway) *visit {
	return &visit{page: p, gw: gw, info: plain.Described(gw), state: "reading"}
}

func (v *visit) line() any {
	info := v.info
	return gatewayLine{"gateway", v.state, v.reason, &info}
}

// set changes what is shown of the gateway.
func (v *visit) set(change func()) {
	v.page.hub.update(func() []any {
		change()
		return []any{v.line()}
	})
}

// gateway is the one to talk to; it may become another when the router moves.
func (v *visit) gateway() *igd.Gateway {
	v.page.hub.mu.Lock()
	defer v.page.hub.mu.Unlock()
	return v.gw
}

// run reads the gateway and follows it until ctx ends.
func (v *visit) run(ctx context.Context) {
	v.page.table.clear()
	v.page.log.info("found " + v.gateway().Location())
	v.page.table.read(ctx, v.gateway())
	v.inspect(ctx)
	for ctx.Err() == nil {
		fctx, on := v.page.follow.wait(ctx)
		if !on {
			continue
		}
		v.watch(fctx)
	}
	v.page.follow.tell("", "")
}

// inspect asks the gateway for all about itself.
func (v *visit) inspect(ctx context.Context) {
	gw := v.gateway()
	info := plain.Inspect(ctx, gw)
	if addr, err := gw.ExternalAddr(ctx); err == nil { // what discovery was told may be long ago
		info.ExternalAddress, info.AddressClass = addrText(addr), igd.ClassOf(addr)
	}
	if ctx.Err() != nil {
		return
	}
	v.set(func() { v.info, v.state, v.reason = info, "ready", "" })
}

// watch follows the gateway until it is not to be followed any more.
func (v *visit) watch(ctx context.Context) {
	var reading sync.WaitGroup
	defer reading.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	reading.Go(func() { v.audit(ctx) })
	first := true
	for c, err := range v.gateway().Changes(ctx) {
		if err != nil {
			v.page.follow.tell("", explain(err).Error)
			break
		}
		v.take(ctx, c, first && c.Kind == igd.MappingsChanged)
		first = first && c.Kind != igd.MappingsChanged
	}
	wait(ctx, 5*time.Second) // unless the switch was turned: its errors are final, the next try begins anew
}

// audit reads the table again when leases have run out that should have been heard of.
func (v *visit) audit(ctx context.Context) {
	for ctx.Err() == nil {
		if wait(ctx, auditEvery); ctx.Err() == nil && v.page.table.overdue() {
			v.page.table.read(ctx, v.gateway())
		}
	}
}

// take shows one change.
func (v *visit) take(ctx context.Context, c igd.Change, whole bool) {
	switch c.Kind {
	case igd.SourceChanged:
		v.page.follow.tell(c.Source, c.Reason)
	case igd.MappingsChanged:
		v.page.table.take(c, whole, v.page.follow.source())
	case igd.ExternalAddressChanged, igd.StatusChanged:
		v.learn(c)
	case igd.GatewayChanged:
		v.turn(ctx, c)
	}
}

// learn takes over the address or the status, and says so if it is another.
func (v *visit) learn(c igd.Change) {
	v.page.hub.update(func() []any {
		before := v.info.Summary
		if c.Kind == igd.StatusChanged {
			v.info.Status.Connection, v.info.Connected = c.Status, plain.IsConnected(igd.Status{Connection: c.Status})
		} else {
			v.info.AddressClass, v.info.ExternalAddress = igd.ClassOf(c.ExternalAddr), addrText(c.ExternalAddr)
		}
		if before.ExternalAddress == v.info.ExternalAddress && before.Status.Connection == v.info.Status.Connection {
			return nil
		}
		return []any{v.line(), v.page.table.changeLine(c, v.page.follow.now.Source)}
	})
}

// turn follows the gateway through what happens to it.
func (v *visit) turn(ctx context.Context, c igd.Change) {
	v.page.hub.update(func() []any {
		v.state, v.reason = "ready", c.Reason
		if c.Gateway == igd.GatewayGone {
			v.state = "lost"
		}
		if c.Now != nil {
			v.gw = c.Now
		}
		return []any{v.line(), v.page.table.changeLine(c, v.page.follow.now.Source)}
	})
	if c.Gateway != igd.GatewayGone {
		v.inspect(ctx)
	}
}

// refresh is POST /api/refresh: reads gateway and table anew.
func (v *visit) refresh(ctx context.Context, j *job) error {
	j.step(0, "reading the table")
	if err := v.page.table.read(ctx, v.gateway()); err != nil && !errors.Is(err, igd.ErrTableChanged) {
		return err
	}
	j.step(1, "asking the gateway")
	v.inspect(ctx)
	return ctx.Err()
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

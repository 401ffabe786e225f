package igd

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"upnp/description"
)

// answerTime is what a gateway has to answer the first question of a look.
const answerTime = 8 * time.Second

// A picture is what a gateway was like at one time. What it would not tell is not known.
type picture struct {
	at time.Time

	addr        netip.Addr
	addrKnown   bool
	status      Status
	statusKnown bool
	table       map[MappingKey]Mapping
	tableKnown  bool
	partial     bool // the table may hold more
	moving      bool // because it changed meanwhile
}

// A stranger is an external address that nothing announced.
type stranger struct{ addr netip.Addr }

// read reads the gateway. The error is that of a gateway which does not answer, or not as one.
func (w *watch) read(ctx context.Context) (p picture, err error) {
	p.at = time.Now()
	if p.addr, err = w.ask(ctx); err != nil && isLost(err) {
		return p, err
	}
	p.addrKnown = err == nil
	if p.status, err = w.gateway.Status(ctx); err != nil && isLost(err) {
		return p, err
	}
	p.statusKnown = err == nil
	return p, p.readTable(ctx, w.gateway)
}

// ask asks the one thing that every gateway answers.
func (w *watch) ask(ctx context.Context) (netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return w.gateway.ExternalAddr(ctx)
}

// isLost reports an error of a gateway that is not there, or not there any more.
func isLost(err error) bool {
	if status, ok := errors.AsType[*description.StatusError](err); ok {
		return status.Code == http.StatusNotFound || status.Code == http.StatusMethodNotAllowed
	}
	return !isAnswer(err)
}

// readTable reads what can be read of the table.
func (p *picture) readTable(ctx context.Context, g *Gateway) error {
	p.table = map[MappingKey]Mapping{}
	for m, err := range mappingsInTurn(ctx, g) {
		switch {
		case err == nil:
			p.table[m.MappingKey] = m
		case errors.Is(err, ErrTableChanged):
			p.partial, p.moving = true, true
		case isDenied(err):
			return nil
		case isLost(err):
			return err
		default:
			p.partial = true
		}
	}
	p.tableKnown = true
	return nil
}

// compare tells in what the present differs from what was told, and whether in anything.
func (w *watch) compare(now picture, prompted bool) bool {
	addr := w.compareAddr(now, prompted)
	status := w.compareStatus(now)
	return w.compareTable(now) || addr || status
}

// compareAddr tells another external address when an event announced it or a second reading a
// second later confirms it: an address that flickers while the router dials is no change.
func (w *watch) compareAddr(now picture, prompted bool) bool {
	first := !w.seen.addrKnown
	if !now.addrKnown || !first && now.addr == w.seen.addr {
		w.stranger = nil
		return false
	}
	if !first && !prompted && (w.stranger == nil || w.stranger.addr != now.addr) {
		w.stranger = &stranger{now.addr}
		w.pace.confirmSoon(time.Now())
		return false
	}
	w.stranger = nil
	w.seen.addr, w.seen.addrKnown = now.addr, true
	w.tell(Change{Kind: ExternalAddressChanged, ExternalAddr: now.addr})
	return true
}

func (w *watch) compareStatus(now picture) bool {
	if !now.statusKnown {
		return false
	}
	if w.seen.restarted(now) {
		w.fell = now.at
	}
	same := w.seen.statusKnown && now.status.Connection == w.seen.status.Connection
	w.seen.status, w.seen.statusKnown = now.status, true
	if !same {
		w.tell(Change{Kind: StatusChanged, Status: now.status.Connection})
	}
	return !same
}

// compareTable tells what was added and removed. Of a table that was read in part nothing is
// known to be removed.
func (w *watch) compareTable(now picture) bool {
	if !now.tableKnown {
		return false
	}
	c := Change{Kind: MappingsChanged}
	for k, m := range now.table {
		old, known := w.seen.table[k]
		if known && sameMapping(old, m) {
			continue
		}
		if c.Added = append(c.Added, m); known {
			c.Removed = append(c.Removed, old)
		}
	}
	for k, old := range w.seen.table {
		if _, there := now.table[k]; !there && now.partial {
			now.table[k] = old
		} else if !there {
			c.Removed = append(c.Removed, old)
		}
	}
	first := !w.seen.tableKnown
	w.seen.table, w.seen.tableKnown = now.table, true
	if now.moving {
		w.pace.again(time.Now())
	}
	if !first && len(c.Added)+len(c.Removed) == 0 {
		return false
	}
	slices.SortFunc(c.Added, byKey)
	slices.SortFunc(c.Removed, byKey)
	c.NumberOfEntries = len(now.table)
	w.tell(c)
	return true
}

// sameMapping compares two mappings of one key; the lease, which runs down, is no part of that.
func sameMapping(a, b Mapping) bool {
	a.Lease, b.Lease = 0, 0
	return a == b
}

func byKey(a, b Mapping) int {
	return cmp.Or(cmp.Compare(a.ExternalPort, b.ExternalPort), cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.RemoteHost, b.RemoteHost))
}

// restarted reports an uptime that is shorter than before.
func (p picture) restarted(now picture) bool {
	return p.statusKnown && now.statusKnown && now.status.Uptime < p.status.Uptime
}

// restarted reports an uptime that is shorter than before or was lately. That alone may come from
// a new connection to the Internet.
func (w *watch) restarted(now picture) bool {
	return w.seen.restarted(now) || !w.fell.IsZero() && now.at.Sub(w.fell) < lately
}

const lately = 2 * time.Minute

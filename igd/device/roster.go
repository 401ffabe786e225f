package device

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"upnp/description"
	"upnp/ssdp"
)

const (
	maxReads  = 4                // descriptions read at once
	askAhead  = 10 * time.Second // before a device counts as gone, it is asked whether it is there
	doubtTime = 5 * time.Second  // least time between readings of a device that was found
	parting   = time.Second      // for a device that leaves one of its addresses to leave the others
)

// A roster is what is known of devices while somebody looks. All of it but the goroutines that
// search, listen and read belongs to the loop in run.
type roster struct {
	ctx        context.Context
	cancel     context.CancelFunc
	client     *Client
	interfaces []ssdp.Interface
	work       sync.WaitGroup
	packets    chan heard
	answers    chan reading
	slots      chan struct{} // tokens, for reads at once
	sources    int           // goroutines that may yet send packets
	ended      chan struct{} // told by each of them that ends

	patience time.Duration // how long a new device is not told of, to be found at its other addresses
	eager    bool          // not even that long once it was found at its best

	places  map[string]*place // by location
	entries map[string]*entry // by UDN in lower case
	news    []news
}

// A heard thing is a packet or an error.
type heard struct {
	packet *ssdp.Packet
	err    error
}

// A reading is what came of reading a description.
type reading struct {
	place *place
	root  *description.Root
	err   error
}

type news struct {
	change Change
	err    error
}

func (c *Client) newRoster(ctx context.Context) (*roster, error) {
	interfaces, err := c.network().Interfaces()
	if err != nil {
		return nil, fmt.Errorf("device: network interfaces: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	return &roster{
		ctx: ctx, cancel: cancel, client: c, interfaces: interfaces,
		packets: make(chan heard), answers: make(chan reading), ended: make(chan struct{}),
		slots: make(chan struct{}, maxReads), places: map[string]*place{}, entries: map[string]*entry{},
	}, nil
}

// close ends everything and waits for it.
func (r *roster) close() {
	r.cancel()
	r.work.Wait()
}

// everything is how all devices are asked for. Most answer to either target; some to one alone.
func everything() []ssdp.Wave { return ssdp.DefaultWaves(ssdp.RootDevice, ssdp.All) }

// ask searches in the background.
func (r *roster) ask(waves []ssdp.Wave) {
	r.source(func(yield func(*ssdp.Packet, error) bool) { r.client.ssdp().SearchWaves(r.ctx, waves)(yield) })
}

// listen hears announcements in the background.
func (r *roster) listen() {
	r.source(func(yield func(*ssdp.Packet, error) bool) { r.client.ssdp().Monitor(r.ctx)(yield) })
}

func (r *roster) source(packets func(func(*ssdp.Packet, error) bool)) {
	r.sources++
	r.work.Go(func() {
		packets(func(p *ssdp.Packet, err error) bool {
			select {
			case r.packets <- heard{p, err}:
				return true
			case <-r.ctx.Done():
				return false
			}
		})
		select {
		case r.ended <- struct{}{}:
		case <-r.ctx.Done():
		}
	})
}

// run yields news until ctx ends, or nothing more can come.
func (r *roster) run(yield func(Change, error) bool) {
	for r.sources > 0 || r.pending() {
		timer := time.NewTimer(time.Until(r.nextTask()))
		select {
		case h := <-r.packets:
			r.hear(h)
		case a := <-r.answers:
			r.learn(a)
		case <-r.ended:
			r.sources--
		case <-timer.C:
		case <-r.ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
		r.tasks(time.Now())
		for _, n := range r.news {
			if !yield(n.change, n.err) {
				return
			}
		}
		r.news = r.news[:0]
	}
}

func (r *roster) report(kind Kind, d *Device, reason string) {
	r.news = append(r.news, news{change: Change{Time: time.Now(), Kind: kind, Reason: reason, Device: d}})
}

func (r *roster) fail(err error) { r.news = append(r.news, news{err: err}) }

// hear takes in a packet. What it says is checked against the description it names before it is
// told of anybody; only who says goodbye is believed, if it comes from where the device is.
func (r *roster) hear(h heard) {
	p := h.packet
	switch {
	case h.err != nil:
		r.fail(h.err)
	case strings.EqualFold(p.NTS(), ssdp.ByeBye):
		r.leave(p)
	case p.Method == ssdp.MethodNotify && !strings.EqualFold(p.NTS(), ssdp.Alive) && !strings.EqualFold(p.NTS(), ssdp.Update):
	default:
		if place, ok := ssdp.Locate(p, r.interfaces); ok {
			r.confirm(p, place)
		}
	}
}

// read reads the description at a place in the background.
func (r *roster) read(p *place) {
	p.reading, p.due = true, time.Time{}
	location, way := p.location, p.way // the rest of a place is not for others to read
	r.work.Go(func() {
		a := reading{place: p}
		select {
		case r.slots <- struct{}{}:
			a.root, a.err = way.root(r.ctx, location)
			<-r.slots
		case <-r.ctx.Done():
			return
		}
		select {
		case r.answers <- a:
		case <-r.ctx.Done():
		}
	})
}

// pending reports whether news may come without anything being heard.
func (r *roster) pending() bool {
	for _, p := range r.places {
		if p.reading {
			return true
		}
	}
	for _, e := range r.entries {
		if !e.shown.IsZero() {
			return true
		}
	}
	return false
}

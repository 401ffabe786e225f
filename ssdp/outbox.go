package ssdp

import (
	"container/heap"
	"context"
	"net/netip"
	"time"
)

// maxParcels is how many answers may wait; further ones are lost, which searches have to live with anyway.
const maxParcels = 1024

// A parcel is a datagram to be sent at its time.
type parcel struct {
	due  time.Time
	conn PacketConn
	to   netip.AddrPort
	data []byte
}

// An outbox sends parcels when they are due.
type outbox struct {
	arrived chan parcel
	waiting parcels
}

func newOutbox() *outbox { return &outbox{arrived: make(chan parcel)} }

func (o *outbox) put(ctx context.Context, p parcel) {
	select {
	case o.arrived <- p:
	case <-ctx.Done():
	}
}

// run sends until ctx ends; what waits then is dropped.
func (o *outbox) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case p := <-o.arrived:
			if len(o.waiting) < maxParcels {
				heap.Push(&o.waiting, p)
			}
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		o.sendDue()
		if len(o.waiting) > 0 {
			timer.Reset(time.Until(o.waiting[0].due))
		}
	}
}

// sendDue ignores errors: whoever asked may be gone.
func (o *outbox) sendDue() {
	for len(o.waiting) > 0 && !o.waiting[0].due.After(time.Now()) {
		p := heap.Pop(&o.waiting).(parcel)
		p.conn.WriteTo(p.data, p.to)
	}
}

// parcels is a heap by time.
type parcels []parcel

func (p parcels) Len() int           { return len(p) }
func (p parcels) Less(i, j int) bool { return p[i].due.Before(p[j].due) }
func (p parcels) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p *parcels) Push(x any)        { *p = append(*p, x.(parcel)) }
func (p *parcels) Pop() any {
	last := len(*p) - 1
	x := (*p)[last]
	*p = (*p)[:last]
	return x
}

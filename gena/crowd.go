package gena

import (
	"context"
	"net"
	"net/netip"
	"sync"
)

// Limits of the callback side, so that nobody keeps it from serving the devices subscribed to.
const (
	maxConnections = 32 // at a time, waiting ones included
	maxPerSource   = 4  // that are read at a time from one address
	maxStrangers   = 8  // from addresses of no device subscribed to, together
)

// A crowd is the connections at a time.
type crowd struct {
	mu        sync.Mutex
	guests    map[net.Conn]bool // true for strangers
	strangers int
	closed    bool
	sources   map[netip.Addr]*source
}

// A source is an address somebody connects from.
type source struct {
	reading chan struct{} // has a place for each connection that is read
	conns   int           // waiting ones included
}

func newCrowd() *crowd {
	return &crowd{guests: make(map[net.Conn]bool), sources: make(map[netip.Addr]*source)}
}

// enter counts a connection in, or is nil when there is no room. A stranger has no more
// connections than are read; a device may have more, and they wait: one that tells of many
// services at once is no attack.
func (c *crowd) enter(conn net.Conn, from netip.Addr, stranger bool) *source {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sources[from]
	switch {
	case c.closed || len(c.guests) == maxConnections:
		return nil
	case stranger && (c.strangers == maxStrangers || s != nil && s.conns >= maxPerSource):
		return nil
	case s == nil:
		s = &source{reading: make(chan struct{}, maxPerSource)}
		c.sources[from] = s
	}
	s.conns++
	c.guests[conn] = stranger
	if stranger {
		c.strangers++
	}
	return s
}

func (c *crowd) leave(conn net.Conn, from netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.guests[conn] {
		c.strangers--
	}
	delete(c.guests, conn)
	s := c.sources[from]
	if s.conns--; s.conns == 0 {
		delete(c.sources, from)
	}
}

// wait is false when ctx ends before the connection may be read.
func (s *source) wait(ctx context.Context) bool {
	select {
	case s.reading <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *source) done() { <-s.reading }

// closeAll makes everybody leave and lets nobody in.
func (c *crowd) closeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for conn := range c.guests {
		conn.Close()
	}
}

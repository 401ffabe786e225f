//go:build linux

package lab

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"
)

// relayPort is where a relay takes the connections meant for the daemon.
const relayPort = 5999

// Cut puts a relay before the daemon that ends every nth connection within the answer: before it,
// in the middle of its head, and behind so many bytes that part of the body is missing. The daemon
// sees the router itself as the caller, so the lab must let anyone map for others.
func (r *Router) Cut(t testing.TB, nth int) {
	t.Helper()
	var at net.Listener
	err := r.Do(func() (err error) {
		at, err = net.Listen("tcp", net.JoinHostPort(r.Addr, strconv.Itoa(relayPort)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	r.nft(t, fmt.Sprintf(`table ip relay {
	chain prerouting {
		type nat hook prerouting priority -150; policy accept;
		iifname "lan0" tcp dport %d redirect to :%d
	}
}`, r.port, relayPort))
	var running sync.WaitGroup
	t.Cleanup(func() { at.Close(); running.Wait() })
	running.Go(func() { r.relay(at, nth, &running) })
}

func (r *Router) relay(at net.Listener, nth int, running *sync.WaitGroup) {
	limits := []int64{0, 20, 400}
	for count := 1; ; count++ {
		c, err := at.Accept()
		if err != nil {
			return
		}
		limit := int64(1) << 40
		if count%nth == 0 {
			limit = limits[count/nth%len(limits)]
		}
		running.Go(func() { r.pass(c, limit) })
	}
}

// pass relays a connection until so many bytes of the answer went through.
func (r *Router) pass(c net.Conn, answer int64) {
	defer c.Close()
	daemon, err := r.Dial(context.Background(), net.JoinHostPort(r.Addr, strconv.Itoa(r.port)))
	if err != nil {
		return
	}
	defer daemon.Close()
	for _, conn := range []net.Conn{c, daemon} {
		conn.SetDeadline(time.Now().Add(10 * time.Second))
	}
	var asking sync.WaitGroup
	asking.Go(func() { io.Copy(daemon, c); daemon.Close() })
	io.Copy(c, io.LimitReader(daemon, answer))
	c.Close()
	asking.Wait()
}

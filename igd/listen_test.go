package igd_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/igdtest"
)

func TestListen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		router, client := igdtest.Router(t, emulator.Profile{})
		c := igd.ListenConfig{Client: client, Description: "page"}
		l, err := c.Listen(t.Context(), "tcp", ":8080")
		if err != nil {
			t.Fatal(err)
		}
		if at := l.ExternalAddr(); at != netip.MustParseAddrPort("11.22.33.44:8080") {
			t.Errorf("outside it is at %v", at)
		}
		router.SetExternal(netip.MustParseAddr("11.22.33.55"))
		for at := range l.ExternalAddrs(t.Context()) {
			if at == netip.MustParseAddrPort("11.22.33.55:8080") {
				break
			}
		}
		router.Wipe()
		time.Sleep(35 * time.Second)
		if table := router.Table(); len(table) != 1 || table[0].Description != "page" {
			t.Errorf("the router has %v", table)
		}
		if err := l.Close(); err != nil || len(router.Table()) != 0 {
			t.Errorf("closed: %v, the router has %v", err, router.Table())
		}
	})
}

func TestListenPacket(t *testing.T) {
	router, client := igdtest.Router(t, emulator.Profile{})
	c := igd.ListenConfig{Client: client}
	l, err := c.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if table := router.Table(); len(table) != 1 || table[0].Protocol != igd.UDP || table[0].ExternalPort != l.ExternalAddr().Port() {
		t.Errorf("the router has %v", table)
	}
	if err := l.Close(); err != nil || len(router.Table()) != 0 {
		t.Errorf("closed: %v, the router has %v", err, router.Table())
	}
}

func TestListenFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		router, client := igdtest.Router(t, emulator.Profile{})
		taken := igd.Mapping{MappingKey: igd.MappingKey{ExternalPort: 8080, Protocol: igd.TCP}, InternalClient: neighbour, InternalPort: 80}
		if err := router.Put(taken); err != nil {
			t.Fatal(err)
		}
		c := igd.ListenConfig{Client: client}
		if _, err := c.Listen(t.Context(), "tcp", ":8080"); !errors.Is(err, igd.ErrConflict) {
			t.Errorf("a port of another host: %v", err)
		}
		c.AnyPort = true
		l, err := c.Listen(t.Context(), "tcp", ":8080")
		if err != nil {
			t.Fatal(err)
		}
		if port := l.ExternalAddr().Port(); port == 8080 || port == 0 {
			t.Errorf("outside it is at port %d", port)
		}
		l.Close()
		c.Client = &igd.Client{Network: client.Network, Interfaces: []string{"lo"}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := c.Listen(ctx, "tcp", ":8080"); !errors.Is(err, igd.ErrNoGateway) {
			t.Errorf("no gateway: %v", err)
		}
	})
}

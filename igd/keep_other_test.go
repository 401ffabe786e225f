package igd_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/wire"
)

// TestKeeperOtherWishes: wishes come and go while a keeper runs. One that goes is left to its
// lease, and only what is wished for at the end is removed then.
func TestKeeperOtherWishes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lan := wire.NewMemory()
		host := lan.Host("self", homeHost)
		host.SetGateway(homeRouter.Addr())
		router := emulator.New(emulator.Profile{Device: igd.V2})
		ctx, stop := context.WithCancel(t.Context())
		served, kept := make(chan error, 1), make(chan error, 1)
		server := igd.Server{Network: lan.Host("router", homeRouter), Interface: "eth0"}
		go func() { served <- router.Serve(ctx, server) }()
		synctest.Wait()

		wish := func(port uint16) igd.Wish {
			w := igd.Wish{}
			w.MappingKey, w.Lease = igd.MappingKey{ExternalPort: port, Protocol: igd.TCP}, time.Hour
			return w
		}
		wishes := make(chan []igd.Wish)
		keeping, end := context.WithCancel(ctx)
		keeper := &igd.Keeper{Client: &igd.Client{Network: host}, Wishes: wishes}
		go func() { kept <- keeper.Run(keeping, wish(1001)) }()
		expect := func(after time.Duration, ports ...uint16) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			table := router.Table()
			if len(table) != len(ports) {
				t.Fatalf("table %v, want ports %v", table, ports)
			}
			for i, m := range table {
				if m.ExternalPort != ports[i] {
					t.Errorf("table %v, want ports %v", table, ports)
				}
			}
		}
		expect(10*time.Second, 1001)
		wishes <- []igd.Wish{wish(1001), wish(1002)}
		expect(10*time.Second, 1001, 1002)
		wishes <- []igd.Wish{wish(1002), wish(1003)}
		expect(10*time.Second, 1001, 1002, 1003)
		expect(2*time.Hour, 1002, 1003) // the first has run out, the others were renewed
		wishes <- []igd.Wish{wish(1003), wish(1003)}
		expect(10*time.Second, 1002, 1003) // refused: they stay as they were
		wishes <- []igd.Wish{wish(1003)}
		time.Sleep(time.Second)
		end()
		if err := <-kept; err != nil {
			t.Error(err)
		}
		expect(0, 1002)
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

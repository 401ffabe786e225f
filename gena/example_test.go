package gena_test

import (
	"context"
	"fmt"
	"net"
	"net/http/httptest"
	"sync"

	"upnp/gena"
)

// A subscriber hears of a change that a publisher makes known.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer stop()

	device := &gena.Publisher{}
	_ = device.Publish(gena.Property{Name: "ConnectionStatus", Value: "Disconnected"})
	tasks.Go(func() { _ = device.Serve(ctx) })
	server := httptest.NewServer(device)
	defer server.Close()

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	subscriber := &gena.Subscriber{Listener: listener}
	tasks.Go(func() { _ = subscriber.Serve(ctx) })

	subscription, err := subscriber.Subscribe(ctx, server.URL+"/evt/IPConn")
	if err != nil {
		fmt.Println(err)
		return
	}
	for event, err := range subscription.Events(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		status, _ := event.Get("ConnectionStatus")
		fmt.Println(event.Seq, status)
		if status == "Connected" {
			break
		}
		_ = device.Publish(gena.Property{Name: "ConnectionStatus", Value: "Connected"})
	}
	// Output:
	// 0 Disconnected
	// 1 Connected
}

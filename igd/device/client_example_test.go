package device_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"

	"upnp/igd"
	"upnp/igd/device"
	"upnp/igd/emulator"
	"upnp/igd/wire"
	"upnp/soap"
)

// ExampleClient opens a device by its address, asks it something, and gets told what was wrong with
// another question before it is sent. The device is an emulated router on a network in memory;
// without the Network field the client uses the real one.
func ExampleClient() {
	network, stop := emulatedRouter()
	defer stop()
	ctx := context.Background()

	client := device.Client{Network: network}
	d, err := client.Open(ctx, "192.168.1.1")
	if err != nil {
		log.Fatal(err)
	}
	service, err := d.Service("WANIPConnection")
	if err != nil {
		log.Fatal(err)
	}
	result, err := service.Call(ctx, "GetStatusInfo", nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, v := range result.Values {
		if v.Name != "NewUptime" {
			fmt.Println(v.Name, v.Type, v.Value)
		}
	}
	_, err = service.Call(ctx, "GetGenericPortMappingEntry", soap.Args{{Name: "NewPortMappingIndex", Value: "first"}})
	fmt.Println(err)
	// Output:
	// NewConnectionStatus string Connected
	// NewLastConnectionError string ERROR_NONE
	// device: GetGenericPortMappingEntry: NewPortMappingIndex "first": not an integer of that type (ui2)
}

// emulatedRouter is a host on a LAN in memory that has an emulated router.
func emulatedRouter() (network wire.Network, stop func()) {
	lan := wire.NewMemory()
	host, router := lan.Host("host", netip.MustParsePrefix("192.168.1.7/24")), lan.Host("router", netip.MustParsePrefix("192.168.1.1/24"))
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan bool, 1), make(chan error, 1)
	server := igd.Server{Network: router, Interface: "eth0", Ready: func(string) { ready <- true }}
	go func() { done <- emulator.New(emulator.Profile{Device: igd.V2}).Serve(ctx, server) }()
	<-ready
	return host, func() { cancel(); <-done }
}

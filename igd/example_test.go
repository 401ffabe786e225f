package igd_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/netip"
	"time"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/wire"
)

// Example opens a port, looks at it and closes it again. The router is an emulated one on a
// network in memory; without the Network field the client searches the real one.
func Example() {
	network, stop := exampleNetwork()
	defer stop()
	ctx := context.Background()

	client := igd.Client{Network: network}
	gateway, err := client.Discover(ctx)
	if err != nil {
		log.Fatal(err)
	}
	want := igd.Wish{Mapping: igd.Mapping{
		MappingKey:  igd.MappingKey{ExternalPort: 9542, Protocol: igd.TCP},
		Description: "my game",
		Lease:       time.Hour,
	}}
	grant, err := gateway.Map(ctx, want)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("open:", grant.Mapping, "verified:", grant.Verified)

	for m, err := range igd.Mappings(ctx, gateway) {
		fmt.Println("listed:", m, err)
	}
	if _, err := gateway.Remove(ctx, want.MappingKey); err != nil {
		log.Fatal(err)
	}
	_, err = gateway.Mapping(ctx, want.MappingKey)
	fmt.Println(err)
	// Output:
	// open: 9542:192.168.1.7:9542/tcp verified: true
	// listed: 9542:192.168.1.7:9542/tcp <nil>
	// igd: GetSpecificPortMappingEntry at 192.168.1.1: 714 NoSuchEntryInArray
}

// ExampleSurvey says why no port can be opened. It takes seconds, because it waits for late answers.
func ExampleSurvey() {
	survey := igd.Survey{
		Write: true, // try a mapping, and remove it again
		Found: func(f igd.Finding) { fmt.Println(f.Severity, f.What) },
	}
	report := survey.Run(context.Background())
	fmt.Println(report.Conclusion.What, report.Conclusion.Do)
}

// exampleNetwork is a host on a LAN in memory that has an emulated router.
func exampleNetwork() (network wire.Network, stop func()) {
	lan := wire.NewMemory()
	host := lan.Host("host", netip.MustParsePrefix("192.168.1.7/24"))
	host.SetGateway(netip.MustParseAddr("192.168.1.1"))
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan bool), make(chan error)
	go func() {
		done <- (&igd.Server{
			Backend:   emulator.New(emulator.Profile{}),
			Network:   lan.Host("router", netip.MustParsePrefix("192.168.1.1/24")),
			Interface: "eth0",
			Ready:     func(string) { close(ready) },
		}).Serve(ctx)
	}()
	<-ready
	return host, func() { cancel(); <-done }
}

// ExampleListenConfig_Listen is a web server that the Internet can reach, for as long as it runs.
// The router is an emulated one; with the zero ListenConfig, or plain [igd.Listen], it is yours.
func ExampleListenConfig_Listen() {
	network, stop := exampleNetwork()
	defer stop()
	config := igd.ListenConfig{Client: &igd.Client{Network: network}}

	listener, err := config.Listen(context.Background(), "tcp", ":8080")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%v/\n", listener.ExternalAddr())
	go http.Serve(listener, http.FileServer(http.Dir("public")))

	fmt.Println(listener.Close()) // the port is closed outside, too
	// Output:
	// http://11.22.33.44:8080/
	// <nil>
}

package ssdp_test

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"upnp/igd/wire"
	"upnp/ssdp"
)

func Example() {
	lan := wire.NewMemory()
	router := lan.Host("router", netip.MustParsePrefix("192.168.1.1/24"))
	laptop := lan.Host("laptop", netip.MustParsePrefix("192.168.1.7/24"))

	s := &ssdp.Server{
		Listen: router.ListenPacket, Interfaces: router.Interfaces, MaxDelay: time.Millisecond,
		Targets: []ssdp.Advertisement{
			{NT: ssdp.RootDevice, USN: "uuid:1234::upnp:rootdevice"},
			{NT: "uuid:1234", USN: "uuid:1234"},
			{NT: "urn:schemas-upnp-org:device:InternetGatewayDevice:2", USN: "uuid:1234::urn:schemas-upnp-org:device:InternetGatewayDevice:2"},
		},
		Location: func(_ ssdp.Interface, local netip.Addr) string {
			return "http://" + netip.AddrPortFrom(local, 5000).String() + "/rootDesc.xml"
		},
	}
	ctx, stop := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { s.Serve(ctx) })

	c := &ssdp.Client{Listen: laptop.ListenPacket, Interfaces: laptop.Interfaces}
	for p, err := range c.Search(ctx, "urn:schemas-upnp-org:device:InternetGatewayDevice:1") {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(p.From.Addr(), p.Location())
		break
	}
	stop()
	serving.Wait()
	// Output: 192.168.1.1 http://192.168.1.1:5000/rootDesc.xml
}

func ExampleClient_Monitor() {
	lan := wire.NewMemory()
	router := lan.Host("router", netip.MustParsePrefix("192.168.1.1/24"))
	laptop := lan.Host("laptop", netip.MustParsePrefix("192.168.1.7/24"))
	s := &ssdp.Server{
		Listen: router.ListenPacket, Interfaces: router.Interfaces,
		Targets:  []ssdp.Advertisement{{NT: ssdp.RootDevice, USN: "uuid:1234::upnp:rootdevice"}},
		Location: func(ssdp.Interface, netip.Addr) string { return "http://192.168.1.1:5000/rootDesc.xml" },
	}
	ctx, stop := context.WithCancel(context.Background())
	var serving sync.WaitGroup

	var once sync.Once
	c := &ssdp.Client{Interfaces: laptop.Interfaces}
	c.Listen = func(ctx context.Context, ifi ssdp.Interface, group netip.AddrPort) (ssdp.PacketConn, error) {
		defer once.Do(func() { serving.Go(func() { s.Serve(ctx) }) }) // there is someone to listen now
		return laptop.ListenPacket(ctx, ifi, group)
	}
	for p, err := range c.Monitor(ctx) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(p.NTS(), p.USN())
		if p.NTS() == ssdp.Alive {
			break
		}
	}
	stop()
	serving.Wait()
	// Output:
	// ssdp:byebye uuid:1234::upnp:rootdevice
	// ssdp:alive uuid:1234::upnp:rootdevice
}

func ExampleMessage_AppendText() {
	m := &ssdp.Message{Method: ssdp.MethodSearch}
	m.Header.Add("HOST", "239.255.255.250:1900")
	m.Header.Add("MAN", `"ssdp:discover"`)
	m.Header.Add("MX", "1")
	m.Header.Add("ST", string(ssdp.RootDevice))
	data, err := m.AppendText(nil)
	fmt.Printf("%q %v\n", data, err)
	// Output: "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: upnp:rootdevice\r\n\r\n" <nil>
}

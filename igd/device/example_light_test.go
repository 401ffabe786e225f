package device_test

import (
	"context"
	"fmt"
	"net/netip"

	"upnp/igd/device"
	"upnp/igd/wire"
	"upnp/soap"
)

// A device of any kind is a description, and for each service a soap.Handler and a gena.Publisher;
// a Host puts them on a network. This one is switched on and dimmed by a control point.
func Example_light() {
	lan := wire.NewMemory()
	host := newLight(lan.Host("lamp", netip.MustParsePrefix("192.168.1.9/24")), "eth0")
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	served, ready := make(chan error), make(chan string)
	host.Ready = func(location string) { ready <- location }
	go func() { served <- host.Serve(ctx) }()
	<-ready

	client := device.Client{Network: lan.Host("phone", netip.MustParsePrefix("192.168.1.2/24"))}
	light, err := client.Open(ctx, "Desk lamp")
	if err != nil {
		fmt.Println(err)
		return
	}
	dimming, _ := light.Service("Dimming")
	for event, err := range dimming.Subscribe(ctx) {
		if err != nil {
			fmt.Println(err)
			break
		}
		level, _ := event.Get("LoadLevelStatus")
		fmt.Println(level.Name, level.Text)
		if level.Text == "40" {
			break
		}
		_, err = dimming.Call(ctx, "SetLoadLevelTarget", soap.Args{{Name: "newLoadlevelTarget", Value: "140"}})
		fmt.Println(err)
		_, err = dimming.Call(ctx, "SetLoadLevelTarget", soap.Args{{Name: "newLoadlevelTarget", Value: "40"}})
		fmt.Println(err)
	}
	stop()
	fmt.Println(<-served)
	// Output:
	// LoadLevelStatus 100
	// device: SetLoadLevelTarget: newLoadlevelTarget "140": outside of "0" to "100" (ui1, 0 to 100)
	// <nil>
	// LoadLevelStatus 40
	// <nil>
}

// Package device is for every UPnP device, whatever it does: hosting one, and controlling one.
//
// A [Host] puts a device on a network. What the device is and does are values of the packages
// below: a description.Root, a soap.Handler and a gena.Publisher for each service.
//
// A [Client] is a control point. [Client.Devices] tells what there is and what becomes of it;
// [Client.Open] goes to one device, by the URL of its description, its UDN, its name or its address.
// A [Service] of it is called with arguments checked and written by the types of its service
// description, before anything is sent:
//
//	d, err := client.Open(ctx, "Living room")
//	…
//	s, err := d.Service("RenderingControl")
//	…
//	r, err := s.Call(ctx, "SetVolume", soap.Args{
//		{Name: "InstanceID", Value: "0"}, {Name: "Channel", Value: "Master"}, {Name: "DesiredVolume", Value: "140"},
//	})
//	// device: SetVolume: DesiredVolume "140": outside of "0" to "100" (ui2, 0 to 100)
//
// What is behind it is the architecture alone, not the standards of single device types: package igd
// knows what Internet gateways mean.
//
// Every byte of a device is hostile. How many devices, addresses and documents are looked at is
// bounded; requests go to the address that served the description and to no other.
package device

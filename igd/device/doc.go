// Package device is for every UPnP device, whatever it does: hosting one, and controlling one.
//
// A [Host] puts a device on a network. What the device is and does are values of the packages
// below: a description.Root, a soap.Handler and a gena.Publisher for each service.
package device

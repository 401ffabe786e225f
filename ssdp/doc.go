// Package ssdp finds UPnP devices and lets them be found.
package ssdp

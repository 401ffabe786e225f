package igd

import (
	"strconv"
	"strings"
)

// Device types of an Internet gateway and what is inside (IGD:1 and IGD:2).
const (
	InternetGatewayDevice1 = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"
	InternetGatewayDevice2 = "urn:schemas-upnp-org:device:InternetGatewayDevice:2"
	WANDevice1             = "urn:schemas-upnp-org:device:WANDevice:1"
	WANDevice2             = "urn:schemas-upnp-org:device:WANDevice:2"
	WANConnectionDevice1   = "urn:schemas-upnp-org:device:WANConnectionDevice:1"
	WANConnectionDevice2   = "urn:schemas-upnp-org:device:WANConnectionDevice:2"
)

// Service types of an Internet gateway.
const (
	WANIPConnection1          = "urn:schemas-upnp-org:service:WANIPConnection:1"
	WANIPConnection2          = "urn:schemas-upnp-org:service:WANIPConnection:2"
	WANPPPConnection1         = "urn:schemas-upnp-org:service:WANPPPConnection:1"
	WANCommonInterfaceConfig1 = "urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1"
	Layer3Forwarding1         = "urn:schemas-upnp-org:service:Layer3Forwarding:1"
	WANIPv6FirewallControl1   = "urn:schemas-upnp-org:service:WANIPv6FirewallControl:1"
)

// typeName is the type part of a device or service URN of any domain: WANIPConnection of
// urn:schemas-upnp-org:service:WANIPConnection:2 and of the urn:dslforum-org spelling (G-22).
func typeName(urn string) string {
	parts := strings.Split(urn, ":")
	if len(parts) < 4 {
		return ""
	}
	return strings.TrimSpace(parts[3])
}

// typeVersion is the version of a device or service URN; 1 where it is missing or unreadable,
// as in the "WANIPConnection:" some firmware announces.
func typeVersion(urn string) int {
	parts := strings.Split(urn, ":")
	if len(parts) < 5 {
		return 1
	}
	major, _, _ := strings.Cut(strings.TrimSpace(parts[4]), ".")
	version, err := strconv.Atoi(major)
	if err != nil || version < 1 {
		return 1
	}
	return version
}

func isType(urn, name string) bool { return strings.EqualFold(typeName(urn), name) }

// isConnection reports a service that maps ports. Any version counts: WANPPPConnection:2,
// which no standard has, is announced by whole product lines.
func isConnection(serviceType string) bool {
	return isType(serviceType, "WANIPConnection") || isType(serviceType, "WANPPPConnection")
}

package igd

import (
	"crypto/sha256"
	"embed"
	"fmt"
	"path"

	"upnp/description"
)

// documents are the service descriptions, served byte for byte. What they list is implemented.
//
//go:embed scpd
var documents embed.FS

// StandardRoot is the description of a gateway of kind d with one WAN connection, as laid out
// by IGD:1 and IGD:2; one of version 2 has an IPv6 firewall too. The UDNs are made from seed: the same seed is the same device.
func StandardRoot(d Device, seed string) *description.Root {
	tree := treeOf(d)
	connection := newDevice(tree.connectionDevice, seed, "WAN connection", tree.connection)
	if d == V2 {
		connection.Services = append(connection.Services, newService(connection, service{WANIPv6FirewallControl1, "WANIPv6Firewall1"}))
	}
	wan := newDevice(tree.wan, seed, "WAN", service{WANCommonInterfaceConfig1, "WANCommonIFC1"})
	root := newDevice(tree.gateway, seed, "Internet gateway", service{Layer3Forwarding1, "L3Forwarding1"})
	adopt(wan, connection)
	adopt(root, wan)
	return &description.Root{SpecMajor: 1, Device: root}
}

// A tree names the types that differ between the kinds of gateway.
type tree struct {
	gateway, wan, connectionDevice string
	connection                     service
}

type service struct{ kind, id string }

func treeOf(d Device) tree {
	switch d {
	case V2:
		return tree{InternetGatewayDevice2, WANDevice2, WANConnectionDevice2, service{WANIPConnection2, "WANIPConn1"}}
	case PPP:
		return tree{InternetGatewayDevice1, WANDevice1, WANConnectionDevice1, service{WANPPPConnection1, "WANPPPConn1"}}
	}
	return tree{InternetGatewayDevice1, WANDevice1, WANConnectionDevice1, service{WANIPConnection1, "WANIPConn1"}}
}

func newDevice(kind, seed, name string, s service) *description.Device {
	d := &description.Device{
		Type: kind, FriendlyName: name, Manufacturer: "upnp", ModelName: "upnp gateway",
		ModelDescription: "Internet gateway in software", ModelNumber: "1",
		UDN: udnOf(seed, kind),
	}
	d.Services = []*description.Service{newService(d, s)}
	return d
}

func newService(d *description.Device, s service) *description.Service {
	return &description.Service{
		Type: s.kind, ID: "urn:upnp-org:serviceId:" + s.id, Device: d,
		SCPDURL: "/" + documentOf(s.kind), ControlURL: "/control/" + s.id, EventSubURL: "/event/" + s.id,
	}
}

func adopt(parent, child *description.Device) {
	child.Parent = parent
	parent.Devices = append(parent.Devices, child)
}

// udnOf is a version 8 UUID (RFC 9562) of the hash of its parts.
func udnOf(seed, kind string) string {
	h := sha256.Sum256([]byte(seed + "\x00" + kind))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80
	return fmt.Sprintf("uuid:%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// documentOf is the embedded document that describes a service type of any domain and
// version: that of the newest version not above it, the oldest one for unreadable versions.
func documentOf(serviceType string) string {
	for version := min(typeVersion(serviceType), 9); version > 0; version-- {
		name := path.Join("scpd", fmt.Sprintf("%s%d.xml", typeName(serviceType), version))
		if f, err := documents.Open(name); err == nil {
			f.Close()
			return name
		}
	}
	return ""
}

package device

import (
	"context"
	"net/netip"

	"upnp/description"
	"upnp/ssdp"
)

func (s *Site) announcer() *ssdp.Server {
	return &ssdp.Server{
		Listen:     s.listenPacket,
		Interfaces: s.network.Interfaces,
		Names:      []string{s.ifi.Name},
		Targets:    Advertisements(s.host.Root),
		Location:   s.locationFor,
		Product:    s.host.product(),
		BootID:     s.host.BootID,
		MaxDelay:   s.host.MaxDelay,
		Answer:     s.host.Answer,
		Logger:     s.host.Logger,
	}
}

// listenPacket is the network's. Once it was asked to hear searches, those that come now are
// kept until they are read: the time to say that the device is there.
func (s *Site) listenPacket(ctx context.Context, ifi ssdp.Interface, group netip.AddrPort) (ssdp.PacketConn, error) {
	conn, err := s.network.ListenPacket(ctx, ifi, group)
	family := group.Addr().Is4() == s.Addr().Is4()
	if s.host.Ready != nil && family && group.Addr().IsMulticast() && group.Port() != 0 {
		s.ready.Do(func() { s.host.Ready(s.host.Root.Location) })
	}
	return conn, err
}

// locationFor leaves out what nobody listens at. Of an IPv6 address any other of the interface
// speaks, a wider one not of a link-local one (UDA 2.0, Annex A).
func (s *Site) locationFor(_ ssdp.Interface, local netip.Addr) string {
	local = local.Unmap().WithZone("")
	if local == s.Addr().WithZone("") {
		return s.host.Root.Location
	}
	for _, e := range s.ends {
		own := e.at.Addr().WithZone("")
		if own == local || own.Is6() && local.Is6() && (local.IsLinkLocalUnicast() || !own.IsLinkLocalUnicast()) {
			return e.location()
		}
	}
	return ""
}

// Advertisements is the set of UDA 1.1 table 1-1 to 1-3: three for the root device, two for
// every embedded one, one for every service type of a device.
func Advertisements(root *description.Root) []ssdp.Advertisement {
	var all []ssdp.Advertisement
	announce := func(udn string, target ssdp.Target) {
		usn := ssdp.USN{UDN: udn, Target: target}
		if string(target) == udn {
			usn.Target = ""
		}
		all = append(all, ssdp.Advertisement{NT: target, USN: usn.String()})
	}
	announce(root.Device.UDN, ssdp.RootDevice)
	for d := range root.Devices() {
		announce(d.UDN, ssdp.Target(d.UDN))
		announce(d.UDN, ssdp.Target(d.Type))
		seen := make(map[string]bool)
		for _, s := range d.Services {
			if !seen[s.Type] {
				seen[s.Type] = true
				announce(d.UDN, ssdp.Target(s.Type))
			}
		}
	}
	return all
}

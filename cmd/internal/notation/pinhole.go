package notation

import (
	"errors"
	"fmt"
	"strings"

	"upnp/igd"
)

// ParsePinhole reads a PINHOLE as it is written on a command line:
//
//	[[HOST]:]PORT[/PROTO]
//
// PROTO both is two of them. The zero client is this machine. Errors do not repeat the argument.
func ParsePinhole(s string) ([]igd.Pinhole, error) {
	target, proto, hasProto := strings.Cut(s, "/")
	protocols := []igd.Protocol{igd.TCP}
	var err error
	if hasProto {
		if protocols, err = parseProtocols(proto); err != nil {
			return nil, err
		}
	}
	host, port, err := splitTarget(target)
	if err != nil {
		return nil, err
	}
	var p igd.Pinhole
	if host != "" {
		if p.InternalClient, err = ParseHost(host); err != nil {
			return nil, err
		}
		if !p.InternalClient.Is6() {
			return nil, fmt.Errorf("host %s has no IPv6 firewall in front of it; upnp add opens a port to it", host)
		}
	}
	if strings.Contains(port, "-") {
		return nil, errors.New("a pinhole is for one port")
	}
	if p.InternalPort, err = ParsePort(port); err != nil {
		return nil, err
	}
	all := make([]igd.Pinhole, len(protocols))
	for i := range all {
		all[i] = p
		all[i].Protocol = protocols[i]
	}
	return all, nil
}

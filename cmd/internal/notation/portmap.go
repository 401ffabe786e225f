// Package notation is how people write mappings: MAPPING on a command line, and the mappings file.
package notation

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"upnp/igd"
)

// maxRange bounds the ports of one mapping argument: no router in the field takes more.
const maxRange = 1000

// A PortMap is a MAPPING as it is written on a command line and in a mappings file:
//
//	EXT[-EXT][:[HOST:]INT[-INT]][/PROTO]
type PortMap struct {
	From, To  uint16     // external ports, both included
	Host      netip.Addr // zero: this machine
	Internal  uint16     // first internal port
	Target    bool       // an internal side was written
	Protocols []igd.Protocol
}

// Parse reads a MAPPING. Its errors do not repeat the argument.
func Parse(s string) (PortMap, error) {
	ports, proto, hasProto := strings.Cut(s, "/")
	m := PortMap{Protocols: []igd.Protocol{igd.TCP}}
	var err error
	if hasProto {
		if m.Protocols, err = parseProtocols(proto); err != nil {
			return PortMap{}, err
		}
	}
	external, target, hasTarget := strings.Cut(ports, ":")
	if m.From, m.To, err = parseRange(external); err != nil {
		return PortMap{}, err
	}
	m.Internal, m.Target = m.From, hasTarget
	if hasTarget {
		err = m.parseTarget(target)
	}
	return m, err
}

// ParseKey reads the MAPPING of a verb that only names one: EXT[-EXT][/PROTO].
func ParseKey(s string) (PortMap, error) {
	m, err := Parse(s)
	if err == nil && m.Target {
		return PortMap{}, errors.New("only the external port and protocol name a mapping here: EXT[/PROTO]")
	}
	return m, err
}

func (m *PortMap) parseTarget(s string) error {
	host, ports, err := splitTarget(s)
	if err != nil {
		return err
	}
	if host != "" {
		if m.Host, err = ParseHost(host); err != nil {
			return err
		}
	}
	from, to, err := parseRange(ports)
	if err != nil {
		return err
	}
	if to-from != m.To-m.From {
		return fmt.Errorf("%d external ports and %d internal ones", m.count(), int(to-from)+1)
	}
	m.Internal = from
	return nil
}

// splitTarget divides [HOST:]INT[-INT].
func splitTarget(s string) (host, ports string, err error) {
	colon := strings.LastIndexByte(s, ':')
	switch {
	case colon < 0 && strings.ContainsAny(s, ".[]"):
		return "", "", fmt.Errorf("%q lacks the internal port: HOST:PORT", s)
	case colon < 0:
		return "", s, nil
	}
	host, ports = s[:colon], s[colon+1:]
	bracketed := strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]")
	switch {
	case bracketed:
		return host[1 : len(host)-1], ports, nil
	case strings.HasPrefix(host, "["):
		return "", "", fmt.Errorf("%q lacks the internal port: [HOST]:PORT", s)
	case strings.Contains(host, ":"):
		return "", "", errors.New("an IPv6 host stands in brackets: 9542:[fd00::20]:8080")
	case host == "":
		return "", "", errors.New("the host between the colons is missing")
	}
	return host, ports, nil
}

// ParseHost reads the address of a machine that a mapping can lead to.
func ParseHost(s string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(s)
	switch {
	case err != nil:
		return netip.Addr{}, fmt.Errorf("host %q is not an IP address", s)
	case addr.Zone() != "":
		return netip.Addr{}, fmt.Errorf("host %q: an address with a zone means nothing to the router", s)
	case addr.IsUnspecified(), addr.IsLoopback(), addr.IsMulticast():
		return netip.Addr{}, fmt.Errorf("host %s is not an address the router can reach", addr)
	}
	return addr.Unmap(), nil
}

func parseProtocols(s string) ([]igd.Protocol, error) {
	switch strings.ToLower(s) {
	case "tcp":
		return []igd.Protocol{igd.TCP}, nil
	case "udp":
		return []igd.Protocol{igd.UDP}, nil
	case "both":
		return []igd.Protocol{igd.TCP, igd.UDP}, nil
	}
	return nil, fmt.Errorf("unknown protocol %q: tcp, udp or both", s)
}

func parseRange(s string) (from, to uint16, err error) {
	first, last, isRange := strings.Cut(s, "-")
	if from, err = ParsePort(first); err != nil || !isRange {
		return from, from, err
	}
	if to, err = ParsePort(last); err != nil {
		return 0, 0, err
	}
	switch {
	case to < from:
		return 0, 0, fmt.Errorf("range %s runs backwards", s)
	case int(to-from)+1 > maxRange:
		return 0, 0, fmt.Errorf("range %s is %d ports; %d at most", s, int(to-from)+1, maxRange)
	}
	return from, to, nil
}

// ParsePort reads a port number from 1 to 65535.
func ParsePort(s string) (uint16, error) {
	for _, r := range s {
		if r < '0' || r > '9' {
			return 0, fmt.Errorf("%q is not a port", s)
		}
	}
	n, err := strconv.Atoi(s)
	switch {
	case s == "":
		return 0, errors.New("a port is missing")
	case err != nil || n > 65535:
		return 0, fmt.Errorf("port %s is above 65535", s)
	case n == 0:
		return 0, errors.New("port 0 is refused: many routers take it for all ports")
	}
	return uint16(n), nil
}

// count is the number of external ports.
func (m PortMap) count() int { return int(m.To-m.From) + 1 }

// Single reports whether the argument is exactly one mapping.
func (m PortMap) Single() bool { return m.count() == 1 && len(m.Protocols) == 1 }

// String writes the shortest form that reads back the same, except that the protocol is always
// there.
func (m PortMap) String() string {
	s := FormatRange(m.From, m.To)
	internal := FormatRange(m.Internal, m.Internal+m.To-m.From)
	switch {
	case m.Host.Is6():
		s += ":[" + m.Host.String() + "]:" + internal
	case m.Host.IsValid():
		s += ":" + m.Host.String() + ":" + internal
	case m.Target:
		s += ":" + internal
	}
	if len(m.Protocols) > 1 {
		return s + "/both"
	}
	return s + "/" + strings.ToLower(string(m.Protocols[0]))
}

// FormatRange writes ports from one to another as they are read.
func FormatRange(from, to uint16) string {
	if from == to {
		return strconv.Itoa(int(from))
	}
	return fmt.Sprintf("%d-%d", from, to)
}

// Keys are the mappings that m names.
func (m PortMap) Keys() []igd.MappingKey {
	keys := make([]igd.MappingKey, 0, m.count()*len(m.Protocols))
	for _, p := range m.Protocols {
		for i := range m.count() {
			keys = append(keys, igd.MappingKey{ExternalPort: m.From + uint16(i), Protocol: p})
		}
	}
	return keys
}

// Mappings are the mappings that m asks for. The zero client is this machine.
func (m PortMap) Mappings() []igd.Mapping {
	keys := m.Keys()
	all := make([]igd.Mapping, len(keys))
	for i, k := range keys {
		all[i] = igd.Mapping{MappingKey: k, InternalClient: m.Host, InternalPort: m.Internal + k.ExternalPort - m.From}
	}
	return all
}

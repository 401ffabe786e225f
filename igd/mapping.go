package igd

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Protocol is the transport of a mapping in the standard's spelling: upper case, because
// some routers refuse "udp" (WANIPConnection section 2.2.19; G-37). Routers list vendor values
// too; they are kept, in upper case.
type Protocol string

// The two protocols every gateway maps.
const (
	TCP Protocol = "TCP"
	UDP Protocol = "UDP"
)

// A MappingKey is what makes a mapping unique on a gateway (WANIPConnection:2 section 2.2.16).
type MappingKey struct {
	// RemoteHost limits who may use the mapping: an IPv4 address or host name.
	// Empty, nearly always, means anybody.
	RemoteHost   string
	ExternalPort uint16 // 0 is a wildcard for all ports; wishes never send it
	Protocol     Protocol
}

// String is the key as it is written on a command line, such as 9542/tcp.
func (k MappingKey) String() string {
	s := fmt.Sprintf("%d/%s", k.ExternalPort, strings.ToLower(string(k.Protocol)))
	if k.RemoteHost != "" {
		s += " from " + k.RemoteHost
	}
	return s
}

// A Mapping sends what arrives at the gateway's external port to a host inside.
type Mapping struct {
	MappingKey
	// InternalClient is the host inside. The zero address in a wish means this host.
	InternalClient netip.Addr
	// InternalName is set instead of InternalClient by the few gateways that list a host name.
	InternalName string
	InternalPort uint16 // 0 in a wish means the external port
	// Disabled mappings are remembered but do not forward. Many gateways ignore it.
	Disabled    bool
	Description string // free text; routers cut and alter it, so it never identifies a mapping
	// Lease is what was asked for, or what is left when read back, in whole seconds;
	// zero is permanent.
	Lease time.Duration
}

// Client is the host inside as text: its address, or its name where the gateway lists that.
func (m Mapping) Client() string {
	if m.InternalClient.IsValid() {
		return m.InternalClient.String()
	}
	return m.InternalName
}

// String is the mapping as it is written on a command line, such as 9542:192.168.1.20:8080/tcp.
func (m Mapping) String() string {
	s := fmt.Sprintf("%d:%s:%d/%s", m.ExternalPort, m.Client(), m.InternalPort, strings.ToLower(string(m.Protocol)))
	if m.InternalClient.Is6() {
		s = fmt.Sprintf("%d:[%s]:%d/%s", m.ExternalPort, m.Client(), m.InternalPort, strings.ToLower(string(m.Protocol)))
	}
	return s
}

// mappingJSON is the shape that scripts rely on.
type mappingJSON struct {
	Protocol       Protocol `json:"protocol"`
	ExternalPort   uint16   `json:"externalPort"`
	InternalClient string   `json:"internalClient"`
	InternalPort   uint16   `json:"internalPort"`
	RemoteHost     string   `json:"remoteHost"`
	Enabled        bool     `json:"enabled"`
	Description    string   `json:"description"`
	LeaseSeconds   int64    `json:"leaseSeconds"`
}

// MarshalJSON writes ports and seconds as numbers and addresses as strings.
func (m Mapping) MarshalJSON() ([]byte, error) {
	return json.Marshal(mappingJSON{
		m.Protocol, m.ExternalPort, m.Client(), m.InternalPort, m.RemoteHost,
		!m.Disabled, m.Description, int64(m.Lease / time.Second),
	})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *Mapping) UnmarshalJSON(data []byte) error {
	var j mappingJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*m = Mapping{
		MappingKey:   MappingKey{j.RemoteHost, j.ExternalPort, j.Protocol},
		InternalPort: j.InternalPort, Disabled: !j.Enabled,
		Description: j.Description, Lease: time.Duration(j.LeaseSeconds) * time.Second,
	}
	m.setClient(j.InternalClient)
	return nil
}

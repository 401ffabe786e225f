package igd

import "time"

// Status is the answer to GetStatusInfo. Routers get it wrong more often than not: it is
// shown and ranked by, and gates nothing.
type Status struct {
	Connection string        `json:"connection"` // ConnectionStatus as told, "Connected" by the standard
	LastError  string        `json:"lastError"`
	Uptime     time.Duration `json:"-"`
	// Notes say what had to be repaired in reading.
	Notes []string `json:"notes,omitempty"`
}

// ConnectionType is the answer to GetConnectionTypeInfo.
type ConnectionType struct {
	Type     string   `json:"type"`
	Possible []string `json:"possible"`
}

// NAT is the answer to GetNATRSIPStatus.
type NAT struct {
	Enabled bool `json:"enabled"`
	RSIP    bool `json:"rsip"`
}

// Link is the answer to GetCommonLinkProperties.
type Link struct {
	AccessType     string `json:"accessType"`
	UpstreamBits   uint64 `json:"upstreamBits"`   // per second
	DownstreamBits uint64 `json:"downstreamBits"` // per second
	Physical       string `json:"physical"`       // PhysicalLinkStatus: Up, Down, Initializing, Unavailable
}

// Counters are the traffic totals of the WAN interface since an unspecified start. They
// wrap at 2^32 on most routers; negative values, which occur, are read as wrapped.
type Counters struct {
	BytesSent       uint64 `json:"bytesSent"`
	BytesReceived   uint64 `json:"bytesReceived"`
	PacketsSent     uint64 `json:"packetsSent"`
	PacketsReceived uint64 `json:"packetsReceived"`
}

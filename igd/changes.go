package igd

import (
	"context"
	"encoding/json"
	"iter"
	"net/netip"
	"time"
)

// A Watcher is a [Backend] that tells of changes. A [Gateway] learns them from the network, an
// emulated router from itself.
type Watcher interface {
	// Changes begins with the present: the source, where the watcher has one, the external
	// address, the connection status, and the whole table as Added. It ends with ctx, or when the
	// caller breaks out, and nothing it started outlives it. Its errors are final.
	Changes(ctx context.Context) iter.Seq2[Change, error]
}

// ChangeKind says what a [Change] is about, and which of its fields are set.
type ChangeKind string

// The kinds of change.
const (
	MappingsChanged        ChangeKind = "mappings"        // NumberOfEntries, Added, Removed
	ExternalAddressChanged ChangeKind = "externalAddress" // ExternalAddr
	StatusChanged          ChangeKind = "status"          // Status
	SourceChanged          ChangeKind = "source"          // Source, Reason
	GatewayChanged         ChangeKind = "gateway"         // Gateway, Reason, Now
)

// Where changes come from.
const (
	SourceLive    = "live"    // from events of the gateway
	SourcePolling = "polling" // from asking every now and then
)

// What may happen to a gateway.
const (
	GatewayGone     = "gone"     // does not answer
	GatewayBack     = "back"     // answers again
	GatewayRebooted = "rebooted" // answers again, after a restart
	GatewayMoved    = "moved"    // answers elsewhere: another port, address or control URL
	GatewayReplaced = "replaced" // another device is where it was
)

// A Change is one thing that became different. It was read from the gateway, never just heard.
type Change struct {
	Time time.Time
	Kind ChangeKind

	// NumberOfEntries is the length of the table after the change. A mapping that was altered is
	// Removed as it was and Added as it is; a lease that runs down or is renewed is no change.
	NumberOfEntries int
	Added, Removed  []Mapping

	ExternalAddr netip.Addr // not valid: none
	Status       string     // ConnectionStatus in the gateway's words
	Source       string     // SourceLive or SourcePolling
	Gateway      string     // GatewayGone and so on
	Reason       string     // why, for people; may be empty

	// Now is the gateway from here on, set with every Gateway but GatewayGone. After
	// GatewayMoved and GatewayReplaced it is another than before, and the old one is of no use.
	Now *Gateway
}

// changeJSON is the shape that scripts rely on: the fields of the kind, and no others.
type changeJSON struct {
	Time            time.Time  `json:"time"`
	Kind            ChangeKind `json:"kind"`
	NumberOfEntries *int       `json:"numberOfEntries,omitempty"`
	Added           *[]Mapping `json:"added,omitempty"`
	Removed         *[]Mapping `json:"removed,omitempty"`
	ExternalAddress *string    `json:"externalAddress,omitempty"`
	Status          *string    `json:"status,omitempty"`
	Source          string     `json:"source,omitempty"`
	Gateway         string     `json:"gateway,omitempty"`
	Location        string     `json:"location,omitempty"`
	Reason          string     `json:"reason,omitempty"`
}

// MarshalJSON writes the time, the kind, and the fields of that kind. No address is "".
func (c Change) MarshalJSON() ([]byte, error) {
	j := changeJSON{Time: c.Time.Truncate(time.Millisecond), Kind: c.Kind}
	switch c.Kind {
	case MappingsChanged:
		added, removed := orEmpty(c.Added), orEmpty(c.Removed)
		j.NumberOfEntries, j.Added, j.Removed = &c.NumberOfEntries, &added, &removed
	case ExternalAddressChanged:
		addr := addrText(c.ExternalAddr)
		j.ExternalAddress = &addr
	case StatusChanged:
		j.Status = &c.Status
	case SourceChanged:
		j.Source, j.Reason = c.Source, c.Reason
	case GatewayChanged:
		j.Gateway, j.Reason = c.Gateway, c.Reason
		if c.Now != nil {
			j.Location = c.Now.Location()
		}
	}
	return json.Marshal(j)
}

// orEmpty keeps null out of JSON.
func orEmpty(m []Mapping) []Mapping {
	if m == nil {
		return []Mapping{}
	}
	return m
}

// addrText is an address, or the empty text for none.
func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

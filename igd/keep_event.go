package igd

import (
	"encoding/json"
	"net/netip"
	"time"
)

// KeepKind says what a [KeepEvent] is about.
type KeepKind string

// The kinds of event. From KeepOpen to KeepRefused each is the present state of one wish; what
// was told of it before no longer holds.
const (
	KeepOpen       KeepKind = "open"       // the router's table shows it: made, made again, or found
	KeepRenewed    KeepKind = "renewed"    // still open, its lease seen to have been extended
	KeepLost       KeepKind = "lost"       // no longer in the table; it will be made again
	KeepConflict   KeepKind = "conflict"   // somebody else has the port
	KeepUnverified KeepKind = "unverified" // accepted, and not in the table
	KeepRefused    KeepKind = "refused"    // refused; it will be tried again, ever more rarely
	KeepRemoved    KeepKind = "removed"    // removed, because the keeper ends or it is wanted no more
	KeepLeft       KeepKind = "left"       // it could not be removed; the journal remembers it

	KeepProbed   KeepKind = "probe"           // seen from outside; Reason tells how
	KeepGateway  KeepKind = "gateway"         // Gateway, Location
	KeepExternal KeepKind = "externalAddress" // ExternalAddr, Class
	KeepJournal  KeepKind = "journal"         // something is wrong with the journal, or right again
)

// GatewayFound is the first gateway of a Keeper; it has the other words of a [Change] too.
const GatewayFound = "found"

// A KeepEvent is something that happened to what a [Keeper] keeps.
type KeepEvent struct {
	Time   time.Time
	Kind   KeepKind
	Reason string // why, or what exactly; for people

	// Asked is the mapping that was wished for, of events about one; nil of the others.
	Asked *Mapping
	// Mapping is what is in the table: ours, or, of a conflict, the other one.
	Mapping *Mapping
	// Pinhole is the one that an event is about, of events about one.
	Pinhole *Pinhole
	Err     error // what the router said, of KeepRefused, KeepConflict and KeepLeft

	Gateway      string // GatewayFound, GatewayGone and so on
	Location     string
	ExternalAddr netip.Addr // not valid: none
	Class        Class
}

// IsOpen reports whether the event says that a wish is fulfilled.
func (e KeepEvent) IsOpen() bool { return e.Kind == KeepOpen || e.Kind == KeepRenewed }

type keepEventJSON struct {
	Time            time.Time `json:"time"`
	Kind            KeepKind  `json:"kind"`
	Asked           *Mapping  `json:"asked,omitempty"`
	Mapping         *Mapping  `json:"mapping,omitempty"`
	Pinhole         *Pinhole  `json:"pinhole,omitempty"`
	Gateway         string    `json:"gateway,omitempty"`
	Location        string    `json:"location,omitempty"`
	ExternalAddress *string   `json:"externalAddress,omitempty"`
	Class           Class     `json:"addressClass,omitempty"`
	Reason          string    `json:"reason,omitempty"`
}

// MarshalJSON writes the fields that the kind of event has.
func (e KeepEvent) MarshalJSON() ([]byte, error) {
	j := keepEventJSON{e.Time, e.Kind, e.Asked, e.Mapping, e.Pinhole, e.Gateway, e.Location, nil, e.Class, e.Reason}
	if e.Kind == KeepExternal {
		text := ""
		if e.ExternalAddr.IsValid() {
			text = e.ExternalAddr.String()
		}
		j.ExternalAddress = &text
	}
	return json.Marshal(j)
}

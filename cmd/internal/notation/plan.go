package notation

import (
	"fmt"
	"net/netip"
	"time"

	"upnp/igd"
)

// A Change is one step from a gateway's table to a mappings file.
type Change struct {
	Change  string       `json:"change"` // add, edit, delete
	Mapping igd.Mapping  `json:"mapping"`
	Before  *igd.Mapping `json:"before,omitempty"`
}

// A TakenError is a line whose port another machine has.
type TakenError struct {
	Name   string
	Line   int
	Holder igd.Mapping
}

func (e *TakenError) Error() string {
	return fmt.Sprintf("%s line %d: %s is taken by %s", e.Name, e.Line, e.Holder.MappingKey, Holder(e.Holder))
}

// A ForeignError is a line that leads to another machine, and is not true already.
type ForeignError struct {
	Name string
	Line int
	Host netip.Addr
}

func (e *ForeignError) Error() string {
	return fmt.Sprintf("%s line %d: leads to another machine, %s: open it there", e.Name, e.Line, e.Host)
}

// Holder is who has a mapping, in words.
func Holder(m igd.Mapping) string {
	text := fmt.Sprintf("%s port %d", m.Client(), m.InternalPort)
	if m.Description != "" {
		text += fmt.Sprintf(" (%q)", m.Description)
	}
	return text
}

// A Table is what a gateway has, and what of it is this machine's.
type Table struct {
	Mappings []igd.Mapping
	Local    netip.Addr            // where mappings of this machine lead
	Own      func(netip.Addr) bool // whether an address is this machine's
}

// Plan compares the file of that name with the table: what is missing, and what differs.
// A line for another machine is refused with a *ForeignError unless it is true already, and a port
// of another machine with a *TakenError.
func (t *Table) Plan(name string, lines []Line) ([]Change, error) {
	have := map[igd.MappingKey]igd.Mapping{}
	for _, m := range t.Mappings {
		have[m.MappingKey] = m
	}
	var plan []Change
	for _, l := range lines {
		for _, want := range l.Mappings() {
			if !want.InternalClient.IsValid() {
				want.InternalClient = t.Local
			}
			now, there := have[want.MappingKey]
			switch {
			case there && alike(now, want):
			case there && !t.Own(now.InternalClient):
				return nil, &TakenError{name, l.Number, now}
			case !t.Own(want.InternalClient):
				return nil, &ForeignError{name, l.Number, want.InternalClient}
			case there:
				plan = append(plan, Change{Change: "edit", Mapping: want, Before: &now})
			default:
				plan = append(plan, Change{Change: "add", Mapping: want})
			}
		}
	}
	return plan, nil
}

// alike reports whether a mapping in the table is what the file wants.
func alike(now, want igd.Mapping) bool {
	return now.InternalClient == want.InternalClient && now.InternalPort == want.InternalPort &&
		now.Description == want.Description && now.Disabled == want.Disabled && leaseLasts(now.Lease, want.Lease)
}

// longest is the longest lease of IGD:2 routers, which is what they make of a permanent one.
const longest = 7 * 24 * time.Hour

// leaseLasts reports whether what is left of a lease need not be renewed yet.
func leaseLasts(left, want time.Duration) bool {
	if want == 0 {
		return left == 0 || left >= longest/2
	}
	return left >= want/2 && left <= want
}

// Surplus are the mappings of this machine that the file lacks, in the table's order.
func (t *Table) Surplus(lines []Line) []Change {
	wanted := map[igd.MappingKey]bool{}
	for _, l := range lines {
		for _, m := range l.Mappings() {
			wanted[m.MappingKey] = true
		}
	}
	var plan []Change
	for _, m := range t.Mappings {
		if !wanted[m.MappingKey] && t.Own(m.InternalClient) {
			plan = append(plan, Change{Change: "delete", Mapping: m})
		}
	}
	return plan
}

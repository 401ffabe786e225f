package gena

import (
	"slices"

	"upnp/description/xmldoc"
)

// A Property is a state variable and its value, as text.
type Property struct{ Name, Value string }

// An Event is a notification of changed state variables. It is a hint and no proof: whoever can
// send from the address of the device and has seen its traffic can make one up, and what counts
// is better read from the device.
type Event struct {
	SID        string // of the subscription, as the device writes it
	Seq        uint32 // the number of the notification: 0 for the first, later 1 to 4294967295 in a circle
	Properties []Property

	// Initial is set when Seq is 0: the values of all evented variables, sent for a new
	// subscription and by devices that have forgotten how far they had counted.
	Initial bool

	// Lost is set when events before this one may be missing, or come late: after a gap or a step
	// back in the numbers, after a subscription that had to be made anew, without a number, and
	// when so much came that values had to be dropped.
	Lost bool

	Notes []string // repairs in reading, one line each
}

// Get returns the value of the variable of that name, the newest if it is there more than once.
// If none is spelt exactly so, the case of ASCII letters is ignored.
func (e *Event) Get(name string) (value string, ok bool) {
	for _, p := range slices.Backward(e.Properties) {
		if p.Name == name {
			return p.Value, true
		}
	}
	for _, p := range slices.Backward(e.Properties) {
		if xmldoc.EqualName(p.Name, name) {
			return p.Value, true
		}
	}
	return "", false
}

// absorb makes e one event out of itself and a newer one. What would grow over the size of one
// notification is dropped: then only the fact remains that something has changed.
func (e *Event) absorb(newer *Event) {
	e.SID, e.Seq = newer.SID, newer.Seq
	e.Initial = e.Initial || newer.Initial
	e.Lost = e.Lost || newer.Lost
	e.Properties = merge(e.Properties, newer.Properties)
	for _, line := range newer.Notes {
		e.note(line)
	}
	if size(e.Properties) > MaxBody || len(e.Properties) > maxProperties {
		e.Properties, e.Lost = nil, true
		e.note("more changes than fit; the values were dropped")
	}
}

func (e *Event) note(line string) { e.Notes = addNote(e.Notes, line) }

// addNote appends a line, once.
func addNote(notes []string, line string) []string {
	if len(notes) >= maxNotes || slices.Contains(notes, line) {
		return notes
	}
	return append(notes, line)
}

// merge returns the latest state: each variable once, where it first was, with its newest value.
func merge(older, newer []Property) []Property {
	state := make([]Property, 0, len(older)+len(newer))
	at := make(map[string]int, cap(state))
	for _, list := range [2][]Property{older, newer} {
		for _, p := range list {
			if i, ok := at[p.Name]; ok {
				state[i] = p
				continue
			}
			at[p.Name] = len(state)
			state = append(state, p)
		}
	}
	return state
}

func size(properties []Property) (bytes int) {
	for _, p := range properties {
		bytes += len(p.Name) + len(p.Value)
	}
	return bytes
}

// after is the number that follows seq: 0 belongs to the initial event alone.
func after(seq uint32) uint32 {
	if seq+1 == 0 {
		return 1
	}
	return seq + 1
}

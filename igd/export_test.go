package igd

import (
	"errors"
	"slices"
	"time"
)

// SetSlept gives a Keeper another idea of how long the machine was suspended.
func (k *Keeper) SetSlept(slept func() time.Duration) { k.slept = slept }

// ReadJournal reads the text of a journal as after a crash. The function it returns tells whether
// the journal knows a mapping as possibly ours.
func ReadJournal(data []byte) (has func(Mapping) bool, err error) {
	j := &journal{entries: map[uint64]owned{}}
	if whole, _ := j.replay(data); !whole {
		return nil, errors.New("the journal is damaged")
	}
	all := j.all()
	return func(m Mapping) bool {
		return slices.ContainsFunc(all, func(o owned) bool {
			return o.matches(m) || o.Any && o.Internal == m.InternalPort && o.Client == m.InternalClient && o.Protocol == m.Protocol
		})
	}, nil
}

// JournalSize is the number of entries in a journal.
func JournalSize(path string) int {
	j := &journal{path: path, entries: map[uint64]owned{}}
	data, err := j.read(path)
	if err != nil {
		return -1
	}
	j.replay(data)
	return len(j.entries)
}

// ParsePinhole reads the arguments of AddPinhole.
var ParsePinhole = parsePinhole

// PinholeThroughArgs writes the arguments of AddPinhole and reads them back.
func PinholeThroughArgs(p Pinhole) (Pinhole, error) { return parsePinhole(pinholeArgs(p)) }

package igd

import (
	"fmt"
	"time"
)

// SetSlept gives a Keeper another idea of how long the machine was suspended.
func (k *Keeper) SetSlept(slept func() time.Duration) { k.slept = slept }

// JournalHas reports whether a journal, read as after a crash, knows a mapping as possibly ours.
func JournalHas(path string, m Mapping) (bool, error) {
	j := &journal{path: path, entries: map[uint64]owned{}}
	data, err := j.read(path)
	if err != nil {
		return false, err
	}
	if whole, _ := j.replay(data); !whole {
		return false, fmt.Errorf("%s is damaged", path)
	}
	for _, o := range j.all() {
		if o.matches(m) || o.Any && o.Internal == m.InternalPort && o.Client == m.InternalClient && o.Protocol == m.Protocol {
			return true, nil
		}
	}
	return false, nil
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

package emulator

import (
	"context"
	"sort"
	"strings"

	"upnp/igd"
)

// listings are the ways of listing the table.
func listings() []kind {
	return []kind{
		{"index-from-1", "counts the table from 1; index 0 is past the end (a router of nat-upnp)", index(fromOne)},
		{"list-end-501", "ends the list with 501 (Linksys WRT1900AC, RomPager)", index(endingWith(igd.ErrActionFailed))},
		{"list-end-402", "ends the list with 402 (DD-WRT, TP-Link TL-R460)", index(endingWith(igd.ErrInvalidArgs))},
		{"list-end-repeat", "never ends the list: the last mapping comes again and again (routers that never send 713)", index(repeating)},
		{"hole-in-list", "has a placeholder in the list: no client, port 0, disabled (Sagemcom)", index(withHole)},
		{"newest-first", "lists the newest mapping first, so every addition shifts every index (miniupnpd)", index(newestFirst)},
		{"lowercase-protocol", "lists protocols in lower case (seen in listings of several projects)",
			show(func(m *igd.Mapping) { m.Protocol = igd.Protocol(strings.ToLower(string(m.Protocol))) })},
		{"wrong-protocol", "lists every mapping as TCP (FRITZ!Box 7490)", index(allTCP)},
		{"list-end-close", "closes the connection where the list ends (routers seen by several projects)",
			after(func(q *question, a *answer) {
				if q.action == "GetGenericPortMappingEntry" && a.faulty() {
					a.cut = true
				}
			})},
	}
}

func fromOne(ctx context.Context, b Backend, i int) (igd.Mapping, error) {
	return b.MappingAt(ctx, i-1)
}

func endingWith(refusal error) func(context.Context, Backend, int) (igd.Mapping, error) {
	return func(ctx context.Context, b Backend, i int) (igd.Mapping, error) {
		m, err := b.MappingAt(ctx, i)
		if err == igd.ErrNoSuchIndex {
			err = refusal
		}
		return m, err
	}
}

func repeating(ctx context.Context, b Backend, i int) (igd.Mapping, error) {
	m, err := b.MappingAt(ctx, i)
	if err == igd.ErrNoSuchIndex {
		return b.MappingAt(ctx, length(ctx, b)-1)
	}
	return m, err
}

// length is the number of mappings b lists.
func length(ctx context.Context, b Backend) int {
	const most = 1 << 16
	return sort.Search(most, func(index int) bool {
		_, err := b.MappingAt(ctx, index)
		return err != nil
	})
}

func withHole(ctx context.Context, b Backend, i int) (igd.Mapping, error) {
	const hole = 1
	switch {
	case i == hole:
		return igd.Mapping{MappingKey: igd.MappingKey{Protocol: igd.TCP}, Disabled: true}, nil
	case i > hole:
		i--
	}
	return b.MappingAt(ctx, i)
}

func newestFirst(ctx context.Context, b Backend, i int) (igd.Mapping, error) {
	return b.MappingAt(ctx, length(ctx, b)-1-i)
}

// allTCP lies in lists only: who asks for a mapping by its protocol finds it.
func allTCP(ctx context.Context, b Backend, i int) (igd.Mapping, error) {
	m, err := b.MappingAt(ctx, i)
	m.Protocol = igd.TCP
	return m, err
}

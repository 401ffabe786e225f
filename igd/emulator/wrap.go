package emulator

import (
	"context"
	"errors"

	"upnp/igd"
)

// errPretend makes a request succeed without anything being done.
var errPretend = errors.New("pretend")

// An adder looks at a mapping before it is made. It may change it or refuse.
type adder struct {
	Backend
	before func(context.Context, *igd.Mapping) error
}

func (a adder) AddMapping(ctx context.Context, m igd.Mapping) error {
	switch err := a.before(ctx, &m); err {
	case nil:
		return a.Backend.AddMapping(ctx, m)
	case errPretend:
		return nil
	default:
		return err
	}
}

func (a adder) AddAnyMapping(ctx context.Context, m igd.Mapping) (uint16, error) {
	switch err := a.before(ctx, &m); err {
	case nil:
		return a.Backend.AddAnyMapping(ctx, m)
	case errPretend:
		return m.ExternalPort, nil
	default:
		return 0, err
	}
}

// refuse is the quirk of refusing what the test finds wrong.
func refuse(refusal error, wrong func(igd.Mapping) bool) func(*parameter) Quirk {
	return change(func(m *igd.Mapping) error {
		if wrong(*m) {
			return refusal
		}
		return nil
	})
}

// change is the quirk of making another mapping than the one asked for.
func change(before func(*igd.Mapping) error) func(*parameter) Quirk {
	return func(*parameter) Quirk { return adding(before) }
}

func adding(before func(*igd.Mapping) error) Quirk {
	return Quirk{Backend: func(b Backend) Backend {
		return adder{b, func(_ context.Context, m *igd.Mapping) error { return before(m) }}
	}}
}

// A view shows the table of a backend in another way: edit changes a mapping, or hides it by
// returning false.
type view struct {
	Backend
	edit func(igd.Mapping) (igd.Mapping, bool)
}

func (v view) Mapping(ctx context.Context, k igd.MappingKey) (igd.Mapping, error) {
	m, err := v.Backend.Mapping(ctx, k)
	if err != nil {
		return m, err
	}
	if m, ok := v.edit(m); ok {
		return m, nil
	}
	return igd.Mapping{}, igd.ErrNoSuchEntry
}

func (v view) MappingAt(ctx context.Context, index int) (igd.Mapping, error) {
	const most = 1 << 16 // a list inside may have no end
	for i := range most {
		m, err := v.Backend.MappingAt(ctx, i)
		if err != nil {
			return igd.Mapping{}, err
		}
		m, ok := v.edit(m)
		if ok && index == 0 {
			return m, nil
		}
		if ok {
			index--
		}
	}
	return igd.Mapping{}, igd.ErrNoSuchIndex
}

func (v view) ListMappings(ctx context.Context, r igd.Range) ([]igd.Mapping, error) {
	all, err := v.Backend.ListMappings(ctx, r)
	var shown []igd.Mapping
	for _, m := range all {
		if m, ok := v.edit(m); ok {
			shown = append(shown, m)
		}
	}
	return shown, err
}

// show is the quirk of telling mappings other than they are.
func show(edit func(*igd.Mapping)) func(*parameter) Quirk {
	return func(*parameter) Quirk {
		return Quirk{Backend: func(b Backend) Backend {
			return view{b, func(m igd.Mapping) (igd.Mapping, bool) { edit(&m); return m, true }}
		}}
	}
}

// An indexer answers GetGenericPortMappingEntry in its own way.
type indexer struct {
	Backend
	at func(context.Context, int) (igd.Mapping, error)
}

func (x indexer) MappingAt(ctx context.Context, index int) (igd.Mapping, error) {
	return x.at(ctx, index)
}

// index is the quirk of another MappingAt, made from the one there is.
func index(at func(context.Context, Backend, int) (igd.Mapping, error)) func(*parameter) Quirk {
	return func(*parameter) Quirk {
		return Quirk{Backend: func(b Backend) Backend {
			return indexer{b, func(ctx context.Context, i int) (igd.Mapping, error) { return at(ctx, b, i) }}
		}}
	}
}

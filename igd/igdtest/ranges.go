package igdtest

import (
	"errors"

	"upnp/igd"
)

func (x *trial) addAny() {
	m := x.mapping(1, igd.TCP)
	port, err := x.Backend.AddAnyMapping(x.ctx, m)
	if x.missing(err) {
		return
	}
	x.must("AddAnyMapping", err)
	if port != m.ExternalPort {
		x.Errorf("got port %d, want the free %d", port, m.ExternalPort)
	}
	m.ExternalPort = port
	x.same("read back", x.read(m.MappingKey), m)
}

// missing ends the test of an action that an IGD:1 does not have.
func (x *trial) missing(err error) bool {
	return x.Leeway.NoRanges && errors.Is(err, igd.ErrInvalidAction)
}

// addAnyTaken: a port that is taken is replaced, the other client's mapping stays.
func (x *trial) addAnyTaken() {
	if !x.Foreign {
		x.Skip("this peer maps for its caller only, so no port is ever another's")
	}
	mine := x.mapping(1, igd.TCP)
	x.add(mine)
	theirs := mine
	theirs.InternalClient = x.other()
	port, err := x.Backend.AddAnyMapping(x.ctx, theirs)
	if x.missing(err) {
		return
	}
	x.must("AddAnyMapping", err)
	if port == mine.ExternalPort {
		x.Fatalf("got the port %d that was taken", port)
	}
	theirs.ExternalPort = port
	x.same("theirs", x.read(theirs.MappingKey), theirs)
	x.same("mine", x.read(mine.MappingKey), mine)
}

// ranges gives the optional actions, or skips.
func (x *trial) ranges() igd.RangeBackend {
	b, ok := x.Backend.(igd.RangeBackend)
	if !ok {
		x.Skip("not a RangeBackend")
	}
	return b
}

func (x *trial) span(from, to uint16) igd.Range {
	return igd.Range{From: x.port(from), To: x.port(to), Protocol: igd.TCP, All: true}
}

func (x *trial) listRange() {
	b := x.ranges()
	for _, n := range []uint16{1, 3, 9} {
		x.add(x.mapping(n, igd.TCP))
	}
	x.add(x.mapping(2, igd.UDP))
	all, err := b.ListMappings(x.ctx, x.span(1, 5))
	if x.missing(err) {
		return
	}
	x.must("ListMappings", err)
	if len(all) != 2 {
		x.Fatalf("%v listed, want ports %d and %d", all, x.port(1), x.port(3))
	}
	for _, m := range all {
		x.same("listed", m, x.mapping(m.ExternalPort-x.port(0), igd.TCP))
	}
	x.emptyRange(b.ListMappings(x.ctx, x.span(20, 30)))
	x.listSome(b)
}

func (x *trial) listSome(b igd.RangeBackend) {
	r := x.span(1, 9)
	r.Max = 1
	some, err := b.ListMappings(x.ctx, r)
	x.must("ListMappings, one", err)
	if len(some) != 1 {
		x.Errorf("%v listed, want one", some)
	}
}

func (x *trial) emptyRange(all []igd.Mapping, err error) {
	if err == nil && x.Leeway.EmptyRange && len(all) == 0 {
		return
	}
	x.refused("an empty range", err, igd.ErrPortMappingNotFound)
}

func (x *trial) deleteRange() {
	b := x.ranges()
	for _, n := range []uint16{1, 3, 9} {
		x.add(x.mapping(n, igd.TCP))
	}
	x.add(x.mapping(2, igd.UDP))
	err := b.DeleteMappings(x.ctx, x.span(1, 5))
	if x.missing(err) {
		return
	}
	x.must("DeleteMappings", err)
	if left := x.mine(x.ctx); len(left) != 2 {
		x.Errorf("%v left, want %d/tcp and %d/udp", left, x.port(9), x.port(2))
	}
	x.emptyRange(nil, b.DeleteMappings(x.ctx, x.span(1, 5)))
}

func (x *trial) badRange() {
	b := x.ranges()
	_, err := b.ListMappings(x.ctx, x.span(5, 1))
	if x.missing(err) {
		return
	}
	x.refused("a range from high to low", err, igd.ErrInconsistent)
}

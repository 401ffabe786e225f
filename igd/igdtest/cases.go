package igdtest

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"upnp/igd"
)

func (x *trial) status() {
	s, err := x.Backend.Status(x.ctx)
	x.must("Status", err)
	if s.Connection != "Connected" {
		x.Errorf("connection is %q, want Connected", s.Connection)
	}
	if len(s.Notes) > 0 {
		x.Errorf("had to repair %q", s.Notes)
	}
}

func (x *trial) externalAddr() {
	addr, err := x.Backend.ExternalAddr(x.ctx)
	x.must("ExternalAddr", err)
	if !addr.Is4() && !x.Leeway.NoExternal {
		x.Errorf("external address is %v, want an IPv4 address", addr)
	}
}

func (x *trial) addAndRead() {
	want := x.mapping(1, igd.TCP)
	x.add(want)
	x.same("read back", x.read(want.MappingKey), want)
	listed, ok := x.lists(want.MappingKey)
	if !ok {
		x.Fatalf("%v is not in the list", want)
	}
	x.same("listed", listed, want)
}

func (x *trial) bothProtocols() {
	tcp, udp := x.mapping(1, igd.TCP), x.mapping(1, igd.UDP)
	udp.InternalPort++
	x.add(tcp)
	x.add(udp)
	x.same("TCP", x.read(tcp.MappingKey), tcp)
	x.same("UDP", x.read(udp.MappingKey), udp)
}

// overwrite: the same key and client again is an update (WANIPConnection:2 section 2.5.16).
func (x *trial) overwrite() {
	m := x.mapping(1, igd.UDP)
	x.add(m)
	m.InternalPort += 7
	x.add(m)
	x.same("after overwriting", x.read(m.MappingKey), m)
	if n := len(x.mine(x.ctx)); n != 1 {
		x.Errorf("%d mappings after overwriting one, want 1", n)
	}
}

func (x *trial) renew() {
	m := x.mapping(1, igd.TCP)
	m.Lease = 10 * time.Minute
	x.add(m)
	m.Lease = hour
	x.add(m)
	x.same("renewed", x.read(m.MappingKey), m)
}

func (x *trial) leaseCountsDown() {
	m := x.mapping(1, igd.TCP)
	x.add(m)
	time.Sleep(2 * time.Second)
	if left := x.read(m.MappingKey).Lease; left >= m.Lease || left < m.Lease-2*time.Second-slack {
		x.Errorf("%v left of %v after 2s", left, m.Lease)
	}
}

func (x *trial) leaseEnds() {
	m := x.mapping(1, igd.UDP)
	m.Lease = 2 * time.Second
	x.add(m)
	time.Sleep(m.Lease + slack)
	_, err := x.Backend.Mapping(x.ctx, m.MappingKey)
	x.refused("reading what has ended", err, igd.ErrNoSuchEntry)
}

// permanent: a lease of 0 has no end in version 1, and a week in version 2.
func (x *trial) permanent() {
	const week = 7 * 24 * hour
	m := x.mapping(1, igd.TCP)
	m.Lease = 0
	x.add(m)
	if x.Leeway.WeekAtMost {
		m.Lease = week
	}
	x.same("lease 0", x.read(m.MappingKey), m)
}

func (x *trial) delete() {
	m := x.mapping(1, igd.TCP)
	x.add(m)
	x.must("DeleteMapping", x.Backend.DeleteMapping(x.ctx, m.MappingKey))
	_, err := x.Backend.Mapping(x.ctx, m.MappingKey)
	x.refused("reading what was deleted", err, igd.ErrNoSuchEntry)
	if _, ok := x.lists(m.MappingKey); ok {
		x.Error("still listed after it was deleted")
	}
}

func (x *trial) deleteMissing() {
	err := x.Backend.DeleteMapping(x.ctx, x.key(1, igd.TCP))
	if err != nil || !x.Leeway.DeleteMissing {
		x.refused("deleting nothing", err, igd.ErrNoSuchEntry)
	}
}

func (x *trial) readMissing() {
	_, err := x.Backend.Mapping(x.ctx, x.key(1, igd.UDP))
	x.refused("reading nothing", err, igd.ErrNoSuchEntry)
}

func (x *trial) list() {
	const n = 5
	want := make(map[igd.MappingKey]igd.Mapping)
	for i := range uint16(n) {
		m := x.mapping(i, igd.TCP)
		x.add(m)
		want[m.MappingKey] = m
	}
	all := x.mine(x.ctx)
	if len(all) != n {
		x.Errorf("%d mappings listed, want %d", len(all), n)
	}
	for _, m := range all {
		x.same("listed", m, want[m.MappingKey])
	}
}

func (x *trial) listEnd() {
	x.add(x.mapping(1, igd.TCP))
	for i := range 1000 {
		_, err := x.Backend.MappingAt(x.ctx, i)
		if err != nil {
			x.refused("reading past the end", err, igd.ErrNoSuchIndex)
			return
		}
	}
	x.Error("the list has no end")
}

// listAfterDelete: the table has no holes.
func (x *trial) listAfterDelete() {
	for i := range uint16(3) {
		x.add(x.mapping(i, igd.UDP))
	}
	x.must("DeleteMapping", x.Backend.DeleteMapping(x.ctx, x.key(1, igd.UDP)))
	if all := x.mine(x.ctx); len(all) != 2 {
		x.Errorf("%v listed, want two", all)
	}
}

func (x *trial) disabled() {
	m := x.mapping(1, igd.TCP)
	m.Disabled = true
	x.add(m)
	got := x.read(m.MappingKey)
	if x.Leeway.EnabledIgnored {
		got.Disabled = m.Disabled
	}
	x.same("disabled", got, m)
}

func (x *trial) remoteHost() {
	m := x.mapping(1, igd.TCP)
	m.RemoteHost = "8.8.4.4"
	x.add(m)
	x.same("with a remote host", x.read(m.MappingKey), m)
	_, err := x.Backend.Mapping(x.ctx, x.key(1, igd.TCP))
	if err != nil || !x.Leeway.RemoteHostForgotten {
		x.refused("reading it without the remote host", err, igd.ErrNoSuchEntry)
	}
}

func (x *trial) description() {
	if x.Leeway.Description {
		x.Skip("this peer alters descriptions")
	}
	for i, text := range []string{"plain words", "a<b & c>d", `it's "quoted"`, strings.Repeat("n", 60)} {
		m := x.mapping(uint16(i), igd.TCP)
		m.Description = text
		x.add(m)
		if got := x.read(m.MappingKey).Description; got != text {
			x.Errorf("description is %q, want %q", got, text)
		}
	}
}

// conflict: one client's port is not another's (WANIPConnection:2 section 2.5.16).
func (x *trial) conflict() {
	mine := x.mapping(1, igd.TCP)
	x.add(mine)
	theirs := mine
	theirs.InternalClient = x.other()
	x.refused("taking another client's port", x.Backend.AddMapping(x.ctx, theirs), igd.ErrConflict, igd.ErrNotAuthorized)
	theirs.RemoteHost = "8.8.4.4"
	x.refused("taking it for one remote host", x.Backend.AddMapping(x.ctx, theirs), igd.ErrConflict, igd.ErrNotAuthorized)
	x.same("after the conflicts", x.read(mine.MappingKey), mine)
}

// badRequests are refused and make no mapping. A protocol nobody knows may be taken for TCP,
// as miniupnpd does.
func (x *trial) badRequests() {
	for _, bad := range []struct {
		what  string
		spoil func(*igd.Mapping)
		may   bool // be told yes
	}{
		{"external port 0", func(m *igd.Mapping) { m.ExternalPort = 0 }, false},
		{"internal port 0", func(m *igd.Mapping) { m.InternalPort = 0 }, false},
		{"no client", func(m *igd.Mapping) { m.InternalClient = netip.Addr{} }, false},
		{"no protocol", func(m *igd.Mapping) { m.Protocol = "" }, true},
		{"unknown protocol", func(m *igd.Mapping) { m.Protocol = "SCTP" }, true},
	} {
		m := x.mapping(1, igd.TCP)
		bad.spoil(&m)
		err := x.Backend.AddMapping(x.ctx, m)
		if err == nil && bad.may {
			x.tidy()
			continue
		}
		x.refused(bad.what, err)
		if all := x.mine(x.ctx); len(all) > 0 {
			x.Fatalf("%s made %v", bad.what, all)
		}
	}
}

func (x *trial) canceled() {
	ctx, cancel := context.WithCancel(x.ctx)
	cancel()
	// A backend in this process may be done before it looks.
	if _, err := x.Backend.Status(ctx); err != nil && !errors.Is(err, context.Canceled) {
		x.Errorf("error %v, want context.Canceled or none", err)
	}
}

func (x *trial) link() {
	b, ok := x.Backend.(igd.LinkBackend)
	if !ok {
		x.Skip("not a LinkBackend")
	}
	kind, err := b.ConnectionType(x.ctx)
	x.must("ConnectionType", err)
	if kind.Type != "IP_Routed" {
		x.Errorf("connection type is %q, want IP_Routed", kind.Type)
	}
	nat, err := b.NAT(x.ctx)
	x.must("NAT", err)
	if !nat.Enabled {
		x.Error("NAT is off")
	}
	link, err := b.Link(x.ctx)
	x.must("Link", err)
	if link.Physical != "Up" {
		x.Errorf("link is %q, want Up", link.Physical)
	}
}

package igdtest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd"
)

const hour = time.Hour

// slack is how much a lease may be off when it is read back: routers count in seconds, and
// some are not quick.
const slack = 3 * time.Second

// TestBackend checks that what open opens is a gateway: one subtest for each thing a gateway
// does, each with a peer of its own.
func TestBackend(t *testing.T, open Open) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(start(t, open)) })
	}
}

// TestBackendInBubble is TestBackend with every subtest in a testing/synctest bubble, where the
// peer is opened too.
func TestBackendInBubble(t *testing.T, open Open) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.run(start(t, open)) })
		})
	}
}

var cases = []struct {
	name string
	run  func(*trial)
}{
	{"Status", (*trial).status},
	{"ExternalAddr", (*trial).externalAddr},
	{"AddAndRead", (*trial).addAndRead},
	{"BothProtocols", (*trial).bothProtocols},
	{"Overwrite", (*trial).overwrite},
	{"Renew", (*trial).renew},
	{"LeaseCountsDown", (*trial).leaseCountsDown},
	{"LeaseEnds", (*trial).leaseEnds},
	{"Permanent", (*trial).permanent},
	{"Delete", (*trial).delete},
	{"DeleteMissing", (*trial).deleteMissing},
	{"ReadMissing", (*trial).readMissing},
	{"List", (*trial).list},
	{"ListEnd", (*trial).listEnd},
	{"ListAfterDelete", (*trial).listAfterDelete},
	{"Disabled", (*trial).disabled},
	{"RemoteHost", (*trial).remoteHost},
	{"Description", (*trial).description},
	{"Conflict", (*trial).conflict},
	{"BadRequests", (*trial).badRequests},
	{"AddAny", (*trial).addAny},
	{"AddAnyTaken", (*trial).addAnyTaken},
	{"ListRange", (*trial).listRange},
	{"DeleteRange", (*trial).deleteRange},
	{"BadRange", (*trial).badRange},
	{"Link", (*trial).link},
	{"Firewall", (*trial).firewall},
	{"Pinhole", (*trial).pinhole},
	{"PinholeAgain", (*trial).pinholeAgain},
	{"PinholeEnds", (*trial).pinholeEnds},
	{"PinholeMissing", (*trial).pinholeMissing},
	{"PinholeWildcards", (*trial).pinholeWildcards},
	{"Canceled", (*trial).canceled},
}

// A trial is one test of one peer.
type trial struct {
	*testing.T
	Peer
	ctx context.Context
}

// start cleans up after the test what the test made: a real router outlives it.
func start(t *testing.T, open Open) *trial {
	t.Helper()
	p := open(t)
	x := &trial{t, p, t.Context()}
	t.Cleanup(x.tidy)
	return x
}

func (x *trial) tidy() {
	ctx := context.WithoutCancel(x.ctx)
	for _, m := range x.mine(ctx) {
		_ = x.Backend.DeleteMapping(ctx, m.MappingKey) // it may be gone by its lease
	}
}

// mine are the mappings at the tests' ports.
func (x *trial) mine(ctx context.Context) (found []igd.Mapping) {
	for m, err := range igd.Mappings(ctx, x.Backend) {
		if err != nil {
			x.Errorf("list: %v", err)
			return found
		}
		if m.ExternalPort >= x.port(0) && m.ExternalPort < x.port(100) {
			found = append(found, m)
		}
	}
	return found
}

func (x *trial) must(what string, err error) {
	x.Helper()
	if err != nil {
		x.Fatalf("%s: %v", what, err)
	}
}

// refused checks that err is one of these refusals; with none, any refusal will do.
func (x *trial) refused(what string, err error, wants ...igd.Error) {
	x.Helper()
	got, ok := errors.AsType[igd.Error](err)
	if !ok {
		x.Errorf("%s: error %v, want a refusal", what, err)
	} else if len(wants) > 0 && !slices.Contains(wants, got) {
		x.Errorf("%s: error %v, want one of %v", what, err, wants)
	}
}

func (x *trial) add(m igd.Mapping) {
	x.Helper()
	x.must("AddMapping "+m.String(), x.Backend.AddMapping(x.ctx, m))
}

func (x *trial) read(k igd.MappingKey) igd.Mapping {
	x.Helper()
	m, err := x.Backend.Mapping(x.ctx, k)
	x.must("Mapping "+k.String(), err)
	return m
}

// same compares all but what a router may count down.
func (x *trial) same(what string, got, want igd.Mapping) {
	x.Helper()
	if x.Leeway.Description {
		got.Description = want.Description
	}
	if x.Leeway.RemoteHostForgotten {
		got.RemoteHost = want.RemoteHost
	}
	if got.Lease > want.Lease || got.Lease < want.Lease-slack {
		x.Errorf("%s: lease %v, want %v or a little less", what, got.Lease, want.Lease)
	}
	got.Lease = want.Lease
	if got != want {
		x.Errorf("%s:\n%+v, want\n%+v", what, got, want)
	}
}

// lists reports whether a listing has the key, and what it says of it.
func (x *trial) lists(k igd.MappingKey) (igd.Mapping, bool) {
	x.Helper()
	all := x.mine(x.ctx)
	i := slices.IndexFunc(all, func(m igd.Mapping) bool { return m.MappingKey == k })
	if i < 0 {
		return igd.Mapping{}, false
	}
	return all[i], true
}

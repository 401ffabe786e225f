package emulator

import (
	"context"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"upnp/igd"
)

// refusals are the requests real routers turn down.
func refusals() []kind {
	return []kind{
		{"only-permanent-leases", "refuses every lease but 0 with 725 (MikroTik RouterOS, ZyXEL VMG1312)",
			refuse(igd.ErrOnlyPermanentLeases, finite)},
		{"lease-402", "refuses every lease but 0 with 402 (ARRIS NVG578LX)",
			refuse(igd.ErrInvalidArgs, finite)},
		{"no-permanent-leases", "refuses lease 0 with 402, its longest being a week (a router of net-tools #52)",
			refuse(igd.ErrInvalidArgs, func(m igd.Mapping) bool { return !finite(m) })},
		{"same-port-required", "refuses an internal port that differs from the external one with 724 (Open.NAT's list)",
			refuse(igd.ErrSamePortRequired, func(m igd.Mapping) bool { return m.InternalPort != m.ExternalPort })},
		{"remote-host-wildcard-only", "refuses a remote host with 726 (Open.NAT's list)",
			refuse(igd.ErrRemoteHostWildcardOnly, func(m igd.Mapping) bool { return m.RemoteHost != "" })},
		{"empty-description-402", "refuses an empty description with 402 (Huawei and Raisecom ONTs)",
			refuse(igd.ErrInvalidArgs, func(m igd.Mapping) bool { return m.Description == "" })},
		{"long-description-501", "refuses a description of more than 256 bytes with 501 (a miniupnpd of miniupnp #812)",
			refuse(igd.ErrActionFailed, func(m igd.Mapping) bool { return len(m.Description) > 256 })},
		{"privileged-606", "refuses ports below 1024 with 606 (TP-Link ER605)",
			refuse(igd.ErrNotAuthorized, func(m igd.Mapping) bool { return m.ExternalPort < 1024 })},
		{"conflict-own-renewal", "refuses to renew a client's own mapping with 718 (a router of Open.NAT #14)", ownRenewal},
		{"first-port-718", "refuses the first port ever asked for with 718 (TP-Link TD-W8951ND)", firstPort},
		{"foreign-606", "refuses what is not for the caller itself with 606 (FRITZ!Box)", foreign(igd.ErrNotAuthorized)},
		{"foreign-silent", "says yes to what is not for the caller itself and does nothing (pfSense)", foreignSilent},
		{"anyone", "lets everybody map for everybody (miniupnpd before 2.3.4 as usually configured)",
			func(*parameter) Quirk { return Quirk{Policy: igd.Anyone} }},
		{"remote-host-star", "knows \"anybody\" only as * when a mapping is deleted, 714 otherwise (Verizon CR1000B)",
			remoteHost("*", igd.ErrNoSuchEntry, "DeletePortMapping")},
		{"remote-host-zero", "knows \"anybody\" only as 0.0.0.0, 402 otherwise (FRITZ!Box, TR-064)",
			remoteHost("0.0.0.0", igd.ErrInvalidArgs, "AddPortMapping", "AddAnyPortMapping", "DeletePortMapping", "GetSpecificPortMappingEntry")},
		{"protocol-case", "refuses a protocol that is not upper case with 402 (TP-Link ER605)", protocolCase},
	}
}

func finite(m igd.Mapping) bool { return m.Lease != 0 }

func ownRenewal(*parameter) Quirk {
	return Quirk{Backend: func(b Backend) Backend {
		return adder{b, func(ctx context.Context, m *igd.Mapping) error {
			if _, err := b.Mapping(ctx, m.MappingKey); err == nil {
				return igd.ErrConflict
			}
			return nil
		}}
	}}
}

func firstPort(*parameter) Quirk {
	var asked atomic.Uint32 // the first key's port, and a bit that there was one
	return adding(func(m *igd.Mapping) error {
		first := 1<<16 | uint32(m.ExternalPort)
		if asked.CompareAndSwap(0, first) || asked.Load() == first {
			return igd.ErrConflict
		}
		return nil
	})
}

func foreign(refusal error) func(*parameter) Quirk {
	return func(*parameter) Quirk {
		return Quirk{Policy: func(caller netip.Addr, m igd.Mapping) error {
			if igd.OwnOnly(caller, m) != nil {
				return refusal
			}
			return nil
		}}
	}
}

// foreignSilent lets the request through to a backend that only pretends.
func foreignSilent(*parameter) Quirk {
	return Quirk{Policy: igd.Anyone, Backend: func(b Backend) Backend {
		return adder{b, func(ctx context.Context, m *igd.Mapping) error {
			if from := callerOf(ctx); from.IsValid() && igd.OwnOnly(from, *m) != nil {
				return errPretend
			}
			return nil
		}}
	}}
}

// remoteHost looks at the words of the request: to the backend all spellings of "anybody"
// are one.
func remoteHost(word string, refusal igd.Error, actions ...string) func(*parameter) Quirk {
	return objecting(func(q *request) *igd.Error {
		for _, a := range actions {
			if q.Action == a && strings.TrimSpace(q.Args.Value("NewRemoteHost")) == "" && word != "" {
				return &refusal
			}
		}
		return nil
	})
}

func protocolCase(p *parameter) Quirk {
	return objecting(func(q *request) *igd.Error {
		if proto := q.Args.Value("NewProtocol"); proto != strings.ToUpper(proto) {
			return &igd.ErrInvalidArgs
		}
		return nil
	})(p)
}

// lostAfter is how long a mapping lives that is silently lost.
const lostAfter = 3 * time.Second

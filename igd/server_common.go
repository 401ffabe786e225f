package igd

import (
	"context"
	"strings"

	"upnp/description"
	"upnp/soap"
)

func (a *actor) commonActions() map[string]soap.ActionFunc {
	return map[string]soap.ActionFunc{
		"GetCommonLinkProperties": a.link,
		"GetTotalBytesSent":       a.counter("NewTotalBytesSent", func(c Counters) uint64 { return c.BytesSent }),
		"GetTotalBytesReceived":   a.counter("NewTotalBytesReceived", func(c Counters) uint64 { return c.BytesReceived }),
		"GetTotalPacketsSent":     a.counter("NewTotalPacketsSent", func(c Counters) uint64 { return c.PacketsSent }),
		"GetTotalPacketsReceived": a.counter("NewTotalPacketsReceived", func(c Counters) uint64 { return c.PacketsReceived }),
	}
}

func (a *actor) link(ctx context.Context, _ soap.Args) (soap.Args, error) {
	l, err := a.linkInfo(ctx)
	return linkArgs(l), err
}

// linkInfo says what can be said without a LinkBackend: the link is up while the WAN is connected.
func (a *actor) linkInfo(ctx context.Context) (Link, error) {
	if b, ok := a.backend.(LinkBackend); ok {
		return b.Link(ctx)
	}
	l := Link{AccessType: "Ethernet", Physical: "Down"}
	s, err := a.backend.Status(ctx)
	if s.Connection == "Connected" {
		l.Physical = "Up"
	}
	return l, err
}

func (a *actor) bitRates(ctx context.Context, _ soap.Args) (soap.Args, error) {
	l, err := a.linkInfo(ctx)
	return soap.Args{
		{Name: "NewUpstreamMaxBitRate", Value: formatUI4(l.UpstreamBits)},
		{Name: "NewDownstreamMaxBitRate", Value: formatUI4(l.DownstreamBits)},
	}, err
}

// counter answers with one total, wrapped to 32 bits as the standard has it.
func (a *actor) counter(name string, pick func(Counters) uint64) soap.ActionFunc {
	return func(ctx context.Context, _ soap.Args) (soap.Args, error) {
		b, ok := a.backend.(CountersBackend)
		if !ok {
			return nil, ErrOptionalActionNotImplemented
		}
		c, err := b.Counters(ctx)
		return one(name, description.FormatUI4(uint32(pick(c)))), err
	}
}

func (a *actor) forwardingActions() map[string]soap.ActionFunc {
	return map[string]soap.ActionFunc{
		"GetDefaultConnectionService": a.defaultConnection,
		"SetDefaultConnectionService": a.setDefaultConnection,
	}
}

func (a *actor) defaultConnection(context.Context, soap.Args) (soap.Args, error) {
	return one("NewDefaultConnectionService", connectionName(a.mainConnection())), nil
}

// mainConnection is the first connection service that the Server's own backend answers for.
func (a *actor) mainConnection() *description.Service {
	for s := range a.root.Services() {
		if isConnection(s.Type) && a.server.isMain(s) {
			return s
		}
	}
	return nil
}

// connectionName is the value of DefaultConnectionService (Layer3Forwarding:1 section 2.2.1).
func connectionName(s *description.Service) string {
	if s == nil {
		return ""
	}
	d := s.Device
	kind := strings.TrimPrefix(d.Type, "urn:schemas-upnp-org:device:")
	return d.UDN + ":" + kind + "," + s.ID
}

// setDefaultConnection agrees to the connection that is the default already, and says of any
// other what is wrong with it.
func (a *actor) setDefaultConnection(_ context.Context, in soap.Args) (soap.Args, error) {
	device, id, _ := strings.Cut(in.Value("NewDefaultConnectionService"), ",")
	known := ErrInvalidDeviceUUID
	for s := range a.root.Services() {
		if !isConnection(s.Type) || !strings.HasPrefix(strings.ToLower(device), strings.ToLower(s.Device.UDN)) {
			continue
		}
		switch {
		case s.ID != strings.TrimSpace(id):
			known = ErrInvalidServiceID
		case s != a.mainConnection():
			return nil, ErrInvalidConnSelection
		default:
			return nil, nil
		}
	}
	return nil, known
}

// reader answers QueryStateVariable by the action that tells the variable without being
// given anything.
func reader(scpd *description.SCPD, actions map[string]soap.ActionFunc) func(context.Context, string) (string, error) {
	return func(ctx context.Context, name string) (string, error) {
		for _, action := range scpd.Actions {
			for _, arg := range action.Out() {
				if arg.Variable == name && len(action.In()) == 0 {
					out, err := actions[action.Name](ctx, nil)
					return out.Value(arg.Name), err
				}
			}
		}
		return "", ErrInvalidVar
	}
}

package igd

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"upnp/description"
	"upnp/soap"
)

// An actor takes the actions of one service for one backend.
type actor struct {
	server  *Server
	backend Backend
	root    *description.Root
}

// actions are what a service of this type offers; nil for a type the Server does not know.
func (a *actor) actions(serviceType string) map[string]soap.ActionFunc {
	switch {
	case isConnection(serviceType):
		return a.connectionActions(serviceType)
	case isType(serviceType, typeName(WANCommonInterfaceConfig1)):
		return a.commonActions()
	case isType(serviceType, typeName(Layer3Forwarding1)):
		return a.forwardingActions()
	case isType(serviceType, firewallControl):
		return a.firewallActions()
	}
	return nil
}

func (a *actor) connectionActions(serviceType string) map[string]soap.ActionFunc {
	actions := map[string]soap.ActionFunc{
		"SetConnectionType":           a.setConnectionType,
		"GetConnectionTypeInfo":       a.connectionType,
		"RequestConnection":           a.requestConnection,
		"ForceTermination":            a.forceTermination,
		"GetStatusInfo":               a.status,
		"GetNATRSIPStatus":            a.nat,
		"GetGenericPortMappingEntry":  a.mappingAt,
		"GetSpecificPortMappingEntry": a.mapping,
		"AddPortMapping":              a.add,
		"DeletePortMapping":           a.delete,
		"GetExternalIPAddress":        a.externalAddr,
	}
	if isType(serviceType, typeName(WANPPPConnection1)) {
		actions["GetLinkLayerMaxBitRates"] = a.bitRates
	} else if typeVersion(serviceType) >= 2 {
		actions["AddAnyPortMapping"] = a.addAny
		actions["DeletePortMappingRange"] = a.deleteRange
		actions["GetListOfPortMappings"] = a.list
	}
	return actions
}

func caller(ctx context.Context) netip.Addr {
	return soap.RemoteAddr(ctx).Addr().Unmap().WithZone("")
}

// badArgs is the refusal of arguments that cannot be read.
func badArgs(err error) error { return fmt.Errorf("%w: %w", ErrInvalidArgs, err) }

func one(name, value string) soap.Args { return soap.Args{{Name: name, Value: value}} }

func (a *actor) add(ctx context.Context, in soap.Args) (soap.Args, error) {
	m, err := parseMapping(in)
	if err != nil {
		return nil, badArgs(err)
	}
	if err := a.server.allowAdd(caller(ctx), m); err != nil {
		return nil, err
	}
	return nil, a.backend.AddMapping(ctx, m)
}

func (a *actor) addAny(ctx context.Context, in soap.Args) (soap.Args, error) {
	m, err := parseMapping(in)
	if err != nil {
		return nil, badArgs(err)
	}
	if err := a.server.allowAdd(caller(ctx), m); err != nil {
		return nil, err
	}
	port, err := a.backend.AddAnyMapping(ctx, m)
	return one("NewReservedPort", formatPort(port)), err
}

func (a *actor) delete(ctx context.Context, in soap.Args) (soap.Args, error) {
	k, err := parseKey(in)
	if err != nil {
		return nil, badArgs(err)
	}
	m, err := a.backend.Mapping(ctx, k)
	if err == nil {
		err = a.server.allow(caller(ctx), m)
	}
	// What is not there is nobody's; the backend has its own answer to that.
	if err != nil && !errors.Is(err, ErrNoSuchEntry) {
		return nil, err
	}
	return nil, a.backend.DeleteMapping(ctx, k)
}

func (a *actor) mapping(ctx context.Context, in soap.Args) (soap.Args, error) {
	k, err := parseKey(in)
	if err != nil {
		return nil, badArgs(err)
	}
	m, err := a.backend.Mapping(ctx, k)
	return specificArgs(m), err
}

func (a *actor) mappingAt(ctx context.Context, in soap.Args) (soap.Args, error) {
	index, err := portArg(in, "NewPortMappingIndex")
	if err != nil {
		return nil, badArgs(err)
	}
	m, err := a.backend.MappingAt(ctx, int(index))
	return mappingArgs(m), err
}

func (a *actor) externalAddr(ctx context.Context, _ soap.Args) (soap.Args, error) {
	addr, err := a.backend.ExternalAddr(ctx)
	return one("NewExternalIPAddress", addrText(addr)), err
}

func (a *actor) status(ctx context.Context, _ soap.Args) (soap.Args, error) {
	s, err := a.backend.Status(ctx)
	return statusArgs(s), err
}

func (a *actor) setConnectionType(ctx context.Context, in soap.Args) (soap.Args, error) {
	t, err := a.typeInfo(ctx)
	switch {
	case err != nil:
		return nil, err
	case strings.EqualFold(in.Value("NewConnectionType"), t.Type):
		return nil, nil
	case a.server.Device == V2:
		return nil, ErrReadOnly
	}
	return nil, ErrInactiveConnectionRequired
}

func (a *actor) connectionType(ctx context.Context, _ soap.Args) (soap.Args, error) {
	t, err := a.typeInfo(ctx)
	return connectionTypeArgs(t), err
}

func (a *actor) typeInfo(ctx context.Context) (ConnectionType, error) {
	if b, ok := a.backend.(LinkBackend); ok {
		return b.ConnectionType(ctx)
	}
	return ConnectionType{Type: "IP_Routed", Possible: []string{"IP_Routed"}}, nil
}

// requestConnection can promise only what is there already, unless the backend can connect.
func (a *actor) requestConnection(ctx context.Context, _ soap.Args) (soap.Args, error) {
	if b, ok := a.backend.(ConnectionBackend); ok {
		return nil, b.RequestConnection(ctx)
	}
	s, err := a.backend.Status(ctx)
	if err == nil && s.Connection != "Connected" {
		err = ErrConnectionSetupFailed
	}
	return nil, err
}

// forceTermination is nothing a caller without a name may do to everybody on the LAN, unless the
// backend says so.
func (a *actor) forceTermination(ctx context.Context, _ soap.Args) (soap.Args, error) {
	if b, ok := a.backend.(ConnectionBackend); ok {
		return nil, b.Terminate(ctx, true)
	}
	return nil, ErrNotAuthorized
}

func (a *actor) nat(ctx context.Context, _ soap.Args) (soap.Args, error) {
	b, ok := a.backend.(LinkBackend)
	if !ok {
		return natArgs(NAT{Enabled: true}), nil
	}
	n, err := b.NAT(ctx)
	return natArgs(n), err
}

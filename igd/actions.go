package igd

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"upnp/description"
	"upnp/soap"
)

// ExternalAddr calls GetExternalIPAddress. An empty answer, 0.0.0.0 and text that is no
// address are all the zero Addr: the gateway has none, or hides it.
func (g *Gateway) ExternalAddr(ctx context.Context) (netip.Addr, error) {
	out, err := g.call(ctx, "GetExternalIPAddress", nil)
	if err != nil {
		return netip.Addr{}, err
	}
	return parseExternal(out.Value("NewExternalIPAddress")), nil
}

func parseExternal(s string) netip.Addr {
	addr, err := netip.ParseAddr(strings.TrimSpace(s))
	if err != nil || addr.IsUnspecified() {
		return netip.Addr{}
	}
	return addr.Unmap()
}

// Status calls GetStatusInfo.
func (g *Gateway) Status(ctx context.Context) (Status, error) {
	out, err := g.call(ctx, "GetStatusInfo", nil)
	if err != nil {
		return Status{}, err
	}
	return parseStatus(out), nil
}

// AddMapping calls AddPortMapping. See Map for a call that copes with what routers dislike.
func (g *Gateway) AddMapping(ctx context.Context, m Mapping) error {
	_, err := g.call(ctx, "AddPortMapping", mappingArgs(m))
	return err
}

// AddAnyMapping calls AddAnyPortMapping, which only version 2 of WANIPConnection has.
func (g *Gateway) AddAnyMapping(ctx context.Context, m Mapping) (uint16, error) {
	const action = "AddAnyPortMapping"
	out, err := g.call(ctx, action, mappingArgs(m))
	if err != nil {
		return 0, err
	}
	port, err := portArg(out, "NewReservedPort")
	if err != nil {
		return 0, g.opError(action, err)
	}
	return port, nil
}

// DeleteMapping calls DeletePortMapping. Common firmware answers OK where there is nothing to
// delete, so ErrNoSuchEntry is not certain to come.
func (g *Gateway) DeleteMapping(ctx context.Context, k MappingKey) error {
	_, err := g.call(ctx, "DeletePortMapping", keyArgs(k))
	if err == nil {
		g.forgetLease(k)
	}
	return err
}

// Mapping calls GetSpecificPortMappingEntry.
func (g *Gateway) Mapping(ctx context.Context, k MappingKey) (Mapping, error) {
	const action = "GetSpecificPortMappingEntry"
	out, err := g.call(ctx, action, keyArgs(k))
	if err != nil {
		return Mapping{}, err
	}
	m, err := parseSpecific(k, out)
	if err != nil {
		return Mapping{}, g.opError(action, err)
	}
	return m, nil
}

// MappingAt calls GetGenericPortMappingEntry. See Mappings for the whole table.
func (g *Gateway) MappingAt(ctx context.Context, index int) (Mapping, error) {
	if err := g.gate.enter(ctx); err != nil {
		return Mapping{}, g.opError(getGeneric, err)
	}
	m, err := g.mappingAt(ctx, index, g.exchange)
	g.gate.leave(err)
	return m, err
}

const getGeneric = "GetGenericPortMappingEntry"

// A callFunc calls an action: Gateway.exchange, or Gateway.once where a cut connection is to be
// noticed.
type callFunc func(context.Context, *description.Service, string, soap.Args) (soap.Args, error)

// mappingAt is MappingAt out of turn, for a listing that has the turn.
func (g *Gateway) mappingAt(ctx context.Context, index int, call callFunc) (Mapping, error) {
	in := soap.Args{{Name: "NewPortMappingIndex", Value: strconv.Itoa(index)}}
	out, err := call(ctx, g.conn, getGeneric, in)
	if err != nil {
		return Mapping{}, err
	}
	m, err := parseMapping(out)
	if err != nil {
		return m, g.opError(getGeneric, &entryError{index, err})
	}
	return m, nil
}

// An entryError is an entry of the table that cannot be read.
type entryError struct {
	index int
	err   error
}

func (e *entryError) Error() string { return fmt.Sprintf("entry %d: %v", e.index, e.err) }
func (e *entryError) Unwrap() error { return e.err }

// DeleteMappings calls DeletePortMappingRange.
func (g *Gateway) DeleteMappings(ctx context.Context, r Range) error {
	const action = "DeletePortMappingRange"
	if err := checkWindow(r); err != nil {
		return g.opError(action, err)
	}
	_, err := g.call(ctx, action, rangeArgs(r)[:4])
	return err
}

// ListMappings calls GetListOfPortMappings for at most 100 ports.
func (g *Gateway) ListMappings(ctx context.Context, r Range) ([]Mapping, error) {
	if err := g.gate.enter(ctx); err != nil {
		return nil, g.opError(getList, err)
	}
	mappings, err := g.listMappings(ctx, r)
	g.gate.leave(err)
	return mappings, err
}

const getList = "GetListOfPortMappings"

// listMappings is ListMappings out of turn, for a listing that has the turn.
func (g *Gateway) listMappings(ctx context.Context, r Range) ([]Mapping, error) {
	if err := checkWindow(r); err != nil {
		return nil, g.opError(getList, err)
	}
	out, err := g.exchange(ctx, g.conn, getList, rangeArgs(r))
	if err != nil {
		return nil, err
	}
	mappings, _, err := parsePortListing(out.Value("NewPortListing"))
	if err != nil {
		return nil, g.opError(getList, err)
	}
	return mappings, nil
}

// maxWindow is the widest port range a gateway is ever asked to list or delete. Over a range
// that holds more than about 130 mappings of a protocol, miniupnpd before 2.3.4 overruns its
// heap and dies, and with it UPnP in the house until somebody restarts the router. A hundred
// ports hold at most a hundred mappings.
const maxWindow = 100

func checkWindow(r Range) error {
	if r.From > r.To {
		return ErrInconsistent
	}
	if int(r.To)-int(r.From) >= maxWindow {
		return fmt.Errorf("range %d-%d is wider than the %d ports that are safe to ask for", r.From, r.To, maxWindow)
	}
	return nil
}

// ConnectionType calls GetConnectionTypeInfo.
func (g *Gateway) ConnectionType(ctx context.Context) (ConnectionType, error) {
	out, err := g.call(ctx, "GetConnectionTypeInfo", nil)
	if err != nil {
		return ConnectionType{}, err
	}
	return parseConnectionType(out), nil
}

// NAT calls GetNATRSIPStatus, which many gateways lack (G-49).
func (g *Gateway) NAT(ctx context.Context) (NAT, error) {
	const action = "GetNATRSIPStatus"
	out, err := g.call(ctx, action, nil)
	if err != nil {
		return NAT{}, err
	}
	nat, err := parseNAT(out)
	if err != nil {
		return nat, g.opError(action, err)
	}
	return nat, nil
}

const commonInterface = "WANCommonInterfaceConfig"

// Link calls GetCommonLinkProperties of the WANCommonInterfaceConfig service, which some
// gateways do not have: ErrInvalidAction then.
func (g *Gateway) Link(ctx context.Context) (Link, error) {
	const action = "GetCommonLinkProperties"
	s := g.find(commonInterface)
	if s == nil {
		return Link{}, g.opError(action, ErrInvalidAction)
	}
	out, err := g.invoke(ctx, s, action, nil)
	if err != nil {
		return Link{}, err
	}
	link, err := parseLink(out)
	if err != nil {
		return link, g.opError(action, err)
	}
	return link, nil
}

// Counters reads the four totals of the WANCommonInterfaceConfig service, a call each.
func (g *Gateway) Counters(ctx context.Context) (c Counters, err error) {
	for _, total := range []struct {
		name string
		to   *uint64
	}{
		{"TotalBytesSent", &c.BytesSent}, {"TotalBytesReceived", &c.BytesReceived},
		{"TotalPacketsSent", &c.PacketsSent}, {"TotalPacketsReceived", &c.PacketsReceived},
	} {
		if *total.to, err = g.total(ctx, total.name); err != nil {
			return c, err
		}
	}
	return c, nil
}

func (g *Gateway) total(ctx context.Context, name string) (uint64, error) {
	s := g.find(commonInterface)
	if s == nil {
		return 0, g.opError("Get"+name, ErrInvalidAction)
	}
	out, err := g.invoke(ctx, s, "Get"+name, nil)
	if err != nil {
		return 0, err
	}
	n, err := parseCounter(out.Value("New" + name))
	if err != nil {
		return 0, g.opError("Get"+name, err)
	}
	return n, nil
}

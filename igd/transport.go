package igd

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"syscall"

	"upnp/description/xmldoc"
	"upnp/igd/wire"
	"upnp/soap"
)

// errNoURL is a service whose description gives no URL that may be used.
var errNoURL = errors.New("the description has no usable URL for it")

// bind makes calls leave from the address a mapping points at, to the gateway and nobody else.
func (g *Gateway) bind(ctx context.Context) context.Context {
	if addr, ok := spokenAs(ctx); ok {
		return bound(ctx, addr)
	}
	return bound(ctx, g.source)
}

func bound(ctx context.Context, source netip.Addr) context.Context {
	if !source.IsValid() {
		return ctx
	}
	return wire.WithLocalAddr(ctx, source)
}

// repeatable reports whether a failed call may be tried again: always if the router saw nothing
// of it, once if it only asked. A connection refused may be chance, on a router with few of them
// (F28 of SECURITY section 9), and costs a millisecond to try again.
func repeatable(action string, try int, err error) bool {
	if connect, ok := errors.AsType[*wire.ConnectError](err); ok {
		return try < 3 && (connect.Timeout() || errors.Is(err, syscall.ECONNREFUSED))
	}
	return try < 1 && isCut(err) && strings.HasPrefix(action, "Get")
}

// isCut reports a call that went out and got no whole answer. The work may be done.
func isCut(err error) bool {
	_, ok := errors.AsType[*wire.AnswerError](err)
	return ok
}

// isNonsense reports an answer that is no SOAP, no XML or no HTTP.
func isNonsense(err error) bool {
	_, head := errors.AsType[*wire.HeadError](err)
	_, syntax := errors.AsType[*xmldoc.SyntaxError](err)
	_, entry := errors.AsType[*entryError](err)
	return head || syntax || entry
}

// meaning gives a fault the sense its service gives the number.
func meaning(serviceType string, err error) error {
	if fault, ok := errors.AsType[*soap.Fault](err); ok {
		return &refusal{ErrorOf(serviceType, fault.Code), fault}
	}
	return err
}

// serviceType is a type that can be called by: as announced, with version 1 where the
// announcement has none that can be read.
func serviceType(urn string) string {
	parts := strings.Split(urn, ":")
	if len(parts) < 4 {
		return urn
	}
	return strings.Join(parts[:4], ":") + ":" + strconv.Itoa(typeVersion(urn))
}

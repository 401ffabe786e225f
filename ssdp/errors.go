package ssdp

import (
	"errors"
	"fmt"
	"net/netip"
)

// Reasons of a [Drop], besides *[SyntaxError].
var (
	ErrOffLink = errors.New("source is neither on the link nor the gateway")
	ErrRate    = errors.New("too many datagrams")
	ErrExcess  = errors.New("too many answers from one source or on one interface")
)

// A Drop is a datagram that was thrown away.
type Drop struct {
	From      netip.AddrPort
	Interface Interface // the one it was heard on
	Reason    error
}

// An InterfaceError says why an interface, or one address family on it, could not take part.
type InterfaceError struct {
	Interface Interface
	Op        string         // "list", "use", "listen", "send" or "receive"
	Addr      netip.AddrPort // the group or host it was about; zero: the interface as such
	Err       error
}

func (e *InterfaceError) Error() string {
	s := "ssdp: "
	if e.Interface.Name != "" {
		s += e.Interface.Name + ": "
	}
	if e.Addr.IsValid() {
		return fmt.Sprintf("%s%s %s: %v", s, e.Op, e.Addr, e.Err)
	}
	return fmt.Sprintf("%s%s: %v", s, e.Op, e.Err)
}

func (e *InterfaceError) Unwrap() error { return e.Err }

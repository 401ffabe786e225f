package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"upnp/ssdp"
)

// A Network is the only way this stack touches the outside. Where a Network is wanted, nil means
// [System].
type Network interface {
	// Dial opens a connection on "tcp", "tcp4" or "tcp6" to addr, a literal IP address and
	// port: names are never looked up (SECURITY B5). It heeds [WithLocalAddr], [WithAllowed] and
	// ctx.Deadline, the latter also when ctx.Done would only come later.
	Dial(ctx context.Context, network, addr string) (net.Conn, error)
	// Listen accepts connections on addr, whose host may be empty for all addresses and whose
	// port may be 0 for any free one. ctx governs the opening only.
	Listen(ctx context.Context, network, addr string) (net.Listener, error)
	// ListenPacket is an [ssdp.ListenFunc].
	ListenPacket(ctx context.Context, ifi ssdp.Interface, group netip.AddrPort) (ssdp.PacketConn, error)
	// Interfaces lists all interfaces, up or not.
	Interfaces() ([]ssdp.Interface, error)
}

// Reasons not to dial an address at all. They are found inside the errors of Dial.
var (
	ErrNotLiteral = errors.New("not an IP address and port")
	ErrNotAllowed = errors.New("address not allowed")
)

type localAddrKey struct{}

// WithLocalAddr makes Dial connect from addr, so that a request leaves on the interface that heard
// the device and comes from the address a mapping points at (SECURITY B7). The port stays free.
func WithLocalAddr(ctx context.Context, addr netip.Addr) context.Context {
	return context.WithValue(ctx, localAddrKey{}, addr)
}

func localAddr(ctx context.Context) netip.Addr {
	addr, _ := ctx.Value(localAddrKey{}).(netip.Addr)
	return addr.Unmap()
}

type allowedKey struct{}

// WithAllowed makes Dial refuse with [ErrNotAllowed] every address for which allowed is false.
// The function sees the address the socket is about to connect to, IPv4-mapped forms as plain
// IPv4 and zones kept (SECURITY B1, 2.3).
func WithAllowed(ctx context.Context, allowed func(netip.Addr) bool) context.Context {
	return context.WithValue(ctx, allowedKey{}, allowed)
}

// checkAllowed refuses what nobody may dial (unspecified addresses reach loopback, groups reach
// nobody) and what the guard in ctx forbids.
func checkAllowed(ctx context.Context, addr netip.Addr) error {
	allowed, guarded := ctx.Value(allowedKey{}).(func(netip.Addr) bool)
	if addr.IsUnspecified() || addr.IsMulticast() || guarded && !allowed(addr) {
		return fmt.Errorf("%w: %v", ErrNotAllowed, addr)
	}
	return nil
}

// parseTarget reads the literal address of a Dial.
func parseTarget(addr string) (netip.AddrPort, error) {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil || ap.Port() == 0 {
		return netip.AddrPort{}, fmt.Errorf("%w: %.100q", ErrNotLiteral, addr)
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), nil
}

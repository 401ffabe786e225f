package wire

import (
	"context"
	"net"
	"net/netip"
	"syscall"

	"upnp/ssdp"
)

// System is the network of this machine.
func System() Network { return system{} }

// orSystem is n, or System for nil.
func orSystem(n Network) Network {
	if n == nil {
		return System()
	}
	return n
}

type system struct{}

func (system) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	target, err := parseTarget(addr)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	d := net.Dialer{KeepAlive: -1, FallbackDelay: -1, ControlContext: controlDial}
	d.SetMultipathTCP(false)
	if local := localAddr(ctx); local.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	}
	return d.DialContext(ctx, network, target.String())
}

// controlDial looks at the address of the socket itself, after everything that could have
// changed it, and readies the socket.
func controlDial(ctx context.Context, _, address string, c syscall.RawConn) error {
	target, err := parseTarget(address)
	if err != nil {
		return err
	}
	if err := checkAllowed(ctx, target.Addr()); err != nil {
		return err
	}
	if localAddr(ctx).IsValid() {
		return c.Control(lateBind)
	}
	return nil
}

func (system) Listen(ctx context.Context, network, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false)
	return lc.Listen(ctx, network, addr)
}

func (system) ListenPacket(ctx context.Context, ifi ssdp.Interface, group netip.AddrPort) (ssdp.PacketConn, error) {
	return ssdp.ListenMulticast(ctx, ifi, group)
}

func (system) Interfaces() ([]ssdp.Interface, error) { return ssdp.SystemInterfaces() }

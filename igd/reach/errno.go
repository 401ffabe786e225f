package reach

import (
	"errors"
	"syscall"
)

// Windows has numbers of its own for what went wrong with a socket, which package syscall does not take
// for those of the other systems. Nobody else uses them.
const (
	wsaAddrInUse   = syscall.Errno(10048)
	wsaRefused     = syscall.Errno(10061)
	wsaUnreachable = syscall.Errno(10065)
)

func isRefused(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, wsaRefused)
}

func isInUse(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, wsaAddrInUse)
}

func isUnreachable(err error) bool {
	return errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, wsaUnreachable)
}

package reach

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"upnp/igd"
)

// localTimeout is how long a machine on the same network may take.
const localTimeout = 2 * time.Second

// local looks whether something listens at the inner end.
func (k *check) local(ctx context.Context) Finding {
	at := k.target()
	ctx, cancel := context.WithTimeout(ctx, localTimeout)
	defer cancel()
	switch {
	case !at.Addr().IsValid():
		return Finding{Unknown, fmt.Sprintf("the router names the machine only, %q", k.report.Mapping.InternalName)}
	case k.server != nil:
		return k.localServer(ctx, at)
	case k.want.Protocol == igd.UDP:
		return k.localUDP(ctx, at)
	}
	return k.localTCP(ctx, at)
}

// localServer looks whether our own server answers.
func (k *check) localServer(ctx context.Context, at netip.AddrPort) Finding {
	if err := k.fetch(ctx, at); err != nil {
		return Finding{Fail, fmt.Sprintf("the test server at %v cannot be reached even from this machine: %s", at, words(err))}
	}
	return Finding{Pass, fmt.Sprintf("the test server answers at %v", at)}
}

func (k *check) localTCP(ctx context.Context, at netip.AddrPort) Finding {
	conn, err := k.network.Dial(ctx, "tcp4", at.String())
	switch {
	case err == nil:
		conn.Close()
		return Finding{Pass, fmt.Sprintf("something listens at %v%s", at, k.whyNoServer())}
	case isRefused(err) && k.isHere(at.Addr()) && k.listensToItself(ctx, at.Port()):
		return Finding{Fail, fmt.Sprintf("the program with port %d listens at 127.0.0.1 only: have it listen at %v, or at all addresses", at.Port(), at.Addr())}
	case isRefused(err):
		return Finding{Fail, fmt.Sprintf("nothing listens at %v", at)}
	case isUnreachable(err):
		return Finding{Fail, fmt.Sprintf("there is no machine at %v", at.Addr())}
	case isTimeout(err):
		return Finding{Unknown, fmt.Sprintf("%v does not answer: it may be switched off, or its firewall keeps this machine out", at)}
	}
	return Finding{Unknown, fmt.Sprintf("cannot connect to %v: %s", at, words(innermost(err)))}
}

// whyNoServer tells what became of the server that was wanted.
func (k *check) whyNoServer() string {
	switch {
	case k.noServer == nil:
		return ""
	case isInUse(k.noServer):
		return ", so the test server cannot"
	}
	return "; no test server: " + words(innermost(k.noServer))
}

// listensToItself tells the usual mistake of a program that only this machine can reach.
func (k *check) listensToItself(ctx context.Context, port uint16) bool {
	loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	conn, err := k.network.Dial(ctx, "tcp4", netip.AddrPortFrom(loopback, port).String())
	if err == nil {
		conn.Close()
	}
	return err == nil
}

// localUDP looks whether a program has the port, which is all that UDP tells: a port that can be had is
// nobody's.
func (k *check) localUDP(ctx context.Context, at netip.AddrPort) Finding {
	if !k.isHere(at.Addr()) {
		return Finding{Unknown, fmt.Sprintf("over UDP nobody can tell whether something listens at %v", at)}
	}
	conn, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp4", at.String())
	switch {
	case err == nil:
		conn.Close()
		return Finding{Fail, fmt.Sprintf("no program has UDP port %d of %v", at.Port(), at.Addr())}
	case isInUse(err):
		return Finding{Pass, fmt.Sprintf("a program has UDP port %d%s; whether it answers, UDP does not tell", at.Port(), k.whyNoServer())}
	}
	return Finding{Unknown, fmt.Sprintf("cannot tell whether a program has UDP port %d of %v", at.Port(), at.Addr())}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// innermost is the first cause.
func innermost(err error) error {
	for next := err; next != nil; next = errors.Unwrap(next) {
		err = next
	}
	return err
}

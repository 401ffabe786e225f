package reach

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"upnp/igd"
)

// hairpinTimeout is how long a router may take to loop a connection back.
const hairpinTimeout = 1500 * time.Millisecond

// noProof is what hairpin findings are labelled with.
const noProof = " (no proof of anything outside)"

// hairpin connects to the router's own outside address.
func (k *check) hairpin(ctx context.Context) Finding {
	at := netip.AddrPortFrom(k.report.ExternalAddr, k.want.ExternalPort)
	switch {
	case !at.Addr().IsValid():
		return Finding{Skipped, "the router tells no outside address to connect to"}
	case !k.report.listed:
		return Finding{Skipped, "there is no mapping to come back through"}
	case k.want.Protocol == igd.UDP && k.server == nil:
		return Finding{Skipped, "over UDP only a test server tells"}
	}
	ctx, cancel := context.WithTimeout(ctx, hairpinTimeout)
	defer cancel()
	var err error
	if k.server != nil {
		err = k.fetch(ctx, at)
	} else {
		err = k.knock(ctx, at)
	}
	switch {
	case err == nil:
		return Finding{Pass, fmt.Sprintf("the router loops a connection to %v back%s", at, noProof)}
	case errors.Is(err, errNoArrival):
		return Finding{Fail, fmt.Sprintf("from inside, something else answers at %v, such as the router itself%s", at, noProof)}
	}
	return Finding{Fail, fmt.Sprintf("from inside, %v cannot be reached, as with many routers%s", at, noProof)}
}

func (k *check) knock(ctx context.Context, at netip.AddrPort) error {
	conn, err := k.network.Dial(ctx, "tcp4", at.String())
	if err == nil {
		conn.Close()
	}
	return err
}

package reach

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"upnp/igd"
)

// Errors of knocking at a server.
var (
	errNoArrival = errors.New("something else answers there")
	errNoAnswer  = errors.New("no answer")
)

// maxPage is the page with its head, and a little more.
const maxPage = 1 << 10

// knocks are the datagrams sent to our own server, in less than a second.
const knocks = 2

// datagramGap is the time between the datagrams of one question, which may get lost.
const datagramGap = 300 * time.Millisecond

// fetch knocks at our own server by way of an address, with a nonce of its own.
func (k *check) fetch(ctx context.Context, at netip.AddrPort) error {
	nonce, err := k.server.Nonce()
	if err != nil {
		return err
	}
	if k.want.Protocol == igd.UDP {
		_, err = askUDP(ctx, netip.Addr{}, at, nonce, knocks)
	} else {
		err = k.fetchTCP(ctx, at, nonce)
	}
	select {
	case <-k.server.arrived(nonce):
		return nil
	default:
	}
	if err == nil {
		err = errNoArrival
	}
	return err
}

func (k *check) fetchTCP(ctx context.Context, at netip.AddrPort, nonce string) error {
	conn, err := k.network.Dial(ctx, "tcp4", at.String())
	if err != nil {
		return innermost(err)
	}
	defer conn.Close()
	_, err = askTCP(ctx, conn, nonce)
	return err
}

// askTCP asks for the page of a nonce and returns the token on it, empty if it is another page.
func askTCP(ctx context.Context, conn net.Conn, nonce string) (token string, err error) {
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Now()) })()
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.0\r\n\r\n", Path(nonce)); err != nil {
		return "", err
	}
	page, err := io.ReadAll(io.LimitReader(conn, maxPage))
	if len(page) == 0 && err == nil {
		err = errNoAnswer
	}
	_, body, _ := bytes.Cut(page, []byte("\r\n\r\n"))
	return tokenOn(body), err
}

// tokenOn is the token on the page of a Server; empty for any other page.
func tokenOn(page []byte) string {
	if token, ok := bytes.CutPrefix(page, []byte(pageWords)); ok && isNonce(string(token)) {
		return string(token)
	}
	return ""
}

// askUDP sends a nonce, up to a few times, and returns the token that comes back. A socket of the system
// is used, from a local address if one is given.
func askUDP(ctx context.Context, from netip.Addr, to netip.AddrPort, nonce string, copies int) (token string, err error) {
	d := net.Dialer{}
	if from.IsValid() {
		d.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	conn, err := d.DialContext(ctx, "udp", to.String())
	if err != nil {
		return "", innermost(err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Now()) })()
	gap := datagramGap
	for range copies {
		token, err := exchange(conn, nonce, gap)
		if err == nil || ctx.Err() != nil || !isTimeout(err) {
			return token, err
		}
		gap *= 2
	}
	return "", errNoAnswer
}

// exchange sends a nonce and waits a while for a token.
func exchange(conn net.Conn, nonce string, wait time.Duration) (token string, err error) {
	if _, err := io.WriteString(conn, datagramPrefix+nonce); err != nil {
		return "", innermost(err)
	}
	conn.SetReadDeadline(time.Now().Add(wait))
	buf := make([]byte, datagramSize+1)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return "", err
		}
		if token := nonceOf(buf[:n]); token != "" {
			return token, nil
		}
	}
}

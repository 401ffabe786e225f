package reach

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"upnp/igd"
)

// Limits of asking a probe.
const (
	probeTimeout   = 10 * time.Second
	maxProbeAnswer = 64 << 10
	maxProbeHeader = 16 << 10
)

// standardPath is what a probe server and an echoip server are asked for.
const standardPath = "/port/{port}?protocol={protocol}&nonce={nonce}"

// A Probe is a web service elsewhere that looks at a port. It is asked by a URL, in which
// {address} (or {ip}), {port}, {protocol} and {nonce} stand for what to look at. Its answer is JSON
// as an echoip server gives it, {"ip", "port", "reachable"}; a [ProbeServer] says more. A service
// that merely fetches a page will do too, as in http://proxy.example/?url=http://{address}:{port}/r/{nonce}:
// what it fetches has the nonce.
//
// Asking tells the service this network's address. It is the only thing in this module that looks
// up names or speaks to the Internet. Proxies of the environment are not used, as a proxy's own
// address would be looked at, and redirects not followed.
type Probe struct {
	template string
	// Dial connects; nil is the system's way, names and all, over IPv4.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// A Question is what a probe is asked.
type Question struct {
	Protocol igd.Protocol
	Addr     netip.Addr // the router's outside address, if it is known
	Port     uint16
	Nonce    string // empty: no server of ours listens
}

// A Reply is what a probe says, for what that is worth.
type Reply struct {
	Probe     netip.Addr // where the answer came from
	Addr      netip.Addr // what it looked at; not valid if it does not say
	Reachable bool
	Token     string // what our server gave it; empty if it did not get that or does not tell
	Reason    string // its own words, if it could not connect
}

// Reasons why a probe was no help.
var (
	ErrCannotLook  = errors.New("this probe cannot look at such a port")
	ErrProbeAnswer = errors.New("the probe gives no answer that can be understood")
)

var errProbeSlow = fmt.Errorf("no answer within %v", probeTimeout)

// ParseProbe reads a URL template. One that is a bare server, as in http://probe.example:9543, is
// asked in the way of a [ProbeServer].
func ParseProbe(template string) (Probe, error) {
	if !strings.Contains(template, "{") {
		u, err := url.Parse(template)
		if err == nil && u.Host != "" && strings.Trim(u.Path, "/") == "" && u.RawQuery == "" {
			template = strings.TrimRight(template, "/") + standardPath
		}
	}
	p := Probe{template: template}
	u, err := url.Parse(p.fill(Question{Protocol: igd.TCP, Addr: netip.IPv4Unspecified(), Port: 1}))
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil:
		return Probe{}, fmt.Errorf("%q: want a URL, such as https://probe.example/port/{port}", template)
	case !strings.Contains(template, "{port}"):
		return Probe{}, fmt.Errorf("%q: lacks {port}, which stands for the port to look at", template)
	}
	return p, nil
}

// String is the template.
func (p Probe) String() string { return p.template }

// Host is who is asked, for people.
func (p Probe) Host() string {
	u, err := url.Parse(p.fill(Question{Addr: netip.IPv4Unspecified(), Port: 1}))
	if err != nil {
		return p.template
	}
	return u.Host
}

func (p Probe) fill(q Question) string {
	addr := ""
	if q.Addr.IsValid() {
		addr = q.Addr.String()
	}
	return strings.NewReplacer("{address}", addr, "{ip}", addr, "{port}", strconv.Itoa(int(q.Port)),
		"{protocol}", strings.ToLower(string(q.Protocol)), "{nonce}", q.Nonce).Replace(p.template)
}

func (p Probe) has(field string) bool { return strings.Contains(p.template, field) }

// canLook tells why a probe cannot answer a question.
func (p Probe) canLook(q Question) error {
	switch {
	case q.Protocol != igd.TCP && !p.has("{protocol}"):
		return fmt.Errorf("%w: its URL has no {protocol}, so it looks at TCP only", ErrCannotLook)
	case q.Protocol != igd.TCP && (q.Nonce == "" || !p.has("{nonce}")):
		return fmt.Errorf("%w: over UDP only a nonce tells, and there is none to send", ErrCannotLook)
	case !q.Addr.IsValid() && (p.has("{address}") || p.has("{ip}")):
		return fmt.Errorf("%w: the router tells no outside address", ErrCannotLook)
	}
	return nil
}

// Ask has the service look. The address it is asked at is in the reply also with an error that
// came after connecting.
func (p Probe) Ask(ctx context.Context, q Question) (Reply, error) {
	var reply Reply
	if err := p.canLook(q); err != nil {
		return reply, err
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.fill(q), nil)
	if err != nil {
		return reply, err
	}
	req.Header.Set("Accept", "application/json")
	var peer atomic.Pointer[netip.Addr]
	resp, err := p.client(&peer).Do(req)
	if at := peer.Load(); at != nil {
		reply.Probe = *at
	}
	if err != nil {
		return reply, plainError(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return reply, statusError(resp)
	}
	return reply, reply.read(resp.Body, q)
}

// Reachable is the service's word on a mapping to something else than a [Server]: what [igd.Keeper] asks
// for.
func (p Probe) Reachable(ctx context.Context, m igd.Mapping, external netip.Addr) (bool, error) {
	reply, err := p.Ask(ctx, Question{Protocol: m.Protocol, Addr: external, Port: m.ExternalPort})
	if err == nil && reply.isAstray(external) {
		return false, fmt.Errorf("it looked at %v, which is not the router's address", reply.Addr)
	}
	return reply.Reachable, err
}

// client makes one request, over a connection of its own, and takes down where that leads.
func (p Probe) client(peer *atomic.Pointer[netip.Addr]) *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: maxProbeHeader,
			DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
				conn, err := p.dial(ctx, addr)
				if err == nil {
					at := addrOf(conn.RemoteAddr())
					peer.Store(&at)
				}
				return conn, err
			},
		},
	}
}

// dial connects over IPv4: what asks over IPv6 is looked at over IPv6, where no mapping is.
func (p Probe) dial(ctx context.Context, addr string) (net.Conn, error) {
	if p.Dial != nil {
		return p.Dial(ctx, "tcp4", addr)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp4", addr)
}

// plainError is an error without the URL, which is long and has the nonce.
func plainError(err error) error {
	if lookup, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Errorf("its name is not found: %w", lookup)
	}
	if isTimeout(err) {
		return errProbeSlow
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return fmt.Errorf("cannot be reached: %w", innermost(err))
	}
	return fmt.Errorf("no answer: %w", innermost(err))
}

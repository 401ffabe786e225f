package wire

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Limits of one HTTP exchange. A context can only shorten the times.
const (
	ConnectTimeout  = 3 * time.Second
	HeaderTimeout   = 8 * time.Second  // from the request sent to the head of the answer complete
	ExchangeTimeout = 10 * time.Second // all of a GET or HEAD, its body included
	WriteTimeout    = 15 * time.Second // all of any other request

	MaxHeader        = 16 << 10 // bytes of everything before the body, 1xx answers and dirt included
	MaxFields        = 256      // header fields
	DefaultBodyLimit = 1 << 20  // bytes of body, see WithBodyLimit
)

// HTTPClient returns a client that speaks to devices over n, nil being [System].
//
// It makes one connection per request and sends the request in one write, with header names
// exactly as they are in the Header map, then "Connection: close". It follows no redirect, knows
// no proxy, cookie, compression or name lookup, speaks http only, and bounds time and size as the
// constants say. What devices do to HTTP is read with patience: see the package's tests for the
// list. A body ends with a clean io.EOF when its framing says so, or when its framing is missing or
// wrong but its XML root element has ended; one that is really cut ends, after the
// bytes that came, with an [*AnswerError] around [io.ErrUnexpectedEOF].
//
// Errors are [*ConnectError], [*AnswerError], [*HeadError] and [*TooLargeError]: inside the
// *url.Error of net/http from the client, as they are from reading the body.
func HTTPClient(n Network) *http.Client {
	return &http.Client{
		Transport:     &transport{network: orSystem(n), buffers: sync.Pool{New: func() any { return new(buffer) }}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type bodyLimitKey struct{}

// WithBodyLimit caps the body of an answer at n bytes in place of [DefaultBodyLimit].
func WithBodyLimit(ctx context.Context, n int64) context.Context {
	return context.WithValue(ctx, bodyLimitKey{}, n)
}

func bodyLimit(ctx context.Context) int64 {
	if n, ok := ctx.Value(bodyLimitKey{}).(int64); ok {
		return n
	}
	return DefaultBodyLimit
}

type transport struct {
	network Network
	buffers sync.Pool // of *buffer
}

// buffer first holds the request, then the head of the answer, then what is read ahead of its body.
type buffer [MaxHeader]byte

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	addr, err := targetOf(req.URL)
	if err != nil {
		return nil, &ConnectError{Err: err}
	}
	buf := t.buffers.Get().(*buffer)
	request, err := appendRequest(buf[:0], req)
	if err != nil {
		t.buffers.Put(buf)
		return nil, &ConnectError{Addr: addr, Err: err}
	}
	x := &exchange{ctx: req.Context(), addr: addr, buf: buf, pool: &t.buffers}
	x.start(req.Method)
	if err := x.connect(t.network); err != nil {
		x.finish(err)
		return nil, err
	}
	resp, err := x.run(request, req)
	if err != nil {
		x.finish(err)
		return nil, err
	}
	return resp, nil
}

// targetOf is the address of an absolute http URL: a literal one, since names are never looked up.
func targetOf(u *url.URL) (netip.AddrPort, error) {
	switch {
	case !strings.EqualFold(u.Scheme, "http"):
		return netip.AddrPort{}, fmt.Errorf("scheme %.20q is not http", u.Scheme)
	case u.User != nil:
		return netip.AddrPort{}, errors.New("URL with user name")
	case u.Port() == "" && !strings.HasSuffix(u.Host, ":"):
		addr, err := netip.ParseAddr(u.Hostname())
		if err != nil {
			return netip.AddrPort{}, fmt.Errorf("%w: %.100q", ErrNotLiteral, u.Host)
		}
		return netip.AddrPortFrom(addr.Unmap(), 80), nil
	}
	return parseTarget(u.Host)
}

// A connectContext ends its parent's deadline earlier without a timer of its own: the poller of the
// socket keeps the time.
type connectContext struct {
	context.Context
	deadline time.Time
}

func (c connectContext) Deadline() (time.Time, bool) { return c.deadline, true }

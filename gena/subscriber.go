package gena

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"upnp/description"
)

// A Subscriber subscribes to events and receives them. Its fields are not to be changed once it
// is in use; its methods may be called from several goroutines.
type Subscriber struct {
	// HTTP makes the requests. Nil is a client without proxy, compression, cookies and kept
	// connections, with limits on time and header size, that speaks from the Listener's address.
	// Redirects are not followed, whichever client it is.
	HTTP *http.Client

	// Listener is where devices deliver events: on the one address of this machine that faces
	// them, since many refuse to send anywhere else than where the request came from. Serve
	// accepts on it and closes it. Nil is right for a Subscriber mounted as an http.Handler.
	Listener net.Listener

	// Callback is the URL that devices are given, with a secret path appended: that of the
	// handler as devices see it, for example "http://192.168.1.7:4004/events". Empty is the
	// Listener's address.
	Callback string

	// Timeout is how long a subscription shall last before it has to be renewed, which happens
	// at half of what the device grants. 0 is DefaultTimeout.
	Timeout time.Duration

	// UserAgent is the USER-AGENT header, "OS/version UPnP/1.1 product/version". Empty sends
	// one that names this package.
	UserAgent string

	mu       sync.Mutex
	closed   bool
	doors    map[string]*door // by token
	open     map[*Subscription]struct{}
	counters Counters
}

// Counters tell what became of the notifications received.
type Counters struct {
	Accepted uint64 // gave an event, or were merged into one
	Refused  uint64 // of no or the wrong subscription, or malformed
	Foreign  uint64 // of somebody else than the device
	Crowded  uint64 // connections closed because there were too many
}

// Counters returns what was counted so far.
func (s *Subscriber) Counters() Counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counters
}

func (s *Subscriber) count(counter *uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*counter++
}

// Subscribe asks a device for the events of one of its services. target is the absolute event
// URL, with a literal address; sources are the addresses of the device besides that one. The
// subscription is renewed, and made anew where the device has forgotten it, until it is closed.
// Requests for it carry the values of ctx, also long after; the end of ctx ends this call only.
//
// A refusal is a [*description.StatusError] inside the error; silence is an error of the
// network. Others are [ErrClosed], [ErrCallback] and [description.ErrURL].
func (s *Subscriber) Subscribe(ctx context.Context, target string, sources ...netip.Addr) (*Subscription, error) {
	host, err := eventHost(target)
	if err != nil {
		return nil, err
	}
	sub := newSubscription(ctx, s, target, append([]netip.Addr{host}, sources...))
	if err := s.add(sub); err != nil {
		return nil, err
	}
	if err := sub.subscribe(ctx); err != nil {
		s.remove(sub)
		return nil, err
	}
	if err := sub.begin(); err != nil {
		s.remove(sub)
		return nil, err
	}
	return sub, nil
}

// eventHost checks an event URL and returns the address in it.
func eventHost(target string) (netip.Addr, error) {
	refused := func(reason string) (netip.Addr, error) {
		return netip.Addr{}, fmt.Errorf("%w: %.200q: %s", description.ErrURL, target, reason)
	}
	u, err := url.Parse(target)
	switch {
	case err != nil:
		return refused("malformed")
	case !strings.EqualFold(u.Scheme, "http") || u.User != nil:
		return refused("not plain http")
	}
	host, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return refused("not a literal address")
	}
	return bare(host), nil
}

// bare is an address as it is compared: without zone, and IPv4 as IPv4.
func bare(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

func (s *Subscriber) add(sub *Subscription) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if s.open == nil {
		s.open = make(map[*Subscription]struct{})
	}
	s.open[sub] = struct{}{}
	return nil
}

func (s *Subscriber) remove(sub *Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, sub)
}

// knows reports whether some subscription expects events from addr.
func (s *Subscriber) knows(addr netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for sub := range s.open {
		if sub.accepts(addr) {
			return true
		}
	}
	return false
}

// finish closes the Subscriber for new subscriptions and returns those open.
func (s *Subscriber) finish() []*Subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return slices.Collect(maps.Keys(s.open))
}

// local is the address of the Listener, if that is a definite one.
func (s *Subscriber) local() netip.AddrPort {
	if s.Listener == nil {
		return netip.AddrPort{}
	}
	local := addrPort(s.Listener.Addr().String())
	if local.Addr().IsUnspecified() {
		return netip.AddrPort{}
	}
	return local
}

// callback is the URL of a door. A zone means nothing to the device and is left out.
func (s *Subscriber) callback(d *door) (string, error) {
	if s.Callback != "" {
		return strings.TrimSuffix(s.Callback, "/") + "/" + d.token, nil
	}
	local := s.local()
	if !local.IsValid() {
		return "", ErrCallback
	}
	return "http://" + netip.AddrPortFrom(local.Addr().WithZone(""), local.Port()).String() + "/" + d.token, nil
}

// ask sends a request about a subscription. Only a 200 is no error; its body is of no interest.
func (s *Subscriber) ask(ctx context.Context, method, target string, header http.Header) (http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, target, nil)
	if err != nil {
		return nil, fmt.Errorf("gena: %s: %w", method, err)
	}
	request.Close = true
	request.Header = header
	header["User-Agent"] = []string{s.userAgent()}
	answer, err := description.DeviceHTTP(s.HTTP, s.local().Addr()).Do(request)
	if err != nil {
		return nil, fmt.Errorf("gena: %s: %w", method, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("gena: %s: %w", method, refusal(target, answer))
	}
	return answer.Header, nil
}

func (s *Subscriber) userAgent() string {
	if s.UserAgent != "" {
		return s.UserAgent
	}
	return runtime.GOOS + "/1 UPnP/1.1 upnp/1"
}

func (s *Subscriber) timeout() time.Duration {
	if s.Timeout == 0 {
		return DefaultTimeout
	}
	return s.Timeout
}

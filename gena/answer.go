package gena

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// A verdict is the answer to a request for a subscription.
type verdict struct {
	status int
	sid    string        // "" sends none
	grant  time.Duration // together with sid
	first  *recipient    // who gets its initial event once the answer is sent
	reason string        // for the log
}

func refuse(status int, reason string) verdict { return verdict{status: status, reason: reason} }

// ServeHTTP answers SUBSCRIBE and UNSUBSCRIBE by UPnP Device Architecture 1.1, sections 4.1 and 4.2:
// 400 to headers that exclude each other, 405 to other methods, 412 to what is missing,
// unknown or unacceptable, 503 when there is no room or Serve has ended. Who may reach it,
// under which Host, is for its surroundings to decide.
func (p *Publisher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := p.decide(r)
	if v.reason != "" {
		p.logger().Debug("subscription refused", "from", r.RemoteAddr, "status", v.status, "reason", v.reason)
	}
	p.write(w, v)
	if v.first != nil {
		_ = http.NewResponseController(w).Flush() // the SID goes ahead of the event
		p.mu.Lock()
		defer p.mu.Unlock()
		p.start(v.first)
	}
}

func (p *Publisher) write(w http.ResponseWriter, v verdict) {
	header := w.Header()
	header.Set("Content-Length", "0")
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	if p.Server != "" {
		header["SERVER"] = []string{p.Server}
	}
	if v.sid != "" {
		header["SID"] = []string{v.sid}
		header["TIMEOUT"] = []string{formatTimeout(v.grant)}
	}
	if v.status == http.StatusMethodNotAllowed {
		header.Set("Allow", "SUBSCRIBE, UNSUBSCRIBE")
	}
	w.WriteHeader(v.status)
}

func (p *Publisher) decide(r *http.Request) verdict {
	sid := strings.TrimSpace(r.Header.Get("SID"))
	excluded := r.Header["Nt"] != nil || r.Header["Callback"] != nil // by a SID
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expire()
	switch {
	case r.Method != methodSubscribe && r.Method != methodUnsubscribe:
		return refuse(http.StatusMethodNotAllowed, "method")
	case excluded && (sid != "" || r.Method == methodUnsubscribe):
		return refuse(http.StatusBadRequest, "SID together with NT or CALLBACK")
	case r.Method == methodUnsubscribe:
		return p.unsubscribe(sid)
	case sid != "":
		return p.renew(sid, r)
	}
	return p.subscribe(r)
}

func (p *Publisher) unsubscribe(sid string) verdict {
	if p.subs[sid] == nil {
		return refuse(http.StatusPreconditionFailed, "unknown SID")
	}
	p.end(sid)
	return verdict{status: http.StatusOK}
}

func (p *Publisher) renew(sid string, r *http.Request) verdict {
	known := p.subs[sid]
	if known == nil {
		return refuse(http.StatusPreconditionFailed, "unknown SID")
	}
	grant := granted(r)
	known.expires = time.Now().Add(grant)
	return verdict{status: http.StatusOK, sid: sid, grant: grant}
}

func (p *Publisher) subscribe(r *http.Request) verdict {
	if !strings.EqualFold(r.Header.Get("NT"), eventType) {
		return refuse(http.StatusPreconditionFailed, "NT is not "+eventType)
	}
	g := &guard{peer: addrPort(r.RemoteAddr), local: localAddr(r), allowed: p.Allowed}
	urls, err := g.callbacks(strings.Join(r.Header.Values("CALLBACK"), ""))
	if err != nil {
		return refuse(http.StatusPreconditionFailed, err.Error())
	}
	if reason := p.full(g.peer.Addr()); reason != "" {
		return refuse(http.StatusServiceUnavailable, reason)
	}
	grant := granted(r)
	accepted := &recipient{sid: newSID(), source: g.peer.Addr(), urls: urls, expires: time.Now().Add(grant)}
	p.enrol(accepted)
	return verdict{status: http.StatusOK, sid: accepted.sid, grant: grant, first: accepted}
}

// enrol adds a recipient, who is to get the whole state first.
func (p *Publisher) enrol(r *recipient) {
	p.setUp()
	if len(p.state) > 0 {
		r.pending = &change{properties: p.state}
	}
	if p.subs == nil {
		p.subs = make(map[string]*recipient)
	}
	p.subs[r.sid] = r
}

// full is the reason why there is no room.
func (p *Publisher) full(source netip.Addr) string {
	switch same := p.from(source); {
	case p.run == nil && p.over:
		return "not serving any more"
	case len(p.subs) >= orDefault(p.MaxSubscriptions, DefaultSubscriptions):
		return "too many subscriptions"
	case same >= orDefault(p.MaxPerSource, DefaultPerSource):
		return "too many subscriptions from one address"
	}
	return ""
}

// from is how many subscriptions an address has.
func (p *Publisher) from(source netip.Addr) (n int) {
	for _, r := range p.subs {
		if r.source == source {
			n++
		}
	}
	return n
}

func orDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

func granted(r *http.Request) time.Duration {
	return min(max(parseTimeout(r.Header.Get("TIMEOUT")), MinTimeout), MaxTimeout)
}

// localAddr is the address a request came in at; invalid if its server does not tell.
func localAddr(r *http.Request) netip.AddrPort {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return netip.AddrPort{}
	}
	return addrPort(addr.String())
}

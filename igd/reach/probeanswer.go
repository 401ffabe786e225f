package reach

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"upnp/igd"
)

// A refusal is an HTTP status with its reason.
type refusal struct {
	status int
	reason string
}

// answer answers one question.
func (p *probing) answer(w http.ResponseWriter, r *http.Request) {
	from, local := p.asker(r), localOf(r)
	q, no := p.question(r, from, local)
	if no.reason == "" {
		if no = p.allow(from, q.Port); no.reason == "" {
			defer p.askers.end(from)
			defer p.end()
		}
	}
	if no.reason != "" {
		p.tell(Looked{From: from, Protocol: q.Protocol, Port: q.Port, Refused: no.reason})
		writeAnswer(w, no.status, map[string]string{"error": no.reason})
		return
	}
	j := p.look(r.Context(), local, q, sizeOf(r))
	p.tell(Looked{From: from, Protocol: q.Protocol, Port: q.Port, Reachable: *j.Reachable})
	writeAnswer(w, http.StatusOK, j)
}

// allow takes a place among the looks, the asker's and everybody's.
func (p *probing) allow(from netip.Addr, port uint16) refusal {
	if reason := p.askers.begin(from, port); reason != "" {
		return refusal{http.StatusTooManyRequests, reason}
	}
	if !p.begin() {
		p.askers.end(from)
		return refusal{http.StatusServiceUnavailable, reasonEverywhere}
	}
	return refusal{}
}

// asker is the address a question comes from: the peer's, or what a proxy of ours says.
func (p *probing) asker(r *http.Request) netip.Addr {
	peer, _ := netip.ParseAddrPort(r.RemoteAddr)
	from := peer.Addr().Unmap()
	if !p.server.isProxy(from) {
		return from
	}
	chain := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	addr, _ := netip.ParseAddr(strings.TrimSpace(chain[len(chain)-1]))
	return addr.Unmap()
}

func localOf(r *http.Request) netip.Addr {
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(interface{ String() string }); ok {
		at, _ := netip.ParseAddrPort(a.String())
		return at.Addr().Unmap()
	}
	return netip.Addr{}
}

// question reads what is asked, and refuses what is not to be looked at.
func (p *probing) question(r *http.Request, from, local netip.Addr) (q Question, no refusal) {
	text, ok := strings.CutPrefix(r.URL.Path, "/port/")
	switch {
	case !ok:
		return q, refusal{http.StatusNotFound, "ask for /port/N"}
	case r.Method != http.MethodGet:
		return q, refusal{http.StatusMethodNotAllowed, "ask with GET"}
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return q, refusal{http.StatusBadRequest, "not a port"}
	}
	query := r.URL.Query()
	q = Question{Addr: from, Port: uint16(port), Nonce: query.Get("nonce")}
	if q.Protocol, ok = protocolNamed(query.Get("protocol")); !ok {
		return q, refusal{http.StatusBadRequest, "the protocol is neither tcp nor udp"}
	}
	for _, name := range []string{"ip", "address", "host"} {
		if named := query.Get(name); named != "" && named != from.String() {
			return q, refusal{http.StatusForbidden, "only the asker's own address is looked at"}
		}
	}
	return q, p.objection(q, local)
}

func (p *probing) objection(q Question, local netip.Addr) refusal {
	switch {
	case q.Nonce != "" && !isNonce(q.Nonce):
		return refusal{http.StatusBadRequest, "the nonce is not 32 hexadecimal digits"}
	case q.Protocol == igd.UDP && q.Nonce == "":
		return refusal{http.StatusBadRequest, "over UDP a nonce is needed"}
	case p.isOwn(q.Addr, local):
		return refusal{http.StatusForbidden, "this machine itself is not looked at"}
	case !p.server.AllowPrivate && !isPublic(q.Addr):
		return refusal{http.StatusForbidden, "a private or reserved address is not looked at"}
	}
	return refusal{}
}

// isOwn tells an address of this machine, and one that is nobody's.
func (p *probing) isOwn(addr, local netip.Addr) bool {
	if !addr.IsValid() || addr.IsLoopback() || addr.IsUnspecified() || addr.IsMulticast() || addr == local {
		return true
	}
	all, err := p.network.Interfaces()
	if err != nil {
		return false
	}
	for _, i := range all {
		for _, own := range i.Prefixes {
			if own.Addr().WithZone("") == addr.WithZone("") {
				return true
			}
		}
	}
	return false
}

// sizeOf is how many bytes a question had at least.
func sizeOf(r *http.Request) int {
	n := len(r.Method) + len(r.RequestURI) + len(r.Proto) + len("Host") + len(r.Host)
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v)
		}
	}
	return n
}

func writeAnswer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func protocolNamed(name string) (igd.Protocol, bool) {
	switch strings.ToLower(name) {
	case "", "tcp":
		return igd.TCP, true
	case "udp":
		return igd.UDP, true
	}
	return "", false
}

func protocolName(p igd.Protocol) string { return strings.ToLower(string(p)) }

// lookWords is why a look did not get through.
func lookWords(err error) string {
	switch {
	case isRefused(err):
		return "refused"
	case errors.Is(err, errNoAnswer), isTimeout(err):
		return "no answer"
	}
	return innermost(err).Error()
}

// tell tells the owner, a few times per asker.
func (p *probing) tell(l Looked) {
	if p.server.Looked == nil {
		return
	}
	var ok bool
	if l.Suppressed, ok = p.askers.mayTell(l.From); !ok {
		return
	}
	l.Time = time.Now()
	p.telling.Lock()
	defer p.telling.Unlock()
	p.server.Looked(l)
}

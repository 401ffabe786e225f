package reach

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"

	"upnp/igd"
	"upnp/igd/wire"
)

// maxWords cuts what a probe says for people.
const maxWords = 120

// replyJSON is the answer of echoip's /port/N, and what a ProbeServer adds.
type replyJSON struct {
	IP        string `json:"ip"`
	Port      uint16 `json:"port"`
	Reachable *bool  `json:"reachable"`
	Protocol  string `json:"protocol,omitempty"`
	Token     string `json:"token,omitempty"` // what it was given there
	Error     string `json:"error,omitempty"`
}

// read takes in the answer to a question. Fields that are not there are not held against it, but
// for the one that matters.
func (r *Reply) read(body io.Reader, q Question) error {
	var j replyJSON
	if err := json.NewDecoder(io.LimitReader(body, maxProbeAnswer)).Decode(&j); err != nil {
		return fmt.Errorf("%w: no JSON", ErrProbeAnswer)
	}
	switch {
	case j.Reachable == nil:
		return fmt.Errorf(`%w: it lacks "reachable"`, ErrProbeAnswer)
	case j.Port != 0 && j.Port != q.Port:
		return fmt.Errorf("%w: it is about port %d", ErrProbeAnswer, j.Port)
	case !sameProtocol(j.Protocol, q):
		return fmt.Errorf("%w: it looked at TCP", ErrCannotLook)
	}
	if addr, err := netip.ParseAddr(j.IP); err == nil {
		r.Addr = addr.Unmap()
	}
	r.Reachable, r.Token = *j.Reachable, j.Token
	r.Reason = wire.Sanitize(j.Error, maxWords)
	return nil
}

// isAstray tells a look at another address than the router's. Behind another NAT that is as it should be.
func (r *Reply) isAstray(external netip.Addr) bool {
	return r.Addr.IsValid() && r.Addr != external && igd.ClassOf(external) == igd.Public
}

// sameProtocol tells an answer about the other protocol: who does not name one, as echoip, knows TCP only.
func sameProtocol(protocol string, q Question) bool {
	if protocol == "" {
		protocol = "tcp"
	}
	return strings.EqualFold(protocol, string(q.Protocol))
}

// statusError is an answer that is none, with the words of those who give a reason in JSON.
func statusError(resp *http.Response) error {
	var j struct {
		Error string `json:"error"`
	}
	json.NewDecoder(io.LimitReader(resp.Body, maxProbeAnswer)).Decode(&j)
	words := wire.Sanitize(j.Error, maxWords)
	if words == "" {
		words = http.StatusText(resp.StatusCode)
	}
	return fmt.Errorf("it answers HTTP %d: %s", resp.StatusCode, words)
}

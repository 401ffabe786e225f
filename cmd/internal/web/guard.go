package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/netip"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// A guard lets through what the page itself asks, and nothing any other page, host name or local
// user may try (SECURITY 3.G). Everything else is 403 without a word.
type guard struct {
	hosts    []string // the only values of Host
	secret   [sha256.Size]byte
	failures atomic.Int64
	next     http.Handler
}

// How wrong secrets are slowed down (G11).
const (
	freeFailures = 10
	failureDelay = time.Second
)

// newSecret is 256 bits that nobody can guess.
func newSecret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// hostsOf are the values of Host that mean a listener: its address, and on loopback the three
// ways to write that.
func hostsOf(at netip.AddrPort) []string {
	hosts := []string{at.String()}
	if at.Addr().IsLoopback() {
		for _, h := range []string{"127.0.0.1", "[::1]", "localhost"} {
			hosts = append(hosts, h+":"+portText(at.Port()))
		}
	}
	if at.Port() == 80 {
		for _, h := range slices.Clone(hosts) {
			hosts = append(hosts, strings.TrimSuffix(h, ":80"))
		}
	}
	return hosts
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(bodyTime)) // that of the request before still holds
	api := strings.HasPrefix(r.URL.Path, "/api/")
	switch {
	case !g.ours(r), api && !fromPage(r), !api && !fromPage(r) && !opened(r):
		w.WriteHeader(http.StatusForbidden)
	case api && !g.knows(r):
		g.punish(r.Context())
		w.WriteHeader(http.StatusForbidden)
	case path.Clean(r.URL.Path) != r.URL.Path:
		w.WriteHeader(http.StatusNotFound)
	default:
		g.next.ServeHTTP(w, r)
	}
}

// secure sets what every answer says, refusals included.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "+
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// ours tells requests for this server by its own name, from nowhere else.
func (g *guard) ours(r *http.Request) bool {
	if !strings.HasPrefix(r.RequestURI, "/") || r.Method == http.MethodOptions || r.Header.Get("Upgrade") != "" {
		return false
	}
	if !g.named(r.Host) {
		return false
	}
	for _, origin := range r.Header.Values("Origin") {
		host, plain := strings.CutPrefix(origin, "http://")
		if !plain || !g.named(host) {
			return false
		}
	}
	return true
}

func (g *guard) named(host string) bool {
	return slices.ContainsFunc(g.hosts, func(own string) bool { return strings.EqualFold(own, host) })
}

// fromPage is what a browser says of requests of the page; other programs say nothing.
func fromPage(r *http.Request) bool {
	site := r.Header.Values("Sec-Fetch-Site")
	return len(site) == 0 || len(site) == 1 && site[0] == "same-origin" && !framed(r)
}

// opened is what a browser says when somebody opens the address.
func opened(r *http.Request) bool {
	is := func(name, value string) bool { return slices.Equal(r.Header.Values(name), []string{value}) }
	return is("Sec-Fetch-Site", "none") && is("Sec-Fetch-Mode", "navigate") && is("Sec-Fetch-Dest", "document")
}

func framed(r *http.Request) bool {
	return slices.Contains([]string{"iframe", "frame", "object", "embed"}, r.Header.Get("Sec-Fetch-Dest"))
}

// knows compares the secret in constant time.
func (g *guard) knows(r *http.Request) bool {
	given := r.Header.Values("Authorization")
	if len(given) != 1 {
		return false
	}
	token, bearer := strings.CutPrefix(given[0], "Bearer ")
	sum := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(sum[:], g.secret[:]) == 1 && bearer
}

// punish makes guessing slow.
func (g *guard) punish(ctx context.Context) {
	if g.failures.Add(1) <= freeFailures {
		return
	}
	t := time.NewTimer(failureDelay)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

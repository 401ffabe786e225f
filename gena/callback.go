package gena

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Limits of a CALLBACK header.
const (
	maxCallbacks   = 2
	maxCallbackURL = 512 // bytes
)

// A guard decides which delivery URLs are acceptable: with no rule, a subscription makes a device
// send requests to anybody (CVE-2020-12695).
type guard struct {
	peer    netip.AddrPort // who asks
	local   netip.AddrPort // where it was asked; invalid if unknown
	allowed []netip.Prefix
}

// callbacks returns the acceptable URLs of a CALLBACK header, in their order. The error says why
// there is none, or why the header is none.
func (g *guard) callbacks(header string) (urls []string, err error) {
	texts, err := splitCallback(header)
	if err != nil {
		return nil, err
	}
	var objections []error
	for _, text := range texts {
		u, err := g.check(text)
		if err != nil {
			objections = append(objections, err)
			continue
		}
		urls = append(urls, u)
	}
	if len(urls) == 0 {
		return nil, errors.Join(objections...)
	}
	return urls, nil
}

// splitCallback takes URLs out of their brackets: <http://192.168.1.7:4004/x><http://…>.
func splitCallback(header string) (urls []string, err error) {
	for rest := strings.Trim(header, " \t"); rest != ""; rest = strings.TrimLeft(rest, " \t") {
		inner, ok := strings.CutPrefix(rest, "<")
		text, after, closed := strings.Cut(inner, ">")
		switch {
		case !ok || !closed || strings.ContainsFunc(text, outOfURL):
			return nil, errors.New("CALLBACK is malformed")
		case len(text) > maxCallbackURL:
			return nil, fmt.Errorf("CALLBACK has a URL over %d bytes", maxCallbackURL)
		case len(urls) == maxCallbacks:
			return nil, fmt.Errorf("CALLBACK has more than %d URLs", maxCallbacks)
		}
		urls = append(urls, text)
		rest = after
	}
	if len(urls) == 0 {
		return nil, errors.New("no CALLBACK")
	}
	return urls, nil
}

// outOfURL reports characters that no URL is written with.
func outOfURL(r rune) bool { return r <= ' ' || r >= 0x7f || r == '<' || r == '"' || r == '\\' }

// check returns the URL with the address as it is to be dialled: with the zone the socket knows.
func (g *guard) check(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", errors.New("CALLBACK is no URL")
	}
	if u.Scheme != "http" || u.Opaque != "" || u.User != nil {
		return "", errors.New("CALLBACK is not plain http")
	}
	to, err := target(u)
	if err != nil {
		return "", err
	}
	to, err = g.permit(to)
	if err != nil {
		return "", err
	}
	u.Host, u.Fragment, u.RawFragment = to.String(), "", ""
	return u.String(), nil
}

// target is the literal address and port of a URL.
func target(u *url.URL) (netip.AddrPort, error) {
	addr, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return netip.AddrPort{}, errors.New("CALLBACK has no literal address")
	}
	port := uint64(80)
	if text := u.Port(); text != "" || strings.HasSuffix(u.Host, ":") {
		port, err = strconv.ParseUint(text, 10, 16)
	}
	if err != nil || port == 0 {
		return netip.AddrPort{}, errors.New("CALLBACK has no usable port")
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(port)), nil
}

func (g *guard) permit(to netip.AddrPort) (netip.AddrPort, error) {
	addr, peer := to.Addr(), g.peer.Addr().Unmap()
	same := bare(addr) == bare(peer) && (addr.Zone() == "" || addr.Zone() == peer.Zone())
	if same {
		to = netip.AddrPortFrom(peer, to.Port())
	}
	switch {
	case !same && !g.isAllowed(addr):
		return to, fmt.Errorf("CALLBACK leads to %v, not to the subscriber", addr)
	case bare(addr) == bare(g.local.Addr()) && to.Port() == g.local.Port():
		return to, errors.New("CALLBACK leads back here")
	}
	return to, nil
}

// isAllowed never reaches this machine, or groups.
func (g *guard) isAllowed(addr netip.Addr) bool {
	if !addr.IsGlobalUnicast() || addr.Zone() != "" {
		return false
	}
	for _, p := range g.allowed {
		if p.Contains(addr) && addr != bare(g.local.Addr()) {
			return true
		}
	}
	return false
}

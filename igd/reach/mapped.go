package reach

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"upnp/igd"
)

// readMapping asks the router for the mapping, and judges it.
func (k *check) readMapping(ctx context.Context) {
	k.report.Mapping = k.wanted()
	m, err := k.gateway.Find(ctx, k.want.MappingKey)
	switch {
	case errors.Is(err, igd.ErrNoSuchEntry):
		k.tell(Mapped, Finding{Fail, k.missing()})
	case err != nil:
		k.tell(Mapped, Finding{Unknown, "the router does not tell: " + words(err)})
	default:
		k.report.Mapping, k.report.listed = m, true
		k.tell(Mapped, k.judge(m))
	}
}

// missing says what may have become of a mapping that is not there.
func (k *check) missing() string {
	end, known := k.gateway.LeaseEnd(k.want.MappingKey)
	switch left := time.Until(end); {
	case known && left <= 0:
		return fmt.Sprintf("expired: the lease of %v ended %s ago", k.want.MappingKey, about(-left))
	case known:
		return fmt.Sprintf("the router has lost the mapping of %v, whose lease had another %s; it may have restarted", k.want.MappingKey, about(left))
	}
	return fmt.Sprintf("the router's table has no mapping of %v; what was forwarded on its own page it does not list", k.want.MappingKey)
}

// wanted is the mapping as it was asked for.
func (k *check) wanted() igd.Mapping {
	m := k.want
	if !m.InternalClient.IsValid() {
		m.InternalClient = k.gateway.LocalAddr()
	}
	if m.InternalPort == 0 {
		m.InternalPort = m.ExternalPort
	}
	return m
}

// judge compares a mapping in the table with the one asked for.
func (k *check) judge(m igd.Mapping) Finding {
	to := fmt.Sprintf("%s port %d", m.Client(), m.InternalPort)
	want := k.wanted()
	switch {
	case !k.want.InternalClient.IsValid() && !k.isHere(m.InternalClient):
		return Finding{Fail, "it leads to another machine, " + to}
	case k.want.InternalClient.IsValid() && m.InternalClient != want.InternalClient:
		return Finding{Fail, fmt.Sprintf("it leads to %s, and not to %v", to, want.InternalClient)}
	case k.want.InternalPort != 0 && m.InternalPort != want.InternalPort:
		return Finding{Fail, fmt.Sprintf("it leads to %s, and not to port %d", to, want.InternalPort)}
	case m.Disabled:
		return Finding{Fail, "it is in the table and disabled: it leads to " + to + " only once it is enabled"}
	}
	return Finding{Pass, "it leads to " + to + limits(m)}
}

// limits are what bounds a mapping in time and to whom.
func limits(m igd.Mapping) string {
	text := ""
	if m.RemoteHost != "" {
		text = ", for " + m.RemoteHost + " only"
	}
	if m.Lease == 0 {
		return text + ", permanent"
	}
	return text + ", for another " + about(m.Lease)
}

// about is a time for people, in one unit.
func about(d time.Duration) string {
	switch {
	case d >= 2*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	case d >= 2*time.Minute:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}

// words is an error in a phrase, without the name of the package it comes from.
func words(err error) string {
	text := err.Error()
	for _, prefix := range []string{"igd: ", "reach: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return text
}

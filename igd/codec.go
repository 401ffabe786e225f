package igd

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"upnp/description"
	"upnp/soap"
)

// maxLease is the longest lease WANIPConnection:2 allows, and what it makes of zero.
const maxLease = 604800 * time.Second

// maxDescription cuts what a router says of a mapping; the longest seen in the field is 255 bytes.
const maxDescription = 1024

// keyArgs are the in-arguments of DeletePortMapping and GetSpecificPortMappingEntry.
func keyArgs(k MappingKey) soap.Args {
	return soap.Args{
		{Name: "NewRemoteHost", Value: k.RemoteHost},
		{Name: "NewExternalPort", Value: formatPort(k.ExternalPort)},
		{Name: "NewProtocol", Value: string(k.Protocol)},
	}
}

func parseKey(in soap.Args) (k MappingKey, err error) {
	k.RemoteHost = parseRemoteHost(in.Value("NewRemoteHost"))
	k.Protocol = parseProtocol(in.Value("NewProtocol"))
	k.ExternalPort, err = portArg(in, "NewExternalPort")
	return k, err
}

// specificArgs are the out-arguments of GetSpecificPortMappingEntry.
func specificArgs(m Mapping) soap.Args {
	return soap.Args{
		{Name: "NewInternalPort", Value: formatPort(m.InternalPort)},
		{Name: "NewInternalClient", Value: m.Client()},
		{Name: "NewEnabled", Value: description.FormatBoolean(!m.Disabled)},
		{Name: "NewPortMappingDescription", Value: m.Description},
		{Name: "NewLeaseDuration", Value: formatSeconds(m.Lease)},
	}
}

// mappingArgs are the in-arguments of AddPortMapping and AddAnyPortMapping and the
// out-arguments of GetGenericPortMappingEntry, which are the same (WANIPConnection section 2.4).
func mappingArgs(m Mapping) soap.Args {
	return append(keyArgs(m.MappingKey), specificArgs(m)...)
}

func parseMapping(in soap.Args) (Mapping, error) {
	key, err := parseKey(in)
	if err != nil {
		return Mapping{}, err
	}
	return parseSpecific(key, in)
}

// parseSpecific reads what GetSpecificPortMappingEntry tells of the mapping with key k.
func parseSpecific(k MappingKey, in soap.Args) (m Mapping, err error) {
	m.MappingKey = k
	if m.InternalPort, err = portArg(in, "NewInternalPort"); err != nil {
		return m, err
	}
	m.setClient(in.Value("NewInternalClient"))
	m.Disabled = !enabledText(in.Value("NewEnabled"))
	m.Description = cutText(in.Value("NewPortMappingDescription"))
	m.Lease, err = secondsArg(in, "NewLeaseDuration")
	return m, err
}

// enabledText reads NewEnabled; a mapping is told to exist, so what cannot be read is enabled.
func enabledText(s string) bool {
	enabled, err := description.ParseBoolean(s)
	return err != nil || enabled
}

func (m *Mapping) setClient(s string) {
	s = strings.TrimSpace(s)
	if addr, err := netip.ParseAddr(s); err == nil {
		m.InternalClient = addr.Unmap()
		return
	}
	m.InternalName = s
}

// parseRemoteHost makes one of the spellings of "anybody": the standard's empty string, and the
// "*" and "0.0.0.0" some gateways insist on.
func parseRemoteHost(s string) string {
	switch s = strings.TrimSpace(s); s {
	case "*", "0.0.0.0", "any", "ANY":
		return ""
	}
	return s
}

func parseProtocol(s string) Protocol {
	return Protocol(strings.ToUpper(strings.TrimSpace(s)))
}

func cutText(s string) string {
	if len(s) > maxDescription {
		s = strings.ToValidUTF8(s[:maxDescription], "")
	}
	return s
}

func formatPort(port uint16) string { return strconv.Itoa(int(port)) }

func portArg(in soap.Args, name string) (uint16, error) {
	text := strings.TrimSpace(in.Value(name))
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%s: %q is no port: %w", name, text, err)
	}
	return uint16(port), nil
}

// formatSeconds rounds up: a lease that still runs is never written as 0, which is permanent.
func formatSeconds(d time.Duration) string {
	if d <= 0 {
		return "0"
	}
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

// secondsArg reads a number of seconds. An absent or empty one is 0; a negative one, which old
// firmware tells of a permanent lease, too.
func secondsArg(in soap.Args, name string) (time.Duration, error) {
	text := strings.TrimSpace(in.Value(name))
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %q is no number of seconds: %w", name, text, err)
	}
	return time.Duration(min(max(n, 0), math.MaxUint32)) * time.Second, nil
}

// rangeArgs are the in-arguments of GetListOfPortMappings; those of DeletePortMappingRange are
// all but the last.
func rangeArgs(r Range) soap.Args {
	return soap.Args{
		{Name: "NewStartPort", Value: formatPort(r.From)},
		{Name: "NewEndPort", Value: formatPort(r.To)},
		{Name: "NewProtocol", Value: string(r.Protocol)},
		{Name: "NewManage", Value: description.FormatBoolean(r.All)},
		{Name: "NewNumberOfPorts", Value: strconv.Itoa(r.Max)},
	}
}

func parseRange(in soap.Args) (r Range, err error) {
	if r.From, err = portArg(in, "NewStartPort"); err != nil {
		return r, err
	}
	if r.To, err = portArg(in, "NewEndPort"); err != nil {
		return r, err
	}
	r.Protocol = parseProtocol(in.Value("NewProtocol"))
	r.All, _ = description.ParseBoolean(in.Value("NewManage"))
	limit, err := strconv.ParseUint("0"+strings.TrimSpace(in.Value("NewNumberOfPorts")), 10, 16)
	r.Max = int(limit)
	return r, err
}

func statusArgs(s Status) soap.Args {
	return soap.Args{
		{Name: "NewConnectionStatus", Value: s.Connection},
		{Name: "NewLastConnectionError", Value: s.LastError},
		{Name: "NewUptime", Value: formatSeconds(s.Uptime)},
	}
}

func parseStatus(in soap.Args) Status {
	s := Status{Connection: in.Value("NewConnectionStatus"), LastError: in.Value("NewLastConnectionError")}
	text := in.Value("NewUptime")
	uptime, exact := parseUptime(text)
	if s.Uptime = uptime; !exact {
		s.Notes = append(s.Notes, fmt.Sprintf("uptime %q is no number of seconds; read as %v", text, uptime))
	}
	return s
}

// parseUptime reads seconds, and the "9 Days, 22:18:59" of some firmware.
func parseUptime(s string) (d time.Duration, exact bool) {
	s = strings.TrimSpace(s)
	if n, err := strconv.ParseUint(s, 10, 32); err == nil {
		return time.Duration(n) * time.Second, true
	}
	var days, hours, minutes, seconds uint
	if _, err := fmt.Sscanf(strings.ToLower(s), "%d days, %d:%d:%d", &days, &hours, &minutes, &seconds); err != nil {
		return 0, false
	}
	hours += 24 * min(days, 100_000)
	return time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute + time.Duration(seconds)*time.Second, false
}

func connectionTypeArgs(t ConnectionType) soap.Args {
	return soap.Args{
		{Name: "NewConnectionType", Value: t.Type},
		{Name: "NewPossibleConnectionTypes", Value: strings.Join(t.Possible, ",")},
	}
}

func parseConnectionType(in soap.Args) ConnectionType {
	t := ConnectionType{Type: in.Value("NewConnectionType")}
	for one := range strings.SplitSeq(in.Value("NewPossibleConnectionTypes"), ",") {
		if one = strings.TrimSpace(one); one != "" {
			t.Possible = append(t.Possible, one)
		}
	}
	return t
}

func natArgs(n NAT) soap.Args {
	return soap.Args{
		{Name: "NewRSIPAvailable", Value: description.FormatBoolean(n.RSIP)},
		{Name: "NewNATEnabled", Value: description.FormatBoolean(n.Enabled)},
	}
}

func parseNAT(in soap.Args) (n NAT, err error) {
	if n.Enabled, err = description.ParseBoolean(in.Value("NewNATEnabled")); err != nil {
		return n, fmt.Errorf("NewNATEnabled: %w", err)
	}
	n.RSIP, _ = description.ParseBoolean(in.Value("NewRSIPAvailable"))
	return n, nil
}

func linkArgs(l Link) soap.Args {
	return soap.Args{
		{Name: "NewWANAccessType", Value: l.AccessType},
		{Name: "NewLayer1UpstreamMaxBitRate", Value: formatUI4(l.UpstreamBits)},
		{Name: "NewLayer1DownstreamMaxBitRate", Value: formatUI4(l.DownstreamBits)},
		{Name: "NewPhysicalLinkStatus", Value: l.Physical},
	}
}

func parseLink(in soap.Args) (l Link, err error) {
	l.AccessType, l.Physical = in.Value("NewWANAccessType"), in.Value("NewPhysicalLinkStatus")
	if l.UpstreamBits, err = parseCounter(in.Value("NewLayer1UpstreamMaxBitRate")); err != nil {
		return l, err
	}
	l.DownstreamBits, err = parseCounter(in.Value("NewLayer1DownstreamMaxBitRate"))
	return l, err
}

// formatUI4 saturates, as the standard asks for rates beyond 4 Gbit/s.
func formatUI4(n uint64) string { return strconv.FormatUint(min(n, math.MaxUint32), 10) }

// parseCounter reads a total that should be a ui4. Routers send 64 bits, and negative numbers
// where theirs is a signed 32 bit one that wrapped.
func parseCounter(s string) (uint64, error) {
	s = strings.TrimSpace(s)
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n < 0 {
		return uint64(uint32(n)), nil
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("counter %q: %w", s, err)
	}
	return n, nil
}

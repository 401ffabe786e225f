package igd_test

import (
	"errors"
	"io"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"upnp/igd"
	"upnp/igd/wire"
)

// told has a Gateway hear the answer to an action it knows: what it makes of it has to be what the text
// says.
func (r *recording) told(action string, data []byte) {
	hear, ok := r.ears()[action]
	if !ok {
		return
	}
	lan := wire.NewMemory()
	r.web(lan.Host("router", netip.MustParsePrefix(playedRouter+"/24")), playedRouter+":5000", answering(action, data))
	self := lan.Host("self", netip.MustParsePrefix(playedSelf+"/24"))
	g, err := (&igd.Client{Network: self}).Open(r.Context(), playedURL)
	if err != nil {
		r.Fatal(err)
	}
	says := func(name string) string { return squeezed(firstTagged(string(data), name)) }
	if err := hear(g, says); err != nil {
		r.verdict, r.what = "parsed, of no use", r.what+": "+err.Error()
	}
}

// ears are what hears the answers to actions.
func (r *recording) ears() map[string]func(*igd.Gateway, func(string) string) error {
	return map[string]func(*igd.Gateway, func(string) string) error{
		"GetExternalIPAddress":        r.toldAddress,
		"GetStatusInfo":               r.toldStatus,
		"GetGenericPortMappingEntry":  r.toldMapping,
		"GetSpecificPortMappingEntry": r.toldSpecific,
		"GetTotalBytesSent":           r.toldCounter,
		"GetTotalBytesReceived":       r.toldCounter,
		"GetTotalPacketsSent":         r.toldCounter,
		"GetTotalPacketsReceived":     r.toldCounter,
		"GetCommonLinkProperties":     r.toldLink,
		"GetNATRSIPStatus":            r.toldNAT,
	}
}

// answering answers one action with the recorded bytes, and with nought where a Gateway sums up.
func answering(action string, data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, q *http.Request) {
		_, asked, _ := strings.Cut(strings.Trim(q.Header.Get("SOAPACTION"), `"`), "#")
		total, isTotal := strings.CutPrefix(asked, "GetTotal")
		switch {
		case q.Method == http.MethodGet:
			_, _ = igd.StandardRoot(igd.V1, "played").WriteTo(w)
		case isTotal && asked != action:
			nought := "<NewTotal" + total + ">0</NewTotal" + total + ">"
			_, _ = io.WriteString(w, "<Envelope><Body><"+asked+"Response>"+nought+"</"+asked+"Response></Body></Envelope>")
		default:
			_, _ = w.Write(data)
		}
	}
}

func (r *recording) toldAddress(g *igd.Gateway, says func(string) string) error {
	addr, err := g.ExternalAddr(r.Context())
	plain := says("NewExternalIPAddress")
	if addr.IsValid() {
		r.equal("address", addr.String(), plain)
	} else if plain != "" && plain != "0.0.0.0" {
		r.Errorf("no address in %q", plain)
	}
	return err
}

var oddUptime = regexp.MustCompile(`^(\d+) Days, (\d+):(\d+):(\d+)$`)

func (r *recording) toldStatus(g *igd.Gateway, says func(string) string) error {
	s, err := g.Status(r.Context())
	r.equal("status", s.Connection, says("NewConnectionStatus"))
	r.equal("last error", s.LastError, says("NewLastConnectionError"))
	plain := says("NewUptime")
	want, errNumber := time.ParseDuration(plain + "s")
	if m := oddUptime.FindStringSubmatch(plain); m != nil {
		want, errNumber = time.ParseDuration(m[2] + "h" + m[3] + "m" + m[4] + "s")
		days, _ := strconv.Atoi(m[1])
		want += time.Duration(days) * 24 * time.Hour
		r.mustNote(true, "uptime", s.Notes)
		r.notes = append(r.notes, s.Notes...)
	}
	if errNumber != nil || s.Uptime != want {
		r.Errorf("uptime %v, the file says %q", s.Uptime, plain)
	}
	return err
}

func (r *recording) toldMapping(g *igd.Gateway, says func(string) string) error {
	m, err := g.MappingAt(r.Context(), 0)
	if err != nil {
		return err
	}
	r.equal("outer port", strconv.Itoa(int(m.ExternalPort)), says("NewExternalPort"))
	r.equal("protocol", string(m.Protocol), says("NewProtocol"))
	r.mapping(m, says)
	return nil
}

func (r *recording) toldSpecific(g *igd.Gateway, says func(string) string) error {
	m, err := g.Mapping(r.Context(), igd.MappingKey{ExternalPort: 1, Protocol: igd.TCP})
	if err == nil {
		r.mapping(m, says)
	}
	return err
}

func (r *recording) mapping(m igd.Mapping, says func(string) string) {
	r.equal("inner port", strconv.Itoa(int(m.InternalPort)), says("NewInternalPort"))
	r.equal("client", m.Client(), says("NewInternalClient"))
	r.equal("description", squeezed(m.Description), says("NewPortMappingDescription"))
	r.equal("enabled", map[bool]string{true: "0", false: "1"}[m.Disabled], says("NewEnabled"))
	r.equal("lease", strconv.Itoa(int(m.Lease/time.Second)), says("NewLeaseDuration"))
}

func (r *recording) toldCounter(g *igd.Gateway, says func(string) string) error {
	c, err := g.Counters(r.Context())
	if err != nil {
		return err
	}
	for name, read := range map[string]uint64{
		"NewTotalBytesSent": c.BytesSent, "NewTotalBytesReceived": c.BytesReceived,
		"NewTotalPacketsSent": c.PacketsSent, "NewTotalPacketsReceived": c.PacketsReceived,
	} {
		plain := says(name)
		if n, err := strconv.ParseInt(plain, 10, 64); err == nil && n < 0 {
			plain = strconv.Itoa(int(uint32(n))) // a counter of 32 bits that a sign was put on
		}
		if plain != "" {
			r.equal(name, strconv.FormatUint(read, 10), plain)
		}
	}
	return nil
}

func (r *recording) toldLink(g *igd.Gateway, says func(string) string) error {
	l, err := g.Link(r.Context())
	r.equal("access", l.AccessType, says("NewWANAccessType"))
	r.equal("link", l.Physical, says("NewPhysicalLinkStatus"))
	r.equal("up", strconv.FormatUint(l.UpstreamBits, 10), says("NewLayer1UpstreamMaxBitRate"))
	r.equal("down", strconv.FormatUint(l.DownstreamBits, 10), says("NewLayer1DownstreamMaxBitRate"))
	return err
}

func (r *recording) toldNAT(g *igd.Gateway, says func(string) string) error {
	n, err := g.NAT(r.Context())
	if err != nil {
		return errors.New("NAT status: " + err.Error())
	}
	r.equal("NAT", map[bool]string{true: "1", false: "0"}[n.Enabled], says("NewNATEnabled"))
	return nil
}

package igd_test

import (
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"upnp/description"
	"upnp/igd"
	"upnp/igd/wire"
)

// reach opens the gateway that the recording describes, once for each of its WAN connections: the one
// that is up has to be found, and asked where the text says.
func (r *recording) reach(root *description.Root, data []byte, connections []string) {
	for _, up := range connections {
		kind, place, _ := strings.Cut(up, " ")
		w := &playedGateway{page: data, up: place}
		for _, c := range connections {
			_, to, _ := strings.Cut(c, " ")
			w.known = append(w.known, to)
		}
		g, err := (&igd.Client{Network: r.described(w, root.Location)}).Open(r.Context(), root.Location)
		if err != nil {
			r.Errorf("opening: %v", err)
			return
		}
		addr, err := g.ExternalAddr(r.Context())
		if err != nil || addr != upAddr || g.Service().Type != kind {
			r.Errorf("through %s: %v, %v; want %s", g.Service().Type, addr, err, up)
		}
		if len(w.strange) > 0 {
			r.Errorf("asked at %q, where nothing is", w.strange)
		}
	}
}

var upAddr = netip.MustParseAddr("11.22.33.44")

// A playedGateway answers at the control URLs of a description.
type playedGateway struct {
	page    []byte // the description
	known   []string
	up      string // the connection that is up
	strange []string
}

// described is a network with the recorded description in it, and a device behind its control URLs.
func (r *recording) described(w *playedGateway, at string) wire.Network {
	location, err := url.Parse(at)
	if err != nil {
		r.Fatal(err)
	}
	host := netip.MustParseAddr(location.Hostname())
	lan := wire.NewMemory()
	router := lan.Host("router", netip.PrefixFrom(host, 24))
	ports := []string{location.Port()}
	for _, c := range w.known {
		if u, err := url.Parse(c); err == nil {
			ports = append(ports, u.Port())
		}
	}
	slices.Sort(ports)
	for _, port := range slices.Compact(ports) {
		if port == "" {
			port = "80"
		}
		r.web(router, host.String()+":"+port, w.serve)
	}
	return lan.Host("self", netip.PrefixFrom(host.Next(), 24))
}

func (w *playedGateway) serve(out http.ResponseWriter, q *http.Request) {
	here := "http://" + strings.TrimSuffix(q.Host, ":80") + q.URL.RequestURI()
	if q.Method == http.MethodGet {
		_, _ = out.Write(w.page)
		return
	}
	_, action, _ := strings.Cut(strings.Trim(q.Header.Get("SOAPACTION"), `"`), "#")
	if !slices.Contains(w.known, here) && action != "GetDefaultConnectionService" {
		w.strange = append(w.strange, here)
		out.WriteHeader(http.StatusNotFound)
		return
	}
	_, _ = io.WriteString(out, w.answer(action, here == w.up))
}

// answer is that of a connection that is up, or down.
func (w *playedGateway) answer(action string, up bool) string {
	addr, status := "0.0.0.0", "Disconnected"
	if up {
		addr, status = upAddr.String(), "Connected"
	}
	return "<Envelope><Body><" + action + "Response><NewExternalIPAddress>" + addr + "</NewExternalIPAddress>" +
		"<NewConnectionStatus>" + status + "</NewConnectionStatus></" + action + "Response></Body></Envelope>"
}

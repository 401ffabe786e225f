package emulator

import (
	"bytes"
	"context"
	"net/netip"
	"net/url"
	"path"
	"strings"

	"upnp/description"
	"upnp/igd"
)

// descriptions are the ways of describing oneself.
func descriptions() []kind {
	return []kind{
		{"control-url-relative", "has control URLs without a leading slash (routers goupnp and syncthing met)",
			describing(controlURLs(func(u *url.URL) string { return strings.TrimPrefix(u.Path, "/") }))},
		{"control-url-absolute", "has absolute control URLs that name another host (FRITZ!Box)",
			describing(controlURLs(func(u *url.URL) string { return "http://router.home:" + u.Port() + u.Path }))},
		{"control-url-query-only", "has control URLs that are nothing but a query (a router of syncthing #10834)",
			describing(controlURLs(func(u *url.URL) string { return "?" + path.Base(u.Path) }))},
		{"wrong-urlbase", "has a URLBase with the port of before the last reboot (Netgear DG834)", describing(wrongURLBase)},
		{"loopback-urlbase", "has a URLBase of 127.0.0.1 (D-Link DIR-655)",
			describing(func(r *description.Root) { r.URLBase = "http://127.0.0.1/" })},
		{"dead-first-wan", "has two WANConnectionDevices, the first of them down (MikroTik CHR 7.10)", deadFirstWAN},
		{"no-common-interface-config", "has no WANCommonInterfaceConfig (Huawei H151-370)", describing(noCommonConfig)},
		{"dslforum-types", "calls its services urn:dslforum-org (Huawei HG531 V1)",
			describing(types("urn:schemas-upnp-org:service:", "urn:dslforum-org:service:"))},
		{"connection-version-2", "calls its PPP connection WANPPPConnection:2, which does not exist (Orange Livebox)",
			describing(types(igd.WANPPPConnection1, strings.TrimSuffix(igd.WANPPPConnection1, "1")+"2"))},
		{"bare-ampersand", "does not escape the & in its name (Netgear DGND3700)", bareAmpersand},
		{"padded-description", "sends a byte order mark before the description and zero bytes after it (seen by async_upnp_client)",
			after(func(q *question, a *answer) {
				if q.document() && a.isXML() {
					a.body = append(append([]byte("\ufeff"), a.body...), 0, 0, 0)
				}
			})},
		{"no-namespace", "sends a description without a namespace (D-Link)",
			after(func(q *question, a *answer) {
				if q.document() {
					a.body = bytes.Replace(a.body, []byte(` xmlns="urn:schemas-upnp-org:device-1-0"`), nil, 1)
				}
			})},
	}
}

func describing(edit func(*description.Root)) func(*parameter) Quirk {
	return func(*parameter) Quirk { return Quirk{Root: edit} }
}

func renamed(name string) func(*description.Root) {
	return func(r *description.Root) { r.Device.FriendlyName = name }
}

// controlURLs rewrites every control URL; rewrite is given it in its absolute form.
func controlURLs(rewrite func(*url.URL) string) func(*description.Root) {
	return func(r *description.Root) {
		base, err := url.Parse(r.Location)
		if err != nil {
			return
		}
		for s := range r.Services() {
			if u, err := base.Parse(s.ControlURL); err == nil {
				s.ControlURL = rewrite(u)
			}
		}
	}
}

func wrongURLBase(r *description.Root) {
	u, err := url.Parse(r.Location)
	at, errPort := netip.ParseAddrPort(u.Host)
	if err != nil || errPort != nil {
		return
	}
	r.URLBase = "http://" + netip.AddrPortFrom(at.Addr(), at.Port()^1).String() + "/"
}

func noCommonConfig(r *description.Root) {
	for d := range r.Devices() {
		kept := d.Services[:0]
		for _, s := range d.Services {
			if s.Type != igd.WANCommonInterfaceConfig1 {
				kept = append(kept, s)
			}
		}
		d.Services = kept
	}
}

func types(from, to string) func(*description.Root) {
	return func(r *description.Root) {
		for s := range r.Services() {
			if rest, ok := strings.CutPrefix(s.Type, from); ok {
				s.Type = to + rest
			}
		}
	}
}

func bareAmpersand(p *parameter) Quirk {
	q := after(func(q *question, a *answer) {
		if q.document() {
			a.body = bytes.ReplaceAll(a.body, []byte("&amp;"), []byte("&"))
		}
	})(p)
	q.Root = renamed("R&N gateway")
	return q
}

// deadMark is in the UDN of the connection device that is down.
const deadMark = "-down"

func deadFirstWAN(*parameter) Quirk {
	dead := newPlain(Profile{})
	dead.status = igd.Status{Connection: "Disconnected", LastError: "ERROR_NO_CARRIER"}
	refusing := adder{dead, func(context.Context, *igd.Mapping) error { return igd.ErrActionFailed }}
	return Quirk{
		Root: addDeadConnection,
		Connection: func(s *description.Service) igd.Backend {
			if strings.HasSuffix(s.Device.UDN, deadMark) {
				return refusing
			}
			return nil
		},
	}
}

// addDeadConnection puts a copy of the connection device before it.
func addDeadConnection(r *description.Root) {
	for wan := range r.Devices() {
		if len(wan.Devices) == 0 || len(wan.Devices[0].Devices) > 0 {
			continue
		}
		dead := *wan.Devices[0]
		dead.UDN += deadMark
		dead.Services = nil
		for _, s := range wan.Devices[0].Services {
			c := *s
			c.Device = &dead
			c.ControlURL, c.EventSubURL = c.ControlURL+"0", c.EventSubURL+"0"
			dead.Services = append(dead.Services, &c)
		}
		wan.Devices = append([]*description.Device{&dead}, wan.Devices...)
		return
	}
}

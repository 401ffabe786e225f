package emulator

import (
	"math/rand/v2"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"upnp/description"
	"upnp/ssdp"
)

// searches are the ways of being found.
func searches() []kind {
	return []kind{
		{"root-device-only", "answers only searches for upnp:rootdevice (routers of miniupnpc's changelog of 2006)",
			answeringOnly(func(t ssdp.Target) bool { return t == ssdp.RootDevice })},
		{"all-only", "answers only searches for ssdp:all (routers of Mono.Nat's list)",
			answeringOnly(func(t ssdp.Target) bool { return t == ssdp.All })},
		{"typed-only", "answers only searches for a device or service type (Sagemcom FAST3890V3)",
			answeringOnly(func(t ssdp.Target) bool { return strings.HasPrefix(string(t), "urn:") })},
		{"header-case", "writes header names of answers in lower case (TP-Link Archer C8)", headerCase},
		{"al-header", "says AL for LOCATION (a router of Open.NAT)", alHeader},
		{"location-loopback", "announces its description at [::1] (a TP-Link of Home Assistant #57052)",
			describing(locationLoopback)},
		{"other-device-first", "is preceded by a WPS device that is no gateway (TP-Link TL-WR841N, Velop WHW01)", otherDeviceFirst},
		{"slow-search", "answers searches late; =D how late, 1500ms if not given (ZyXEL VMG8825)", slowSearch},
		{"nul-padding", "pads answers to searches with zero bytes (Yeelight)",
			answerQuirk(func(_ *ssdp.Packet, r ssdp.Reply) []ssdp.Reply {
				raw, err := r.Message.AppendText(nil)
				if err != nil {
					return nil
				}
				r.Raw = append(raw, make([]byte, 16)...)
				return []ssdp.Reply{r}
			})},
		{"drop-datagrams", "loses datagrams, both ways; =N how many in a hundred, 30 if not given (any busy wireless network)", dropDatagrams},
	}
}

func answerQuirk(f func(*ssdp.Packet, ssdp.Reply) []ssdp.Reply) func(*parameter) Quirk {
	return func(*parameter) Quirk { return Quirk{Answer: f} }
}

func answeringOnly(wanted func(ssdp.Target) bool) func(*parameter) Quirk {
	return answerQuirk(func(search *ssdp.Packet, r ssdp.Reply) []ssdp.Reply {
		if !wanted(search.Target()) {
			return nil
		}
		return []ssdp.Reply{r}
	})
}

// rewritten is the quirk of other header lines.
func rewritten(edit func(*ssdp.Field)) func(*parameter) Quirk {
	return answerQuirk(func(_ *ssdp.Packet, r ssdp.Reply) []ssdp.Reply {
		m := *r.Message
		m.Header = append(ssdp.Header(nil), m.Header...)
		for i := range m.Header {
			edit(&m.Header[i])
		}
		r.Message = &m
		return []ssdp.Reply{r}
	})
}

func headerCase(p *parameter) Quirk {
	return rewritten(func(f *ssdp.Field) { f.Name = strings.ToLower(f.Name) })(p)
}

func alHeader(p *parameter) Quirk {
	return rewritten(func(f *ssdp.Field) {
		if strings.EqualFold(f.Name, "LOCATION") {
			f.Name = "AL"
		}
	})(p)
}

// locationLoopback is undone by whoever goes by the sender's address.
func locationLoopback(r *description.Root) {
	u, err := url.Parse(r.Location)
	if err != nil {
		return
	}
	u.Host = "[::1]:" + u.Port()
	r.Location = u.String()
}

// otherDeviceFirst sends an answer of its own before each one.
func otherDeviceFirst(p *parameter) Quirk {
	const udn = "uuid:00000000-0000-8000-8000-000000000001"
	return answerQuirk(func(_ *ssdp.Packet, r ssdp.Reply) []ssdp.Reply {
		other := *r.Message
		other.Header = append(ssdp.Header(nil), other.Header...)
		other.Header.Set("USN", udn+"::"+other.Header.Get("ST"))
		other.Header.Set("LOCATION", otherPort(other.Location()))
		return []ssdp.Reply{{Message: &other}, r}
	})(p)
}

func otherPort(location string) string {
	u, err := url.Parse(location)
	if err != nil {
		return location
	}
	if at, err := netip.ParseAddrPort(u.Host); err == nil {
		u.Host = netip.AddrPortFrom(at.Addr(), 1990).String()
	}
	u.Path = "/WFADevice.xml"
	return u.String()
}

func slowSearch(p *parameter) Quirk {
	d := p.duration(1500 * time.Millisecond)
	return Quirk{Answer: func(_ *ssdp.Packet, r ssdp.Reply) []ssdp.Reply {
		r.After += d
		return []ssdp.Reply{r}
	}}
}

// dropDatagrams loses the same ones at every run, so that a test that fails fails again.
func dropDatagrams(p *parameter) Quirk {
	percent := p.number(30)
	random := rand.New(rand.NewPCG(1900, 0))
	var mu sync.Mutex
	return Quirk{Lose: func() bool {
		mu.Lock()
		defer mu.Unlock()
		return random.IntN(100) < percent
	}}
}

package igd_test

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd/emulator"
	"upnp/igd/wire"
)

// A target is the place where a client takes events, as somebody who sees all its traffic knows it.
type target struct {
	*home
	host, path, sid string
	seq             int
}

var (
	callbackOf = regexp.MustCompile(`(?i)CALLBACK: <http://([^/]+)(/[^>]*)>`)
	sidOf      = regexp.MustCompile(`(?i)\r\nSID: *([^\r]+)\r`)
)

func (h *home) target() *target {
	h.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	x := &target{home: h, seq: 1}
	for _, text := range h.sent {
		if m := callbackOf.FindStringSubmatch(text); m != nil {
			x.host, x.path = m[1], m[2]
		}
	}
	for _, text := range h.heard {
		if m := sidOf.FindStringSubmatch(text); m != nil && strings.HasPrefix(text, "HTTP/1.1 200") {
			x.sid = m[1]
		}
	}
	if x.host == "" || x.sid == "" {
		h.Fatalf("no subscription was seen: %+v", x)
	}
	return x
}

// lie is a property set with another address and another table.
const lie = `<?xml version="1.0"?><e:propertyset xmlns:e="urn:schemas-upnp-org:event-1-0">` +
	`<e:property><ExternalIPAddress>6.6.6.6</ExternalIPAddress></e:property>` +
	`<e:property><ConnectionStatus>Disconnected</ConnectionStatus></e:property>` +
	`<e:property><PortMappingNumberOfEntries>0</PortMappingNumberOfEntries></e:property></e:propertyset>`

// A forgery is a NOTIFY. What is not set is as in a true one; "-" leaves a header out.
type forgery struct {
	method, path, sid, nt, nts, seq, body, more string
}

func (x *target) text(f forgery) string {
	or := func(text, otherwise string) string {
		if text == "" {
			return otherwise
		}
		return text
	}
	body := or(f.body, lie)
	text := fmt.Sprintf("%s %s HTTP/1.1\r\nHOST: %s\r\nCONTENT-TYPE: text/xml\r\nCONTENT-LENGTH: %d\r\n",
		or(f.method, "NOTIFY"), or(f.path, x.path), x.host, len(body))
	for _, h := range [][2]string{
		{"NT", or(f.nt, "upnp:event")}, {"NTS", or(f.nts, "upnp:propchange")},
		{"SID", or(f.sid, x.sid)}, {"SEQ", or(f.seq, fmt.Sprint(x.seq))},
	} {
		if h[1] != "-" {
			text += h[0] + ": " + h[1] + "\r\n"
		}
	}
	return text + f.more + "\r\n" + body
}

// send sends bytes to where events are taken and returns the answer, empty if there is none.
func (x *target) send(from *wire.Host, text string) string {
	ctx, cancel := context.WithTimeout(x.Context(), 5*time.Second)
	defer cancel()
	c, err := from.Dial(ctx, "tcp", x.host)
	if err != nil {
		return ""
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		return ""
	}
	answer, _ := io.ReadAll(io.LimitReader(c, 1<<10))
	status, _, _ := strings.Cut(string(answer), "\r\n")
	return status
}

// TestChangesSpoofed: the 30 spoofs of SECURITY 12.2. None changes anything that is seen, and those
// from strangers do not even make the gateway be asked.
func TestChangesSpoofed(t *testing.T) {
	wrong := "/" + strings.Repeat("0", 32)
	bomb := `<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><e:propertyset xmlns:e="urn:schemas-upnp-org:event-1-0"><e:property><X>&b;&b;&b;</X></e:property></e:propertyset>`
	const strangers, believable = 0, 3 // looks at the router that a spoof may bring about
	one := func(f forgery) func(*target, *wire.Host) {
		return func(x *target, from *wire.Host) { x.send(from, x.text(f)) }
	}
	raw := func(text func(*target) string) func(*target, *wire.Host) {
		return func(x *target, from *wire.Host) { x.send(from, text(x)) }
	}
	for _, test := range []struct {
		name    string
		do      func(*target, *wire.Host)
		foreign bool // from somebody else than the router
		looks   int
	}{
		{"1 wrong path", one(forgery{path: wrong}), false, strangers},
		{"2 right path wrong SID", one(forgery{sid: "uuid:0"}), false, strangers},
		{"3 right SID wrong path", one(forgery{path: "/events"}), false, strangers},
		{"4 no SID", one(forgery{sid: "-"}), false, strangers},
		{"5 no NT", one(forgery{nt: "-"}), false, strangers},
		{"6 wrong NT", one(forgery{nt: "upnp:rootdevice"}), false, strangers},
		{"7 no NTS", one(forgery{nts: "-"}), false, strangers},
		{"8 wrong NTS", one(forgery{nts: "ssdp:alive"}), false, strangers},
		{"9 POST", one(forgery{method: "POST"}), false, strangers},
		{"9 GET", one(forgery{method: "GET"}), false, strangers},
		{"10 foreign source, all right", one(forgery{}), true, believable},
		{"11 foreign source, wrong SID", one(forgery{sid: "uuid:0"}), true, strangers},
		{"12 the router, wrong SID", one(forgery{sid: "uuid:ffff"}), false, strangers},
		{"13 SID of a closed subscription", func(x *target, from *wire.Host) {
			for range x.gateway.Changes(x.Context()) {
				break
			}
			closed := x.target()
			x.send(from, x.text(forgery{sid: closed.sid}))
			x.send(from, closed.text(forgery{}))
		}, false, strangers},
		{"14 SID of another service", one(forgery{sid: "uuid:11111111-1111-4111-8111-111111111111"}), false, strangers},
		{"15 SEQ repeat", func(x *target, from *wire.Host) {
			x.send(from, x.text(forgery{}))
			x.send(from, x.text(forgery{}))
		}, false, 2 * believable},
		{"16 SEQ back", func(x *target, from *wire.Host) {
			x.send(from, x.text(forgery{seq: "5"}))
			x.send(from, x.text(forgery{seq: "2"}))
		}, false, 2 * believable},
		{"17 SEQ gap", one(forgery{seq: "7000"}), false, 2 * believable},
		{"18 SEQ 0 again", one(forgery{seq: "0"}), false, believable},
		{"19 SEQ 2^32", one(forgery{seq: "4294967296"}), false, believable},
		{"20 SEQ negative", one(forgery{seq: "-1"}), false, believable},
		{"20 SEQ text", one(forgery{seq: "first"}), false, believable},
		{"21 false ExternalIPAddress", one(forgery{}), false, believable},
		{"22 body of 65 KiB", one(forgery{body: strings.Repeat("x", 65<<10)}), false, strangers},
		{"23 endless chunks", raw(func(x *target) string {
			head, _, _ := strings.Cut(x.text(forgery{}), "\r\n\r\n")
			head = strings.Replace(head, fmt.Sprintf("CONTENT-LENGTH: %d", len(lie)), "TRANSFER-ENCODING: chunked", 1)
			return head + "\r\n\r\n" + strings.Repeat("1000\r\n"+strings.Repeat("x", 4096)+"\r\n", 40)
		}), false, strangers},
		{"24 XML bomb", one(forgery{body: bomb}), false, believable},
		{"25 invalid UTF-8", one(forgery{body: strings.Replace(lie, "6.6.6.6", "\xff\xfe", 1)}), false, believable},
		{"26 header flood", one(forgery{more: strings.Repeat("X-Header: of many\r\n", 2000)}), false, strangers},
		{"27 slow loris", func(x *target, from *wire.Host) {
			for range 1000 {
				c, err := from.Dial(x.Context(), "tcp", x.host)
				if err != nil {
					continue
				}
				defer c.Close()
				_, _ = io.WriteString(c, "NOTIFY "+x.path) // whether it is taken or not
			}
			time.Sleep(10 * time.Second)
		}, true, strangers},
		{"28 random SIDs", func(x *target, from *wire.Host) {
			for i := range 10_000 {
				x.send(from, x.text(forgery{sid: fmt.Sprintf("uuid:%032x", i)}))
			}
		}, false, strangers},
		{"29 token nobody gave out", one(forgery{path: "/" + strings.Repeat("ab", 16), seq: "0"}), false, strangers},
		{"30 SIDs of 16 bits", func(x *target, from *wire.Host) {
			for i := 0; i < 1<<16; i += 16 { // gena's tests try them all
				x.send(from, x.text(forgery{path: wrong, sid: fmt.Sprintf("uuid:2202223e-25b3-85c8-a70a-%04x", i)}))
			}
		}, true, strangers},
	} {
		t.Run(test.name, func(t *testing.T) {
			atHome(t, emulator.Profile{}, func(h *home) {
				h.router.Put(entry(1, 0))
				r := h.watch("live", "11.22.33.44", "Connected", "1 +1")
				time.Sleep(5 * time.Second)
				from, begin := h.routerHost, time.Now()
				if test.foreign {
					from = h.other
				}
				before := h.looks(time.Time{})
				test.do(h.target(), from)
				if strings.HasPrefix(test.name, "13 ") {
					before = h.looks(time.Time{}) // that of the other watch
				}
				time.Sleep(5 * time.Second)
				r.nothing()
				polled := int(time.Since(begin)/time.Minute) + 1
				if looks := h.looks(time.Time{}) - before; looks > test.looks+polled {
					h.Errorf("the router was looked at %d times", looks)
				}
				h.router.Put(entry(2, 0))
				r.within(time.Second, "2 +2")
			})
		})
	}
}

// TestChangesFlood: F40. Up to a thousand true events a second, and at most twelve looks a minute.
func TestChangesFlood(t *testing.T) {
	atHome(t, emulator.Profile{}, func(h *home) {
		r := h.watch(present...)
		x := h.target()
		time.Sleep(5 * time.Second)
		for minute, pause := range []time.Duration{time.Millisecond, 5 * time.Millisecond, 100 * time.Millisecond} {
			begin := time.Now()
			for time.Since(begin) < 10*time.Second {
				x.seq++
				x.send(h.routerHost, x.text(forgery{}))
				time.Sleep(pause)
			}
			for time.Since(begin) < time.Minute {
				x.seq++
				x.send(h.routerHost, x.text(forgery{}))
				time.Sleep(20 * pause)
			}
			if looks := h.looks(begin); looks > 12 {
				h.Errorf("minute %d: %d looks", minute+1, looks)
			}
			r.nothing()
		}
		h.router.SetExternal(netip.MustParseAddr("11.22.33.55"))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := strings.Join(r.told(), ", "); got != "11.22.33.55" {
			h.Errorf("after the flood told %q", got)
		}
	})
}

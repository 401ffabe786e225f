package ssdp

import (
	"context"
	"math/rand/v2"
	"runtime"
	"strconv"
	"time"
)

// The pace of announcements (UDA 1.1, 1.2.1).
const (
	firstDelay    = 100 * time.Millisecond // at most, before the first
	copyInterval  = 200 * time.Millisecond
	aliveCopies   = 3 // of the first announcement
	refreshCopies = 2
	byebyeCopies  = 2
	byebyePause   = 50 * time.Millisecond // between byebye and what follows it
	minAge        = time.Second
)

// dateLayout is the RFC 1123 date of HTTP.
const dateLayout = "Mon, 02 Jan 2006 15:04:05 GMT"

// announce keeps the announcements fresh until ctx ends.
func (v *serving) announce(ctx context.Context) {
	if sleep(ctx, rand.N(firstDelay)) != nil {
		return
	}
	v.sendSet(ByeBye, 0)
	if sleep(ctx, byebyePause) != nil {
		return
	}
	for copies := aliveCopies; ; copies = refreshCopies {
		if v.repeat(ctx, copies, func() { v.sendSet(Alive, 0) }) != nil {
			return
		}
		quarter := v.maxAge() / 4
		if sleep(ctx, quarter+rand.N(quarter)) != nil {
			return
		}
	}
}

// repeat does send several times, a copy interval apart.
func (v *serving) repeat(ctx context.Context, copies int, send func()) error {
	for i := range copies {
		if i > 0 {
			if err := sleep(ctx, copyInterval); err != nil {
				return err
			}
		}
		send()
	}
	return nil
}

func (v *serving) update(ctx context.Context, bootID, configID uint32) error {
	if err := v.repeat(ctx, refreshCopies, func() { v.sendSet(Update, bootID) }); err != nil {
		return err
	}
	v.state.Lock()
	v.boot, v.config = bootID, configID
	v.state.Unlock()
	return v.repeat(ctx, refreshCopies, func() { v.sendSet(Alive, 0) })
}

// sayByeBye is for the end, which it delays only a little.
func (v *serving) sayByeBye() {
	for i := range byebyeCopies {
		if i > 0 {
			time.Sleep(byebyePause)
		}
		v.sendSet(ByeBye, 0)
	}
}

// sendSet sends one NOTIFY for each advertisement on each link.
func (v *serving) sendSet(nts string, nextBoot uint32) {
	for _, l := range v.links {
		for _, ad := range v.Targets {
			data, err := v.notify(l, ad, nts, nextBoot).AppendText(nil)
			if err == nil {
				err = l.own.WriteTo(data, l.group)
			}
			if err != nil {
				v.log.Warn("SSDP announcement not sent", "interface", l.ifi.Name, "group", l.group, "nt", ad.NT, "error", err)
				break
			}
		}
	}
}

// notify is a NOTIFY with the headers its NTS calls for, in the order of UDA 1.1, 1.2.2 to 1.2.4.
func (v *serving) notify(l *link, ad Advertisement, nts string, nextBoot uint32) *Message {
	h := append(make(Header, 0, 14), Field{"HOST", hostField(l.group)})
	if nts == Alive {
		h.Add("CACHE-CONTROL", v.cacheControl())
	}
	if nts != ByeBye {
		h.Add("LOCATION", l.location)
	}
	h.Add("NT", string(ad.NT))
	h.Add("NTS", nts)
	if nts == Alive {
		h.Add("SERVER", v.product())
	}
	h.Add("USN", ad.USN)
	v.addIDs(&h, l, nextBoot)
	if nts != ByeBye {
		l.addSearchPort(&h)
	}
	return &Message{Method: MethodNotify, Header: h}
}

// answer is a response to a search (UDA 1.1, 1.3.3).
func (v *serving) answer(l *link, st Target, usn string) *Message {
	h := append(make(Header, 0, 14),
		Field{"CACHE-CONTROL", v.cacheControl()},
		Field{"DATE", time.Now().UTC().Format(dateLayout)},
		Field{"EXT", ""},
		Field{"LOCATION", l.location},
		Field{"SERVER", v.product()},
		Field{"ST", string(st)},
		Field{"USN", usn})
	v.addIDs(&h, l, 0)
	l.addSearchPort(&h)
	return &Message{Status: 200, Header: h}
}

// addIDs adds the headers of UDA 1.1 and, on IPv6, those of its Annex A for control points of UPnP 1.0.
func (v *serving) addIDs(h *Header, l *link, nextBoot uint32) {
	v.state.Lock()
	boot, config := decimal(v.boot), decimal(v.config)
	v.state.Unlock()
	if l.group.Addr().Is6() {
		h.Add("OPT", `"http://schemas.upnp.org/upnp/1/0/"; ns=01`)
		h.Add("01-NLS", boot)
	}
	h.Add("BOOTID.UPNP.ORG", boot)
	h.Add("CONFIGID.UPNP.ORG", config)
	if nextBoot != 0 {
		h.Add("NEXTBOOTID.UPNP.ORG", decimal(nextBoot))
	}
}

func (l *link) addSearchPort(h *Header) {
	if l.searchPort != 0 {
		h.Add("SEARCHPORT.UPNP.ORG", decimal(uint32(l.searchPort)))
	}
}

func (v *serving) cacheControl() string {
	return "max-age=" + strconv.FormatInt(int64(v.maxAge()/time.Second), 10)
}

func (v *serving) maxAge() time.Duration {
	if v.MaxAge == 0 {
		return DefaultMaxAge
	}
	return max(v.MaxAge, minAge)
}

func (v *serving) product() string {
	if v.Product == "" {
		return runtime.GOOS + "/1.0 UPnP/1.1 upnp/1.0"
	}
	return v.Product
}

func decimal(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

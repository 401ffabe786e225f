package ssdp

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Answers per second, to one source and to all: what a forged source can make us send (SECURITY A5). At once there
// may be three whole sets, which is what a search for everything gets when it is repeated.
const (
	answerRate     = 10
	allAnswersRate = 100
)

// minSourcePort is the lowest port answers are sent to; below are services to which they would be an attack.
const minSourcePort = 1024

// hear answers one datagram, if it is a search for us by a neighbour.
func (v *serving) hear(ctx context.Context, l *link, from netip.AddrPort, data []byte, multicast bool) {
	if !v.mayAsk(l.ifi, from) {
		v.log.Debug("SSDP source not answered", "interface", l.ifi.Name, "from", from)
		return
	}
	m, err := Parse(data)
	if err != nil || m.Method != MethodSearch || !isDiscover(m) {
		return
	}
	delay, ok := v.delay(m, multicast)
	if !ok {
		return
	}
	p := &Packet{Message: m, From: from, Interface: l.ifi, Time: time.Now(), Raw: slices.Clone(data)}
	for _, answer := range v.answers(l, p.Target()) {
		if !v.mayAnswer(p) {
			v.log.Debug("SSDP answers rationed", "interface", l.ifi.Name, "from", from)
			return
		}
		v.reply(ctx, l, p, Reply{Message: answer, After: upTo(delay)})
	}
}

// mayAnswer takes one answer from the ration of a source. Loopback is not rationed: nobody else can send from it, and
// nobody else gets the answers.
func (v *serving) mayAnswer(p *Packet) bool {
	addr := p.From.Addr()
	return addr.IsLoopback() || v.limiter.allow(p.Time, addr, false)
}

// mayAsk reports whether a source is one a control point can have.
func (v *serving) mayAsk(ifi Interface, from netip.AddrPort) bool {
	addr := from.Addr()
	return from.Port() >= minSourcePort && !addr.IsMulticast() && !addr.IsUnspecified() &&
		!ifi.isBroadcast(addr) && reachable(ifi, addr, v.AllowOffLink)
}

// isBroadcast reports whether addr is the last of an IPv4 network, or of all.
func (i Interface) isBroadcast(addr netip.Addr) bool {
	return slices.ContainsFunc(i.Prefixes, func(p netip.Prefix) bool {
		return addr.Is4() && (addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}) ||
			p.Bits() < 31 && p.Contains(addr) && !p.Contains(addr.Next()))
	})
}

// isDiscover takes MAN without its quotes too: some control points forget them.
func isDiscover(m *Message) bool {
	return strings.Trim(m.Header.Get("MAN"), `"`) == "ssdp:discover"
}

// delay is how long answers may be put off. A multicast search without MX is not to be answered, a unicast one has
// none and wants no delay.
func (v *serving) delay(m *Message, multicast bool) (longest time.Duration, ok bool) {
	if !multicast {
		return 0, true
	}
	mx, ok := m.MX()
	longest = time.Duration(min(max(mx, 1), maxMX)) * time.Second
	if v.MaxDelay > 0 {
		longest = min(longest, v.MaxDelay)
	}
	return longest, ok
}

// upTo is a random moment before longest.
func upTo(longest time.Duration) time.Duration {
	if longest <= 0 {
		return 0
	}
	return rand.N(longest)
}

// answers is one response for each advertisement that matches. To a search for a type they repeat it as it was asked
// for, version included, in USN too.
func (v *serving) answers(l *link, st Target) []*Message {
	var list []*Message
	var usns []string
	for _, ad := range v.Targets {
		if st == "" || !st.Matches(ad.NT) {
			continue
		}
		usn, echo := ParseUSN(ad.USN), st
		if st == All {
			echo = ad.NT
		} else if usn.Target != "" {
			usn.Target = st
		}
		if s := usn.String(); !slices.Contains(usns, s) {
			usns = append(usns, s)
			list = append(list, v.answer(l, echo, s))
		}
	}
	return list
}

// reply lets the hook have its way and hands over to the outbox.
func (v *serving) reply(ctx context.Context, l *link, request *Packet, r Reply) {
	replies := []Reply{r}
	if v.Answer != nil {
		replies = v.Answer(request, r)
	}
	for _, r := range replies {
		data := r.Raw
		if data == nil {
			var err error
			if data, err = r.Message.AppendText(nil); err != nil {
				v.log.Warn("SSDP answer cannot be written", "to", request.From, "error", err)
				continue
			}
		}
		v.outbox.put(ctx, parcel{due: request.Time.Add(r.After), conn: l.own, to: request.From, data: data})
	}
}

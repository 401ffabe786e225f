package wire

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// An audience is who has subscribed at a stage, and is told what the recorded device told.
type audience struct {
	stage *stage
	mu    sync.Mutex
	all   map[string]*subscriber // by SID
}

// A subscriber is where NOTIFYs go.
type subscriber struct {
	at   netip.AddrPort
	host string
	path string
	seq  uint32
	any  bool // seq was sent
}

func newAudience(s *stage) *audience { return &audience{stage: s, all: make(map[string]*subscriber)} }

// attend notes a subscription that the recorded answer grants, and forgets one that is given up.
func (a *audience) attend(q question, sc *scene, request []byte, asker netip.AddrPort) {
	head, _, _ := splitHead(request)
	answer, _, _ := splitHead(sc.Answer)
	a.mu.Lock()
	defer a.mu.Unlock()
	switch q.method {
	case "SUBSCRIBE":
		if sub := callbackOf(head, asker.Addr()); sub != nil && field(answer, "SID") != "" {
			a.all[field(answer, "SID")] = sub
		}
	case "UNSUBSCRIBE":
		delete(a.all, field(head, "SID"))
	}
}

// callbackOf is the first callback at the address of who asks; elsewhere nothing is sent.
func callbackOf(head []byte, asker netip.Addr) *subscriber {
	for _, m := range callbackURL().FindAllStringSubmatch(field(head, "CALLBACK"), -1) {
		at, err := netip.ParseAddrPort(m[1])
		if err != nil {
			host := strings.Trim(m[1], "[]")
			if addr, err := netip.ParseAddr(host); err == nil {
				at = netip.AddrPortFrom(addr, 80)
			}
		}
		if at.IsValid() && at.Addr().Unmap().WithZone("") == asker.Unmap().WithZone("") {
			return &subscriber{at: netip.AddrPortFrom(asker, at.Port()), host: m[1], path: "/" + strings.TrimPrefix(m[2], "/")}
		}
	}
	return nil
}

// tell sends what the device told because of a request, as long after it as it did. When an answer is
// repeated, what was told is not, but for the first event of a subscription.
func (a *audience) tell(ctx context.Context, sc turn, began time.Time) {
	if len(sc.cues) == 0 {
		return
	}
	a.stage.tasks.Go(func() {
		for _, c := range sc.cues {
			if sc.again && c.seq != "0" {
				continue
			}
			if sleepUntil(ctx, began.Add(c.after)) != nil {
				return
			}
			a.send(ctx, c)
		}
	})
}

// send sends one NOTIFY, if its subscription is there.
func (a *audience) send(ctx context.Context, c *cue) {
	sub, request := a.address(c)
	if sub == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, ExchangeTimeout)
	defer cancel()
	conn, err := a.stage.network.Dial(ctx, "tcp", sub.at.String())
	if err != nil {
		a.stage.replay.note("NOTIFY: " + err.Error())
		return
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if _, err := conn.Write(request); err != nil {
		return
	}
	awaitAnswer(conn)
}

// awaitAnswer reads until an answer is there, or nothing more comes.
func awaitAnswer(conn net.Conn) {
	f, buf := frame{limit: MaxMessageData, answer: true}, make([]byte, 4096)
	for !f.ended && f.size < maxPlayed {
		n, err := conn.Read(buf)
		f.add(buf[:n])
		if err != nil {
			return
		}
	}
}

// address is the recorded NOTIFY with the path, host and SEQ of who subscribed now.
func (a *audience) address(c *cue) (*subscriber, []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	sub := a.all[c.sid]
	if sub == nil {
		return nil, nil
	}
	head, body, _ := splitHead(a.stage.moved.text(c.request))
	first, fields, _ := bytes.Cut(head, []byte("\n"))
	version := bytes.TrimSpace(first[bytes.LastIndexByte(first, ' ')+1:])
	out := fmt.Appendf(nil, "NOTIFY %s %s\r\n", sub.path, version)
	seq := sub.next(c)
	for line := range bytes.Lines(fields) {
		name, _, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("HOST")):
			line = fmt.Appendf(nil, "%s: %s\r\n", name, sub.host)
		case bytes.EqualFold(name, []byte("SEQ")):
			line = fmt.Appendf(nil, "%s: %s\r\n", name, seq)
		}
		out = append(out, line...)
	}
	return sub, append(out, body...)
}

// next is the SEQ of a NOTIFY: the one after the last if it was so in the recording, where others
// may have come between.
func (sub *subscriber) next(c *cue) string {
	n, err := strconv.ParseUint(c.seq, 10, 32)
	if err != nil {
		return c.seq
	}
	if c.follows && sub.any {
		n = uint64(sub.seq + 1)
	}
	sub.seq, sub.any = uint32(n), true
	return strconv.FormatUint(n, 10)
}

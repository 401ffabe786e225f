package gena

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd/wire"
)

// TestSpoofs has what others may send in place of a device, numbered as in the list of threats.
// The subscriptions have seen SEQ 0 and 1.
func TestSpoofs(t *testing.T) {
	inWorld(t, func(w *world) {
		d := w.device(grant(""))
		first := w.subscribe()
		path := d.path()
		second := w.subscribe()
		otherPath := d.path()
		closed := w.subscribe()
		closedPath := d.path()
		if err := closed.Close(w.ctx); err != nil {
			t.Fatal(err)
		}
		next, nextOther := w.events(first), w.events(second)
		for _, seq := range []int{0, 1} {
			raw(w.router, pcAddr+":4004", notify(path, "uuid:0", seq))
		}
		next()

		good := notify(path, "uuid:0", 2, status)
		without := func(line string) string { return strings.Replace(good, line+"\r\n", "", 1) }
		with := func(line, other string) string { return strings.Replace(good, line, other, 1) }
		head, _, _ := strings.Cut(good, "CONTENT-LENGTH")
		const method = "HTTP/1.1 405 Method Not Allowed"
		tests := []struct {
			name, text, answer string
			foreign            bool
			want               []string // events of the first subscription
		}{
			{name: "1 wrong path", text: notify("/"+newToken(), "uuid:0", 2), answer: unknown},
			{name: "1 no path", text: notify("/", "uuid:0", 2), answer: unknown},
			{name: "1 path cut short", text: notify(path[:32], "uuid:0", 2), answer: unknown},
			{name: "2 right path, wrong SID", text: notify(path, "uuid:9", 2), answer: unknown},
			{name: "3 right SID, wrong path", text: notify(otherPath, "uuid:0", 2), answer: unknown},
			{name: "4 no SID", text: without("SID: uuid:0"), answer: unknown},
			{name: "4 empty SID", text: notify(path, "uuid:", 2), answer: unknown},
			{name: "5 no NT", text: without("NT: upnp:event"), answer: bad},
			{name: "6 wrong NT", text: with("upnp:event", "upnp:rootdevice"), answer: unknown},
			{name: "7 no NTS", text: without("NTS: upnp:propchange"), answer: bad},
			{name: "8 wrong NTS", text: with("upnp:propchange", "ssdp:alive"), answer: unknown},
			{name: "9 GET", text: with("NOTIFY", "GET"), answer: method},
			{name: "9 POST", text: with("NOTIFY", "POST"), answer: method},
			{name: "9 lower case", text: with("NOTIFY", "notify"), answer: method},
			{name: "10 foreign source, all right: one look", text: good, foreign: true, answer: accepted, want: []string{"0 lost"}},
			{name: "10 again", text: good, foreign: true, answer: foreign},
			{name: "11 foreign source, wrong SID", text: notify(path, "uuid:9", 2), foreign: true, answer: foreign},
			{name: "12 the router, wrong SID", text: notify(path, "uuid:00", 2), answer: unknown},
			{name: "13 SID of a closed subscription", text: notify(path, "uuid:2", 2), answer: unknown},
			{name: "13 on its path", text: notify(closedPath, "uuid:2", 2), answer: unknown},
			{name: "14 SID of another service", text: notify(path, "uuid:1", 2), answer: unknown},
			{name: "15 SEQ repeat", text: notify(path, "uuid:0", 1), answer: accepted, want: []string{"1 lost"}},
			{name: "19 SEQ 2^32", text: notify(path, "uuid:0", "4294967296"), answer: bad},
			{name: "20 SEQ negative", text: notify(path, "uuid:0", "-1"), answer: bad},
			{name: "20 SEQ text", text: notify(path, "uuid:0", "two"), answer: bad},
			{name: "22 body of 65 KiB", text: notify(path, "uuid:0", 2, Property{"A", strings.Repeat("x", 65<<10)}), answer: tooLarge},
			{name: "23 endless chunks", text: head + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1000\r\n"+strings.Repeat("x", 4096)+"\r\n", 15), answer: timedOut},
			{name: "23 too many chunks", text: head + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1000\r\n"+strings.Repeat("x", 4096)+"\r\n", 17), answer: tooLarge},
			{name: "23 chunk of no size", text: head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", answer: bad},
			{name: "26 header flood", text: "NOTIFY " + path + " HTTP/1.1\r\n" + strings.Repeat("X: y\r\n", 1<<12), answer: "HTTP/1.1 431 Request Header Fields Too Large"},
			{name: "26 no end of line", text: strings.Repeat("x", maxHead+1), answer: "HTTP/1.1 431 Request Header Fields Too Large"},
			{name: "29 random token", text: notify("/"+newToken(), "uuid:9", 0), answer: unknown},
			{name: "not HTTP", text: "\x16\x03\x01\x00\xa5\r\n\r\n", answer: bad},
			{name: "24 XML bomb", text: bomb(head), answer: accepted, want: []string{"2 A=&b;&b;"}},
			{name: "25 invalid UTF-8", text: strings.Replace(notify(path, "uuid:0", 3, status), "Up", "\xff\xfe", 1), answer: accepted,
				want: []string{"3 Status=\uFFFD\uFFFD"}},
			{name: "21 false address", text: notify(path, "uuid:0", 4, Property{"ExternalIPAddress", "6.6.6.6"}), answer: accepted, want: []string{"4 ExternalIPAddress=6.6.6.6"}},
			{name: "18 SEQ 0 again", text: notify(path, "uuid:0", 0), answer: accepted, want: []string{"0 initial lost"}},
			{name: "17 SEQ gap", text: notify(path, "uuid:0", 9), answer: accepted, want: []string{"9 lost"}},
			{name: "16 SEQ back", text: notify(path, "uuid:0", 5), answer: accepted, want: []string{"5 lost"}},
		}
		for _, tt := range tests {
			from := w.router
			if tt.foreign {
				from = w.other
			}
			if got := raw(from, pcAddr+":4004", tt.text); got != tt.answer {
				t.Errorf("%s: answered %q, want %q", tt.name, got, tt.answer)
			}
			time.Sleep(patience)
			if got := next(); !slices.Equal(got, tt.want) {
				t.Errorf("%s: events %q, want %q", tt.name, got, tt.want)
			}
		}
		if got := nextOther(); len(got) > 0 {
			t.Errorf("events of the other subscription: %q", got)
		}
		// Of all of that, only one thing was worth a request: the first doubt about the order.
		if got, want := d.requests()[4:], []string{"SUBSCRIBE uuid:0"}; !slices.Equal(got, want) {
			t.Errorf("asked %q, want %q", got, want)
		}
		if c := w.sub.Counters(); c.Accepted != 10 || c.Foreign != 2 || c.Refused < 20 || c.Crowded != 0 {
			t.Errorf("counters %+v", c)
		}
	})
}

// bomb is an event whose entities would grow.
func bomb(head string) string {
	body := `<!DOCTYPE e [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]><propertyset><property><A>&b;&b;</A></property></propertyset>`
	return fmt.Sprintf("%sCONTENT-LENGTH: %d\r\n\r\n%s", head, len(body), body)
}

// TestGuessing is numbers 28 and 30: SIDs without end cost neither memory nor attention.
func TestGuessing(t *testing.T) {
	inWorld(t, func(w *world) {
		d := w.device(func(n int, r *http.Request, h http.Header) int {
			h["SID"] = []string{"uuid:fc4ec57e-b051-11db-88f8-0060085dABCD"}
			return http.StatusOK
		})
		next := w.events(w.subscribe())
		before := heap()
		path := d.path()
		for i := range 1 << 16 {
			n := request(path, fmt.Sprintf("uuid:fc4ec57e-b051-11db-88f8-0060085d%04x", i), w)
			if i%3 == 0 {
				n = request("/"+newToken(), fmt.Sprintf("uuid:%d", i), w)
			}
			if status, then := w.sub.judge(n, http.StatusOK); status == http.StatusOK {
				then()
				if !strings.EqualFold(n.field("SID")[36:], "dabcd") {
					t.Errorf("%s taken", n.field("SID"))
				}
			}
		}
		if grown := heap() - before; grown > 1<<20 {
			t.Errorf("%d bytes more", grown)
		}
		if got := next(); len(got) > 1 {
			t.Errorf("%d events", len(got))
		}
	})
}

func request(path, sid string, w *world) *notification {
	f := fields{{"NT", eventType}, {"NTS", propertyChange}, {"SID", sid}, {"SEQ", "0"}}
	return &notification{method: methodNotify, path: path, from: netip.MustParseAddr(routerAddr), field: f.get}
}

// heap is what is in use; pools are empty after the second collection.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestSlowLoris is number 27: connections of strangers that say nothing, or little by little,
// do not keep an event from being served at once.
func TestSlowLoris(t *testing.T) {
	inWorld(t, func(w *world) {
		d := w.device(grant(""))
		next := w.events(w.subscribe())
		hosts := []*wire.Host{w.other}
		for i := range 20 {
			hosts = append(hosts, newHost(w.mem, fmt.Sprint("h", i), fmt.Sprintf("192.168.1.%d", 100+i)))
		}
		var conns []net.Conn
		for i := range 1000 {
			conn, err := hosts[i%len(hosts)].Dial(w.ctx, "tcp", pcAddr+":4004")
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(conn, "NOTIFY /")
			conns = append(conns, conn)
			if i%50 == 0 {
				synctest.Wait()
			}
		}
		synctest.Wait()
		if n := w.guests.Load(); n > maxStrangers {
			t.Errorf("%d connections of strangers", n)
		}
		began := time.Now()
		if answer := raw(w.router, pcAddr+":4004", notify(d.path(), "uuid:0", 0)); answer != accepted || time.Since(began) > 0 {
			t.Errorf("%s after %v", answer, time.Since(began))
		}
		if got := next(); len(got) != 1 {
			t.Errorf("events %q", got)
		}
		time.Sleep(headTimeout)
		synctest.Wait()
		if n := w.guests.Load(); n != 0 {
			t.Errorf("%d connections left", n)
		}
		for _, conn := range conns {
			conn.Close()
		}
		if c := w.sub.Counters(); c.Crowded != 1000-maxStrangers {
			t.Errorf("counters %+v", c)
		}
	})
}

// TestDeviceOfManyServices opens more connections than are read at a time: they wait.
func TestDeviceOfManyServices(t *testing.T) {
	inWorld(t, func(w *world) {
		d := w.device(grant(""))
		next := w.events(w.subscribe())
		var slow []net.Conn
		for range maxPerSource {
			conn, err := w.router.Dial(w.ctx, "tcp", pcAddr+":4004")
			if err != nil {
				t.Fatal(err)
			}
			slow = append(slow, conn)
		}
		synctest.Wait()
		answers := make(chan string, maxConnections)
		for i := range 10 {
			w.tasks.Go(func() { answers <- raw(w.router, pcAddr+":4004", notify(d.path(), "uuid:0", i)) })
		}
		synctest.Wait()
		if len(answers) > 0 {
			t.Errorf("%d answers at once", len(answers))
		}
		for _, conn := range slow {
			conn.Close()
		}
		for range 10 {
			if answer := <-answers; answer != accepted {
				t.Error(answer)
			}
		}
		if got := next(); len(got) != 10 || strings.Contains(strings.Join(got, " "), "lost") {
			t.Errorf("events %q", got)
		}
	})
}

func TestCrowd(t *testing.T) {
	c := newCrowd()
	addr := func(n byte) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, n}) }
	enter := func(from netip.Addr, stranger bool) net.Conn {
		conn, _ := net.Pipe()
		if c.enter(conn, from, stranger) == nil {
			return nil
		}
		return conn
	}
	for n := range maxPerSource {
		if enter(addr(1), true) == nil {
			t.Errorf("%d connections of one stranger are too many", n+1)
		}
	}
	if enter(addr(1), true) != nil {
		t.Error("no limit for one stranger")
	}
	for range maxStrangers - maxPerSource {
		enter(addr(2), true)
	}
	if enter(addr(3), true) != nil {
		t.Error("no limit for strangers")
	}
	var last net.Conn
	for n := range maxConnections - maxStrangers {
		if last = enter(addr(4), false); last == nil {
			t.Errorf("%d connections of a device are too many", n+1)
		}
	}
	if enter(addr(5), false) != nil {
		t.Error("no limit for all")
	}
	c.leave(last, addr(4))
	if enter(addr(5), false) == nil {
		t.Error("no room after one left")
	}
	c.closeAll()
	for conn, stranger := range c.guests {
		if _, err := conn.Write([]byte("x")); err == nil {
			t.Errorf("not closed, %t", stranger)
		}
	}
}

// TestLimitsOfRequest goes to each limit and one over it.
func TestLimitsOfRequest(t *testing.T) {
	inWorld(t, func(w *world) {
		d := w.device(grant(""))
		w.subscribe()
		plain := notify(d.path(), "uuid:0", 0)
		head, body, _ := strings.Cut(plain, "\r\n\r\n")
		fill := maxHead - len(head) - len("\r\nX: \r\n\r\n")
		for n, want := range map[int]string{fill: accepted, fill + 1: "HTTP/1.1 431 Request Header Fields Too Large"} {
			text := head + "\r\nX: " + strings.Repeat("x", n) + "\r\n\r\n" + body
			if got := raw(w.router, pcAddr+":4004", text); got != want {
				t.Errorf("head of %d bytes: %s", strings.Index(text, "\r\n\r\n")+4, got)
			}
		}
		empty, _ := AppendProperties(nil, Property{"A", ""})
		for n, want := range map[int]string{MaxBody: accepted, MaxBody + 1: tooLarge} {
			text := notify(d.path(), "uuid:0", 1, Property{"A", strings.Repeat("x", n-len(empty))})
			if got := raw(w.router, pcAddr+":4004", text); got != want {
				t.Errorf("body of %d bytes: %s", n, got)
			}
		}
		for after, want := range map[time.Duration]string{headTimeout - time.Second: accepted, headTimeout + time.Second: ""} {
			if got := drip(w.router, plain, len(head)-1, after); got != want {
				t.Errorf("head after %v: %q", after, got)
			}
		}
		for after, want := range map[time.Duration]string{requestTimeout - time.Second: accepted, requestTimeout + time.Second: timedOut} {
			if got := drip(w.router, plain, len(plain)-1, after); got != want {
				t.Errorf("body after %v: %q", after, got)
			}
		}
	})
}

// drip sends the bytes from n on after a while.
func drip(h *wire.Host, text string, n int, after time.Duration) string {
	conn, err := h.Dial(context.Background(), "tcp", pcAddr+":4004")
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, text[:n])
	time.Sleep(after)
	_, _ = io.WriteString(conn, text[n:])
	answer, _ := io.ReadAll(conn)
	line, _, _ := strings.Cut(string(answer), "\r\n")
	return line
}

// bytesConn is a connection somebody has sent some bytes over.
type bytesConn struct {
	net.Conn
	in  *bytes.Reader
	out bytes.Buffer
}

func (c *bytesConn) Read(p []byte) (int, error)      { return c.in.Read(p) }
func (c *bytesConn) Write(p []byte) (int, error)     { return c.out.Write(p) }
func (c *bytesConn) SetDeadline(time.Time) error     { return nil }
func (c *bytesConn) SetReadDeadline(time.Time) error { return nil }

// FuzzNotify throws bytes at the callback side: only one of the answers there are comes back, and
// an event comes of nothing but a NOTIFY with path and SID.
func FuzzNotify(f *testing.F) {
	const token = "00112233445566778899aabbccddeeff"
	good := notify("/"+token, "uuid:0", 0, status)
	f.Add([]byte(good))
	f.Add([]byte(strings.Replace(good, "CONTENT-LENGTH", "Transfer-Encoding: chunked\r\nX", 1)))
	f.Add([]byte(strings.ReplaceAll(good, "\r\n", "\n")))
	f.Add([]byte("\r\nGET / HTTP/1.0\r\n\r\n"))
	f.Add([]byte("NOTIFY /" + token + "\nSID :0\n NT\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := &Subscriber{}
		sub := newSubscription(t.Context(), s, eventURL, []netip.Addr{netip.MustParseAddr(routerAddr)})
		s.doors = map[string]*door{token: {token: token, to: sub, sid: "uuid:0"}}
		conn := &bytesConn{in: bytes.NewReader(data)}
		s.converse(conn, netip.MustParseAddr(routerAddr))
		answer, _, _ := strings.Cut(conn.out.String(), "\r\n")
		if known := []string{"", accepted, bad, unknown, tooLarge, "HTTP/1.1 100 Continue", "HTTP/1.1 405 Method Not Allowed", "HTTP/1.1 431 Request Header Fields Too Large"}; !slices.Contains(known, answer) {
			t.Errorf("answered %q", answer)
		}
		if e, _, _, _ := sub.box.take(); e != nil && (!bytes.Contains(data, []byte(token)) || !bytes.Contains(data, []byte("NOTIFY"))) {
			t.Errorf("event %+v", e)
		}
	})
}

//go:build linux

package lab_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"upnp/testdata/lab"
)

// A notified is a socket subscribed by hand to the router's events: the measure of how soon one
// can know.
type notified struct {
	mu   sync.Mutex
	all  []string
	came []time.Time
}

func subscribed(t *testing.T, l *lab.Lab, h *lab.Host) *notified {
	t.Helper()
	n := &notified{}
	var at net.Listener
	if err := h.Do(func() (err error) { at, err = net.Listen("tcp", h.Addr+":0"); return err }); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { at.Close(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := at.Accept()
			if err != nil {
				return
			}
			n.take(c)
		}
	}()
	c, err := h.Dial(t.Context(), lab.RouterAddr+":5000")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "SUBSCRIBE /evt/IPConn HTTP/1.1\r\nHost: %s:5000\r\nCALLBACK: <http://%s/>\r\nNT: upnp:event\r\nTIMEOUT: Second-600\r\n\r\n", lab.RouterAddr, at.Addr())
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("SUBSCRIBE: %v, %v", answer, err)
	}
	return n
}

func (n *notified) take(c net.Conn) {
	defer c.Close()
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	body, _ := io.ReadAll(r.Body)
	came := time.Now()
	io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all, n.came = append(n.all, string(body)), append(n.came, came)
}

// told is when the first event with a text came. It is false if none came in a while: the daemon
// drops what happens while it delivers an event.
func (n *notified) told(text string) (time.Time, bool) {
	for deadline := time.Now().Add(3 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if at, ok := n.find(text); ok {
			return at, true
		}
	}
	return time.Time{}, false
}

func (n *notified) find(text string) (time.Time, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := slices.IndexFunc(n.all, func(body string) bool { return strings.Contains(body, text) })
	if i < 0 {
		return time.Time{}, false
	}
	return n.came[i], true
}

// soon is how much later than a bare socket watch may know. It has to ask what there is, too.
const soon = 150 * time.Millisecond

// wantSoon checks the median of what watch told and the bare socket heard of as well.
func wantSoon(t *testing.T, what string, late []time.Duration) {
	t.Helper()
	t.Logf("%s: told %v after the event", what, late)
	if len(late) == 0 {
		t.Errorf("%s: the bare socket heard of none", what)
	} else if median(late) > soon {
		t.Errorf("%s was told %v after the event, want at most %v", what, median(late), soon)
	}
}

// watching is upnp watch that has told what is.
func watching(t *testing.T, l *lab.Lab, args ...string) (*lab.Follower, *notified) {
	t.Helper()
	u := newUser(t, l.Clients[0])
	w := u.Follow(t, u.env(), append([]string{built(t, upnpBinary), "watch"}, args...)...)
	w.Wait(t, "no port mappings", 10*time.Second)
	w.Wait(t, "live", 0)
	n := subscribed(t, l, l.Clients[0])
	if _, ok := n.told("<PortMappingNumberOfEntries>0<"); !ok {
		t.Fatal("no first event at the bare socket")
	}
	return w, n
}

// TestWatch: a mapping of another host and a new external address, told as they happen.
func TestWatch(t *testing.T) {
	bothModes(t, func(t *testing.T, l *lab.Lab) {
		w, n := watching(t, l)
		other := l.Clients[1]
		var late []time.Duration
		for i := range 5 {
			port := fmt.Sprint(18080 + i)
			upnpc(t, other, "-u", l.Router.URL, "-a", other.Addr, "8080", port, "TCP", "600")
			told := w.Wait(t, "added TCP "+port+" -> "+other.Addr+":8080", 40*time.Second)
			if event, ok := n.told(fmt.Sprintf("<PortMappingNumberOfEntries>%d<", i+1)); ok {
				late = append(late, told.Time.Sub(event))
			}
		}
		wantSoon(t, "a mapping", late)
		upnpc(t, other, "-u", l.Router.URL, "-d", "18080", "TCP")
		w.Wait(t, "removed TCP 18080", 40*time.Second)
		n.told("<PortMappingNumberOfEntries>4<")

		late = nil
		for i := range 3 {
			addr := fmt.Sprint("11.22.33.", 77+i)
			l.Router.SetWAN(t, addr)
			told := w.Wait(t, "external address "+addr, 40*time.Second)
			if event, ok := n.told("<ExternalIPAddress>" + addr + "<"); ok {
				late = append(late, told.Time.Sub(event))
			}
		}
		wantSoon(t, "an external address", late)
	})
}

// TestWatchTooQuick: another host's 20 mappings within 120 ms, of which the daemon tells some.
func TestWatchTooQuick(t *testing.T) {
	bothModes(t, func(t *testing.T, l *lab.Lab) {
		w, _ := watching(t, l)
		other := l.Clients[1]
		took, added := l.Router.Add(t, other, 20000, 20), time.Now()
		for i := range 20 {
			w.Wait(t, fmt.Sprintf("added TCP %d -> ", 20000+i), 4*time.Second)
		}
		t.Logf("20 mappings added in %v; the last told %v later", took, time.Since(added))
	})
}

// TestWatchReboot: a router whose power is cut is told of, and followed.
func TestWatchReboot(t *testing.T) {
	bothModes(t, func(t *testing.T, l *lab.Lab) {
		w, _ := watching(t, l)
		other := l.Clients[1]
		upnpc(t, other, "-u", l.Router.URL, "-a", other.Addr, "8080", "18080", "TCP", "600")
		w.Wait(t, "added TCP 18080", 2*time.Second)
		l.Router.Forget(t)
		w.Wait(t, "removed TCP 18080", 10*time.Second)
		upnpc(t, other, "-u", l.Router.URL, "-a", other.Addr, "8080", "18081", "TCP", "600")
		w.Wait(t, "added TCP 18081", 5*time.Second)
	})
}

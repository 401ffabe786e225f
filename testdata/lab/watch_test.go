//go:build linux

package lab_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
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

// wait is when the first event with a text came.
func (n *notified) wait(t *testing.T, text string) time.Time {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		n.mu.Lock()
		for i, body := range n.all {
			if strings.Contains(body, text) {
				n.mu.Unlock()
				return n.came[i]
			}
		}
		n.mu.Unlock()
	}
	t.Fatalf("no event with %q", text)
	return time.Time{}
}

// soon is how much later than a bare socket watch may know. It has to ask what there is, too.
const soon = 150 * time.Millisecond

func wantSoon(t *testing.T, what string, told, event time.Time) {
	t.Helper()
	late := told.Sub(event)
	t.Logf("%s: %v after the event", what, late)
	if late > soon {
		t.Errorf("%s was told %v after the event, want at most %v", what, late, soon)
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
	n.wait(t, "<PortMappingNumberOfEntries>0<")
	return w, n
}

// TestWatch: a mapping of another host and a new external address, told as they happen.
func TestWatch(t *testing.T) {
	bothModes(t, func(t *testing.T, l *lab.Lab) {
		w, n := watching(t, l)
		other := l.Clients[1]
		for i := range 5 {
			port := fmt.Sprint(18080 + i)
			upnpc(t, other, "-u", l.Router.URL, "-a", other.Addr, "8080", port, "TCP", "600")
			told := w.Wait(t, "added TCP "+port+" -> "+other.Addr+":8080", 2*time.Second)
			wantSoon(t, "mapping "+port, told.Time, n.wait(t, fmt.Sprintf("<PortMappingNumberOfEntries>%d<", i+1)))
		}
		upnpc(t, other, "-u", l.Router.URL, "-d", "18080", "TCP")
		w.Wait(t, "removed TCP 18080", 2*time.Second)

		l.Router.SetWAN(t, "11.22.33.77")
		told := w.Wait(t, "external address 11.22.33.77", 40*time.Second)
		wantSoon(t, "external address", told.Time, n.wait(t, "<ExternalIPAddress>11.22.33.77<"))
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

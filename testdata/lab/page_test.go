//go:build linux

package lab_test

import (
	"bufio"
	"context"
	"encoding/json"
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

// A page is upnp ui on a host, seen as a browser there sees it.
type page struct {
	*testing.T
	client   *http.Client
	at       string
	secret   string
	mu       sync.Mutex
	lines    []string // of the stream
	came     []time.Time
	upToDate chan struct{} // holds one: there is a new line
}

func openPage(t *testing.T, h *lab.Host) *page {
	t.Helper()
	u := newUser(t, h)
	ui := u.Follow(t, u.env(), built(t, upnpBinary), "ui", "--no-open")
	url := ui.Wait(t, "http://", 10*time.Second).Text
	at, secret, _ := strings.Cut(url, "/#t=")
	p := &page{T: t, client: httpClient(h), at: at, secret: secret, upToDate: make(chan struct{}, 1)}
	p.follow()
	return p
}

// httpClient asks from a host.
func httpClient(h *lab.Host) *http.Client {
	dial := func(ctx context.Context, _, addr string) (net.Conn, error) { return h.Dial(ctx, addr) }
	return &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
}

func (p *page) send(ctx context.Context, method, path, body string) *http.Response {
	p.Helper()
	r, err := http.NewRequestWithContext(ctx, method, p.at+path, strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.secret)
	r.Header.Set("Content-Type", "application/json")
	answer, err := p.client.Do(r)
	if err != nil {
		p.Fatal(err)
	}
	if answer.StatusCode/100 != 2 {
		text, _ := io.ReadAll(answer.Body)
		p.Fatalf("%s: %s %s", path, answer.Status, text)
	}
	return answer
}

// follow reads the stream until the test ends.
func (p *page) follow() {
	ctx, stop := context.WithCancel(context.Background())
	answer := p.send(ctx, "GET", "/api/stream", "")
	ended := make(chan struct{})
	p.Cleanup(func() { stop(); <-ended })
	go func() {
		defer close(ended)
		defer answer.Body.Close()
		s := bufio.NewScanner(answer.Body)
		for s.Buffer(nil, 1<<22); s.Scan(); {
			p.mu.Lock()
			p.lines, p.came = append(p.lines, s.Text()), append(p.came, time.Now())
			p.mu.Unlock()
			select {
			case p.upToDate <- struct{}{}:
			default:
			}
		}
	}()
}

// wait is the first line with all of some texts, and when it came.
func (p *page) wait(texts ...string) (line string, at time.Time) {
	p.Helper()
	for deadline := time.After(30 * time.Second); ; {
		p.mu.Lock()
		for i, l := range p.lines {
			if containsAll(l, texts) {
				p.mu.Unlock()
				return l, p.came[i]
			}
		}
		p.mu.Unlock()
		select {
		case <-p.upToDate:
		case <-deadline:
			p.Fatalf("no line with %q in:\n%s", texts, strings.Join(p.lines, "\n"))
		}
	}
}

func containsAll(s string, texts []string) bool {
	for _, text := range texts {
		if !strings.Contains(s, text) {
			return false
		}
	}
	return true
}

func (p *page) post(path, body string) { p.send(p.Context(), "POST", path, body).Body.Close() }

// TestPage: a port is opened from the page, a host of the Internet comes through it, and what
// another host of the LAN opens is on the page within a second.
func TestPage(t *testing.T) {
	t.Parallel()
	lab.Need(t, "upnpc")
	l := lab.Up(t, lab.Options{Clients: 2})
	p := openPage(t, l.Clients[0])
	p.wait(`"type":"gateway"`, `"state":"ready"`, lab.WANAddr)
	p.wait(`"type":"following"`, `"source":"live"`)

	p.post("/api/server/start", `{"port":9542,"map":true}`)
	text, _ := p.wait(`"type":"server"`, `"publicUrl":"http`)
	var server struct {
		PublicURL string `json:"publicUrl"`
	}
	if err := json.Unmarshal([]byte(text), &server); err != nil {
		t.Fatal(err)
	}
	answer, err := httpClient(l.Internet).Get(server.PublicURL)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(answer.Body)
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK || len(body) != 64 {
		t.Errorf("from the Internet: %s, %q", answer.Status, body)
	}
	p.wait(`"type":"server"`, lab.InternetAddr, `"knew":true`)

	var late []time.Duration
	other := l.Clients[1]
	for port := 7001; port < 7004; port++ {
		upnpc(t, other, "-u", l.Router.URL, "-e", "other", "-a", other.Addr, "8080", fmt.Sprint(port), "TCP", "600")
		made := time.Now()
		_, shown := p.wait(`"type":"change"`, fmt.Sprintf(`"id":"%d/tcp"`, port), `"mine":false`)
		late = append(late, max(0, shown.Sub(made)))
	}
	t.Logf("shown %v after upnpc had ended", late)
	if median(late) > time.Second {
		t.Errorf("shown %v after upnpc had ended, want at most a second", median(late))
	}

	p.post("/api/server/stop", "{}")
	p.wait(`"type":"change"`, `"source":"own"`, `"added":[]`, `"id":"9542/tcp"`)
	if table := newUser(t, l.Clients[0]).must(t, "list", "--json").Stdout; strings.Contains(table, "9542") {
		t.Errorf("left behind: %s", table)
	}
}

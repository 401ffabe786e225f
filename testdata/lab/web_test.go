//go:build linux

package lab_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"upnp/testdata/lab"
)

const pageTests = "../../cmd/internal/web/e2e"

// needBrowser skips the test, or fails it where nothing may be left out, without a browser.
func needBrowser(t *testing.T) {
	t.Helper()
	lab.Need(t, "upnpc", "node", "chromium")
	if _, err := os.Stat(filepath.Join(pageTests, "node_modules", "playwright-core")); err == nil {
		return
	}
	if os.Getenv("UPNP_LAB") == "require" {
		t.Fatal("UPNP_LAB=require, and npm ci has not run in " + pageTests)
	}
	t.Skip("needs npm ci in " + pageTests)
}

// TestBrowser: a person opens a port in a real browser, a host of the Internet fetches through it,
// and what another host of the LAN opens is seen within a second, without a reload.
func TestBrowser(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	l := lab.Up(t, lab.Options{Clients: 2})
	u := newUser(t, l.Clients[0])
	serve(t, u.Host, 9542, "a game")
	ui := u.Follow(t, u.env(), built(t, upnpBinary), "ui", "--no-open")
	url := ui.Wait(t, "http://", 30*time.Second).Text
	browser := u.Follow(t, u.env(), "node", filepath.Join(pageTests, "lab.js"), url)
	browser.Wait(t, "open", 90*time.Second)

	answer, err := httpClient(l.Internet).Get("http://" + lab.WANAddr + ":9542/")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, _ := io.ReadAll(answer.Body); string(body) != "a game" {
		t.Errorf("the Internet got %q", body)
	}
	if late := shownLate(t, l, browser); median(late) > time.Second {
		t.Errorf("in the browser %v after upnpc had ended, want at most a second", median(late))
	}
}

// shownLate has another host open ports, and measures when the browser shows them.
func shownLate(t *testing.T, l *lab.Lab, browser *lab.Follower) (late []time.Duration) {
	other := l.Clients[1]
	for port := 7001; port < 7004; port++ {
		upnpc(t, other, "-u", l.Router.URL, "-e", "other", "-a", other.Addr, "8080", fmt.Sprint(port), "TCP", "600")
		made := time.Now()
		shown := browser.Wait(t, fmt.Sprintf("shown %d", port), 30*time.Second)
		late = append(late, max(0, shown.Time.Sub(made)))
	}
	t.Logf("in the browser %v after upnpc had ended", late)
	return late
}

// serve answers everybody with some words on a port of a host, until the test ends.
func serve(t *testing.T, h *lab.Host, port int, words string) {
	t.Helper()
	var l net.Listener
	err := h.Do(func() (err error) {
		l, err = net.Listen("tcp4", fmt.Sprintf(":%d", port))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, words) })}
	served := make(chan struct{})
	go func() { defer close(served); server.Serve(l) }()
	t.Cleanup(func() { server.Close(); <-served })
}

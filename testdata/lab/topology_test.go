//go:build linux

package lab_test

import (
	"strings"
	"testing"
	"time"

	"upnp/testdata/lab"
)

// TestLab proves that the lab is what the other tests take it for, with upnpc as the client.
func TestLab(t *testing.T) {
	t.Parallel()
	lab.Need(t, "upnpc")
	t.Run("IGD1", func(t *testing.T) { forwards(t, lab.Options{IGD1: true}, "InternetGatewayDevice:1") })
	t.Run("IGD2", func(t *testing.T) { forwards(t, lab.Options{}, "InternetGatewayDevice:2") })
}

func forwards(t *testing.T, o lab.Options, device string) {
	t.Parallel()
	l := lab.Up(t, o)
	c := l.Clients[0]
	page, err := c.Get(l.Router.URL)
	if err != nil || !strings.Contains(page, device) {
		t.Fatalf("description: %v, want %s in %s", err, device, page)
	}
	c.Serve(t, c.Addr+":8080", hello)
	if _, err := l.Internet.Get("http://11.22.33.4:18080/"); err == nil {
		t.Fatal("open without a mapping")
	}
	upnpc(t, c, "-u", l.Router.URL, "-a", c.Addr, "8080", "18080", "TCP", "300")
	if text, err := l.Internet.Get("http://11.22.33.4:18080/"); text != helloText {
		t.Errorf("through the mapping: %q, %v", text, err)
	}
	l.Router.Forget(t)
	if out := upnpc(t, c, "-u", l.Router.URL, "-l"); strings.Contains(out, "18080->") {
		t.Errorf("remembered after power was cut: %s", out)
	}
}

func TestLabFill(t *testing.T) {
	t.Parallel()
	lab.Need(t, "upnpc")
	l := lab.Up(t, lab.Options{})
	l.Router.Fill(t, l.Clients[0], 10000, 250)
	out := upnpc(t, l.Clients[0], "-u", l.Router.URL, "-l")
	if got := strings.Count(out, "->192.168.7.2:"); got != 250 {
		t.Errorf("%d mappings listed, want 250", got)
	}
	if want := "10249->192.168.7.2:10249 'entry 10249 of the lab' '' 3"; !strings.Contains(out, want) {
		t.Errorf("no %q in %s", want, out)
	}
}

func TestLabCable(t *testing.T) {
	t.Parallel()
	lab.Need(t)
	const delay = 40 * time.Millisecond
	l := lab.Up(t, lab.Options{Delay: delay})
	c := l.Clients[0]
	if _, err := c.Get(l.Router.URL); err != nil { // and with that ARP is done
		t.Fatal(err)
	}
	shortest := time.Hour
	for range 5 {
		start := time.Now()
		if _, err := c.Get(l.Router.URL); err != nil {
			t.Fatal(err)
		}
		shortest = min(shortest, time.Since(start))
	}
	// A round trip to connect and one to ask.
	if shortest < 4*delay || shortest > 6*delay {
		t.Errorf("a page took %v over a cable of %v each way", shortest, delay)
	}
}

func TestLabLoss(t *testing.T) {
	t.Parallel()
	lab.Need(t)
	l := lab.Up(t, lab.Options{Loss: 1})
	if _, err := l.Clients[0].Get(l.Router.URL); err == nil {
		t.Error("a page came through a cable that loses everything")
	}
}

func TestLabCount(t *testing.T) {
	t.Parallel()
	lab.Need(t, "upnpc")
	l := lab.Up(t, lab.Options{Others: 2})
	c := l.Clients[0]
	got := c.Count(t, func() { upnpc(t, c, "-a", c.Addr, "8080", "18080", "TCP", "300") })
	if want := (lab.Requests{Search: 1, Get: 1, Post: 5}); got != want {
		t.Errorf("upnpc -a: %v, want %v", got, want)
	}
}

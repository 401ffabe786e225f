package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/wire"
)

// watched runs watch for a while at a router that do changes, and returns what it prints.
func watched(t *testing.T, args []string, do func(*emulator.Router, context.CancelFunc), code int) string {
	t.Helper()
	var out bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		lan := wire.NewMemory()
		host := lan.Host("self", netip.PrefixFrom(emulatedSelf, 24))
		host.SetGateway(emulatedRouter)
		r := emulator.New(emulator.Profile{})
		serveUntilEnd(t, r, igd.Server{Network: lan.Host("router", netip.PrefixFrom(emulatedRouter, 24)), Interface: emulatedInterface, Port: emulatedPort})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { time.Sleep(10 * time.Second); do(r, cancel) }()
		s := newSession(Streams{Out: &out, Err: &out})
		s.base = host
		if got := s.finish(ctx, s.main(ctx, append([]string{"watch"}, args...))); got != code {
			t.Errorf("exit %d, want %d", got, code)
		}
		s.close()
	})
	return out.String()
}

func TestWatchTells(t *testing.T) {
	got := watched(t, []string{"--timeout", "1m"}, func(r *emulator.Router, _ context.CancelFunc) {
		_ = r.Put(prefilled()[0])
		r.SetExternal(emulatedOther)
		time.Sleep(time.Second)
		r.SetConnection("Disconnected", "ERROR_UNKNOWN")
		r.Wipe()
	}, exitDone)
	want := []string{
		"live", "external address 11.22.33.44", "connection Connected", "no port mappings",
		"external address 192.168.1.20", `added TCP 8080 -> 192.168.1.2:80, permanent, "web server"`,
		"no external address", "connection Disconnected", `removed TCP 8080 -> 192.168.1.2:80, permanent, "web server"`,
	}
	var told []string
	for line := range strings.Lines(got) {
		_, words, _ := strings.Cut(strings.TrimSpace(line), "  ")
		told = append(told, words)
	}
	if strings.Join(told, "\n") != strings.Join(want, "\n") {
		t.Errorf("printed\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
}

func TestWatchInterrupted(t *testing.T) {
	got := watched(t, []string{"--json"}, func(r *emulator.Router, interrupt context.CancelFunc) {
		r.SetExternal(emulatedOther)
		time.Sleep(time.Second)
		interrupt()
	}, exitInterrupted)
	var kinds []string
	for line := range strings.Lines(got) {
		var event struct{ Kind, ExternalAddress, Source string }
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		kinds = append(kinds, event.Kind+" "+event.Source+event.ExternalAddress)
	}
	want := "source live, externalAddress 11.22.33.44, status , mappings , externalAddress 192.168.1.20"
	if strings.Join(kinds, ", ") != want {
		t.Errorf("printed %q, want %q", kinds, want)
	}
}

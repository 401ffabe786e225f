package ssdp_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"upnp/ssdp"
)

func TestMonitor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome()
		h.client.Link("eth0").SetPrefixes(prefix("192.168.7.2/24"))
		s := server()
		s.Targets = s.Targets[:1]
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		time.AfterFunc(time.Second, func() {
			stop := serve(t, h.router, s)
			time.Sleep(3 * time.Second)
			if err := s.Update(t.Context(), 8, 4); err != nil {
				t.Error(err)
			}
			speaker(t, h.router, anyPort()).WriteTo(datagram(t, search(ssdp.All, "1")), ssdp.GroupIPv4())
			time.Sleep(time.Second)
			stop()
		})
		h.c.HearSearches = true
		var got []string
		for p, err := range h.c.Monitor(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(p.Method[:1], " ", p.NTS(), " ", p.Header.Get("BOOTID.UPNP.ORG"), p.Header.Get("NEXTBOOTID.UPNP.ORG"), p.Header.Get("CONFIGID.UPNP.ORG")))
		}
		want := []string{
			"N ssdp:byebye 73", "N ssdp:alive 73", "N ssdp:alive 73", "N ssdp:alive 73",
			"N ssdp:update 783", "N ssdp:update 783", "N ssdp:alive 84", "N ssdp:alive 84",
			"M  ", "N ssdp:byebye 84", "N ssdp:byebye 84",
		}
		if !slices.Equal(got, want) {
			t.Errorf("heard %q, want %q", got, want)
		}
		if h.sockets.open != 0 {
			t.Errorf("%d sockets open", h.sockets.open)
		}
	})
}

func TestMonitorEndsWithoutSockets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome()
		h.sockets.fail = func(ssdp.Interface, netip.AddrPort) error { return syscall.EACCES }
		errs := 0
		for p, err := range h.c.Monitor(t.Context()) {
			if p != nil || !errors.Is(err, syscall.EACCES) {
				t.Errorf("%v, %v", p, err)
			}
			errs++
		}
		if errs != 3 {
			t.Errorf("%d errors, want one for each group", errs)
		}
	})
}

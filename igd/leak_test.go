package igd_test

import (
	"os"
	"runtime"
	"testing"
	"time"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/igdtest"
)

// TestNothingStaysOpen: after each call on real sockets there are as many goroutines and file
// descriptors as before it.
func TestNothingStaysOpen(t *testing.T) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("counting descriptors needs /proc")
	}
	router := emulator.New(emulator.Profile{Device: igd.V2})
	location := igdtest.Serve(t, router, igd.Server{Interface: "lo"})
	client := &igd.Client{Interfaces: []string{"lo"}}
	g, err := client.Open(t.Context(), location)
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range []struct {
		name string
		make func() error
	}{
		{"Discover", func() error { _, err := client.Discover(t.Context()); return err }},
		{"Open", func() error { _, err := client.Open(t.Context(), location); return err }},
		{"Open what is not there", func() error { client.Open(t.Context(), location+"x"); return nil }},
		{"Map", func() error { _, err := g.Map(t.Context(), wish(9542)); return err }},
		{"Mappings", func() error {
			for _, err := range igd.Mappings(t.Context(), g) {
				return err
			}
			return nil
		}},
		{"Remove", func() error { _, err := g.Remove(t.Context(), wish(9542).MappingKey); return err }},
		{"Changes broken off", func() error {
			for c, err := range g.Changes(t.Context()) {
				if c.Kind == igd.MappingsChanged || err != nil {
					return err
				}
			}
			return nil
		}},
		{"a search broken off", func() error {
			for range client.All(t.Context()) {
				break
			}
			return nil
		}},
	} {
		files, routines := settled(t)
		if err := call.make(); err != nil {
			t.Errorf("%s: %v", call.name, err)
		}
		if f, r := settled(t); f > files || r > routines {
			t.Errorf("%s: %d descriptors and %d goroutines before, %d and %d after", call.name, files, routines, f, r)
		}
	}
}

// settled counts descriptors and goroutines once the server's side of the last call is gone too:
// when two counts in a row are the same.
func settled(t *testing.T) (files, routines int) {
	for range 200 {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		f, r := len(list), runtime.NumGoroutine()
		if f == files && r == routines {
			break
		}
		files, routines = f, r
		time.Sleep(20 * time.Millisecond)
	}
	return files, routines
}

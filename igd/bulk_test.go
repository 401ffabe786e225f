package igd_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/igdtest"
)

// A meter counts what a router is asked.
type meter struct {
	inside, most     atomic.Int32
	indexed, windows atomic.Int32
	delay            time.Duration
	fail             func(call int32) bool // closes the connection of an indexed call
}

func (m *meter) quirk() emulator.Quirk {
	return emulator.Quirk{HTTP: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			m.most.Store(max(m.most.Load(), m.inside.Add(1)))
			defer m.inside.Add(-1)
			time.Sleep(m.delay)
			switch action := r.Header.Get("SOAPACTION"); {
			case strings.Contains(action, "GetGeneric"):
				if n := m.indexed.Add(1); m.fail != nil && m.fail(n) {
					panic(http.ErrAbortHandler)
				}
			case strings.Contains(action, "GetListOf"):
				m.windows.Add(1)
			}
			next.ServeHTTP(w, r)
		})
	}}
}

// stocked is a gateway whose router has mappings at the given ports, TCP and every tenth UDP.
func stocked(t *testing.T, device igd.Device, m *meter, ports []int, quirks ...emulator.Quirk) (*emulator.Router, *igd.Gateway) {
	router, gateway := igdtest.Start(t, emulator.Profile{Device: device, Size: 1 << 16, Quirks: append(quirks, m.quirk())})
	for i, port := range ports {
		key := igd.MappingKey{ExternalPort: uint16(port), Protocol: igd.TCP}
		if i%10 == 9 {
			key.Protocol = igd.UDP
		}
		stock := igd.Mapping{MappingKey: key, InternalClient: netip.MustParseAddr("192.168.1.7"), InternalPort: 8080, Lease: time.Hour}
		if err := router.AddMapping(t.Context(), stock); err != nil {
			t.Fatal(err)
		}
	}
	return router, gateway
}

func block(from, n int) (ports []int) {
	for i := range n {
		ports = append(ports, from+i)
	}
	return ports
}

func scattered(n int) []int {
	r := rand.New(rand.NewPCG(1, 2))
	ports := r.Perm(60000)[:n]
	for i := range ports {
		ports[i] += 1024
	}
	return ports
}

// complete reads the table and compares it with what is there.
func complete(t *testing.T, g *igd.Gateway, ports []int) {
	t.Helper()
	seen := map[igd.MappingKey]bool{}
	var read []int
	for m, err := range igd.Mappings(t.Context(), g) {
		if err != nil {
			t.Errorf("list: %v", err)
			continue
		}
		if seen[m.MappingKey] {
			t.Errorf("%v told twice", m)
		}
		seen[m.MappingKey] = true
		read = append(read, int(m.ExternalPort))
	}
	slices.Sort(read)
	want := slices.Sorted(slices.Values(ports))
	if !slices.Equal(read, want) {
		t.Errorf("read %d mappings, want %d", len(read), len(want))
	}
}

// TestLongLists: whatever way a long table is read, all of it is told, each entry once, with at
// most four calls at once.
func TestLongLists(t *testing.T) {
	newest, _ := emulator.Lookup("newest-first")
	for _, row := range []struct {
		name    string
		device  igd.Device
		ports   []int
		indexed int32 // calls at most
		most    int32 // at once
	}{
		{"short, one at a time", igd.V1, block(2000, 20), 30, 1},
		{"long, by index", igd.V1, block(2000, 1000), 1040, 4},
		{"long, by windows", igd.V2, block(2000, 1000), 60, 1},
		{"two clusters", igd.V2, append(block(2000, 700), block(40000, 300)...), 80, 1},
		{"at both ends of the ports", igd.V2, append(block(1, 150), block(65300, 236)...), 80, 1},
		{"scattered, by windows in vain", igd.V2, scattered(1000), 1200, 4},
		{"a few more than are trusted", igd.V2, block(2000, 26), 60, 4},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &meter{delay: time.Millisecond}
				_, g := stocked(t, row.device, m, row.ports, newest)
				complete(t, g, row.ports)
				if n := m.indexed.Load(); n > row.indexed {
					t.Errorf("%d entries asked for by index, at most %d expected", n, row.indexed)
				}
				if n := m.most.Load(); n > row.most {
					t.Errorf("%d calls at once, at most %d expected", n, row.most)
				}
			})
		})
	}
}

// TestSlowRouterIsAskedOneByOne: speed is earned.
func TestSlowRouterIsAskedOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &meter{delay: 300 * time.Millisecond}
		ports := block(2000, 100)
		_, g := stocked(t, igd.V2, m, ports)
		complete(t, g, ports)
		if m.most.Load() > 1 || m.windows.Load() > 0 {
			t.Errorf("%d calls at once, %d windows", m.most.Load(), m.windows.Load())
		}
	})
}

// TestTroubleEndsSpeed: after a cut connection the rest is read one by one, and nothing is lost.
func TestTroubleEndsSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := int32(0)
		m := &meter{delay: time.Millisecond}
		m.fail = func(call int32) bool {
			if call > 220 {
				late = max(late, m.inside.Load())
			}
			return call >= 200 && call < 204
		}
		ports := block(2000, 400)
		_, g := stocked(t, igd.V1, m, ports)
		complete(t, g, ports)
		if late > 1 {
			t.Errorf("%d calls at once after the trouble", late)
		}
	})
}

// TestBusyTable: mappings come and go during a long walk; what was there all along is told.
func TestBusyTable(t *testing.T) {
	newest, _ := emulator.Lookup("newest-first")
	for _, device := range []igd.Device{igd.V1, igd.V2} {
		t.Run(fmt.Sprint(device), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &meter{delay: time.Millisecond}
				ports := block(2000, 500)
				router, g := stocked(t, device, m, ports, newest)
				first := true
				seen := map[uint16]bool{}
				for found, err := range igd.Mappings(t.Context(), g) {
					if err != nil && err != igd.ErrTableChanged {
						t.Error(err)
					}
					if seen[found.ExternalPort] = true; first && len(seen) == 100 {
						first = false
						router.AddMapping(t.Context(), igd.Mapping{MappingKey: igd.MappingKey{ExternalPort: 1500, Protocol: igd.TCP}, InternalClient: netip.MustParseAddr("192.168.1.7"), InternalPort: 1})
						router.DeleteMapping(t.Context(), igd.MappingKey{ExternalPort: 2480, Protocol: igd.TCP})
						router.DeleteMapping(t.Context(), igd.MappingKey{ExternalPort: 2010, Protocol: igd.TCP})
					}
				}
				for _, port := range ports {
					if !seen[uint16(port)] && port != 2480 && port != 2010 {
						t.Errorf("port %d was there all along and is not told", port)
					}
				}
			})
		})
	}
}

package igdtest_test

import (
	"bytes"
	"io/fs"
	"testing"

	"upnp/igd/emulator"
	"upnp/igd/igdtest"
	"upnp/igd/wire"
	"upnp/testdata"
)

// alike are the recorded routers that do not differ from the standard in what the tests look at, or by
// no more than a leeway.
var alike = map[string]igdtest.Leeway{
	"avm-fritzbox-7490":      {NoRanges: true},
	"billion-bipac-7404vnox": {NoRanges: true},
	"cgnat-home":             {NoRanges: true},
	"dlink-dir655":           {NoRanges: true},
	"huawei-hg531":           {NoRanges: true},
	"netgear-dg834":          {NoRanges: true},
	"miniupnpd-2.3.1-igd1":   {NoRanges: true, DeleteMissing: true, WeekAtMost: true},
	"miniupnpd-2.3.1-igd2":   {DeleteMissing: true, WeekAtMost: true},
	"noisy-home":             {WeekAtMost: true},
}

// TestLikeOverMemory: a router that is like a recorded one is a gateway as much as that was.
func TestLikeOverMemory(t *testing.T) {
	for name, leeway := range alike {
		data, err := fs.ReadFile(testdata.FS, "routers/"+name+"/session.wire")
		if err != nil {
			t.Fatal(err)
		}
		log, err := wire.ReadLog(bytes.NewReader(data))
		if err != nil {
			t.Fatal(name, err)
		}
		t.Run(name, func(t *testing.T) {
			igdtest.TestBackendInBubble(t, func(t *testing.T) igdtest.Peer {
				p, err := emulator.Like(log)
				if err != nil {
					t.Fatal(err)
				}
				_, g := igdtest.Start(t, p)
				return igdtest.Peer{Backend: g, Client: g.LocalAddr(), Leeway: leeway}
			})
		})
	}
}

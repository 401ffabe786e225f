package wire_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"upnp/igd"
	"upnp/igd/wire"
	"upnp/testdata"
)

var identity = regexp.MustCompile(`(?i)<(?:UDN|serialNumber|NewExternalIPAddress)>(?:uuid:)?([^<]*)<`)

// TestReplayRouters: every recorded router can be talked to, and with stand-ins is the same router that nobody
// knows.
func TestReplayRouters(t *testing.T) {
	names, err := fs.Glob(testdata.FS, "routers/*/session.wire")
	if err != nil || len(names) == 0 {
		t.Fatal("no recordings: ", err)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			data, err := fs.ReadFile(testdata.FS, name)
			if err != nil {
				t.Fatal(err)
			}
			log, err := wire.ReadLog(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			redacted := log.Redacted()
			var file strings.Builder
			redacted.WriteTo(&file)
			for secret := range secrets(data) {
				if strings.Contains(file.String(), secret) {
					t.Errorf("%s is still there", secret)
				}
			}
			if diff := cmp.Diff(found(t, log), found(t, redacted)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// secrets are the names and public addresses in a recording.
func secrets(data []byte) map[string]bool {
	all := make(map[string]bool)
	for _, m := range identity.FindAllStringSubmatch(string(data), -1) {
		if len(m[1]) > 4 && strings.Trim(m[1], "0.-") != "" && !strings.HasPrefix(m[1], "100.64.") {
			all[m[1]] = true
		}
	}
	return all
}

// found is what a client finds in a recording, without what stand-ins change.
func found(t *testing.T, log *wire.Log) (seen []string) {
	synctest.Test(t, func(t *testing.T) {
		replay := wire.NewReplay(log)
		defer replay.Close()
		gw, err := (&igd.Client{Network: replay}).Discover(t.Context())
		if err != nil {
			seen = append(seen, "none")
			return
		}
		addr, err := gw.ExternalAddr(t.Context())
		seen = append(seen, fmt.Sprint(gw.Location(), igd.ClassOf(addr), err))
		for m, err := range igd.Mappings(t.Context(), gw) {
			seen = append(seen, fmt.Sprint(m, err))
		}
	})
	return seen
}

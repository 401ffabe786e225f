package cli

import (
	"errors"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"encoding/json"

	"github.com/google/go-cmp/cmp"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/wire"
)

// TestLike runs the commands of each recorded session against a router that is like the recorded one,
// and has its first mappings: they print the same.
func TestLike(t *testing.T) {
	for _, dir := range routerDirs(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			profile, err := emulator.Like(readRouter(t, dir))
			if errors.Is(err, emulator.ErrNoRecording) {
				t.Skip(err)
			}
			tr := readTranscript(t, filepath.Join(dir, "session.txt"))
			switch {
			case err != nil:
				t.Fatal(err)
			case tr.output("upnp info --json") == "":
				t.Skip("the session does not tell where the router was")
			}
			var got string
			synctest.Test(t, func(t *testing.T) { got = tr.replayOn(t, tr.likeNetwork(t, profile)) })
			want := loosely(strings.Join(tr.lines, ""))
			if diff := cmp.Diff(ordered(want), ordered(loosely(got))); diff != "" {
				t.Errorf("(-recorded +like it):\n%s", diff)
			}
		})
	}
}

// passing is what a router that lives has otherwise than a recording: leases that run, its ports, and with
// them the width of columns.
var passing = regexp.MustCompile(`(://[\d.]+):\d+|"(?:lease|uptime)Seconds": ?\d+|\b(?:\d+[hms])+\b *| {2,}`)

// others are the devices beside the router, which the one that is like it has not.
var others = regexp.MustCompile(`(?m)"others": \[[^\]]*\]|^[\d.]+ +(Media|Dimmable).*\n`)

func loosely(text string) string {
	return passing.ReplaceAllString(others.ReplaceAllString(text, ""), "$1")
}

// output is what the transcript has of a command.
func (tr transcript) output(command string) string {
	for i, line := range tr.lines {
		if line == "$ "+command+"\n" {
			return tr.outputAfter(i)
		}
	}
	return ""
}

// likeNetwork has a router of that profile, at the place of the recorded one and with the mappings it had.
func (tr transcript) likeNetwork(t *testing.T, profile emulator.Profile) wire.Network {
	var info struct{ Location, LocalAddress string }
	if err := json.Unmarshal([]byte(tr.output("upnp info --json")), &info); err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(info.Location)
	if err != nil {
		t.Fatal(err)
	}
	addr, err := netip.ParseAddrPort(at.Host)
	if err != nil {
		addr = netip.AddrPortFrom(netip.MustParseAddr(at.Host), 80)
	}
	lan, r := wire.NewMemory(), emulator.New(profile)
	host := lan.Host("self", netip.PrefixFrom(netip.MustParseAddr(info.LocalAddress), 24))
	host.SetGateway(addr.Addr())
	var mappings []igd.Mapping
	if err := json.Unmarshal([]byte(tr.output("upnp list --json")), &mappings); err != nil {
		t.Fatal(err)
	}
	if err := r.Put(mappings...); err != nil {
		t.Fatal(err)
	}
	serveUntilEnd(t, r, igd.Server{Network: lan.Host("router", netip.PrefixFrom(addr.Addr(), 24)), Interface: emulatedInterface, Port: addr.Port()})
	return host
}

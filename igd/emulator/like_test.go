package emulator_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net/netip"
	"path"
	"strings"
	"testing"
	"testing/synctest"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/igdtest"
	"upnp/igd/wire"
	"upnp/testdata"
)

// recordings are the sessions with routers, by name.
func recordings(t testing.TB) map[string]*wire.Log {
	t.Helper()
	names, err := fs.Glob(testdata.FS, "routers/*/session.wire")
	if err != nil || len(names) == 0 {
		t.Fatal("no recordings: ", err)
	}
	logs := map[string]*wire.Log{}
	for _, name := range names {
		data, err := fs.ReadFile(testdata.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		log, err := wire.ReadLog(bytes.NewReader(data))
		if err != nil {
			t.Fatal(name, err)
		}
		logs[path.Base(path.Dir(name))] = log
	}
	return logs
}

// TestLikeWords: at the place of the recorded router, what does not depend on the table is answered byte for
// byte as it was, and so are refusals.
func TestLikeWords(t *testing.T) {
	for name, log := range recordings(t) {
		t.Run(name, func(t *testing.T) {
			profile, err := emulator.Like(log)
			if errors.Is(err, emulator.ErrNoRecording) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) { sameWords(t, profile, log) })
		})
	}
}

func sameWords(t *testing.T, profile emulator.Profile, log *wire.Log) {
	gateway, self := mostCalled(log)
	lan := wire.NewMemory()
	client := lan.Host("self", netip.PrefixFrom(self.Addr(), 24))
	igdtest.Serve(t, emulator.New(profile), igd.Server{Network: lan.Host("router", netip.PrefixFrom(gateway.Addr(), 24)), Interface: "eth0", Port: gateway.Port()})
	asked := map[string]bool{}
	for _, x := range log.Exchanges() {
		text := string(x.Request)
		answer := string(x.Answer)
		refused := strings.Contains(answer, ">725<") || strings.Contains(answer, ">402<") && strings.Contains(text, "#Add")
		fixed := refused || strings.HasPrefix(text, "GET ") || strings.Contains(text, "#GetNATRSIPStatus") || strings.Contains(text, "#GetConnectionTypeInfo")
		if !fixed || x.Remote != gateway || asked[text] || len(x.Answer) == 0 {
			continue
		}
		asked[text] = true
		if got := exchange(t, client, gateway, x.Request); !bytes.Equal(got, x.Answer) {
			t.Errorf("%.60q is answered\n%q, was\n%q", text, got, x.Answer)
		}
	}
	if len(asked) == 0 {
		t.Error("nothing compared")
	}
}

// mostCalled is where the router of a recording takes calls, and who called.
func mostCalled(log *wire.Log) (gateway, self netip.AddrPort) {
	calls := map[netip.AddrPort]int{}
	for _, x := range log.Exchanges() {
		if bytes.HasPrefix(x.Request, []byte("POST ")) {
			if calls[x.Remote]++; calls[x.Remote] > calls[gateway] {
				gateway, self = x.Remote, x.Local
			}
		}
	}
	return gateway, self
}

// exchange sends a request and reads all that is answered.
func exchange(t *testing.T, n wire.Network, to netip.AddrPort, request []byte) []byte {
	t.Helper()
	c, err := n.Dial(t.Context(), "tcp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// TestLikeNothing: a recording without a gateway makes no router, whatever is in it.
func TestLikeNothing(t *testing.T) {
	for _, text := range []string{
		"", "0.0 1 sent tcp 1.2.3.4:1 1.2.3.5:2 5\nGET /\n",
		"0.000000 1 sent tcp 1.2.3.4:1 1.2.3.5:2 16\nGET / HTTP/1.1\r\n\n0.000001 1 received tcp 1.2.3.4:1 1.2.3.5:2 19\nHTTP/1.1 200 OK\r\n\r\n\n",
	} {
		log, _ := wire.ReadLog(strings.NewReader("upnp-wire 1 2026-01-01T00:00:00.000000Z\n" + text))
		if p, err := emulator.Like(log); !errors.Is(err, emulator.ErrNoRecording) {
			t.Errorf("%q: %+v, %v", text, p, err)
		}
	}
}

// FuzzLike: no recording makes it panic, nor the router that comes of it, in what it says of itself.
func FuzzLike(f *testing.F) {
	for _, log := range recordings(f) {
		var text bytes.Buffer
		if _, err := log.WriteTo(&text); err != nil {
			f.Fatal(err)
		}
		f.Add(text.Bytes()[:min(text.Len(), 16<<10)])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		log, _ := wire.ReadLog(bytes.NewReader(data))
		if p, err := emulator.Like(log); err == nil {
			emulator.New(p).Server(igd.Server{Network: wire.NewMemory().Host("router")})
		}
	})
}

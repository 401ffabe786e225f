//go:build linux

package lab_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"upnp/testdata/lab"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

// bin is where the programs under test are built.
var bin string

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "upnp-lab-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	bin = dir
	return lab.Main(m)
}

// The programs, built once, when they are first asked for.
var (
	upnpBinary   = building("../..", "./cmd/upnp")
	floorBinary  = building(".", "./floor")
	goupnpBinary = building("../peers", "./goupnp")
)

func building(dir, pkg string) func() (string, error) {
	return sync.OnceValues(func() (string, error) {
		out := filepath.Join(bin, filepath.Base(pkg))
		cmd := exec.Command("go", "build", "-ldflags=-s", "-o", out, pkg)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, text)
		}
		return out, nil
	})
}

func built(t testing.TB, binary func() (string, error)) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// A user sits at a host and runs upnp, which remembers things in the user's cache folder.
type user struct {
	*lab.Host
	home string
}

// newUser is someone who never ran upnp before.
func newUser(t testing.TB, h *lab.Host) user { return user{h, t.TempDir()} }

func (u user) upnp(t testing.TB, args ...string) lab.Result {
	t.Helper()
	return u.RunEnv(t, u.env(), append([]string{built(t, upnpBinary)}, args...)...)
}

func (u user) env() []string {
	return []string{"HOME=" + u.home, "XDG_CACHE_HOME=" + u.home, "XDG_CONFIG_HOME=" + u.home, "NO_COLOR=1"}
}

// must is upnp with exit status 0.
func (u user) must(t testing.TB, args ...string) lab.Result {
	t.Helper()
	r := u.upnp(t, args...)
	if r.Code != 0 {
		t.Fatalf("upnp %s", told(args, r))
	}
	return r
}

// told is how a run is told of in a failure.
func told(args []string, r lab.Result) string {
	return fmt.Sprintf("%s: exit %d after %v\n%s%s", strings.Join(args, " "), r.Code, r.Took, r.Stdout, r.Stderr)
}

// mapping has the names that the command promises to scripts.
type mapping struct {
	Protocol       string `json:"protocol"`
	ExternalPort   int    `json:"externalPort"`
	InternalClient string `json:"internalClient"`
	InternalPort   int    `json:"internalPort"`
	RemoteHost     string `json:"remoteHost"`
	Enabled        bool   `json:"enabled"`
	Description    string `json:"description"`
	LeaseSeconds   int    `json:"leaseSeconds"`
}

func parse[T any](t testing.TB, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

const helloText = "Hello from behind the router\n"

var hello = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, helloText) })

// wantOpen tells whether the page of hello can be had at a port of the router's outer address.
func wantOpen(t testing.TB, l *lab.Lab, port int, want bool) {
	t.Helper()
	text, err := l.Internet.Get(fmt.Sprintf("http://%s:%d/", l.Router.WAN, port))
	if open := err == nil && text == helloText; open != want {
		t.Errorf("from the Internet port %d is open: %v, want %v (%q, %v)", port, open, want, text, err)
	}
}

// upnpc runs miniupnpc's program, which ends with 0 or we end here.
func upnpc(t testing.TB, h *lab.Host, args ...string) string {
	t.Helper()
	r := h.Run(t, append([]string{"upnpc"}, args...)...)
	if r.Code != 0 {
		t.Fatalf("upnpc %s", told(args, r))
	}
	return r.Stdout
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}

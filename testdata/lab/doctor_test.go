//go:build linux

package lab_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"upnp/testdata/lab"
)

// A diagnosis has the names that the command promises to scripts.
type diagnosis struct {
	Seconds    float64   `json:"seconds"`
	Conclusion finding   `json:"conclusion"`
	Findings   []finding `json:"findings"`
	Gateway    *struct {
		Location string `json:"location"`
	} `json:"gateway"`
}

type finding struct {
	ID       string   `json:"id"`
	Severity string   `json:"severity"`
	What     string   `json:"what"`
	Do       string   `json:"whatToDo"`
	Evidence []string `json:"evidence"`
}

func (d diagnosis) has(id string) bool {
	return slices.ContainsFunc(d.Findings, func(f finding) bool { return f.ID == id })
}

// busy is what doctor may rightly find of a router on a machine with much else to do.
var busy = []string{"slow", "late-answer", "mapping-late", "events-silent"}

// doctor runs upnp doctor, which must conclude so and end with that exit code.
func (u user) doctor(t testing.TB, conclusion string, code int, args ...string) diagnosis {
	t.Helper()
	r := u.upnp(t, append([]string{"doctor", "--json"}, args...)...)
	d := parse[diagnosis](t, r.Stdout)
	if conclusion == "all-well" && slices.Contains(busy, d.Conclusion.ID) {
		t.Logf("concludes %q", d.Conclusion.What)
		conclusion = d.Conclusion.ID
	}
	if d.Conclusion.ID != conclusion || r.Code != code {
		t.Errorf("concludes %q, exit %d, want %q, %d\n%s", d.Conclusion.ID, r.Code, conclusion, code, told(args, r))
	}
	return d
}

// wall puts a packet filter on a host.
func wall(t *testing.T, h *lab.Host, rules ...string) {
	t.Helper()
	script := []string{"add table inet wall", "add chain inet wall in { type filter hook input priority 0; policy accept; }"}
	for _, r := range rules {
		script = append(script, "add rule inet wall in "+r)
	}
	if r := h.Run(t, "nft", strings.Join(script, "; ")); r.Code != 0 {
		t.Fatal(r.Stderr)
	}
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, lab.Options{Clients: 3, Others: 4})
	t.Run("Well", func(t *testing.T) { t.Parallel(); doctorWell(t, l, l.Clients[0]) })
	t.Run("Wall", func(t *testing.T) { t.Parallel(); doctorWalled(t, l, l.Clients[1]) })
	t.Run("WallWithMemory", func(t *testing.T) { t.Parallel(); doctorHalfWalled(t, l, l.Clients[2]) })
}

func doctorWell(t *testing.T, l *lab.Lab, c *lab.Host) {
	file := filepath.Join(t.TempDir(), "bundle.tar.gz")
	well := newUser(t, c).doctor(t, "all-well", 0, "--bundle", file)
	for _, id := range []string{"other-devices", "multicast", "public-address", "mapping", "lease"} {
		if !well.has(id) {
			t.Errorf("no %s among %+v", id, well.Findings)
		}
	}
	for _, to := range l.Router.Holds(t) {
		if strings.HasPrefix(to, c.Addr+":") {
			t.Errorf("left on the router: a mapping to %s", to)
		}
	}
	wantBundle(t, file)
}

// doctorWalled: nothing that is UDP arrives.
func doctorWalled(t *testing.T, l *lab.Lab, c *lab.Host) {
	wall(t, c, "meta l4proto udp drop")
	d := newUser(t, c).doctor(t, "replies-lost", 1)
	if !strings.Contains(strings.Join(d.Conclusion.Evidence, " "), "nftables") || d.Gateway == nil || d.Gateway.Location != l.Router.URL {
		t.Errorf("behind a wall: %+v", d)
	}
}

// doctorHalfWalled: what this host has asked for by unicast arrives.
func doctorHalfWalled(t *testing.T, l *lab.Lab, c *lab.Host) {
	wall(t, c, "ct state established,related accept", "meta l4proto udp drop")
	d := newUser(t, c).doctor(t, "multicast-lost", 0)
	if d.Gateway == nil || d.Gateway.Location != l.Router.URL {
		t.Errorf("behind a wall with memory: %+v", d)
	}
}

// wantBundle looks for the files of a bundle, and for an address that must not be in it.
func wantBundle(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for archive := tar.NewReader(unzipped); ; {
		head, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(archive)
		if err != nil || len(text) == 0 || strings.Contains(string(text), lab.WANAddr) {
			t.Errorf("%s: %d bytes, %v", head.Name, len(text), err)
		}
		names = append(names, filepath.Base(head.Name))
	}
	if want := []string{"report.txt", "report.json", "session.wire", "version.txt"}; !slices.Equal(names, want) {
		t.Errorf("the bundle has %v", names)
	}
}

func TestDoctorTwoGateways(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, lab.Options{SecondIGD: true})
	d := newUser(t, l.Clients[0]).doctor(t, "two-gateways", 0, "--read-only")
	if !strings.Contains(strings.Join(d.Conclusion.Evidence, " "), lab.Router2Addr) || d.Gateway.Location != l.Router.URL {
		t.Errorf("%+v", d)
	}
}

func TestDoctorNoGateway(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, lab.Options{NoDaemon: true})
	if d := newUser(t, l.Clients[0]).doctor(t, "upnp-off", 3); d.Seconds > 10 {
		t.Logf("took %v s", d.Seconds) // on a machine with much else to do
	}
}

// TestDoctorBehindNAT: the daemon does not tell an address that is not public, and refuses all.
func TestDoctorBehindNAT(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, lab.Options{BehindNAT: true})
	newUser(t, l.Clients[0]).doctor(t, "double-nat", 1)
}

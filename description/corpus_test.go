package description

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// corpus yields the recorded documents whose name starts with prefix. The recordings are
// not part of the module: the test is skipped where there are none.
func corpus(t *testing.T, prefix string) map[string][]byte {
	t.Helper()
	dir := os.Getenv("UPNP_CORPUS")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "recordings")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no recordings: UPNP_CORPUS is not set and %v", err)
	}
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		name := filepath.Base(path)
		if err != nil || entry.IsDir() || !strings.HasPrefix(name, prefix) || !strings.HasSuffix(name, ".xml") {
			return err
		}
		files[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestCorpusRoots(t *testing.T) {
	for path, data := range corpus(t, "rootdesc") {
		root, err := ParseRoot(data, "http://192.0.2.1:49152/dir/desc.xml")
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		for d := range root.Devices() {
			if d.Type == "" && d.FriendlyName == "" && d.UDN == "" {
				t.Errorf("%s: a device with nothing in it", path)
			}
		}
		for s := range root.Services() {
			if s.ControlURL != "" && root.URL(s.ControlURL) == "" {
				t.Errorf("%s: control URL %q does not resolve", path, s.ControlURL)
			}
		}
		checkRootRoundTrip(t, root)
	}
}

func TestCorpusSCPDs(t *testing.T) {
	for path, data := range corpus(t, "scpd") {
		scpd, err := ParseSCPD(data)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if len(scpd.Actions) == 0 && bytes.Contains(data, []byte("<action>")) {
			t.Errorf("%s: no action", path)
		}
		checkSCPDRoundTrip(t, scpd)
	}
}

// checkRootRoundTrip writes root and reads it back: the two must be equal but for Notes.
func checkRootRoundTrip(t *testing.T, root *Root) {
	t.Helper()
	var text bytes.Buffer
	if _, err := root.WriteTo(&text); err != nil {
		t.Fatalf("writing what was read: %v", err)
	}
	again, err := ParseRoot(text.Bytes(), root.Location)
	if err != nil {
		t.Fatalf("reading what was written: %v\n%s", err, &text)
	}
	want := *root
	want.Notes, again.Notes = nil, nil
	if diff := cmp.Diff(&want, again); diff != "" {
		t.Errorf("read, written, read (-first +second):\n%s\n%s", diff, &text)
	}
}

// checkSCPDRoundTrip is checkRootRoundTrip for service descriptions.
func checkSCPDRoundTrip(t *testing.T, scpd *SCPD) {
	t.Helper()
	var text bytes.Buffer
	if _, err := scpd.WriteTo(&text); err != nil {
		t.Fatalf("writing what was read: %v", err)
	}
	again, err := ParseSCPD(text.Bytes())
	if err != nil {
		t.Fatalf("reading what was written: %v\n%s", err, &text)
	}
	want := *scpd
	want.Notes, again.Notes = nil, nil
	if diff := cmp.Diff(&want, again); diff != "" {
		t.Errorf("read, written, read (-first +second):\n%s\n%s", diff, &text)
	}
}

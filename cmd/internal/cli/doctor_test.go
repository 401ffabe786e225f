package cli

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd"
	"upnp/igd/wire"
)

// unpacked are the files of a bundle.
func unpacked(t *testing.T, path string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(path, ".zip") {
		return unzipped(t, data)
	}
	plain, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for archive := tar.NewReader(plain); ; {
		head, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		files[head.Name] = string(text)
	}
}

func unzipped(t *testing.T, data []byte) map[string]string {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range archive.File {
		part, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(text)
	}
	return files
}

// TestBundle: all files are there and can be read; what tells whose network it is is in none, and
// one stand-in stands for it in all.
func TestBundle(t *testing.T) {
	for _, name := range []string{"b.tar.gz", "b.tgz", "b.zip"} {
		path := filepath.Join(t.TempDir(), name)
		var r result
		synctest.Test(t, func(t *testing.T) {
			host := transcript{router: "igd1"}.network(t)
			r = runWords(t.Context(), host, []string{"doctor", "--bundle", path}, "")
		})
		if r.code != 0 || !strings.Contains(r.stdout, "11.22.33.44 is public") {
			t.Fatalf("%+v", r)
		}
		files := unpacked(t, path)
		report, log := wantFiles(t, files)
		for name, text := range files {
			if strings.Contains(text, "11.22.33.44") || strings.Contains(text, report.Gateway.UDN) != (name != "upnp-report/version.txt" && name != "upnp-report/report.txt") {
				t.Errorf("%s of %s tells too much, or something else:\n%.2000s", name, path, text)
			}
		}
		if report.Conclusion.ID != igd.FindAllWell || len(log.Events()) < 50 {
			t.Errorf("%+v, %d events", report.Conclusion, len(log.Events()))
		}
		outside := report.WAN.Address
		if outside == "" || !strings.Contains(files["upnp-report/session.wire"], "<NewExternalIPAddress>"+outside+"<") {
			t.Errorf("outside address %q in the report, and another in the conversation", outside)
		}
	}
}

func wantFiles(t *testing.T, files map[string]string) (*igd.Report, *wire.Log) {
	t.Helper()
	report, version := &igd.Report{}, build{}
	if err := json.Unmarshal([]byte(files["upnp-report/report.json"]), report); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(files["upnp-report/version.txt"]), &version); err != nil || version.Go == "" {
		t.Errorf("%v: %+v", err, version)
	}
	log, err := wire.ReadLog(strings.NewReader(files["upnp-report/session.wire"]))
	if err != nil {
		t.Fatal(err)
	}
	if text := files["upnp-report/report.txt"]; !strings.HasPrefix(text, "All is well") {
		t.Errorf("report.txt is %q", text)
	}
	return report, log
}

// TestDoctorStreams: on a terminal findings come as they are made, and the conclusion last.
func TestDoctorStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := transcript{router: "igd1,zero-external"}.network(t)
		out := &clockedWriter{start: time.Now()}
		s := newSession(Streams{Out: out, Err: io.Discard, OutTerminal: true, Columns: 60})
		s.base = host
		if code := s.finish(t.Context(), s.main(t.Context(), []string{"doctor", "--color", "never"})); code != 0 {
			t.Errorf("exit %d", code)
		}
		s.close()
		if out.first > time.Second || out.writes < 8 {
			t.Errorf("first after %v, in %d pieces", out.first, out.writes)
		}
		text := out.String()
		last := text[strings.LastIndex(text, "\n\n"):]
		if !strings.HasPrefix(last, "\n\nThe router tells no outside address") || !strings.HasPrefix(text, "ok       eth0") {
			t.Errorf("%s", text)
		}
		for line := range strings.Lines(text) {
			if width(strings.TrimSuffix(line, "\n")) > 60 {
				t.Errorf("too wide: %q", line)
			}
		}
	})
}

// A clockedWriter keeps when it was first written to.
type clockedWriter struct {
	bytes.Buffer
	start  time.Time
	first  time.Duration
	writes int
}

func (w *clockedWriter) Write(p []byte) (int, error) {
	if w.writes++; w.writes == 1 {
		w.first = time.Since(w.start)
	}
	return w.Buffer.Write(p)
}

// TestDoctorInterrupted: ^C ends it with 130, with what was found so far, and nothing stays behind.
func TestDoctorInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := transcript{router: "igd1"}.network(t)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second) // the mapping has been made
		defer cancel()
		if r := runWords(ctx, host, []string{"doctor"}, ""); r.code != exitInterrupted || !strings.HasPrefix(r.stdout, "The examination was stopped") {
			t.Errorf("%+v", r)
		}
		if r := runWords(t.Context(), host, []string{"list"}, ""); strings.Contains(r.stdout, "doctor") {
			t.Errorf("%s", r.stdout)
		}
	})
}

package igd_test

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"unicode"
)

// A finding is a line of the table: what a recorded file is and what became of it.
type finding struct {
	path    string
	kind    string // of message, as a person reading the file would call it
	verdict string // parsed, refused, or what else befits it
	what    string // the gist of the message, or the reason for refusing it
	notes   []string
}

// A recording is a file of the corpus under examination.
type recording struct {
	*testing.T
	path  string // below the corpus
	data  []byte
	asked []byte // of an answer, the request it is the answer to; nil where that was not kept
	finding
}

// TestCorpus reads what real devices sent: every file has to be understood, or refused, as a person
// reading it would, who searches the text for what counts. The recordings are no part of the module.
// The table is kept with -artifacts, or in the file $UPNP_CORPUS_TABLE.
func TestCorpus(t *testing.T) {
	dir := corpusDir(t)
	var table []finding
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { table = append(table, examineFile(t, path, filepath.ToSlash(name))) })
		})
		return nil
	})
	if err != nil || len(table) == 0 {
		t.Fatalf("%d files in %s: %v", len(table), dir, err)
	}
	writeTable(t, table)
}

// corpusDir is where the recordings are.
func corpusDir(t *testing.T) string {
	t.Helper()
	dir := cmp.Or(os.Getenv("UPNP_CORPUS"), filepath.Join("..", "..", "shared", "recordings"))
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no recordings of devices here, see UPNP_CORPUS: %v", err)
	}
	return dir
}

func examineFile(t *testing.T, path, name string) finding {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := &recording{T: t, path: name, data: data}
	if stem, ok := strings.CutSuffix(path, ".resp"); ok {
		r.asked, _ = os.ReadFile(stem + ".req") // the answers to NOTIFYs have a number there
	}
	r.finding.path = name
	r.examine()
	if r.kind == "" || r.verdict == "" || r.what == "" {
		t.Errorf("an empty place in the table: %+v", r.finding)
	}
	return r.finding
}

// examine tells by the first words what the file is.
func (r *recording) examine() {
	if len(r.data) == 0 {
		r.is("a connection without a word", "nothing to read", "0 bytes")
		return
	}
	head := string(bytes.TrimLeft(r.data, " \t\r\n\ufeff"))
	switch first, _, _ := strings.Cut(head, "\n"); {
	case strings.HasPrefix(first, "# ") && strings.HasSuffix(r.path, ".md"):
		r.is("remarks of the collector", "left alone", first)
	case strings.HasPrefix(first, "HTTP/") && hasField(head, "ST"), strings.Contains(first, " * HTTP/1."):
		r.datagram()
	case strings.HasPrefix(first, "HTTP/"):
		r.httpAnswer()
	case strings.Contains(first, " HTTP/1."):
		r.httpRequest()
	default:
		r.document(r.data)
	}
}

func (r *recording) is(kind, verdict, what string, notes ...string) {
	r.kind, r.verdict, r.what = kind, verdict, what
	r.notes = append(r.notes, notes...)
}

// mustNote wants a line about a repair that the bytes call for.
func (r *recording) mustNote(needed bool, words string, notes []string) {
	r.Helper()
	if needed && !strings.Contains(strings.Join(notes, "\n"), words) {
		r.Errorf("no note with %q in %q", words, notes)
	}
}

// equal compares what was read with what the text says.
func (r *recording) equal(what, got, plain string) {
	r.Helper()
	if got != plain {
		r.Errorf("%s: read %q, the file says %q", what, got, plain)
	}
}

// writeTable writes a line a file, and logs how many there are of each kind.
func writeTable(t *testing.T, table []finding) {
	t.Helper()
	path := cmp.Or(os.Getenv("UPNP_CORPUS_TABLE"), filepath.Join(t.ArtifactDir(), "corpus.tsv"))
	var text strings.Builder
	text.WriteString("file\tkind\tverdict\twhat\tnotes\n")
	count := map[string]int{}
	for _, f := range table {
		count[f.kind+", "+f.verdict]++
		cells := []string{f.path, f.kind, f.verdict, f.what, cmp.Or(strings.Join(f.notes, "; "), "none")}
		for i, cell := range cells {
			cells[i] = oneCell(cell)
		}
		fmt.Fprintln(&text, strings.Join(cells, "\t"))
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files in %s: %v", len(table), path, count)
}

// oneCell keeps a text from breaking the table.
func oneCell(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.TrimSpace(text))
}

package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"upnp/igd"
)

// open opens a stream as a browser does.
func (g *target) open(ctx context.Context) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, "GET", "http://"+g.at+"/api/stream", nil)
	if err != nil {
		g.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+g.secret)
	return http.DefaultClient.Do(r)
}

// TestStream: the present comes at once and a change as it happens, to all that look.
func TestStream(t *testing.T) {
	g := serve(t)
	var streams []*bufio.Scanner
	for range 3 {
		answer, err := g.open(t.Context())
		if err != nil || answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "application/x-ndjson" {
			t.Fatal(answer, err)
		}
		defer answer.Body.Close()
		s := bufio.NewScanner(answer.Body)
		s.Buffer(nil, 1<<20)
		streams = append(streams, s)
	}
	for _, s := range streams {
		for _, want := range []string{"hello", "search", "gateway", "following", "table", "kept", "drift", "server", "check", "devices", "subscriptions"} {
			nextLine(t, s, want)
		}
	}
	body := strings.NewReader(`{"on":false}`)
	r, _ := http.NewRequestWithContext(t.Context(), "POST", "http://"+g.at+"/api/following", body)
	r.Header.Set("Authorization", "Bearer "+g.secret)
	r.Header.Set("Content-Type", "application/json")
	if answer, err := http.DefaultClient.Do(r); err != nil || answer.StatusCode != 200 {
		t.Fatal(answer, err)
	}
	for _, s := range streams {
		if l := nextLine(t, s, "following"); l["on"] != false {
			t.Errorf("%v", l)
		}
	}
}

// nextLine reads until a line of a type.
func nextLine(t *testing.T, s *bufio.Scanner, kind string) line {
	t.Helper()
	for s.Scan() {
		var l line
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			t.Fatalf("%s: %v", s.Bytes(), err)
		}
		if l["type"] == kind {
			return l
		}
	}
	t.Fatalf("no line %s: %v", kind, s.Err())
	return nil
}

// TestStreamsAreCounted: one too many is told so, and there is room again when one ends.
func TestStreamsAreCounted(t *testing.T) {
	g := serve(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var all []*http.Response
	for range maxReaders {
		answer, err := g.open(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		nextLine(t, bufio.NewScanner(answer.Body), "hello")
		all = append(all, answer)
	}
	answer, err := g.open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusServiceUnavailable || !bytes.Contains(body, []byte(`"busy"`)) {
		t.Errorf("%s: %s", answer.Status, body)
	}
	all[0].Body.Close()
	for { // the server notices soon
		answer, err := g.open(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.StatusCode == 200 {
			return
		}
	}
}

// TestSlowReader: one that takes nothing is dropped before it costs more than it may, and spared
// messages before that; others are told all.
func TestSlowReader(t *testing.T) {
	h := &hub{readers: map[*reader]struct{}{}}
	slow, _ := h.join("slow")
	quick, _ := h.join("quick")
	slow.wants["wire"], quick.wants["wire"] = true, true
	text := strings.Repeat("A", 10_000)
	told, n := 0, maxBehind/len(text)+10
	for range n {
		h.mu.Lock()
		h.tellSparing("wire", entry{Text: text}, func(int) any { return nil })
		h.mu.Unlock()
		lines, _ := h.take(quick)
		told += len(lines)
	}
	if told != n || slow.dropped || slow.missed == 0 || slow.bytes > maxBehind/3 {
		t.Errorf("quick got %d of %d; slow %d bytes, %d missed", told, n, slow.bytes, slow.missed)
	}
	for range n {
		h.update(func() []any { return []any{entry{Text: text}} })
		if lines, more := h.take(quick); len(lines) != 1 || !more {
			t.Fatal("the quick one suffers")
		}
	}
	if lines, more := h.take(slow); more || len(lines) > 0 {
		t.Error("not dropped")
	}
}

// TestTableOf5000 is told in parts that none of the limits of a stream stands in the way of.
func TestTableOf5000(t *testing.T) {
	tb := &table{rows: map[string]row{}, state: "ready"}
	for i := range 5000 {
		tb.put(newRow(mapping(uint16(i+1), igd.TCP, otherAt, "many of them"), nil))
	}
	lines, seen, size := tb.present(), 0, 0
	for i, l := range lines {
		part := l.(tableLine)
		if part.From != seen || len(part.Mappings) > partRows || (part.State == "ready") != (i == len(lines)-1) {
			t.Errorf("part %d from %d with %d rows, %s", i, part.From, len(part.Mappings), part.State)
		}
		seen += len(part.Mappings)
		size += len(encode(l))
	}
	if seen != 5000 || size > maxBehind/2 || lines[len(lines)-1].(tableLine).Count != 5000 {
		t.Errorf("%d rows in %d bytes", seen, size)
	}
}

// maxAssets is what page, script and style may take together.
const maxAssets = 150_000

func TestAssets(t *testing.T) {
	outside := regexp.MustCompile(`https?://[a-z]|["'(]//|\burl\(|@import|<style|<base|javascript:|\son[a-z]+=|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc`)
	size := 0
	err := fs.WalkDir(Assets(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(Assets(), name)
		if err != nil {
			return err
		}
		if contentTypes[path.Ext(name)] == "" {
			t.Errorf("%s: nobody can get it", name)
		}
		size += len(data)
		for i, l := range strings.Split(string(data), "\n") {
			if found := outside.FindString(l); found != "" && !strings.Contains(l, "www.w3.org/2000/svg") {
				t.Errorf("%s:%d: %q", name, i+1, found)
			}
		}
		return nil
	})
	if err != nil || size > maxAssets {
		t.Errorf("%v, %d bytes, want at most %d", err, size, maxAssets)
	}
	t.Logf("%d bytes", size)
}

// TestAssetsFromElsewhere: --assets serves what is in a folder, and nothing beside it.
func TestAssetsFromElsewhere(t *testing.T) {
	files := fstest.MapFS{"index.html": {Data: []byte("<p>other")}, "x.txt": {Data: []byte("x")}}
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		static(files)(w, httptest.NewRequest("GET", path, nil))
		return w.Code, w.Body.String()
	}
	if code, body := get("/"); code != 200 || body != "<p>other" {
		t.Error(code, body)
	}
	for _, path := range []string{"/x.txt", "/none.js", "/../stream.go"} {
		if code, body := get(path); code != 404 || body != "" {
			t.Error(path, code, body)
		}
	}
}

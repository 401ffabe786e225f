package web

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd"
	"upnp/igd/emulator"
	"upnp/igd/wire"
)

var (
	routerAt = netip.MustParsePrefix("192.168.1.1/24")
	selfAt   = netip.MustParsePrefix("192.168.1.2/24")
	otherAt  = netip.MustParseAddr("192.168.1.20")
)

// A world is a page with an emulated router and somebody who looks, in a bubble.
type world struct {
	*testing.T
	page    *page
	handler http.Handler
	lan     *wire.Memory
	self    *wire.Host
	reader  *reader
	end     func()

	last map[string]line   // of each type
	rows map[string]row    // as the page has them
	told map[string][]line // all lines of a type
}

// A line is one of the stream.
type line = map[string]any

// inWorld runs a test in a bubble, after the gateway has been read. Change may alter the server
// before it starts.
func inWorld(t *testing.T, change func(*Server), test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, change)
		w.wait(time.Second)
		test(t, w)
	})
}

func newWorld(t *testing.T, change func(*Server)) *world {
	lan := wire.NewMemory()
	w := &world{T: t, lan: lan, self: lan.Host("self", selfAt), last: map[string]line{}, rows: map[string]row{}, told: map[string][]line{}}
	w.self.SetGateway(routerAt.Addr())
	s := &Server{Client: igd.Client{Network: w.self}, Version: "test", Emulator: &Emulator{
		Profile: emulator.Profile{Name: "test", Device: igd.V2}, Other: otherAt,
		Server:   igd.Server{Network: lan.Host("router", routerAt), Interface: "eth0", Port: 5000, MaxDelay: 50 * time.Millisecond},
		Mappings: []igd.Mapping{mapping(8080, igd.TCP, selfAt.Addr(), "web server"), mapping(6881, igd.TCP, otherAt, "other")},
	}}
	if change != nil {
		change(s)
	}
	ctx, stop := context.WithCancel(context.Background())
	w.page = newPage(ctx, s)
	w.handler = w.page.handler()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.page.run(ctx)
	}()
	w.join()
	w.end = func() { stop(); <-ended }
	t.Cleanup(w.end)
	return w
}

// join is opening the page.
func (w *world) join() {
	var present []any
	w.reader, present = w.page.hub.join("reader")
	if w.reader == nil {
		w.Fatal("too many readers")
	}
	for _, v := range present {
		w.take(encode(v))
	}
}

func mapping(port uint16, p igd.Protocol, client netip.Addr, description string) igd.Mapping {
	return igd.Mapping{
		MappingKey:     igd.MappingKey{ExternalPort: port, Protocol: p},
		InternalClient: client, InternalPort: port, Description: description,
	}
}

// wait lets time pass and takes what was told.
func (w *world) wait(d time.Duration) {
	w.Helper()
	time.Sleep(d)
	synctest.Wait()
	lines, more := w.page.hub.take(w.reader)
	if !more {
		w.Fatal("the reader was dropped")
	}
	for _, l := range lines {
		w.take(l)
	}
}

// take does with a line what the page does.
func (w *world) take(data []byte) {
	w.Helper()
	var l line
	if err := json.Unmarshal(data, &l); err != nil || !bytes.HasSuffix(data, []byte("\n")) {
		w.Fatalf("line %q: %v", data, err)
	}
	kind := l["type"].(string)
	w.last[kind] = l
	w.told[kind] = append(w.told[kind], l)
	switch kind {
	case "table":
		if l["from"].(float64) == 0 {
			w.rows = map[string]row{}
		}
		w.put(l["mappings"])
	case "change":
		c := l["change"].(line)
		for _, r := range rowsOf(c["removed"]) {
			delete(w.rows, r.ID)
		}
		w.put(c["added"])
	}
}

func (w *world) put(v any) {
	for _, r := range rowsOf(v) {
		w.rows[r.ID] = r
	}
}

// rowsOf reads rows again as what they are.
func rowsOf(v any) []row {
	data, _ := json.Marshal(v)
	var all []row
	if json.Unmarshal(data, &all) != nil {
		return nil
	}
	return all
}

// as reads part of a line as a type.
func as[T any](t testing.TB, v any) (out T) {
	t.Helper()
	data, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		t.Fatalf("%v: %v", v, err)
	}
	return out
}

// send sends a request as the page does.
func (w *world) send(method, path, kind string, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec
}

// post calls and wants a status.
func (w *world) post(path, body string, status int) line {
	w.Helper()
	return w.answer(path, w.send("POST", path, "application/json", []byte(body)), status)
}

func (w *world) get(path string, status int) line {
	w.Helper()
	return w.answer(path, w.send("GET", path, "", nil), status)
}

func (w *world) answer(path string, rec *httptest.ResponseRecorder, status int) line {
	w.Helper()
	if rec.Code != status {
		w.Fatalf("%s: status %d, want %d: %s", path, rec.Code, status, rec.Body)
	}
	var l line
	if err := json.Unmarshal(rec.Body.Bytes(), &l); err != nil {
		w.Fatalf("%s: %q: %v", path, rec.Body, err)
	}
	return l
}

// job calls and waits until the job is over.
func (w *world) job(path, body string) job {
	w.Helper()
	id := w.post(path, body, http.StatusAccepted)["job"]
	for range 600 {
		w.wait(100 * time.Millisecond)
		for i := range w.told["job"] {
			l := w.told["job"][len(w.told["job"])-1-i]
			j := as[job](w, l["job"])
			if j.ID != id {
				continue
			}
			if j.over() {
				return j
			}
			break
		}
	}
	w.Fatalf("%s: not over: %v", path, w.last["job"])
	return job{}
}

// want compares what is in the table of the page, by ids.
func (w *world) want(ids ...string) {
	w.Helper()
	for _, id := range ids {
		if _, there := w.rows[id]; !there {
			w.Errorf("%s is not in the table", id)
		}
	}
	if len(w.rows) != len(ids) {
		w.Errorf("%d rows, want %v: %v", len(w.rows), ids, w.rows)
	}
	table := w.page.bench.now().Table()
	if len(table) != len(ids) {
		w.Errorf("the router has %v, want %v", table, ids)
	}
}

func failureIn(t testing.TB, l line) failure {
	t.Helper()
	f := as[failure](t, l)
	if f.Error == "" || f.Kind == "" {
		t.Errorf("%v is no failure", l)
	}
	return f
}

func contains(t testing.TB, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("%q lacks %q", text, part)
	}
}

package wire_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"upnp/igd/wire"
)

// TestRecorderTurns: full files are kept, three of them, and each can be read by itself; what was open
// already is told in each.
func TestRecorderTurns(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.wire")
	r, err := wire.Create(name, 3000)
	if err != nil {
		t.Fatal(err)
	}
	tell := newTeller(r.Record)
	tell.tell(1, wire.Accepted, "tcp", "")
	tell.tell(2, wire.Opened, "udp", "")
	tell.tell(3, wire.Opened, "tcp", "")
	tell.tell(3, wire.Closed, "tcp", "")
	for i := range 40 {
		tell.tell(1, wire.Received, "tcp", fmt.Sprintf("GET /%02d HTTP/1.1\r\n\r\n", i))
		tell.tell(1, wire.Sent, "tcp", "HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n"+strings.Repeat("x", 400))
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	last := 0
	for _, file := range []string{name + ".3", name + ".2", name + ".1", name} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		log, err := wire.ReadLog(bytes.NewReader(data))
		if err != nil || len(data) > 3000 {
			t.Fatalf("%s: %d bytes, %v", file, len(data), err)
		}
		x := log.Exchanges()
		if len(x[0].Request) == 0 { // the answer to the last in the file before
			x = x[1:]
		}
		first := 0
		fmt.Sscanf(string(x[0].Request), "GET /%d", &first)
		if !x[0].Incoming || last > 0 && first != last+1 || log.Events()[1].Net != "udp" || log.Events()[2].Flow != 1 {
			t.Errorf("%s begins with %+v", file, x[0])
		}
		fmt.Sscanf(string(x[len(x)-1].Request), "GET /%d", &last)
	}
	if _, err := os.Stat(name + ".4"); last != 39 || err == nil {
		t.Errorf("the last request is %d, and a fourth file is there: %v", last, err == nil)
	}
}

// TestRecorderKilled: what is a second old is in the file, without a Close.
func TestRecorderKilled(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.wire")
	synctest.Test(t, func(t *testing.T) {
		r, err := wire.Create(name, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range sampleEvents() {
			r.Record(e)
		}
		time.Sleep(time.Second)
		data, _ := os.ReadFile(name)
		if diff := cmp.Diff(sampleLog, string(data)); diff != "" {
			t.Error(diff)
		}
		r.Close()
		r.Record(sampleEvents()[0])
	})
}

// TestRecorderFull: a full disk ends the recording and is told.
func TestRecorderFull(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	r, err := wire.Create("/dev/full", 100)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		r.Record(sampleEvents()[1])
	}
	if r.Close() == nil {
		t.Error("no error")
	}
	if _, err := os.Stat("/dev/full.1"); err == nil {
		t.Error("a device was renamed")
	}
	if _, err := wire.Create(filepath.Join(t.TempDir(), "no", "x"), 0); err == nil {
		t.Error("no error")
	}
}

// TestRecorderMemory: a recording of any length takes no memory.
func TestRecorderMemory(t *testing.T) {
	r, err := wire.Create(filepath.Join(t.TempDir(), "x.wire"), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	tell := newTeller(r.Record)
	line := strings.Repeat("x", 1000)
	step := func() {
		for range 2000 {
			tell.tell(1, wire.Opened, "tcp", "")
			tell.tell(1, wire.Sent, "tcp", line)
			tell.tell(1, wire.Closed, "tcp", "")
		}
	}
	step()
	before := heap()
	for range 10 {
		step()
	}
	if grown := int64(heap()) - int64(before); grown > 4<<20 {
		t.Errorf("%d bytes more are held", grown)
	}
	if n := testing.AllocsPerRun(1000, func() { r.Record(sampleEvents()[3]) }); n > 12 { // sampleEvents itself makes eight
		t.Errorf("%.0f allocations for an event", n)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

package igd_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"upnp/igd"
)

func record(id uint16, last string, lease time.Duration) igd.PinholeRecord {
	now := time.Now().Truncate(time.Second)
	return igd.PinholeRecord{Router: "uuid:r", Host: "fd00::1", ID: id, Pinhole: pinholeTo(last), Made: now, Ends: now.Add(lease)}
}

func ids(l *igd.Ledger) (all []uint16) {
	for _, r := range l.Records() {
		all = append(all, r.ID)
	}
	return all
}

func TestLedger(t *testing.T) {
	for name, path := range map[string]string{"in a file": filepath.Join(t.TempDir(), "state", "pinholes.json"), "in memory": ""} {
		t.Run(name, func(t *testing.T) {
			l := &igd.Ledger{Path: path}
			for _, r := range []igd.PinholeRecord{
				record(1, "7", time.Hour), record(2, "8", time.Hour), record(3, "9", -time.Second),
				record(4, "8", time.Hour), // the same pinhole after a restart of the router
				record(1, "7", 2*time.Hour),
			} {
				if err := l.Put(r); err != nil {
					t.Fatal(err)
				}
			}
			if got := ids(l); !slices.Equal(got, []uint16{4, 1}) {
				t.Errorf("it holds %v, want 4 and 1", got)
			}
			if err := l.Remove("UUID:R", 4); err != nil {
				t.Fatal(err)
			}
			again := l
			if path != "" {
				again = &igd.Ledger{Path: path}
			}
			if got := again.Records(); len(got) != 1 || !got[0].Same(pinholeTo("7")) || got[0].Ends.Sub(got[0].Made) != 2*time.Hour {
				t.Errorf("it holds %+v", got)
			}
		})
	}
}

// Whatever is in its place, a ledger works, except that a newer one is not written over.
func TestLedgerFiles(t *testing.T) {
	for name, content := range map[string]string{
		"empty": "", "cut": `{"version":1,"pinholes":[{"router"`, "other": `[1,2]`, "noise": "\x00\xff", "null": "null",
		"large": strings.Repeat(" ", 1<<20+1), "no address": `{"version":1,"pinholes":[{"id":70000}]}`,
	} {
		path := filepath.Join(t.TempDir(), "pinholes.json")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		l := &igd.Ledger{Path: path}
		if got := l.Records(); len(got) != 0 {
			t.Errorf("%s: holds %v", name, got)
		}
		if err := l.Put(record(1, "7", time.Hour)); err != nil || len(l.Records()) != 1 {
			t.Errorf("%s: %v, then holds %v", name, err, l.Records())
		}
	}
	path := filepath.Join(t.TempDir(), "pinholes.json")
	newer := []byte(`{"version":2,"pinholes":{}}`)
	if err := os.WriteFile(path, newer, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (&igd.Ledger{Path: path}).Put(record(1, "7", time.Hour)); err == nil {
		t.Error("a ledger of a newer version was written over")
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != string(newer) {
		t.Errorf("it is now %q, %v", now, err)
	}
}

// Programs that write at the same time lose nothing of each other.
func TestLedgerShared(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pinholes.json")
	var work sync.WaitGroup
	for i := range 4 {
		work.Go(func() {
			r := record(uint16(i+1), "7", time.Hour)
			r.InternalPort += uint16(i)
			if err := (&igd.Ledger{Path: path}).Put(r); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	if got := ids(&igd.Ledger{Path: path}); len(got) != 4 {
		t.Errorf("it holds %v, want all four", got)
	}
}

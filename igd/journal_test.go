package igd

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var sameOwned = cmp.Options{cmpopts.EquateComparable(netip.Addr{}), cmpopts.IgnoreFields(owned{}, "Time", "Version")}

func ownedAt(port uint16, state string) owned {
	o := owned{State: state, Router: "uuid:r", Host: "192.168.1.1"}
	o.set(Mapping{MappingKey: MappingKey{ExternalPort: port, Protocol: TCP}, InternalClient: netip.MustParseAddr("192.168.1.7"), InternalPort: port, Description: "x\ny"})
	return o
}

func mustOpen(t *testing.T, path string) *journal {
	t.Helper()
	j, _, err := openJournal(path, systemDisk{})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// story writes a journal in steps and returns its text with the entries as they were after each.
func story(t *testing.T) (text []byte, after []map[uint64]owned) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dir", "journal")
	j := mustOpen(t, path)
	defer j.close()
	note := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		now := map[uint64]owned{}
		for id, o := range j.entries {
			now[id] = o
		}
		after = append(after, now)
	}
	note(nil)
	a, err := j.add(ownedAt(1, stateIntent))
	note(err)
	a.State = stateLive
	note(j.put(a))
	b, err := j.add(ownedAt(2, stateIntent))
	note(err)
	a.State = stateLeaving
	note(j.put(a))
	note(j.end(a))
	b.State = stateLive
	note(j.put(b))
	if text, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	dir, dirErr := os.Stat(filepath.Dir(path))
	if err != nil || dirErr != nil || info.Mode().Perm() != 0o600 || dir.Mode().Perm() != 0o700 {
		t.Errorf("modes %v and %v, %v %v", info.Mode(), dir.Mode(), err, dirErr)
	}
	return text, after
}

// TestJournalTruncated: a file that ends anywhere is what it was after the last whole record.
func TestJournalTruncated(t *testing.T) {
	text, after := story(t)
	path := filepath.Join(t.TempDir(), "journal")
	for n := range len(text) + 1 {
		records := 0
		for _, c := range text[:n] {
			if c == '\n' {
				records++
			}
		}
		os.RemoveAll(path + ".1")
		if err := os.WriteFile(path, text[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		j, notes, err := openJournal(path, systemDisk{})
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if diff := cmp.Diff(after[records], j.entries, sameOwned, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%d bytes: %s", n, diff)
		}
		if torn := n > 0 && text[n-1] != '\n'; torn != (len(notes) == 1) {
			t.Errorf("%d bytes: notes %q", n, notes)
		}
		if n%16 != 0 {
			j.close()
			continue
		}
		// What is written next makes the file whole.
		if _, err := j.add(ownedAt(3, stateLive)); err != nil {
			t.Fatal(err)
		}
		j.close()
		again, notes, err := openJournal(path, systemDisk{})
		if err != nil || len(notes) != 0 || len(again.entries) != len(after[records])+1 {
			t.Fatalf("%d bytes and one more record: %v, %q, %v", n, again.entries, notes, err)
		}
		again.close()
	}
}

// TestJournalBitFlips: damage never makes an entry that was not written, and costs one record.
func TestJournalBitFlips(t *testing.T) {
	text, after := story(t)
	last := after[len(after)-1]
	known := map[string]bool{}
	for _, entries := range after {
		for _, o := range entries {
			known[fmt.Sprint(o.ID, o.State, o.key(), o.Client, o.Internal)] = true
		}
	}
	for i := range len(text) * 8 {
		data := append([]byte(nil), text...)
		data[i/8] ^= 1 << (i % 8)
		j := &journal{entries: map[uint64]owned{}}
		whole, _ := j.replay(data)
		if whole {
			t.Fatalf("bit %d: taken for whole", i)
		}
		for id, o := range j.entries {
			if !known[fmt.Sprint(o.ID, o.State, o.key(), o.Client, o.Internal)] {
				t.Fatalf("bit %d made %+v", i, o)
			}
			if _, ok := last[id]; !ok && id != 1 {
				t.Fatalf("bit %d: entry %d is back", i, id)
			}
		}
		if _, ok := j.entries[2]; !ok {
			t.Fatalf("bit %d: the entry that lives is lost", i)
		}
	}
}

// TestJournalSetAside: a damaged file is kept under another name, and what can be read is used,
// the previous generation included.
func TestJournalSetAside(t *testing.T) {
	text, _ := story(t)
	path := filepath.Join(t.TempDir(), "journal")
	bad := append([]byte("00000000 {}\n"), text...)
	older := ownedAt(9, stateLive)
	older.ID, older.Version = 77, journalVersion
	for name, data := range map[string][]byte{path: bad, path + ".1": appendRecord(nil, older)} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	j, notes, err := openJournal(path, systemDisk{})
	if err != nil || len(notes) != 1 || len(j.entries) != 2 || j.next != 78 {
		t.Fatalf("%+v, %q, %v", j.entries, notes, err)
	}
	j.close()
	if kept, err := os.ReadFile(path + ".bad"); err != nil || string(kept) != string(bad) {
		t.Error("the damaged file is not what it was: ", err)
	}
}

func TestJournalRefuses(t *testing.T) {
	dir := t.TempDir()
	text, _ := story(t)
	target := filepath.Join(dir, "target")
	if err := os.WriteFile(target, text, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(target, link); err != nil {
		t.Skip(err)
	}
	folder := filepath.Join(dir, "folder")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, folder} {
		if j, _, err := openJournal(path, systemDisk{}); err == nil {
			j.close()
			t.Errorf("%s was opened", path)
		}
	}
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, make([]byte, maxJournal+1), 0o600); err != nil {
		t.Fatal(err)
	}
	j, notes, err := openJournal(large, systemDisk{})
	if err != nil || len(notes) != 1 || len(j.entries) != 0 {
		t.Fatalf("too large a file: %q, %v", notes, err)
	}
	j.close()
}

// TestJournalInUse (F21): a second keeper is refused at once, and not when the first has ended.
func TestJournalInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	first := mustOpen(t, path)
	if second, _, err := openJournal(path, systemDisk{}); !errors.Is(err, ErrJournalInUse) {
		t.Errorf("a second one: %v, %v", second, err)
	}
	first.close()
	mustOpen(t, path).close()
}

// A poorDisk fails at its nth call and, if it is full, from then on.
type poorDisk struct {
	systemDisk
	calls, fails int
	full         bool
}

var errPoor = errors.New("no space left")

func (d *poorDisk) fail() error {
	d.calls++
	if d.calls == d.fails || d.full && d.calls > d.fails {
		return errPoor
	}
	return nil
}

func (d *poorDisk) open(open func(string) (diskFile, error), path string) (diskFile, error) {
	if err := d.fail(); err != nil {
		return nil, err
	}
	f, err := open(path)
	return &poorFile{f, d}, err
}

func (d *poorDisk) Create(path string) (diskFile, error) { return d.open(d.systemDisk.Create, path) }
func (d *poorDisk) Append(path string) (diskFile, error) { return d.open(d.systemDisk.Append, path) }

func (d *poorDisk) Rename(from, to string) error {
	if err := d.fail(); err != nil {
		return err
	}
	return d.systemDisk.Rename(from, to)
}

func (d *poorDisk) Sync(dir string) error {
	if err := d.fail(); err != nil {
		return err
	}
	return d.systemDisk.Sync(dir)
}

type poorFile struct {
	diskFile
	d *poorDisk
}

// Write writes half of what it fails to write.
func (f *poorFile) Write(p []byte) (int, error) {
	if err := f.d.fail(); err != nil {
		n, _ := f.diskFile.Write(p[:len(p)/2])
		return n, err
	}
	return f.diskFile.Write(p)
}

func (f *poorFile) Sync() error {
	if err := f.d.fail(); err != nil {
		return err
	}
	return f.diskFile.Sync()
}

// TestJournalPoorDisk: whichever call fails, once or from then on, the entries in memory are
// right, and what is on the disk is a state that was; once the disk works, it is the present.
func TestJournalPoorDisk(t *testing.T) {
	for _, full := range []bool{false, true} {
		for n := 1; ; n++ {
			d := &poorDisk{fails: n, full: full}
			if done := poorStory(t, d); done {
				if n < 10 {
					t.Errorf("only %d calls", n)
				}
				break
			}
		}
	}
}

func poorStory(t *testing.T, d *poorDisk) (done bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal")
	j, _, err := openJournal(path, d)
	if err != nil {
		t.Fatal(err)
	}
	step := func() {
		t.Helper()
		copied := filepath.Join(t.TempDir(), "journal")
		for _, suffix := range []string{"", ".1"} {
			if data, err := os.ReadFile(path + suffix); err == nil {
				os.WriteFile(copied+suffix, data, 0o600)
			}
		}
		seen := mustOpen(t, copied) // as after a crash here
		defer seen.close()
		for _, o := range seen.entries {
			if o.External == 0 {
				t.Fatalf("call %d: %+v", d.fails, o)
			}
		}
	}
	a, _ := j.add(ownedAt(1, stateIntent))
	step()
	a.State = stateLive
	j.put(a)
	step()
	b, _ := j.add(ownedAt(2, stateIntent))
	j.broken = true // as if it had grown
	b.State = stateLive
	j.put(b)
	step()
	j.end(a)
	step()
	if len(j.entries) != 1 || j.entries[b.ID].State != stateLive {
		t.Fatalf("call %d: in memory are %v", d.fails, j.entries)
	}
	done = d.calls < d.fails
	d.full, d.fails = false, 0
	b.Lease = 1
	if err := j.put(b); err != nil {
		t.Fatalf("call %d: a disk that works again: %v", d.fails, err)
	}
	want := j.entries
	j.close()
	again := mustOpen(t, path)
	defer again.close()
	if diff := cmp.Diff(want, again.entries, sameOwned); diff != "" {
		t.Fatalf("call %d: on the disk are %s", d.fails, diff)
	}
	return done
}

func FuzzJournal(f *testing.F) {
	o := ownedAt(5, stateLive)
	o.ID, o.Version = 3, journalVersion
	f.Add(appendRecord(nil, o))
	f.Add([]byte("00000000 {}\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		j := &journal{entries: map[uint64]owned{}}
		j.replay(data)
		var text []byte
		for _, o := range j.all() {
			text = appendRecord(text, o)
		}
		back := &journal{entries: map[uint64]owned{}}
		if whole, _ := back.replay(text); !whole {
			t.Fatalf("%q is not read back whole", text)
		}
		if diff := cmp.Diff(j.entries, back.entries, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Fatal(diff)
		}
	})
}

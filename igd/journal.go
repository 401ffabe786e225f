package igd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// ErrJournalInUse is in the error of a Keeper whose journal another one writes.
var ErrJournalInUse = errors.New("another keeper uses this journal")

// Limits of a journal file (SECURITY section 6).
const (
	maxJournal     = 4 << 20 // a larger file is set aside unread
	compactAt      = 1 << 20 // bytes after which the file is written anew
	maxStray       = 1000    // entries of routers that are elsewhere
	strayAge       = 30 * 24 * time.Hour
	journalVersion = 1
)

// States of a journal entry, in their order (SECURITY section 8, rule 2).
const (
	stateIntent  = "intent"  // about to be asked for: it may be there
	stateLive    = "live"    // read back
	stateLeaving = "leaving" // about to be removed: it may still be there
	stateGone    = "gone"    // not ours any more; only in files, to end an entry
)

// An owned is a mapping that is, or may be, on a router because of us.
type owned struct {
	ID     uint64    `json:"id"`
	State  string    `json:"state"`
	Router string    `json:"router,omitempty"` // UDN
	Host   string    `json:"host,omitempty"`   // the router's address
	Any    bool      `json:"any,omitempty"`    // of an intent: the router may have chosen another port
	Time   time.Time `json:"time"`             // of the last change; for ageing only

	Protocol   Protocol      `json:"protocol,omitempty"`
	RemoteHost string        `json:"remoteHost,omitempty"`
	External   uint16        `json:"external,omitempty"`
	Client     netip.Addr    `json:"client,omitzero"`
	Internal   uint16        `json:"internal,omitempty"`
	Tag        string        `json:"tag,omitempty"`
	Lease      time.Duration `json:"lease,omitempty"`

	Version int `json:"v"`
}

func (o owned) key() MappingKey { return MappingKey{o.RemoteHost, o.External, o.Protocol} }

// matches reports whether m is what the entry is about. The description is no proof: routers cut
// and change it.
func (o owned) matches(m Mapping) bool {
	return m.ExternalPort == o.External && m.Protocol == o.Protocol && m.InternalPort == o.Internal &&
		m.InternalClient == o.Client
}

// set makes the entry about m.
func (o *owned) set(m Mapping) {
	o.Protocol, o.RemoteHost, o.External = m.Protocol, m.RemoteHost, m.ExternalPort
	o.Client, o.Internal, o.Tag, o.Lease = m.InternalClient, m.InternalPort, m.Description, m.Lease
}

// A journal remembers what may be ours on routers, across crashes: each change is on the disk
// before the router hears of it. A disk that fails costs memory of crashes and nothing else: the
// entries are kept here, and written when it works again.
//
// The file is a line for each change: a checksum, a blank and a JSON object.
type journal struct {
	path    string // empty: kept in memory only
	disk    disk
	lock    *os.File
	file    diskFile
	size    int64
	broken  bool // the file is not what it should be: write it anew
	entries map[uint64]owned
	next    uint64
}

// openJournal reads what is there and takes hold of the file. Notes say what was wrong with it.
func openJournal(path string, d disk) (j *journal, notes []string, err error) {
	j = &journal{path: path, disk: d, entries: map[uint64]owned{}, next: 1}
	if path == "" {
		return j, nil, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, nil, fmt.Errorf("igd: journal: %w", err)
	}
	if j.lock, err = takeLock(path+".lock", journalPatience); err != nil {
		return nil, nil, fmt.Errorf("igd: journal %s: %w", path, err)
	}
	if notes, err = j.load(); err != nil {
		j.close()
		return nil, nil, fmt.Errorf("igd: journal: %w", err)
	}
	j.age(time.Now())
	return j, notes, nil
}

// journalPatience is for a keeper that was killed, which lets go of its journal only when the last
// of its threads is gone.
const journalPatience = 450 * time.Millisecond

// takeLock locks a file, with a little patience.
func takeLock(path string, patience time.Duration) (*os.File, error) {
	const pause = 50 * time.Millisecond
	for ; ; patience -= pause {
		f, err := lockJournal(path)
		if patience <= 0 || !errors.Is(err, ErrJournalInUse) {
			return f, err
		}
		time.Sleep(pause)
	}
}

// load fills the entries from the file, or from its previous generation.
func (j *journal) load() (notes []string, err error) {
	data, err := j.read(j.path)
	bad := ""
	switch {
	case errors.Is(err, os.ErrNotExist):
		old, oldErr := j.read(j.path + ".1")
		if oldErr == nil {
			j.replay(old)
			j.broken = true
		}
		return nil, nil
	case errors.Is(err, errTooLarge):
		bad = "too large"
	case err != nil:
		return nil, err
	default:
		whole, torn := j.replay(data)
		if whole {
			j.size, j.broken = int64(len(data)), len(data) > compactAt
			return nil, nil
		}
		if torn {
			j.broken = true
			return []string{"the end of the journal was cut off by a crash"}, nil
		}
		bad = "damaged"
	}
	if old, oldErr := j.read(j.path + ".1"); oldErr == nil {
		j.underlay(old)
	}
	j.broken = true
	aside := j.path + ".bad"
	if err := j.disk.Rename(j.path, aside); err != nil {
		return nil, err
	}
	return []string{fmt.Sprintf("the journal was %s and is now %s; %d entries could be read", bad, aside, len(j.entries))}, nil
}

var errTooLarge = errors.New("too large")

func (j *journal) read(path string) ([]byte, error) { return readFile(path, maxJournal) }

// readFile reads a regular file that is not reached through a symbolic link.
func readFile(path string, limit int64) ([]byte, error) {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file", path)
	case info.Size() > limit:
		return nil, errTooLarge
	}
	return os.ReadFile(path)
}

// replay applies the records of a file. It is not whole if any cannot be read, and torn if that
// is the last one only.
func (j *journal) replay(data []byte) (whole, torn bool) {
	for len(data) > 0 {
		line, rest, ended := bytes.Cut(data, []byte("\n"))
		o, ok := parseRecord(line)
		if !ended || !ok {
			j.salvage(rest)
			return false, len(rest) == 0
		}
		j.apply(o)
		data = rest
	}
	return true, false
}

// salvage applies what is readable behind damage.
func (j *journal) salvage(data []byte) {
	for line := range bytes.Lines(data) {
		if o, ok := parseRecord(bytes.TrimSuffix(line, []byte("\n"))); ok && bytes.HasSuffix(line, []byte("\n")) {
			j.apply(o)
		}
	}
}

// underlay adds entries of an older file that the newer one says nothing of.
func (j *journal) underlay(data []byte) {
	old := &journal{entries: map[uint64]owned{}}
	old.salvage(data)
	for id, o := range old.entries {
		if _, known := j.entries[id]; !known {
			j.apply(o)
		}
	}
}

func (j *journal) apply(o owned) {
	j.next = max(j.next, o.ID+1)
	if o.State == stateGone {
		delete(j.entries, o.ID)
		return
	}
	j.entries[o.ID] = o
}

// age forgets what was left on routers that nobody has seen for long.
func (j *journal) age(now time.Time) {
	maps.DeleteFunc(j.entries, func(_ uint64, o owned) bool { return now.Sub(o.Time) > strayAge && o.State != stateLive })
	all := j.all()
	for _, o := range all[:max(0, len(all)-maxStray)] {
		if o.State == stateLeaving {
			delete(j.entries, o.ID)
		}
	}
}

// all are the entries, the oldest first.
func (j *journal) all() []owned {
	return slices.SortedFunc(maps.Values(j.entries), func(a, b owned) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
}

// add makes an entry of its own for o.
func (j *journal) add(o owned) (owned, error) {
	o.ID = j.next
	j.next++
	return o, j.put(o)
}

// put notes the entries as they are now, all at once. The error is the disk's; what was put is
// known here in any case.
func (j *journal) put(entries ...owned) error {
	var text []byte
	for i := range entries {
		o := &entries[i]
		o.Time, o.Version = time.Now().UTC().Truncate(time.Second), journalVersion
		j.apply(*o)
		text = appendRecord(text, *o)
	}
	if j.path == "" || len(text) == 0 {
		return nil
	}
	if j.broken || j.file == nil || j.size+int64(len(text)) > compactAt {
		return j.compact()
	}
	n, err := j.file.Write(text)
	if err == nil {
		err = j.file.Sync()
	}
	j.size += int64(n)
	j.broken = err != nil
	return err
}

// end notes that entries are ours no more.
func (j *journal) end(entries ...owned) error {
	for i := range entries {
		entries[i] = owned{ID: entries[i].ID, State: stateGone}
	}
	return j.put(entries...)
}

func (j *journal) close() {
	if j.file != nil {
		j.file.Close()
		j.file = nil
	}
	if j.lock != nil {
		j.lock.Close() // and with it the lock
		j.lock = nil
	}
}

// parseRecord reads a line of a journal.
func parseRecord(line []byte) (o owned, ok bool) {
	sum, text, ok := bytes.Cut(line, []byte(" "))
	if !ok || len(sum) != 8 {
		return owned{}, false
	}
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if err != nil || uint32(want) != crc32.ChecksumIEEE(text) || string(sum) != fmt.Sprintf("%08x", want) {
		return owned{}, false
	}
	if err := json.Unmarshal(text, &o); err != nil || o.Version != journalVersion || o.ID == 0 {
		return owned{}, false
	}
	switch o.State {
	case stateIntent, stateLive, stateLeaving, stateGone:
		return o, true
	}
	return owned{}, false
}

func appendRecord(dst []byte, o owned) []byte {
	text, err := json.Marshal(o)
	if err != nil {
		return dst // of these types, none fails
	}
	return fmt.Appendf(dst, "%08x %s\n", crc32.ChecksumIEEE(text), text)
}

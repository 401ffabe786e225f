package igd

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Limits of a ledger (SECURITY section 6).
const (
	maxLedger        = 1 << 20 // bytes; a larger file is as good as none
	maxLedgerEntries = 1024
	ledgerVersion    = 1
	ledgerPatience   = 5 * time.Second // for others to write
)

// A PinholeRecord is a pinhole that was made, and where.
type PinholeRecord struct {
	Router string `json:"router"` // UDN
	Host   string `json:"host"`   // the router's address, for people
	ID     uint16 `json:"id"`
	Pinhole
	Made time.Time `json:"made"` // or extended
	Ends time.Time `json:"ends"`
}

type recordJSON struct {
	Router string    `json:"router"`
	Host   string    `json:"host"`
	ID     uint16    `json:"id"`
	Hole   Pinhole   `json:"pinhole"`
	Made   time.Time `json:"made"`
	Ends   time.Time `json:"ends"`
}

// MarshalJSON keeps the pinhole's own shape from being that of all.
func (r PinholeRecord) MarshalJSON() ([]byte, error) {
	return json.Marshal(recordJSON{r.Router, r.Host, r.ID, r.Pinhole, r.Made, r.Ends})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *PinholeRecord) UnmarshalJSON(data []byte) error {
	var j recordJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*r = PinholeRecord{j.Router, j.Host, j.ID, j.Hole, j.Made, j.Ends}
	return nil
}

// A Ledger remembers the pinholes of this host, which no gateway lists, in a file. What has ended
// is forgotten. A file that cannot be read is as good as none; one of a newer version is left
// alone. Several programs may use one file; each change is on the disk before its method returns.
type Ledger struct {
	Path string // empty: nothing outlives the Ledger

	mu   sync.Mutex
	kept []PinholeRecord // without a Path
}

type ledgerFile struct {
	Version  int             `json:"version"`
	Pinholes []PinholeRecord `json:"pinholes"`
}

// Records are the pinholes whose leases run, the oldest first.
func (l *Ledger) Records() []PinholeRecord {
	l.mu.Lock()
	defer l.mu.Unlock()
	records, _ := l.read()
	return records
}

// Put notes a pinhole that was made or extended.
func (l *Ledger) Put(r PinholeRecord) error {
	return l.edit(func(all []PinholeRecord) []PinholeRecord {
		all = slices.DeleteFunc(all, func(o PinholeRecord) bool {
			return strings.EqualFold(o.Router, r.Router) && (o.ID == r.ID || o.Same(r.Pinhole))
		})
		return append(all, r)
	})
}

// Remove forgets a pinhole that is gone.
func (l *Ledger) Remove(router string, id uint16) error {
	return l.edit(func(all []PinholeRecord) []PinholeRecord {
		return slices.DeleteFunc(all, func(o PinholeRecord) bool {
			return strings.EqualFold(o.Router, router) && o.ID == id
		})
	})
}

var errNewerLedger = errors.New("written by a newer version")

// edit changes the file as it is now.
func (l *Ledger) edit(change func([]PinholeRecord) []PinholeRecord) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Path == "" {
		records, _ := l.read()
		l.kept = change(records)
		return nil
	}
	if err := l.rewrite(change); err != nil {
		return fmt.Errorf("igd: ledger %s: %w", l.Path, err)
	}
	return nil
}

func (l *Ledger) rewrite(change func([]PinholeRecord) []PinholeRecord) error {
	if err := os.MkdirAll(filepath.Dir(l.Path), 0o700); err != nil {
		return err
	}
	lock, err := takeLock(l.Path+".lock", ledgerPatience)
	if err != nil {
		return err
	}
	defer lock.Close()
	records, err := l.read()
	if errors.Is(err, errNewerLedger) {
		return err
	}
	records = change(records)
	return l.write(records[max(0, len(records)-maxLedgerEntries):])
}

// read is what the ledger holds now. Its error is for who wants to write.
func (l *Ledger) read() ([]PinholeRecord, error) {
	f := ledgerFile{Pinholes: slices.Clone(l.kept)}
	if l.Path != "" {
		data, err := readFile(l.Path, maxLedger)
		if err == nil {
			err = json.Unmarshal(data, &f)
		}
		switch {
		case f.Version > ledgerVersion:
			return nil, errNewerLedger
		case err != nil:
			return nil, err
		}
	}
	now := time.Now()
	return slices.DeleteFunc(f.Pinholes, func(r PinholeRecord) bool { return !now.Before(r.Ends) }), nil
}

// write replaces the file in one step.
func (l *Ledger) write(records []PinholeRecord) error {
	data, err := json.MarshalIndent(ledgerFile{ledgerVersion, records}, "", " ")
	if err != nil {
		return err
	}
	temp := l.Path + ".tmp" // the lock makes it ours
	if err := writeFile(systemDisk{}, temp, append(data, '\n')); err != nil {
		return err
	}
	return os.Rename(temp, l.Path)
}

package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"upnp/igd"
)

// Limits of the memory file (SECURITY I3).
const (
	maxMemoryBytes   = 4 << 20
	maxMemoryEntries = 256
	memoryVersion    = 1
)

// A memoryFile is an igd.Memory kept in a file. It is read at the first question and written
// once, at the end, if there is something new. It is a cache: a file that cannot be read is as
// good as none, one of a newer version is left alone.
type memoryFile struct {
	path string

	mu      sync.Mutex
	loaded  bool
	foreign bool // written by a newer version: never overwritten
	routers map[string]memoryEntry
	changed map[string]memoryEntry
}

type memoryEntry struct {
	igd.Remembered
	Used time.Time `json:"used"`
}

type memoryDocument struct {
	Version int                    `json:"version"`
	Routers map[string]memoryEntry `json:"routers"`
}

// memoryPath is where the memory is kept: $UPNP_CACHE/routers.json, else upnp/routers.json in
// the user's cache folder; empty if there is no such place.
func memoryPath(getenv func(string) string) string {
	if dir := getenv("UPNP_CACHE"); dir != "" {
		return filepath.Join(dir, "routers.json")
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "upnp", "routers.json")
}

// statePath is where a file is kept that has to outlive the command: in systemd's state folder, or
// beside the memory of routers. It is empty for nowhere, as for what is on an emulated network.
func (s *session) statePath(name string) string {
	switch dir := s.getenv("STATE_DIRECTORY"); {
	case s.state != "":
		return filepath.Join(s.state, name)
	case s.base != nil || s.options.emulated.on:
		return ""
	case dir != "":
		return filepath.Join(dir, name)
	}
	if path := memoryPath(s.getenv); path != "" {
		return filepath.Join(filepath.Dir(path), name)
	}
	return ""
}

// Load implements [igd.Memory].
func (m *memoryFile) Load(key string) (igd.Remembered, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.load()
	e, ok := m.routers[key]
	return e.Remembered, ok
}

// Store implements [igd.Memory].
func (m *memoryFile) Store(key string, r igd.Remembered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.load()
	if old, ok := m.routers[key]; ok && same(old.Remembered, r) {
		return
	}
	e := memoryEntry{r, time.Now().UTC().Truncate(time.Second)}
	m.routers[key] = e
	if m.changed == nil {
		m.changed = map[string]memoryEntry{}
	}
	m.changed[key] = e
}

func same(a, b igd.Remembered) bool {
	return a.Location == b.Location && a.UDN == b.UDN && maps.Equal(a.Worked, b.Worked) && maps.EqualFunc(a.Leases, b.Leases, time.Time.Equal)
}

func (m *memoryFile) load() {
	if !m.loaded {
		m.loaded = true
		m.routers, m.foreign = readMemory(m.path)
	}
}

// save writes what is new into the file as it is now, so that two commands at the same time
// lose nothing of each other but a race's blink.
func (m *memoryFile) save() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.changed) == 0 {
		return nil
	}
	routers, foreign := readMemory(m.path)
	if foreign {
		return nil
	}
	maps.Copy(routers, m.changed)
	trim(routers)
	return writeMemory(m.path, routers)
}

// trim forgets the entries that changed longest ago.
func trim(routers map[string]memoryEntry) {
	if len(routers) <= maxMemoryEntries {
		return
	}
	keys := slices.SortedFunc(maps.Keys(routers), func(a, b string) int {
		return routers[a].Used.Compare(routers[b].Used)
	})
	for _, k := range keys[:len(keys)-maxMemoryEntries] {
		delete(routers, k)
	}
}

// readMemory reads the file; whatever is wrong with it, there is nothing to remember.
func readMemory(path string) (routers map[string]memoryEntry, foreign bool) {
	empty := map[string]memoryEntry{}
	data, err := readRegular(path, maxMemoryBytes)
	if err != nil {
		return empty, false
	}
	var doc memoryDocument
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&doc); err != nil {
		return empty, false
	}
	if doc.Version > memoryVersion {
		return empty, true
	}
	if doc.Routers == nil {
		return empty, false
	}
	return doc.Routers, false
}

// readRegular reads a regular file that is not reached through a symbolic link.
func readRegular(path string, limit int64) ([]byte, error) {
	before, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !before.Mode().IsRegular() || before.Size() > limit {
		return nil, fs.ErrInvalid
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if after, err := f.Stat(); err != nil || !os.SameFile(before, after) {
		return nil, fs.ErrInvalid
	}
	return io.ReadAll(io.LimitReader(f, limit))
}

// writeMemory replaces the file in one step.
func writeMemory(path string, routers map[string]memoryEntry) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	data, err := json.Marshal(memoryDocument{memoryVersion, routers})
	if err != nil || len(data) > maxMemoryBytes {
		return err
	}
	f, err := os.CreateTemp(dir, "routers-*.tmp") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

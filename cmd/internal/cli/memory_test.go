package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"upnp/igd"
)

func remembered(location string) igd.Remembered { return igd.Remembered{Location: location} }

func TestMemoryIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache", "upnp", "routers.json")
	m := &memoryFile{path: path}
	if _, ok := m.Load("a"); ok {
		t.Error("something to remember before anything was stored")
	}
	m.Store("a", remembered("http://192.168.1.1/"))
	if err := m.save(); err != nil {
		t.Fatal(err)
	}
	r, ok := (&memoryFile{path: path}).Load("a")
	if !ok || r.Location != "http://192.168.1.1/" {
		t.Errorf("%v, %v", r, ok)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700 | os.ModeDir} {
		if info, err := os.Stat(name); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v, want %v", name, info.Mode(), err, want)
		}
	}
}

func TestMemoryWithNothingNewIsNotWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "routers.json")
	m := &memoryFile{path: path}
	m.Load("a")
	if err := m.save(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("written although nothing was stored")
	}
}

func TestTwoMemoriesAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "routers.json")
	one, two := &memoryFile{path: path}, &memoryFile{path: path}
	one.Store("a", remembered("1"))
	two.Store("b", remembered("2"))
	if err := one.save(); err != nil {
		t.Fatal(err)
	}
	if err := two.save(); err != nil {
		t.Fatal(err)
	}
	m := &memoryFile{path: path}
	for key, want := range map[string]string{"a": "1", "b": "2"} {
		if r, _ := m.Load(key); r.Location != want {
			t.Errorf("%s: %q, want %q", key, r.Location, want)
		}
	}
}

// TestBadMemory: whatever the file is, the command starts with an empty memory and can keep a
// new one; a newer version's file and what a link points at stay as they are.
func TestBadMemory(t *testing.T) {
	good := `{"version":1,"routers":{"a":{"location":"x"}}}`
	for name, text := range map[string]string{
		"empty": "", "garbage": "\x00\xff", "truncated": good[:30], "other JSON": "[1,2]", "null": `{"version":1,"routers":null}`,
		"huge": strings.Repeat(" ", maxMemoryBytes+1), "wrong types": `{"version":"1","routers":{"a":7}}`,
	} {
		path := filepath.Join(t.TempDir(), "routers.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		m := &memoryFile{path: path}
		if _, ok := m.Load("a"); ok {
			t.Errorf("%s: remembers", name)
		}
		m.Store("b", remembered("y"))
		if err := m.save(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if r, _ := (&memoryFile{path: path}).Load("b"); r.Location != "y" {
			t.Errorf("%s: does not recover", name)
		}
	}
}

func TestNewerMemoryIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "routers.json")
	text := `{"version":2,"routers":{"a":{"location":"x"}}}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m := &memoryFile{path: path}
	m.Store("b", remembered("y"))
	if err := m.save(); err != nil {
		t.Fatal(err)
	}
	if data, _ := os.ReadFile(path); string(data) != text {
		t.Errorf("overwritten with %s", data)
	}
}

func TestMemoryDoesNotFollowLinks(t *testing.T) {
	dir := t.TempDir()
	target, path := filepath.Join(dir, "secret"), filepath.Join(dir, "routers.json")
	text := `{"version":1,"routers":{"a":{"location":"x"}}}`
	if err := os.WriteFile(target, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	m := &memoryFile{path: path}
	if _, ok := m.Load("a"); ok {
		t.Error("read through the link")
	}
	m.Store("b", remembered("y"))
	if err := m.save(); err != nil {
		t.Fatal(err)
	}
	if data, _ := os.ReadFile(target); string(data) != text {
		t.Errorf("written through the link: %s", data)
	}
}

func TestMemoryForgetsTheOldest(t *testing.T) {
	routers := map[string]memoryEntry{}
	for i := range maxMemoryEntries + 10 {
		routers[fmt.Sprint(i)] = memoryEntry{Used: time.Unix(int64(i), 0)}
	}
	trim(routers)
	_, oldest := routers["9"]
	_, kept := routers["10"]
	if len(routers) != maxMemoryEntries || oldest || !kept {
		t.Errorf("%d entries, oldest kept: %v, next lost: %v", len(routers), oldest, !kept)
	}
}

func TestMemoryIsSafeForConcurrentUse(t *testing.T) {
	m := &memoryFile{path: filepath.Join(t.TempDir(), "routers.json")}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			m.Store(fmt.Sprint(i), remembered("x"))
			m.Load(fmt.Sprint(i))
		})
	}
	wg.Wait()
	if err := m.save(); err != nil {
		t.Error(err)
	}
}

func TestMemoryPath(t *testing.T) {
	env := func(name string) string { return map[string]string{"UPNP_CACHE": "/somewhere"}[name] }
	if got, want := memoryPath(env), filepath.Join("/somewhere", "routers.json"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

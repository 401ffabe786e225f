package igd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// A disk is how a journal writes; tests have one that fails.
type disk interface {
	Create(path string) (diskFile, error) // empty and private, in place of what is there
	Append(path string) (diskFile, error) // at the end of what is there
	Rename(from, to string) error
	Sync(dir string) error
}

type diskFile interface {
	Write(p []byte) (int, error)
	Sync() error
	Close() error
}

// systemDisk is the file system.
type systemDisk struct{}

func (systemDisk) Create(path string) (diskFile, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
}

func (systemDisk) Append(path string) (diskFile, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
}

func (systemDisk) Rename(from, to string) error { return os.Rename(from, to) }

func (systemDisk) Sync(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return unlessUnsupported(d.Sync())
}

// compact writes the entries into a new file, which takes the place of the old one in one step.
// The old one stays as the previous generation. What fails leaves the old file as it was.
func (j *journal) compact() error {
	err := j.rewrite()
	j.broken = err != nil
	if err != nil {
		return fmt.Errorf("igd: journal: %w", err)
	}
	return nil
}

func (j *journal) rewrite() error {
	var text []byte
	for _, o := range j.all() {
		text = appendRecord(text, o)
	}
	temp := j.path + ".tmp"
	if err := writeFile(j.disk, temp, text); err != nil {
		return err
	}
	if j.file != nil {
		j.file.Close() // some systems rename no open file
		j.file = nil
	}
	if err := j.replace(temp); err != nil {
		return err
	}
	f, err := j.disk.Append(j.path)
	if err != nil {
		return err
	}
	j.file, j.size = f, int64(len(text))
	return j.disk.Sync(filepath.Dir(j.path))
}

// writeFile writes a new file that is on the disk when it returns.
func writeFile(d disk, path string, text []byte) error {
	f, err := d.Create(path)
	if err != nil {
		return err
	}
	if _, err = f.Write(text); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// replace puts temp in the journal's place. Between the two renames a crash leaves no journal but
// a previous generation, which is then read.
func (j *journal) replace(temp string) error {
	if err := j.disk.Rename(j.path, j.path+".1"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return j.disk.Rename(temp, j.path)
}

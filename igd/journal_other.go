//go:build !darwin && !dragonfly && !freebsd && !linux && !netbsd && !openbsd && !windows

package igd

import "os"

// lockJournal opens a file; these systems have no lock that ends with its holder.
func lockJournal(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}

// unlessUnsupported forgives whatever comes of syncing a directory.
func unlessUnsupported(error) error { return nil }

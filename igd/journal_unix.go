//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package igd

import (
	"errors"
	"os"
	"syscall"
)

// lockJournal holds a file until it is closed. It fails at once if somebody else holds it.
func lockJournal(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrJournalInUse
		}
		return nil, err
	}
	return f, nil
}

// unlessUnsupported forgives file systems that cannot sync a directory.
func unlessUnsupported(err error) error {
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return err
}

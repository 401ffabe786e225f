package wire

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	// DefaultFileSize is where a [Recorder] begins a new file if it is not told.
	DefaultFileSize = 64 << 20
	// KeptFiles is how many full files it keeps.
	KeptFiles = 3

	// flushAfter is how long an event may be in memory only.
	flushAfter = 200 * time.Millisecond
	flushSize  = 64 << 10
)

// A Recorder writes .wire files: the one it was made for and, once that is full, the next by the same name,
// the full ones being named NAME.1, the youngest, to NAME.3. Each of them is a whole .wire file: connections that were
// open already are opened again at its beginning. What it holds in memory is written within a fifth
// of a second, so a program that is killed loses no more than that.
type Recorder struct {
	name    string
	limit   int64 // bytes of a file; 0 is none
	mu      sync.Mutex
	file    *os.File
	out     *bufio.Writer
	start   time.Time
	written int64
	line    []byte
	open    map[int]Event // flows that are open
	timer   *time.Timer
	waits   bool // for the timer
	err     error
}

// Create makes a Recorder and its file, which is overwritten if it is there. limit is the size in
// bytes at which a new file is begun, 0 is DefaultFileSize. What is no regular file only grows.
func Create(name string, limit int64) (*Recorder, error) {
	if limit == 0 {
		limit = DefaultFileSize
	}
	r := &Recorder{name: name, limit: limit, open: make(map[int]Event)}
	if err := r.create(); err != nil {
		return nil, err
	}
	if info, err := r.file.Stat(); err != nil || !info.Mode().IsRegular() {
		r.limit = 0
	}
	r.timer = time.AfterFunc(time.Hour, r.flush)
	r.timer.Stop()
	return r, nil
}

func (r *Recorder) create() error {
	file, err := os.Create(r.name)
	if err != nil {
		return err
	}
	r.file, r.out, r.start, r.written = file, bufio.NewWriterSize(file, flushSize), time.Time{}, 0
	return nil
}

// Record writes an event; it is a sink for [NewTap]. After an error it writes no more, so that what is
// there stays readable.
func (r *Recorder) Record(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil || r.file == nil {
		return
	}
	if r.limit > 0 && r.written > 0 && r.written+int64(len(e.Data)) > r.limit {
		r.err = r.turn(e.Time)
	}
	r.write(e)
	switch e.Kind {
	case Opened, Accepted:
		r.open[e.Flow] = e
	case Closed:
		delete(r.open, e.Flow)
	}
	if !r.waits {
		r.waits = true
		r.timer.Reset(flushAfter)
	}
}

func (r *Recorder) write(e Event) {
	if r.err != nil {
		return
	}
	r.line = r.line[:0]
	if r.start.IsZero() {
		r.start = e.Time
		r.line = appendLogHeader(r.line, r.start)
	}
	r.line = appendEvent(r.line, r.start, e)
	n, err := r.out.Write(r.line)
	r.written, r.err = r.written+int64(n), err
}

// turn begins a new file.
func (r *Recorder) turn(now time.Time) error {
	if err := r.finish(); err != nil {
		return err
	}
	for i := KeptFiles; i > 0; i-- {
		older := r.name
		if i > 1 {
			older = fmt.Sprintf("%s.%d", r.name, i-1)
		}
		if err := os.Rename(older, fmt.Sprintf("%s.%d", r.name, i)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	if err := r.create(); err != nil {
		return err
	}
	for _, flow := range slices.Sorted(maps.Keys(r.open)) {
		e := r.open[flow]
		e.Time = now
		r.write(e)
	}
	return r.err
}

func (r *Recorder) finish() error {
	err := r.out.Flush()
	if closed := r.file.Close(); err == nil {
		err = closed
	}
	r.file = nil
	return err
}

func (r *Recorder) flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waits = false
	if r.file != nil && r.err == nil {
		r.err = r.out.Flush()
	}
}

// Close writes what is left. Its error is the first that writing met.
func (r *Recorder) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.timer.Stop()
	if r.file == nil {
		return r.err
	}
	if err := r.finish(); r.err == nil {
		r.err = err
	}
	return r.err
}

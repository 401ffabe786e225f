package wire

import (
	"cmp"
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

	// What is told is written when there is so much of it, or after so long. More than the last
	// makes the traffic wait.
	flushSize  = 64 << 10
	flushAfter = 200 * time.Millisecond
	maxPending = 1 << 20
)

// A Recorder writes .wire files: the one it was made for and, once that is full, the next by the same name,
// the full ones being named NAME.1, the youngest, to NAME.3. Each of them is a whole .wire file: connections that were
// open already are opened again at its beginning. Writing goes on beside the traffic, at most a
// fifth of a second behind, which is what a program that is killed loses.
type Recorder struct {
	name  string
	limit int64 // bytes of a file; 0 is none
	file  *os.File
	done  chan struct{} // closed when all is written

	mu      sync.Mutex
	changed sync.Cond
	pending []byte // told and not written
	busy    bool   // something is being written
	due     bool   // what is pending shall be written, however little
	closed  bool
	err     error
	start   time.Time
	told    int64         // bytes for this file
	open    map[int]Event // flows that are open
	timer   *time.Timer
}

// Create makes a Recorder and its file, which is overwritten if it is there. limit is the size in
// bytes at which a new file is begun, 0 is DefaultFileSize. What is no regular file only grows. A Recorder
// must be closed.
func Create(name string, limit int64) (*Recorder, error) {
	if info, err := os.Lstat(name); err == nil && info.Mode().IsRegular() {
		os.Remove(name) // some file systems write an overwritten file to the disk as it is closed
	}
	file, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	r := &Recorder{name: name, limit: cmp.Or(limit, DefaultFileSize), file: file, done: make(chan struct{}), open: make(map[int]Event), pending: newRoom()}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		r.limit = 0
	}
	r.changed.L = &r.mu
	r.timer = time.AfterFunc(time.Hour, r.flush)
	r.timer.Stop()
	go r.run()
	return r, nil
}

// Record tells of an event; it is a sink for [NewTap]. After an error no more is written, so that what is
// there stays readable.
func (r *Recorder) Record(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.pending) > maxPending && r.err == nil {
		r.changed.Wait()
	}
	if r.limit > 0 && r.told > 0 && r.told+int64(len(e.Data)) > r.limit && r.err == nil && !r.closed {
		r.err = r.turn(e.Time)
	}
	if r.err != nil || r.closed {
		return
	}
	r.tell(e)
	switch e.Kind {
	case Opened, Accepted:
		r.open[e.Flow] = e
	case Closed:
		delete(r.open, e.Flow)
	}
}

func (r *Recorder) tell(e Event) {
	before := len(r.pending)
	if r.start.IsZero() {
		r.start = e.Time
		r.pending = appendLogHeader(r.pending, r.start)
	}
	r.pending = appendEvent(r.pending, r.start, e)
	r.told += int64(len(r.pending) - before)
	switch {
	case before == 0:
		r.timer.Reset(flushAfter)
	case before < flushSize && len(r.pending) >= flushSize:
		r.changed.Broadcast()
	}
}

// newRoom is room for what is told between two writes.
func newRoom() []byte { return make([]byte, 0, flushSize+flushSize/2) }

// flush has what is pending written.
func (r *Recorder) flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.due = true
	r.changed.Broadcast()
}

// run writes what is told, until there is no more.
func (r *Recorder) run() {
	defer close(r.done)
	r.mu.Lock()
	defer r.mu.Unlock()
	spare := newRoom()
	for {
		for len(r.pending) < flushSize && !r.due && !r.closed {
			r.changed.Wait()
		}
		if len(r.pending) == 0 && r.closed {
			return
		}
		data := r.pending
		r.pending, r.due, r.busy = spare[:0], false, true
		spare = r.write(data)
		r.busy = false
		r.changed.Broadcast()
	}
}

// write writes without the lock, and returns the room that is free again.
func (r *Recorder) write(data []byte) []byte {
	if r.err != nil {
		return data
	}
	file := r.file
	r.mu.Unlock()
	_, err := file.Write(data)
	r.mu.Lock()
	r.err = cmp.Or(r.err, err)
	return data
}

// turn begins a new file, when all that is told is in the old one.
func (r *Recorder) turn(now time.Time) error {
	for (len(r.pending) > 0 || r.busy) && r.err == nil {
		r.due = true
		r.changed.Broadcast()
		r.changed.Wait()
	}
	if err := cmp.Or(r.err, r.file.Close()); err != nil {
		return err
	}
	file, err := r.next()
	if err != nil {
		return err
	}
	r.file, r.start, r.told = file, time.Time{}, 0
	for _, flow := range slices.Sorted(maps.Keys(r.open)) {
		e := r.open[flow]
		e.Time = now
		r.tell(e)
	}
	return nil
}

// next makes room for the next file, and makes it.
func (r *Recorder) next() (*os.File, error) {
	for i := KeptFiles; i > 0; i-- {
		if err := os.Rename(r.older(i-1), r.older(i)); err != nil && !os.IsNotExist(err) {
			return nil, err
		}
	}
	return os.Create(r.name)
}

// older is the name of the file that was full i files ago.
func (r *Recorder) older(i int) string {
	if i == 0 {
		return r.name
	}
	return fmt.Sprintf("%s.%d", r.name, i)
}

// Close writes what is left. Its error is the first that writing met.
func (r *Recorder) Close() error {
	r.mu.Lock()
	first := !r.closed
	r.closed = true
	r.timer.Stop()
	r.changed.Broadcast()
	r.mu.Unlock()
	<-r.done
	if first {
		r.err = cmp.Or(r.err, r.file.Close())
	}
	return r.err
}

package wire

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Limits of a .wire file and of what a [Log] holds.
const (
	MaxEventData = 16 << 20  // bytes of one event
	MaxLogData   = 256 << 20 // bytes of all events
)

const (
	logMagic     = "upnp-wire 1 "
	maxEventLine = 512
)

// A Log is a conversation, recorded or read from a .wire file. The zero value is empty and ready;
// its methods may be called at the same time.
type Log struct {
	mu     sync.Mutex
	start  time.Time
	events []Event
	size   int
}

// Record adds an event; it is a sink for [NewTap]. Beyond [MaxLogData] the oldest events go.
func (l *Log) Record(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.start.IsZero() {
		l.start = e.Time
	}
	l.events = append(l.events, e)
	l.size += len(e.Data)
	drop := 0
	for ; l.size > MaxLogData; drop++ {
		l.size -= len(l.events[drop].Data)
	}
	l.events = slices.Delete(l.events, 0, drop)
}

// Start is the time the offsets in the file count from: that of the first event recorded.
func (l *Log) Start() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.start
}

// Events are all events in their order. The slice is the caller's, the Data in it is shared.
func (l *Log) Events() []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events)
}

// WriteTo writes the log as a .wire file.
func (l *Log) WriteTo(w io.Writer) (int64, error) {
	counted := &countWriter{w: w}
	buffered := bufio.NewWriter(counted)
	start := l.Start()
	line := appendLogHeader(nil, start)
	buffered.Write(line) // errors stick until Flush
	for _, e := range l.Events() {
		line = appendEvent(line[:0], start, e)
		buffered.Write(line)
	}
	err := buffered.Flush()
	return counted.n, err
}

type countWriter struct {
	w io.Writer
	n int64
}

func (c *countWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// Print is a sink that writes a .wire file to w as it happens, one Write for each event. After an
// error of w it writes no more, so that what is there stays readable.
func Print(w io.Writer) func(Event) {
	var start time.Time
	var line []byte
	var failed bool
	return func(e Event) {
		if failed {
			return
		}
		line = line[:0]
		if start.IsZero() {
			start = e.Time
			line = appendLogHeader(line, start)
		}
		line = appendEvent(line, start, e)
		_, err := w.Write(line)
		failed = err != nil
	}
}

func appendLogHeader(dst []byte, start time.Time) []byte {
	dst = start.UTC().AppendFormat(append(dst, logMagic...), "2006-01-02T15:04:05.000000Z")
	return append(dst, '\n')
}

func appendEvent(dst []byte, start time.Time, e Event) []byte {
	size := len(e.Data)
	if e.Kind == Failed || e.Kind == Closed {
		size = len(e.Err)
	}
	offset := max(0, e.Time.Sub(start)).Microseconds()
	dst = appendOffset(dst, uint64(offset))
	dst = append(strconv.AppendInt(append(dst, ' '), int64(e.Flow), 10), ' ')
	dst = append(append(dst, e.Kind.String()...), ' ')
	dst = append(append(dst, e.Net...), ' ')
	dst = append(appendAddr(dst, e.Local), ' ')
	dst = append(appendAddr(dst, e.Remote), ' ')
	dst = append(strconv.AppendInt(dst, int64(size), 10), '\n')
	if size == 0 {
		return dst
	}
	if e.Kind == Failed || e.Kind == Closed {
		return append(append(dst, e.Err...), '\n')
	}
	return append(append(dst, e.Data...), '\n')
}

// appendOffset writes microseconds as seconds with six decimals.
func appendOffset(dst []byte, micros uint64) []byte {
	dst = append(strconv.AppendUint(dst, micros/1e6, 10), '.')
	at := len(dst)
	dst = strconv.AppendUint(dst, micros%1e6+1e6, 10) // the leading 1 keeps the zeros, and becomes none
	return append(dst[:at], dst[at+1:]...)
}

// appendAddr writes an address in one word: zones are names of interfaces, which on some systems
// have blanks in them.
func appendAddr(dst []byte, ap netip.AddrPort) []byte {
	if !ap.IsValid() {
		return append(dst, '-')
	}
	zone := ap.Addr().Zone()
	if zone == "" {
		return ap.AppendTo(dst)
	}
	dst = ap.Addr().WithZone("").AppendTo(append(dst, '['))
	dst = append(dst, '%')
	for i := range len(zone) {
		if c := zone[i]; c <= ' ' || c >= 0x7f || c == '%' || c == ']' {
			dst = fmt.Appendf(dst, "%%%02X", c)
		} else {
			dst = append(dst, c)
		}
	}
	return strconv.AppendUint(append(dst, "]:"...), uint64(ap.Port()), 10)
}

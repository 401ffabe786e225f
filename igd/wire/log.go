package wire

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
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
	data := e.Data
	if e.Kind == Failed || e.Kind == Closed {
		data = []byte(e.Err)
	}
	offset := max(0, e.Time.Sub(start)).Microseconds()
	dst = fmt.Appendf(dst, "%d.%06d %d %s %s ", offset/1e6, offset%1e6, e.Flow, e.Kind, e.Net)
	dst = append(appendAddr(dst, e.Local), ' ')
	dst = append(appendAddr(dst, e.Remote), ' ')
	dst = append(strconv.AppendInt(dst, int64(len(data)), 10), '\n')
	if len(data) == 0 {
		return dst
	}
	return append(append(dst, data...), '\n')
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

// A LogError says where a .wire file is not one.
type LogError struct {
	Event  int // 1 for the first, 0 for the header line
	Reason string
	Err    error // nil unless reading failed
}

func (e *LogError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("wire log, event %d: %s: %v", e.Event, e.Reason, e.Err)
	}
	return fmt.Sprintf("wire log, event %d: %s", e.Event, e.Reason)
}

// Unwrap is the error of the reader.
func (e *LogError) Unwrap() error { return e.Err }

// ReadLog reads a .wire file. A file that was cut off gives what is whole in it along with the
// [*LogError], whose cause is [io.ErrUnexpectedEOF].
func ReadLog(r io.Reader) (*Log, error) {
	in := &logReader{r: bufio.NewReaderSize(r, 64<<10), log: new(Log)}
	if err := in.header(); err != nil {
		return in.log, err
	}
	for {
		in.event++
		err := in.next()
		if err == io.EOF {
			return in.log, nil
		}
		if err != nil {
			return in.log, err
		}
	}
}

type logReader struct {
	r     *bufio.Reader
	log   *Log
	event int
}

func (in *logReader) fail(reason string, err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return &LogError{in.event, reason, err}
}

// line reads up to a line feed; io.EOF is the end of the file and nothing else.
func (in *logReader) line() (string, error) {
	var b []byte
	for len(b) < maxEventLine {
		c, err := in.r.ReadByte()
		if err == io.EOF && len(b) == 0 {
			return "", io.EOF
		}
		if err != nil {
			return "", in.fail("line cut off", err)
		}
		if c == '\n' {
			return string(b), nil
		}
		b = append(b, c)
	}
	return "", in.fail("line too long", nil)
}

func (in *logReader) header() error {
	line, err := in.line()
	if err != nil {
		return in.fail("no header line", err)
	}
	stamp, ok := strings.CutPrefix(line, logMagic)
	start, err := time.Parse("2006-01-02T15:04:05.000000Z", stamp)
	if !ok || err != nil {
		return in.fail("not a wire log", nil)
	}
	in.log.start = start
	return nil
}

func (in *logReader) next() error {
	line, err := in.line()
	if err != nil {
		return err
	}
	e, count, err := parseEventLine(line, in.log.start)
	if err != nil {
		return in.fail(err.Error(), nil)
	}
	if in.log.size += count; count > MaxEventData || in.log.size > MaxLogData {
		return in.fail("too much data", nil)
	}
	if count > 0 {
		if e.Data, err = in.data(count); err != nil {
			return err
		}
	}
	if e.Kind == Failed || e.Kind == Closed {
		e.Err, e.Data = string(e.Data), nil
	}
	in.log.events = append(in.log.events, e)
	return nil
}

// data reads count bytes and a line feed; room is made as they come, not as they are announced.
func (in *logReader) data(count int) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(in.r, int64(count)))
	if err == nil && len(data) < count {
		err = io.EOF
	}
	if err != nil {
		return nil, in.fail("bytes cut off", err)
	}
	switch end, err := in.r.ReadByte(); {
	case err != nil:
		return nil, in.fail("bytes cut off", err)
	case end != '\n':
		return nil, in.fail("byte count is wrong", nil)
	}
	return data, nil
}

func parseEventLine(line string, start time.Time) (e Event, count int, err error) {
	f := strings.Split(line, " ")
	if len(f) != 7 {
		return e, 0, errors.New("not seven fields")
	}
	offset, ok1 := parseOffset(f[0])
	flow, ok2 := parseCount(f[1])
	kind, ok3 := parseKind(f[2])
	local, ok4 := parseAddr(f[4])
	remote, ok5 := parseAddr(f[5])
	count, ok6 := parseCount(f[6])
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || f[3] != "udp" && f[3] != "tcp" {
		return e, 0, fmt.Errorf("cannot read %.100q", line)
	}
	return Event{Time: start.Add(offset), Flow: flow, Kind: kind, Net: f[3], Local: local, Remote: remote}, count, nil
}

// parseCount reads a number as we write it: no sign, no leading zeros.
func parseCount(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err == nil && strconv.FormatUint(n, 10) == s
}

func parseOffset(s string) (time.Duration, bool) {
	whole, part, ok := strings.Cut(s, ".")
	sec, ok1 := parseCount(whole)
	micros, err := strconv.ParseUint(part, 10, 32)
	return time.Duration(sec)*time.Second + time.Duration(micros)*time.Microsecond, ok && ok1 && err == nil && len(part) == 6
}

func parseAddr(s string) (netip.AddrPort, bool) {
	if s == "-" {
		return netip.AddrPort{}, true
	}
	before, rest, zoned := strings.Cut(s, "%")
	if !zoned {
		ap, err := netip.ParseAddrPort(s)
		return ap, err == nil
	}
	escaped, port, _ := strings.Cut(rest, "]")
	zone, ok := unescapeZone(escaped)
	ap, err := netip.ParseAddrPort(before + "]" + port)
	return netip.AddrPortFrom(ap.Addr().WithZone(zone), ap.Port()), ok && err == nil && ap.Addr().Is6()
}

func unescapeZone(s string) (string, bool) {
	var b []byte
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		if i+3 > len(s) {
			return "", false
		}
		c, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		b = append(b, byte(c))
		i += 2
	}
	return string(b), len(b) > 0
}

package wire

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

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

// ReadLog reads a .wire file of at most [MaxLogData] bytes of data. A file that was cut off gives what
// is whole in it along with the [*LogError], whose cause is [io.ErrUnexpectedEOF].
func ReadLog(r io.Reader) (*Log, error) {
	in := newLogReader(r)
	log := new(Log)
	for e, err := range in.events {
		if log.size += len(e.Data); log.size > MaxLogData {
			err = in.fail("too much data", nil)
		}
		if err != nil {
			log.start = in.start
			return log, err
		}
		log.events = append(log.events, e)
	}
	log.start = in.start
	return log, nil
}

// ReadEvents are the events of a .wire file, read as they are asked for, so that its size does not
// matter. An error is the last of them; see [ReadLog].
func ReadEvents(r io.Reader) iter.Seq2[Event, error] { return newLogReader(r).events }

type logReader struct {
	r     *bufio.Reader
	start time.Time
	event int // the number of the one that is read
}

func newLogReader(r io.Reader) *logReader { return &logReader{r: bufio.NewReaderSize(r, 64<<10)} }

func (in *logReader) events(yield func(Event, error) bool) {
	if err := in.header(); err != nil {
		yield(Event{}, err)
		return
	}
	for {
		in.event++
		e, err := in.next()
		if err == io.EOF || !yield(e, err) || err != nil {
			return
		}
	}
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
	in.start = start
	return nil
}

// next reads an event; io.EOF is the end of the file and nothing else.
func (in *logReader) next() (Event, error) {
	line, err := in.line()
	if err != nil {
		return Event{}, err
	}
	e, count, err := parseEventLine(line, in.start)
	if err != nil {
		return Event{}, in.fail(err.Error(), nil)
	}
	if count > MaxEventData {
		return Event{}, in.fail("too much data", nil)
	}
	if count > 0 {
		if e.Data, err = in.data(count); err != nil {
			return Event{}, err
		}
	}
	if e.Kind == Failed || e.Kind == Closed {
		e.Err, e.Data = string(e.Data), nil
	}
	return e, nil
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

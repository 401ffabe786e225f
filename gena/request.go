package gena

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"
)

// Limits of one request to the callback side.
const (
	requestTimeout = 5 * time.Second // from its first byte to its last
	headTimeout    = 3 * time.Second
	maxHead        = 8 << 10

	// unsaidTimeout is how long a body is waited for whose length was not announced.
	unsaidTimeout = time.Second
)

// readNotification reads one request as devices write it: of any version, with lines that end in
// LF, with blanks before colons, without HOST, without or with a wrong CONTENT-LENGTH. The
// status is 200, the one to refuse with, or 0 to hang up.
func readNotification(conn net.Conn, from netip.Addr) (*notification, int) {
	began := time.Now()
	_ = conn.SetDeadline(began.Add(requestTimeout))
	_ = conn.SetReadDeadline(began.Add(headTimeout))
	head, rest, status := readHead(conn)
	if status != http.StatusOK {
		return nil, status
	}
	n, fields := parseHead(head)
	if n == nil {
		return nil, http.StatusBadRequest
	}
	n.from, n.field = from, fields.get
	if n.method != methodNotify {
		return n, http.StatusOK // for others to refuse; its body is of no interest
	}
	_ = conn.SetReadDeadline(began.Add(requestTimeout))
	return n, n.readBody(conn, rest, fields)
}

// readHead reads through the empty line, and what came with it.
func readHead(r io.Reader) (head, rest []byte, status int) {
	var data []byte
	chunk := make([]byte, 2<<10)
	for {
		n, err := r.Read(chunk)
		data = bytes.TrimLeft(append(data, chunk[:n]...), "\r\n")
		if end := headEnd(data); end >= 0 {
			if end > maxHead {
				break
			}
			return data[:end], data[end:], http.StatusOK
		}
		if len(data) > maxHead {
			break
		}
		if err != nil {
			return nil, nil, 0
		}
	}
	return nil, nil, http.StatusRequestHeaderFieldsTooLarge
}

// headEnd is the length of data through the first empty line, -1 if there is none.
func headEnd(data []byte) int {
	for i, c := range data {
		if c != '\n' {
			continue
		}
		rest := data[i+1:]
		switch {
		case bytes.HasPrefix(rest, []byte("\n")):
			return i + 2
		case bytes.HasPrefix(rest, []byte("\r\n")):
			return i + 3
		}
	}
	return -1
}

// A field is one header line.
type field struct{ name, value string }

type fields []field

// get returns the first field of that name in any case, "" if there is none.
func (f fields) get(name string) string {
	for _, one := range f {
		if strings.EqualFold(one.name, name) {
			return one.value
		}
	}
	return ""
}

// parseHead reads the lines of a head. It is nil if the first is no request line.
func parseHead(head []byte) (*notification, fields) {
	first, rest, _ := strings.Cut(string(head), "\n")
	words := strings.Fields(first)
	if len(words) < 2 {
		return nil, nil
	}
	var list fields
	for line := range strings.SplitSeq(rest, "\n") {
		list = list.read(line)
	}
	return &notification{method: words[0], path: words[1]}, list
}

// read adds a line, or what continues the one before. What is neither is skipped.
func (f fields) read(line string) fields {
	folded := strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
	if folded && len(f) > 0 {
		last := &f[len(f)-1]
		last.value = strings.TrimSpace(last.value + " " + strings.TrimSpace(line))
		return f
	}
	name, value, ok := strings.Cut(line, ":")
	if !ok {
		return f
	}
	return append(f, field{strings.TrimSpace(name), strings.TrimSpace(value)})
}

// readBody reads the body the way the header frames it.
func (n *notification) readBody(conn net.Conn, rest []byte, f fields) (status int) {
	if strings.EqualFold(f.get("EXPECT"), "100-continue") {
		_, _ = io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
	}
	all := io.MultiReader(bytes.NewReader(rest), conn)
	if strings.Contains(strings.ToLower(f.get("TRANSFER-ENCODING")), "chunked") {
		return n.readWhole(httputil.NewChunkedReader(all))
	}
	length, err := strconv.ParseUint(f.get("CONTENT-LENGTH"), 10, 32)
	switch {
	case err != nil:
		n.notes = addNote(n.notes, "no length announced")
		_ = conn.SetReadDeadline(time.Now().Add(unsaidTimeout))
		return n.readWhole(&setLimit{r: all})
	case length > MaxBody:
		return http.StatusRequestEntityTooLarge
	}
	return n.readWhole(&exactly{all, int(length)})
}

// readWhole reads the body to its end. One that breaks off is taken for what it is, unless it
// could have gone on.
func (n *notification) readWhole(r io.Reader) (status int) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBody+1))
	n.body = data
	switch {
	case len(data) > MaxBody:
		return http.StatusRequestEntityTooLarge
	case err == nil:
	case errors.Is(err, io.ErrUnexpectedEOF), endsSet(data):
		n.notes = addNote(n.notes, "the body has not the length announced")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout
	default:
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// exactly reads n bytes; the end before that is an error.
type exactly struct {
	r io.Reader
	n int
}

func (e *exactly) Read(p []byte) (int, error) {
	if e.n == 0 {
		return 0, io.EOF
	}
	got, err := e.r.Read(p[:min(len(p), e.n)])
	e.n -= got
	if err == io.EOF && e.n > 0 {
		err = io.ErrUnexpectedEOF
	}
	return got, err
}

// A setLimit reads to the end of the property set, because the device may then wait for the
// answer, and takes silence for the end.
type setLimit struct {
	r    io.Reader
	tail []byte
}

func (s *setLimit) Read(p []byte) (int, error) {
	if endsSet(s.tail) {
		return 0, io.EOF
	}
	n, err := s.r.Read(p)
	s.tail = append(s.tail, p[:n]...)
	s.tail = s.tail[max(0, len(s.tail)-endLength):]
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = io.EOF
	}
	return n, err
}

// endLength is how many of the last bytes of a document tell whether it is over.
const endLength = 64

// endsSet reports whether data ends with the end tag of a property set.
func endsSet(data []byte) bool {
	tail := bytes.TrimRight(data[max(0, len(data)-endLength):], " \t\r\n\x00")
	i := bytes.LastIndexByte(tail, '<')
	return i >= 0 && bytes.HasPrefix(tail[i:], []byte("</")) && bytes.HasSuffix(bytes.ToLower(tail), []byte("propertyset>"))
}

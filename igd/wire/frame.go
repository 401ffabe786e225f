package wire

import (
	"bytes"
	"math"
	"net/http"
	"strconv"
	"strings"
)

// A frame finds the end of one HTTP message among the bytes of a connection, as they come. Bytes
// whose framing cannot be understood belong to the message until somebody else ends it.
type frame struct {
	limit  int    // of data; 0 keeps everything
	answer bool   // an answer, which may end with the connection
	method string // of the request that is answered

	data  []byte // its first bytes
	size  int    // bytes that came
	from  int    // where the head that is looked for begins, behind blank lines and 1xx answers
	head  int    // where the head ends, 0 while it has not
	kind  bodyKind
	left  int64  // bytes to come of a body with a length, or of the chunk
	line  []byte // of chunked framing, as far as it came
	tail  bool   // the last chunk was there
	body  []span // where the body is in data, without chunked framing
	ended bool
}

// A span is a range of positions.
type span struct{ from, to int }

// maxFrameHead is how long a head is looked for.
const maxFrameHead = 64 << 10

// add takes what belongs to the message and returns what does not.
func (f *frame) add(p []byte) (rest []byte) {
	for len(p) > 0 && !f.ended {
		if f.head == 0 {
			p = f.addHead(p)
		} else {
			p = f.addBody(p)
		}
	}
	return p
}

// keep counts bytes as the message's.
func (f *frame) keep(p []byte) {
	f.size += len(p)
	if f.limit > 0 {
		p = p[:min(len(p), max(0, f.limit-len(f.data)))]
	}
	f.data = append(f.data, p...)
}

// addHead takes bytes up to the end of the head.
func (f *frame) addHead(p []byte) (rest []byte) {
	before := f.size
	if len(f.data) < before || before-f.from > maxFrameHead {
		f.unframed()
		return p
	}
	data := append(f.data, p...)
	n := headEnd(data, f.from, before)
	if n < 0 {
		n = len(data)
	} else {
		f.head = n
	}
	f.data = data[:before]
	f.keep(p[:n-before])
	if f.head > 0 {
		f.frameBody()
	}
	return p[n-before:]
}

// headEnd is where the head that begins at from ends, behind its blank line, or -1. The bytes
// before old were searched before.
func headEnd(data []byte, from, old int) int {
	for from < len(data) && (data[from] == '\r' || data[from] == '\n') {
		from++
	}
	for i := max(from, old-2); i < len(data); i++ {
		if data[i] != '\n' {
			continue
		}
		switch rest := data[i+1:]; {
		case bytes.HasPrefix(rest, []byte("\n")):
			return i + 2
		case bytes.HasPrefix(rest, []byte("\r\n")):
			return i + 3
		}
	}
	return -1
}

// frameBody decides from the head how the body ends.
func (f *frame) frameBody() {
	head := string(bytes.TrimLeft(f.data[f.from:min(f.head, len(f.data))], "\r\n"))
	first, fields, _ := strings.Cut(head, "\n")
	st, isStatus := parseStatus([]byte(first))
	if f.answer && isStatus && st.code < 200 {
		f.from, f.head = f.head, 0
		return
	}
	header, err := parseFields(fields)
	if err != nil {
		f.unframed()
		return
	}
	if f.answer && isStatus && (f.method == "HEAD" || st.code == 204 || st.code == 304) {
		f.ended = true
		return
	}
	f.frameAs(header)
}

// frameAs is frameBody where there may be a body.
func (f *frame) frameAs(header http.Header) {
	length, known := announced(header["Content-Length"])
	switch {
	case isChunked(header["Transfer-Encoding"]):
		f.kind = chunkedBody
	case known:
		f.kind, f.left, f.ended = lengthBody, length, length == 0
	case f.answer:
		f.kind = closeBody
	default:
		f.ended = true
	}
}

// unframed makes everything that comes part of the message.
func (f *frame) unframed() {
	f.head, f.kind = max(f.head, min(f.size, len(f.data)), 1), closeBody
}

func (f *frame) addBody(p []byte) (rest []byte) {
	if f.kind == chunkedBody && f.left == 0 {
		return f.addChunkLine(p)
	}
	n := len(p)
	if f.kind != closeBody {
		n = int(min(int64(n), f.left))
		f.left -= int64(n)
	}
	f.markBody(n)
	f.keep(p[:n])
	f.ended = f.kind == lengthBody && f.left == 0
	return p[n:]
}

// markBody notes that the next n bytes are body.
func (f *frame) markBody(n int) {
	if last := len(f.body) - 1; last >= 0 && f.body[last].to == f.size {
		f.body[last].to += n
	} else if f.limit == 0 || f.size < f.limit {
		f.body = append(f.body, span{f.size, f.size + n})
	}
}

// addChunkLine takes a line of chunked framing: a size, the end of a chunk, a trailer.
func (f *frame) addChunkLine(p []byte) (rest []byte) {
	i := bytes.IndexByte(p, '\n')
	if i < 0 {
		i = len(p) - 1
	}
	f.line = append(f.line, p[:i+1]...)
	f.keep(p[:i+1])
	if !bytes.HasSuffix(f.line, []byte("\n")) {
		if len(f.line) > maxChunkLine {
			f.unframed()
		}
		return p[i+1:]
	}
	f.chunkLine(strings.TrimSpace(string(f.line)))
	f.line = f.line[:0]
	return p[i+1:]
}

func (f *frame) chunkLine(line string) {
	if line == "" || f.tail {
		f.ended = f.tail && line == ""
		return
	}
	size, _, _ := strings.Cut(line, ";")
	n, err := strconv.ParseUint(strings.TrimSpace(size), 16, 63)
	if err != nil || n > math.MaxInt32 {
		f.unframed()
		return
	}
	f.left, f.tail = int64(n), n == 0
}

// parts are the head and the body without chunked framing, of what was kept.
func (f *frame) parts() (head, body []byte) {
	if f.head == 0 {
		return f.data, nil
	}
	head = f.data[min(f.from, len(f.data)):min(f.head, len(f.data))]
	for _, s := range f.body {
		body = append(body, f.data[min(s.from, len(f.data)):min(s.to, len(f.data))]...)
	}
	return bytes.TrimLeft(head, "\r\n"), body
}

// missing is how much is still to come of a body with a length.
func (f *frame) missing() int64 {
	if f.kind != lengthBody {
		return 0
	}
	return f.left
}

// bodySize is the length of the body without chunked framing.
func (f *frame) bodySize() int {
	n := 0
	for _, s := range f.body {
		n += s.to - s.from
	}
	return n
}

// splitHead parts a message behind its blank line; without one all of it is head.
func splitHead(data []byte) (head, body []byte, ok bool) {
	if n := headEnd(data, 0, 0); n >= 0 {
		return data[:n], data[n:], true
	}
	return data, nil, false
}

package wire

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxChunkLine = 256 // bytes of a chunk size with its extensions

	// settleTime is how long a body that is not over by its framing, but whose XML root element
	// has ended, is waited on for more. Some devices announce a wrong length or none, and then
	// never close.
	settleTime = 250 * time.Millisecond
)

type bodyKind uint8

const (
	noBody bodyKind = iota
	lengthBody
	closeBody // ends with the connection
	chunkedBody
)

// framing is how a body ends and how far it has come.
type framing struct {
	kind    bodyKind
	left    int64 // bytes to come of a lengthBody, or of the current chunk
	limit   int64 // bytes that may still be handed out
	cap     int64
	begun   bool // a chunk was read
	cut     bool // the head was cut off, so the body is missing
	settled bool // the read deadline is that of settleTime
	end     rootEnd
}

// start chooses the framing from the head. What is announced is believed as long as it can be:
// lengths that contradict each other, or are no number, or are more than anybody would send, say
// nothing, and the body then ends with the connection.
func (f *framing) start(x *exchange, resp *http.Response, whole bool) {
	length, known := announced(resp.Header["Content-Length"])
	f.cap = bodyLimit(x.ctx)
	f.limit, f.cut = f.cap, !whole
	resp.ContentLength = -1
	switch {
	case resp.Request.Method == http.MethodHead || resp.StatusCode == 204 || resp.StatusCode == 304:
	case isChunked(resp.Header["Transfer-Encoding"]):
		f.kind = chunkedBody
	case known && length == 0 && x.r == x.w:
		resp.ContentLength = 0
	case known && length > 0 && length <= f.limit:
		f.kind, f.left, resp.ContentLength = lengthBody, length, length
	default:
		f.kind = closeBody
	}
}

func announced(values []string) (length int64, known bool) {
	for _, v := range values {
		n, err := strconv.ParseUint(v, 10, 63)
		if err != nil || known && int64(n) != length {
			return 0, false
		}
		length, known = int64(n), true
	}
	return length, known
}

func isChunked(codings []string) bool {
	for _, c := range codings {
		if strings.Contains(strings.ToLower(c), "chunked") {
			return true
		}
	}
	return false
}

// awaitBody readies the connection for the body: it is not needed any more when all of it was read
// along with the head.
func (x *exchange) awaitBody() error {
	if x.body.kind == lengthBody && x.body.left <= int64(x.w-x.r) {
		x.hangUp()
		return nil
	}
	if err := x.conn.SetReadDeadline(x.within(x.whole)); err != nil {
		return x.answerError(err)
	}
	return nil
}

// Read implements io.Reader for the body.
func (x *exchange) Read(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.err != nil || len(p) == 0 {
		return 0, x.err
	}
	n, err := x.readBody(p)
	x.body.limit -= int64(n)
	if err != nil {
		x.finish(err)
	}
	return n, err
}

// Close ends the exchange, whatever is still to come.
func (x *exchange) Close() error {
	x.hangUp() // before the lock: it ends a Read that waits
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.buf != nil {
		x.finish(http.ErrBodyReadAfterClose)
	}
	return nil
}

func (x *exchange) readBody(p []byte) (int, error) {
	f := &x.body
	if f.kind == chunkedBody && f.left == 0 {
		if err := x.nextChunk(); err != nil {
			return 0, err
		}
	}
	if f.kind != closeBody {
		p = p[:min(int64(len(p)), f.left)]
	}
	if f.limit == 0 {
		return 0, x.refuseMore()
	}
	n, err := x.readData(p[:min(int64(len(p)), f.limit)])
	if f.kind == closeBody {
		return n, err
	}
	f.left -= int64(n)
	if f.kind == lengthBody && f.left == 0 {
		return n, io.EOF
	}
	return n, err
}

// refuseMore ends a body that has used up its limit: well if it ends here, with an error if not.
func (x *exchange) refuseMore() error {
	if n, err := x.readData(make([]byte, 1)); n == 0 && err != nil {
		return err
	}
	return &TooLargeError{What: "body", Limit: x.body.cap}
}

// readData reads bytes of the body, from buf first.
func (x *exchange) readData(p []byte) (n int, err error) {
	if x.r < x.w {
		n = copy(p, x.buf[x.r:x.w])
		x.r += n
	} else if n, err = x.readConn(p); n == 0 && err != nil {
		return 0, x.bodyEnd(err)
	}
	if x.body.kind != lengthBody || x.body.left > int64(n) {
		x.body.end.feed(p[:n])
	}
	return n, nil
}

// readConn reads from the connection, for a short time only if the document is over.
func (x *exchange) readConn(p []byte) (int, error) {
	if over := x.body.end.reached(); over != x.body.settled {
		wait := x.whole
		if over {
			wait = settleTime
		}
		if err := x.conn.SetReadDeadline(x.within(wait)); err != nil {
			return 0, err
		}
		x.body.settled = over
	}
	n, err := x.conn.Read(p)
	x.received += n
	return n, err
}

// bodyEnd says what the end of the connection, or of its patience, means for the body.
func (x *exchange) bodyEnd(err error) error {
	ended := errors.Is(err, io.EOF)
	switch {
	case x.ctx.Err() != nil:
	case x.body.end.reached(), ended && x.body.kind == closeBody && !x.body.cut:
		return io.EOF
	case ended:
		err = io.ErrUnexpectedEOF
	}
	return x.answerError(err)
}

// nextChunk reads the line in front of a chunk. What was announced as chunked and is not is
// taken as it comes.
func (x *exchange) nextChunk() error {
	line, err := x.chunkLine()
	if err != nil {
		return err
	}
	size, ok := parseChunkSize(line)
	switch f := &x.body; {
	case !ok && !f.begun:
		x.r, f.kind = x.r-len(line), closeBody
		return nil
	case !ok && f.end.reached():
		return io.EOF
	case !ok:
		return &HeadError{Addr: x.addr, Reason: "broken chunk size", First: string(line[:min(len(line), 64)])}
	case len(line) > maxChunkLine:
		return &TooLargeError{What: "chunk size", Limit: maxChunkLine}
	case size == 0:
		return io.EOF
	case size > f.limit:
		return &TooLargeError{What: "body", Limit: f.cap}
	default:
		f.begun, f.left = true, size
		return nil
	}
}

// chunkLine takes the next line that is not blank out of buf, whole with its end. It is also the
// rest of what there is, if a document stands where a chunk size should.
func (x *exchange) chunkLine() ([]byte, error) {
	for {
		x.skipLineEnds()
		rest := x.buf[x.r:x.w]
		i := bytes.IndexByte(rest, '\n')
		if i < 0 && !x.body.begun && isDocument(rest) {
			i = len(rest) - 1
		}
		if i >= 0 {
			x.r += i + 1
			return rest[:i+1], nil
		}
		if len(rest) > maxChunkLine {
			return nil, &TooLargeError{What: "chunk size", Limit: maxChunkLine}
		}
		if err := x.refill(); err != nil {
			return nil, x.bodyEnd(err)
		}
	}
}

func (x *exchange) skipLineEnds() {
	for x.r < x.w && (x.buf[x.r] == '\r' || x.buf[x.r] == '\n') {
		x.r++
	}
}

// refill moves what is unused to the front of buf and reads behind it.
func (x *exchange) refill() error {
	x.w = copy(x.buf[:], x.buf[x.r:x.w])
	x.r = 0
	n, err := x.readConn(x.buf[x.w:])
	x.w += n
	if n > 0 {
		return nil
	}
	return err
}

// parseChunkSize reads the hexadecimal size before any extension. Sizes that do not fit become
// the largest there is, which is over every limit.
func parseChunkSize(line []byte) (size int64, ok bool) {
	digits, _, _ := bytes.Cut(line, []byte(";"))
	digits = bytes.Trim(digits, dirt)
	if len(digits) > 2 && digits[0] == '0' && digits[1]|0x20 == 'x' {
		digits = digits[2:]
	}
	size, err := strconv.ParseInt(string(digits), 16, 64)
	if errors.Is(err, strconv.ErrRange) && size > 0 {
		return size, true
	}
	return size, err == nil && size >= 0 && digits[0] != '+'
}

// rootEnd watches a body go by for the end tag of its first element.
type rootEnd struct {
	head [256]byte // the beginning, until the name is found in it
	n    int
	name []byte // nil if not known yet, empty if this is no XML
	tail [64]byte
	t    int
}

// feed takes the next bytes of the body.
func (e *rootEnd) feed(p []byte) {
	if e.name == nil {
		e.n += copy(e.head[e.n:], p)
		e.name = rootName(e.head[:e.n])
		if e.name == nil && e.n == len(e.head) {
			e.name = []byte{}
		}
	}
	p = bytes.TrimRight(p, dirt)
	if over := e.t + len(p) - len(e.tail); over > 0 {
		drop := min(over, e.t)
		e.t = copy(e.tail[:], e.tail[drop:e.t])
		p = p[max(0, len(p)-len(e.tail)):]
	}
	e.t += copy(e.tail[e.t:], p)
}

// reached reports whether the last thing that went by was the end tag of the root.
func (e *rootEnd) reached() bool {
	if len(e.name) == 0 {
		return false
	}
	tag, ok := bytes.CutSuffix(e.tail[:e.t], []byte(">"))
	if !ok {
		return false
	}
	tag, ok = bytes.CutSuffix(bytes.TrimRight(tag, dirt), e.name)
	return ok && bytes.HasSuffix(tag, []byte("</"))
}

// rootName is the name in the first start tag of b, a part of b, nil if there is none yet.
func rootName(b []byte) []byte {
	for {
		i := bytes.IndexByte(b, '<')
		if i < 0 || i+1 >= len(b) {
			return nil
		}
		b = b[i+1:]
		if end := bytes.IndexAny(b, " \t\r\n/>"); end > 0 && b[0] != '?' && b[0] != '!' {
			return b[:end]
		}
	}
}

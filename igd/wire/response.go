package wire

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// maxDirt bounds what may stand in front of a status line: blank lines, NULs, a stray line.
const maxDirt = 512

// dirt is what is no part of a word.
const dirt = "\r\n\t \x00\ufeff"

// readResponse reads up to the body of the final answer. 1xx answers count towards the same
// MaxHeader bytes, so that a flood of them ends.
func (x *exchange) readResponse(req *http.Request) (*http.Response, error) {
	for {
		st, err := x.readStatus()
		if err != nil {
			return nil, err
		}
		fields, whole, err := x.readFields()
		if err != nil {
			return nil, err
		}
		if st.code >= 200 {
			return x.response(req, st, fields, whole)
		}
		if st.code == http.StatusSwitchingProtocols {
			return nil, x.headError("unasked change of protocol")
		}
	}
}

// readStatus finds the status line and steps over it.
func (x *exchange) readStatus() (status, error) {
	start := x.r
	for {
		line, complete := x.line()
		if st, ok := parseStatus(line); ok && complete {
			return st, nil
		}
		if isDocument(line) {
			return status{}, x.headError("a document without a head")
		}
		if x.r-start > maxDirt || !complete && len(line) > maxDirt {
			return status{}, x.headError("no status line")
		}
		if complete {
			continue
		}
		if err := x.fill(); err != nil {
			return status{}, x.statusError(err)
		}
	}
}

func isDocument(b []byte) bool {
	b = bytes.TrimLeft(b, dirt)
	return len(b) > 0 && b[0] == '<'
}

// statusError tells a device that said nothing, or stopped in its first words, from one that talks
// something else.
func (x *exchange) statusError(err error) error {
	words := bytes.TrimLeft(x.buf[:x.w], dirt)
	if errors.Is(err, io.EOF) && len(words) > 0 && !isStatusStart(words) {
		return x.headError("no status line")
	}
	return x.readError(err)
}

// readError wraps what ended the reading of a head, unless it says enough itself.
func (x *exchange) readError(err error) error {
	if tooLarge, ok := errors.AsType[*TooLargeError](err); ok {
		return tooLarge
	}
	if x.received > 0 && errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return x.answerError(err)
}

func (x *exchange) headError(reason string) error {
	return &HeadError{Addr: x.addr, Reason: reason, First: string(x.buf[:min(x.w, 64)])}
}

// line takes one line out of buf, without its end. One that is not complete yet stays there.
func (x *exchange) line() (line []byte, complete bool) {
	i := bytes.IndexByte(x.buf[x.r:x.w], '\n')
	if i < 0 {
		return x.buf[x.r:x.w], false
	}
	line = x.buf[x.r : x.r+i]
	x.r += i + 1
	return bytes.TrimRight(line, "\r"), true
}

// readFields takes the header lines up to the blank one. A device that ends right behind a line has
// sent its head, if not its body: whole is false then.
func (x *exchange) readFields() (fields []byte, whole bool, err error) {
	start := x.r
	for {
		line, complete := x.line()
		if complete && len(line) == 0 {
			return x.buf[start:x.r], true, nil
		}
		if complete {
			continue
		}
		if err := x.fill(); errors.Is(err, io.EOF) && len(line) == 0 {
			return x.buf[start:x.r], false, nil
		} else if err != nil {
			return nil, false, x.readError(err)
		}
	}
}

// A status is the first line of an answer.
type status struct {
	major, minor int
	code         int
	text         string // code and reason
}

func isStatusStart(b []byte) bool {
	n := min(len(b), 4)
	return n > 0 && strings.EqualFold(string(b[:n]), "HTTP"[:n])
}

// parseStatus reads "HTTP/1.1 200 OK" and what comes in its place: without reason, without the
// slash (G-35), with other blanks or bytes in front.
func parseStatus(line []byte) (status, bool) {
	line = bytes.Trim(line, dirt)
	if len(line) < 4 || !isStatusStart(line) {
		return status{}, false
	}
	rest := string(bytes.TrimLeft(line[4:], "/ "))
	version, text, ok := strings.Cut(rest, " ")
	text = strings.TrimLeft(text, " \t")
	if !ok || len(text) < 3 {
		return status{}, false
	}
	code, err := strconv.ParseUint(text[:3], 10, 16)
	if err != nil || code < 100 || len(text) > 3 && text[3] >= '0' && text[3] <= '9' {
		return status{}, false
	}
	st := status{major: 1, minor: 1, code: int(code), text: text}
	if version == "1.0" {
		st.minor = 0
	}
	return st, true
}

// response makes the answer out of its head and decides how its body ends.
func (x *exchange) response(req *http.Request, st status, fields []byte, whole bool) (*http.Response, error) {
	header, err := parseFields(string(fields))
	if err != nil {
		return nil, err
	}
	if coding := header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, x.headError("compressed answer, which was not asked for")
	}
	resp := &http.Response{
		Status: st.text, StatusCode: st.code, Proto: "HTTP/1." + strconv.Itoa(st.minor), ProtoMajor: st.major, ProtoMinor: st.minor,
		Header: header, Request: req, Close: true,
	}
	x.body.start(x, resp, whole)
	if x.body.kind == noBody {
		x.finish(io.EOF)
		resp.Body = http.NoBody
		return resp, nil
	}
	resp.Body = x
	return resp, x.awaitBody()
}

// parseFields reads header lines: any line end, blanks before the colon, folded lines. Lines that
// are no field are passed over.
func parseFields(text string) (http.Header, error) {
	lines := strings.Count(text, "\n")
	header := make(http.Header, min(lines, MaxFields))
	values := make([]string, 0, min(lines, MaxFields))
	last := ""
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(line, ":")
		value = strings.Trim(value, dirt)
		if last != "" && (line[0] == ' ' || line[0] == '\t') {
			kept := header[last]
			kept[len(kept)-1] += " " + strings.Trim(line, dirt)
			continue
		}
		if name = strings.Trim(name, " \t\x00"); !ok || !isToken(name) {
			continue
		}
		if len(values) == MaxFields {
			return nil, &TooLargeError{What: "header", Limit: MaxHeader}
		}
		last = textproto.CanonicalMIMEHeaderKey(name)
		values = append(values, value)
		if old, again := header[last]; again {
			header[last] = append(old, value)
		} else {
			header[last] = values[len(values)-1 : len(values) : len(values)]
		}
	}
	return header, nil
}

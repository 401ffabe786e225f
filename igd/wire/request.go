package wire

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// maxRequestBody bounds what is sent in one request; nothing in UPnP comes near it.
const maxRequestBody = 1 << 20

// appendRequest adds the exact bytes of req to dst. Sent in one write they make one segment, which
// is all that some devices read of a request.
func appendRequest(dst []byte, req *http.Request) ([]byte, error) {
	dst, err := appendRequestLine(dst, req)
	if err != nil {
		return dst, err
	}
	body, length, err := requestBody(req)
	if err != nil {
		return dst, err
	}
	dst = append(appendHost(append(dst, "Host: "...), req), "\r\n"...)
	if body != nil || req.Method == http.MethodPost {
		dst = strconv.AppendInt(append(dst, "Content-Length: "...), length, 10)
		dst = append(dst, "\r\n"...)
	}
	if dst, err = appendHeader(dst, req.Header); err != nil {
		return dst, err
	}
	dst = append(dst, "Connection: close\r\n\r\n"...)
	return appendBody(dst, body, int(length))
}

func appendRequestLine(dst []byte, req *http.Request) ([]byte, error) {
	method, target := req.Method, req.URL.RequestURI()
	if method == "" {
		method = http.MethodGet
	}
	if !isToken(method) || strings.ContainsFunc(target, isBlankOrControl) {
		return dst, fmt.Errorf("request line cannot carry %q %q", method, target)
	}
	dst = append(append(dst, method...), ' ')
	return append(append(dst, target...), " HTTP/1.1\r\n"...), nil
}

// appendHost adds the value of Host, without the zone of an IPv6 address: it means something on
// this machine only, and routers answer it with 400.
func appendHost(dst []byte, req *http.Request) []byte {
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	if before, after, zoned := strings.Cut(host, "%"); zoned {
		_, port, _ := strings.Cut(after, "]")
		return append(append(append(dst, before...), ']'), port...)
	}
	return append(dst, host...)
}

// requestBody is a reader of exactly length bytes, nil for none. A body of unknown length is read
// here, because old devices do not understand a chunked request (G-32).
func requestBody(req *http.Request) (body io.Reader, length int64, err error) {
	if req.Body == nil || req.Body == http.NoBody {
		return nil, 0, nil
	}
	if req.ContentLength > maxRequestBody {
		return nil, 0, fmt.Errorf("request body over %d bytes", maxRequestBody)
	}
	if req.ContentLength > 0 {
		return req.Body, req.ContentLength, nil
	}
	data, err := io.ReadAll(io.LimitReader(req.Body, maxRequestBody+1))
	if err == nil && len(data) > maxRequestBody {
		err = fmt.Errorf("request body over %d bytes", maxRequestBody)
	}
	return bytes.NewReader(data), int64(len(data)), err
}

// appendBody adds length bytes of body, no more and no fewer: RomPager answers a framing that is
// off by one with a second, unasked answer.
func appendBody(dst []byte, body io.Reader, length int) ([]byte, error) {
	if body == nil {
		return dst, nil
	}
	start := len(dst)
	dst = slices.Grow(dst, length)[:start+length]
	if _, err := io.ReadFull(body, dst[start:]); err != nil {
		return dst, fmt.Errorf("request body of %d bytes: %w", length, err)
	}
	return dst, nil
}

// appendHeader adds the fields in a fixed order, with their names as the map has them: some
// devices take SOAPACTION in one spelling only (G-29).
func appendHeader(dst []byte, header http.Header) ([]byte, error) {
	var room [12]string
	for _, name := range sortedNames(room[:0], header) {
		if !isToken(name) {
			return dst, fmt.Errorf("header name %q", name)
		}
		for _, value := range header[name] {
			if strings.ContainsFunc(value, isControl) {
				return dst, fmt.Errorf("header %s cannot carry %q", name, value)
			}
			dst = append(append(dst, name...), ": "...)
			dst = append(append(dst, value...), "\r\n"...)
		}
	}
	return dst, nil
}

func sortedNames(names []string, header http.Header) []string {
	for name := range header {
		if !ownHeader(name) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		if byRank := rankOf(a) - rankOf(b); byRank != 0 {
			return byRank
		}
		return strings.Compare(a, b)
	})
	return names
}

// headerRank is the place of the fields that have one, after Host and Content-Length. Routers have
// swallowed the field behind a SOAPACTION, so what matters stands in front of it.
var headerRank = [...]string{"CONTENT-TYPE", "SOAPACTION", "MAN", "CALLBACK", "NT", "NTS", "SID", "SEQ", "TIMEOUT"}

func rankOf(name string) int {
	for i, known := range headerRank {
		if strings.EqualFold(name, known) {
			return i
		}
	}
	return len(headerRank)
}

// ownHeader reports the fields that the client alone decides on.
func ownHeader(name string) bool {
	return strings.EqualFold(name, "Host") || strings.EqualFold(name, "Content-Length") ||
		strings.EqualFold(name, "Connection") || strings.EqualFold(name, "Transfer-Encoding")
}

func isControl(r rune) bool        { return r < ' ' && r != '\t' || r == 0x7f }
func isBlankOrControl(r rune) bool { return r <= ' ' || r == 0x7f }

// isToken is RFC 9110, 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		alnum := c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
		if !alnum && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

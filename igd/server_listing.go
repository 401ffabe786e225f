package igd

import (
	"bytes"
	"html"
	"net/http"
	"strconv"
	"strings"
)

// cdata answers as next does, except that a port listing is sent as a CDATA section: the two
// spellings mean the same, but miniupnpc looks for the listing in the answer as it came and
// finds nothing in an escaped one.
func cdata(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := &held{header: w.Header(), status: http.StatusOK}
		next.ServeHTTP(b, r)
		body := unescapeListing(b.body.Bytes())
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(b.status)
		_, _ = w.Write(body) // the caller may be gone
	})
}

func unescapeListing(body []byte) []byte {
	const start, end = "<NewPortListing>", "</NewPortListing>"
	before, rest, _ := bytes.Cut(body, []byte(start))
	listing, after, ok := bytes.Cut(rest, []byte(end))
	if !ok {
		return body
	}
	plain := html.UnescapeString(string(listing))
	plain = strings.ReplaceAll(plain, "]]>", "]]]]><![CDATA[>") // the end of a section ends it everywhere
	return bytes.Join([][]byte{before, []byte(start + "<![CDATA[" + plain + "]]>" + end), after}, nil)
}

// A held answer waits to be sent. Its header is that of the real one.
type held struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (h *held) Header() http.Header         { return h.header }
func (h *held) WriteHeader(status int)      { h.status = status }
func (h *held) Write(p []byte) (int, error) { return h.body.Write(p) }

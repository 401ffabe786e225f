package description

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Limits of fetching a document.
const (
	MaxDocument = 256 << 10 // bytes of a description; real ones reach tens of kilobytes

	exchangeTimeout = 10 * time.Second
	secondAttempt   = 2 * time.Second // most routers answer within 10 ms, slow ones within 500 ms
)

const noteCut = "the answer did not have its full Content-Length"

// A Client fetches descriptions. The zero value is ready to use.
type Client struct {
	// HTTP makes the requests. Nil is a client without proxy, compression, cookies and
	// kept connections, and with limits on time and header size. Redirects are reported
	// and not followed, whichever client it is.
	HTTP *http.Client
}

// Root fetches and reads the root device description at location, which must be an
// http URL. Errors are [ErrURL], a [StatusError], [ErrTooLarge], [ErrCompressed],
// those of [ParseRoot] and those of the network.
func (c *Client) Root(ctx context.Context, location string) (*Root, error) {
	data, cut, err := c.fetch(ctx, location)
	if err != nil {
		return nil, err
	}
	root, err := ParseRoot(data, location)
	if err != nil {
		return nil, fmt.Errorf("%w (%s)", err, location)
	}
	if cut {
		root.Note(noteCut)
	}
	return root, nil
}

// SCPD fetches and reads the service description at an absolute URL, one of those
// [Root.URLs] makes of a service's SCPDURL. Errors are as for Root.
func (c *Client) SCPD(ctx context.Context, url string) (*SCPD, error) {
	data, cut, err := c.fetch(ctx, url)
	if err != nil {
		return nil, err
	}
	scpd, err := ParseSCPD(data)
	if err != nil {
		return nil, fmt.Errorf("%w (%s)", err, url)
	}
	if cut {
		scpd.Note(noteCut)
	}
	return scpd, nil
}

// Document fetches a document as it is, byte for byte. Errors are those of fetching in Root.
func (c *Client) Document(ctx context.Context, url string) ([]byte, error) {
	data, _, err := c.fetch(ctx, url)
	return data, err
}

// fetch gets a document within exchangeTimeout. cut is true when less came than was announced, and
// yet it may be all of the document.
func (c *Client) fetch(ctx context.Context, location string) (data []byte, cut bool, err error) {
	u, err := splitLocation(location)
	if err != nil {
		return nil, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout)
	defer cancel()
	d := insist(ctx, func(ctx context.Context) download { return c.attempt(ctx, u, location) })
	return d.data, d.cut, d.err
}

// A download is what came of an attempt to get one.
type download struct {
	data []byte
	cut  bool
	err  error
}

// insist makes a second attempt beside one that takes long: a connection that lost a few segments
// is silent for many seconds, while a new one is through at once. The first to succeed counts.
func insist(ctx context.Context, attempt func(context.Context) download) download {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	results := make(chan download, 2)
	run := func() { results <- attempt(ctx) }
	running.Go(run)
	late := time.NewTimer(secondAttempt)
	defer late.Stop()
	select {
	case d := <-results:
		return d
	case <-late.C:
	}
	running.Go(run)
	if d := <-results; d.err == nil {
		return d
	}
	return <-results
}

// attempt gets a document, trying once more when the device closes the connection without
// a word, as some do when they are busy. Errors name it as the caller does.
func (c *Client) attempt(ctx context.Context, u reference, name string) download {
	response, err := c.get(ctx, u.String())
	if errors.Is(err, io.EOF) {
		response, err = c.get(ctx, u.String())
	}
	if err != nil {
		return download{err: fmt.Errorf("description: %w", err)}
	}
	defer response.Body.Close()
	data, cut, err := readDocument(name, response)
	return download{data, cut, err}
}

func (c *Client) get(ctx context.Context, url string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Close = true
	return DeviceHTTP(c.HTTP, netip.Addr{}).Do(request)
}

// readDocument takes the document out of an answer. The Content-Type is not asked:
// descriptions come as anything from application/octet-stream to text/html.
func readDocument(url string, response *http.Response) (data []byte, cut bool, err error) {
	if response.StatusCode != http.StatusOK {
		// What cannot be read of an error's text is no error of its own.
		body, _ := io.ReadAll(io.LimitReader(response.Body, maxErrorBody))
		return nil, false, NewStatusError(url, response, body)
	}
	if coding := response.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, false, fmt.Errorf("%w: %s from %s", ErrCompressed, quoted(coding), url)
	}
	data, err = readBody(response.Body, response.ContentLength < 0)
	switch {
	case len(data) > MaxDocument:
		return nil, false, fmt.Errorf("%w: more than %d bytes from %s", ErrTooLarge, MaxDocument, url)
	case errors.Is(err, io.ErrUnexpectedEOF) && len(data) > 0, err != nil && endsDocument(data):
		return data, true, nil
	case err != nil:
		return nil, false, fmt.Errorf("description: reading %s: %w", url, err)
	}
	return data, false, nil
}

// readBody reads at most one byte more than MaxDocument. Where no length was announced
// it stops behind the end tag of the document, because some devices then keep the
// connection open for ever.
func readBody(body io.Reader, untilEndTag bool) ([]byte, error) {
	var data bytes.Buffer
	limited := io.LimitReader(body, MaxDocument+1)
	chunk := make([]byte, 4<<10)
	for {
		n, err := limited.Read(chunk)
		data.Write(chunk[:n])
		if err == io.EOF || untilEndTag && endsDocument(data.Bytes()) {
			return data.Bytes(), nil
		}
		if err != nil {
			return data.Bytes(), err
		}
	}
}

// endsDocument reports whether data ends with the end tag of a description.
func endsDocument(data []byte) bool {
	data = bytes.TrimRight(data, " \t\r\n\x00")
	return bytes.HasSuffix(data, []byte("</root>")) || bytes.HasSuffix(data, []byte("</scpd>"))
}

package soap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"time"

	"upnp/description"
)

// answerTimeout is what the architecture gives a device.
const answerTimeout = 30 * time.Second

// A Client calls the actions of one service. It may be used from several goroutines, which
// many devices do not survive: most want one call at a time.
type Client struct {
	URL     string // the control URL, absolute
	Service string // the service type to call it by, for example "urn:schemas-upnp-org:service:WANIPConnection:1"

	// HTTP makes the requests. Nil is a client without proxy, compression, cookies and
	// kept connections, with limits on time and header size. Redirects are not followed,
	// whichever client it is.
	HTTP *http.Client

	// UserAgent is the USER-AGENT header, "OS/version UPnP/1.1 product/version". Empty
	// sends one that names this package.
	UserAgent string
}

// An AnswerError is an answer that is neither a response to the action nor a fault: a page
// to log in, an empty 500, the answer to another action. It unwraps to both of its parts.
type AnswerError struct {
	Action string
	HTTP   *description.StatusError // how it came, under status 200 too, and its first kilobyte
	Err    error                    // why it cannot be read
}

func (e *AnswerError) Error() string {
	if e.HTTP.Code == http.StatusOK {
		return fmt.Sprintf("soap: %s at %s: %v", e.Action, e.HTTP.URL, e.Err)
	}
	return fmt.Sprintf("soap: %s at %s: HTTP status %q", e.Action, e.HTTP.URL, e.HTTP.Status)
}

func (e *AnswerError) Unwrap() []error { return []error{e.HTTP, e.Err} }

// Call calls an action with the arguments in the order given, which should be that of the
// service description. It asks once and never repeats a call, since that might do a thing
// twice; only a device that refuses the method POST is asked again with M-POST.
//
// A refusal is a [*Fault], an answer that makes no sense an [*AnswerError], a name that
// cannot be sent a [*NameError]; others come from the network.
func (c *Client) Call(ctx context.Context, action string, in ...Arg) (*Response, error) {
	request := &Request{Service: c.Service, Action: action, Args: in}
	body, err := request.AppendText(nil)
	if err != nil {
		return nil, err
	}
	answer, err := c.send(ctx, http.MethodPost, request, body)
	if err == nil && answer.StatusCode == http.StatusMethodNotAllowed {
		answer.Body.Close()
		answer, err = c.send(ctx, methodMPost, request, body)
	}
	if err != nil {
		return nil, fmt.Errorf("soap: %s: %w", action, err)
	}
	defer answer.Body.Close()
	return readAnswer(answer, c.URL, action)
}

// methodMPost is the POST of RFC 2774, the HTTP extension framework, with the name space
// prefix this package uses in it.
const (
	methodMPost = "M-POST"
	manPrefix   = "01"
	man         = `"http://schemas.xmlsoap.org/soap/envelope/"; ns=` + manPrefix
)

// send writes the request with a length, never in chunks, which old devices cannot read.
func (c *Client) send(ctx context.Context, method string, r *Request, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.GetBody = nil // net/http must not repeat the call by itself
	request.Close = true  // routers lose the second request on a connection
	request.Header = c.header(method, r)
	client := c.client()
	if client.Transport != nil && client.Timeout == 0 {
		// A call is one exchange. What a Client adds to one, redirects and cookies, no device
		// needs, and it is a good part of the work of a long listing.
		return client.Transport.RoundTrip(request)
	}
	return client.Do(request)
}

// header has keys that net/http leaves as they are: some routers know SOAPACTION in upper
// case only (syncthing 1696, jupnp 120). HOST and CONTENT-LENGTH are the transport's.
func (c *Client) header(method string, r *Request) http.Header {
	agent := c.UserAgent
	if agent == "" {
		agent = runtime.GOOS + "/1 UPnP/1.1 upnp/1"
	}
	h := http.Header{"CONTENT-TYPE": {contentType}, "User-Agent": {agent}}
	if method == methodMPost {
		h["MAN"] = []string{man}
		h[manPrefix+"-SOAPACTION"] = []string{r.soapAction()}
	} else {
		h["SOAPACTION"] = []string{r.soapAction()}
	}
	return h
}

func (c *Client) client() *http.Client {
	client := description.DeviceHTTP(c.HTTP, netip.Addr{})
	if c.HTTP == nil {
		client.Timeout = answerTimeout
	}
	return client
}

// readAnswer judges an answer by what it says, then by its status: devices send faults under
// 200 and answers under 500.
func readAnswer(answer *http.Response, url, action string) (*Response, error) {
	body, readErr := readBody(answer.Body, answer.ContentLength < 0)
	response, whole, err := parseResponse(body, action)
	if fault, ok := errors.AsType[*Fault](err); ok {
		fault.HTTPStatus = answer.StatusCode
		if answer.StatusCode != http.StatusInternalServerError {
			fault.Notes = append(fault.Notes, "fault under HTTP status "+answer.Status)
		}
		return nil, fault
	}
	switch {
	case readErr != nil && whole:
		response.Notes = append(response.Notes, "end of the answer missing: "+readErr.Error())
	case readErr != nil && (err == nil || answer.StatusCode == http.StatusOK):
		return nil, fmt.Errorf("soap: %s: reading the answer: %w", action, readErr)
	case err != nil:
		return nil, &AnswerError{Action: action, HTTP: description.NewStatusError(url, answer, body), Err: errors.Join(err, readErr)}
	}
	if answer.StatusCode != http.StatusOK {
		response.Notes = append(response.Notes, "answered under HTTP status "+answer.Status)
	}
	return response, nil
}

// readBody reads at most one byte more than an answer may have. Where no length was
// announced it stops behind the envelope, because some devices then keep the connection
// open for ever.
func readBody(body io.Reader, untilEndTag bool) ([]byte, error) {
	limited := io.LimitReader(body, MaxAnswer+1)
	if !untilEndTag {
		return io.ReadAll(limited)
	}
	var data bytes.Buffer
	chunk := make([]byte, 4<<10)
	for {
		n, err := limited.Read(chunk)
		data.Write(chunk[:n])
		if err == io.EOF || endsEnvelope(data.Bytes()) {
			return data.Bytes(), nil
		}
		if err != nil {
			return data.Bytes(), err
		}
	}
}

// endsEnvelope reports whether data ends with the end tag of an envelope.
func endsEnvelope(data []byte) bool {
	tail := bytes.TrimRight(data[max(0, len(data)-64):], " \t\r\n\x00")
	i := bytes.LastIndexByte(tail, '<')
	return i >= 0 && bytes.HasPrefix(tail[i:], []byte("</")) &&
		strings.HasSuffix(strings.ToLower(string(tail)), "envelope>")
}

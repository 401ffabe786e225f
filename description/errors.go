package description

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"syscall"
)

var (
	// ErrTooLarge is a document over [MaxDocument] bytes.
	ErrTooLarge = errors.New("description: document too large")

	// ErrCompressed is an answer in a content coding, which nobody asked for.
	ErrCompressed = errors.New("description: compressed answer refused")

	// ErrURL is a URL that is never fetched: not http, with user information, with port
	// 0, without a host, or over 2,048 bytes.
	ErrURL = errors.New("description: URL refused")

	// ErrName is a [Field] whose Name cannot be that of an XML element.
	ErrName = errors.New("description: not a name for a vendor element")
)

// A StatusError is an HTTP answer that is not what was asked for: any status but 200, redirects
// included, or a 200 with something else in it.
type StatusError struct {
	URL         string
	Code        int
	Status      string // the code and the device's words for it, for example "404 Not Found"
	ContentType string
	Redirect    string // the Location header of a redirect; it was not followed
	Body        string // the first kilobyte, as it came: sanitise it before printing
}

const maxErrorBody = 1 << 10 // bytes kept of an answer that is an error

// NewStatusError makes an error of an answer and as much of its body as was read.
func NewStatusError(url string, answer *http.Response, body []byte) *StatusError {
	e := &StatusError{
		URL:         url,
		Code:        answer.StatusCode,
		Status:      answer.Status,
		ContentType: answer.Header.Get("Content-Type"),
		Body:        string(body[:min(len(body), maxErrorBody)]),
	}
	if e.Code >= 300 && e.Code < 400 {
		e.Redirect = answer.Header.Get("Location")
	}
	return e
}

func (e *StatusError) Error() string {
	text := e.URL + " answered " + e.Status
	switch {
	case e.Redirect != "":
		text += " to " + quoted(e.Redirect) + ", not followed"
	case e.Code == http.StatusOK:
		text += " with " + cmp.Or(webPage([]byte(e.Body)), e.ContentType, "text") + " in place of what was asked for"
	}
	return text
}

// WrongURL reports an error of a request that says nobody serves anything under its URL, so that the
// next of [Root.URLs] is due.
func WrongURL(err error) bool {
	if status, ok := errors.AsType[*StatusError](err); ok {
		return status.Code == http.StatusNotFound || status.Code == http.StatusMethodNotAllowed
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// A DocumentError is a document that is not what was asked for, such as the log-in
// page some routers serve in place of every file.
type DocumentError struct {
	Want  string // "device description" or "service description"
	Found string // what it is instead
}

func (e *DocumentError) Error() string {
	return fmt.Sprintf("description: not a %s but %s", e.Want, e.Found)
}

// A Problem is the way in which a value is wrong. The zero Problem is none.
type Problem int

const (
	Malformed  Problem = iota + 1 // not of the form the data type prescribes
	OutOfRange                    // outside of what the type or the allowedValueRange holds
	NotAllowed                    // not in the allowedValueList
)

// A ValueError is a text that is not a value of a data type or of a variable.
type ValueError struct {
	Variable string // empty if only the type was looked at
	Type     DataType
	Text     string
	Problem  Problem
	Reason   string
}

func (e *ValueError) Error() string {
	if e.Variable == "" {
		return fmt.Sprintf("description: %s %s: %s", e.Type, quoted(e.Text), e.Reason)
	}
	return fmt.Sprintf("description: %s (%s) %s: %s", e.Variable, e.Type, quoted(e.Text), e.Reason)
}

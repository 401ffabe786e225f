package soap

import (
	"io"
	"strings"

	"upnp/description/xmldoc"
)

// A Request is the call of an action, UPnP Device Architecture 1.1, section 3.2.1.
type Request struct {
	Service string // service type; "" if what was read does not tell
	Action  string
	Args    Args
	Notes   []string // repairs made in reading; not written

	mustUnderstand string // a SOAP header that must not be ignored
}

// ParseRequest reads the body of a call. The error is an [*xmldoc.SyntaxError] or a
// [*MismatchError]. A document that ends too early is not a request: acting on half of one
// could do anything.
func ParseRequest(body []byte) (*Request, error) {
	s, err := newScanner(body, MaxRequest)
	if err != nil {
		return nil, err
	}
	r := new(Request)
	r.mustUnderstand, err = openBody(s)
	switch {
	case err == io.EOF:
		return nil, &MismatchError{Want: "an action"}
	case err != nil:
		return nil, err
	case s.Depth() == 1:
		return nil, &MismatchError{Want: "an envelope", Found: s.Local()}
	}
	r.Action, r.Service = s.Local(), s.Namespace()
	args, notes, err := readArgs(s)
	if err != nil {
		return nil, err
	}
	if s.Truncated() {
		return nil, &xmldoc.SyntaxError{Offset: len(body), Element: r.Action, Reason: "document ends too early"}
	}
	r.Args, r.Notes = args, append(s.Notes(), notes...)
	return r, nil
}

// AppendText appends the body of the call. The error is a [*NameError].
func (r *Request) AppendText(dst []byte) ([]byte, error) {
	return appendEnvelope(dst, r.Service, r.Action, r.Args)
}

// soapAction is the value of the SOAPACTION header.
func (r *Request) soapAction() string { return `"` + r.Service + "#" + r.Action + `"` }

// parseSOAPAction reads a SOAPACTION header, with its quotes or without.
func parseSOAPAction(header string) (service, action string, ok bool) {
	return strings.Cut(strings.Trim(header, " \t\"'"), "#")
}

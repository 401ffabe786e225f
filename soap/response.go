package soap

import (
	"fmt"
	"io"
	"strings"

	"upnp/description/xmldoc"
)

// A Response is what an action gave, UPnP Device Architecture 1.1, section 3.2.2.
type Response struct {
	Service string // service type; "" if the device did not say
	Action  string
	Args    Args
	Notes   []string // what had to be repaired or overlooked; not written
}

// A MismatchError is XML that is something else than what was asked for.
type MismatchError struct {
	Want  string
	Found string // local name of the element found instead, "" for none
}

func (e *MismatchError) Error() string {
	if e.Found == "" {
		return fmt.Sprintf("soap: want %s, found nothing", e.Want)
	}
	return fmt.Sprintf("soap: want %s, found %.64q", e.Want, e.Found)
}

// ParseResponse reads the body of an answer to the given action. A refusal is returned as a
// [*Fault]. Other errors are an [*xmldoc.SyntaxError] or a [*MismatchError], which is also
// what the answer to another action is.
func ParseResponse(body []byte, action string) (*Response, error) {
	r, _, err := parseResponse(body, action)
	return r, err
}

// parseResponse also tells whether the answer is all there; it is not if there is an error
// that is no Fault.
func parseResponse(body []byte, action string) (r *Response, whole bool, err error) {
	s, err := newScanner(body, MaxAnswer)
	if err != nil {
		return nil, false, err
	}
	_, err = openBody(s)
	switch {
	case err == io.EOF:
		return nil, false, &MismatchError{Want: action + "Response"}
	case err != nil:
		return nil, false, err
	case is(s, "Fault"), is(s, "UPnPError"):
		fault, err := readFault(s)
		if err != nil {
			return nil, false, err
		}
		return nil, true, fault
	case !answers(s.Local(), action):
		return nil, false, &MismatchError{Want: action + "Response", Found: s.Local()}
	}
	r = &Response{Service: strings.Clone(s.Namespace()), Action: action}
	args, notes, err := readArgs(s)
	if err != nil {
		return nil, false, err
	}
	r.Args, r.Notes = args, append(s.Notes(), notes...)
	return r, !s.Truncated(), nil
}

// answers reports whether an element of that name is the answer to an action.
func answers(local, action string) bool {
	const suffix = "Response"
	n := len(local) - len(suffix)
	return n >= 0 && xmldoc.EqualName(local[:n], action) && xmldoc.EqualName(local[n:], suffix)
}

// AppendText appends the body of the answer. The error is a [*NameError].
func (r *Response) AppendText(dst []byte) ([]byte, error) {
	return appendEnvelope(dst, r.Service, r.Action+"Response", r.Args)
}

package soap

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"upnp/description/xmldoc"
)

// Error codes that every service has, UPnP Device Architecture 1.1, section 3.2.2. Those
// from 700 on belong to each kind of service.
const (
	InvalidAction            = 401
	InvalidArgs              = 402
	InvalidVar               = 404 // QueryStateVariable only
	ActionFailed             = 501
	ArgumentValueInvalid     = 600
	ArgumentValueOutOfRange  = 601
	OptionalActionNotPresent = 602
	OutOfMemory              = 603
	HumanIntervention        = 604
	StringTooLong            = 605
	ActionNotAuthorized      = 606
)

// codeText is the wording of the specification, "" for codes that are not its own.
func codeText(code int) string {
	switch code {
	case InvalidAction:
		return "Invalid Action"
	case InvalidArgs:
		return "Invalid Args"
	case InvalidVar:
		return "Invalid Var"
	case ActionFailed:
		return "Action Failed"
	case ArgumentValueInvalid:
		return "Argument Value Invalid"
	case ArgumentValueOutOfRange:
		return "Argument Value Out of Range"
	case OptionalActionNotPresent:
		return "Optional Action Not Implemented"
	case OutOfMemory:
		return "Out of Memory"
	case HumanIntervention:
		return "Human Intervention Required"
	case StringTooLong:
		return "String Argument Too Long"
	case ActionNotAuthorized:
		return "Action Not Authorized"
	}
	return ""
}

// maxFaultText is how much of each text of a fault is kept, in bytes.
const maxFaultText = 1 << 10

// A Fault is the refusal of an action. It is an error on both sides: what [Client.Call]
// returns and what an [ActionFunc] refuses with.
type Fault struct {
	Code        int    // the UPnP error code; 0 if there is none
	Description string // the device's own words; when written, "" is the specification's
	FaultCode   string // when written, "" is "s:Client"
	FaultString string // when written, "" is "UPnPError"

	HTTPStatus int      // what the fault came with; 0 unless it came over HTTP
	Notes      []string // what had to be repaired or overlooked; not written
}

func (f *Fault) Error() string {
	text := f.Description
	if text == "" {
		text = f.FaultString
	}
	return fmt.Sprintf("soap: fault %d %q", f.Code, text)
}

// SOAPFault returns f itself. Errors of other packages that have such a method are sent as
// the fault it returns.
func (f *Fault) SOAPFault() *Fault { return f }

// asFault is what a [Handler] tells the caller about err.
func asFault(err error) (fault *Fault, meant bool) {
	var refusal interface{ SOAPFault() *Fault }
	if errors.As(err, &refusal) {
		if fault := refusal.SOAPFault(); fault != nil {
			return fault, true
		}
	}
	return &Fault{Code: ActionFailed}, false
}

// readFault reads the Fault or UPnPError element s is at. Once the code is known nothing
// behind it can take that away.
func readFault(s *xmldoc.Scanner) (*Fault, error) {
	f := new(Fault)
	for depth := s.Depth(); s.Depth() >= depth; {
		token, err := s.Next()
		if err == nil && token == xmldoc.StartTag {
			err = f.readField(s)
		}
		if err != nil && f.Code == 0 {
			return nil, err
		}
		if err != nil {
			f.Notes = append(f.Notes, "fault not read to its end: "+err.Error())
			break
		}
	}
	if f.Code == 0 {
		f.Notes = append(f.Notes, "fault without an error code")
	}
	f.Notes = append(f.Notes, s.Notes()...)
	return f, nil
}

// readField takes in the element s is at, wherever in the fault it stands.
func (f *Fault) readField(s *xmldoc.Scanner) error {
	switch {
	case is(s, "faultcode"):
		return readText(s, &f.FaultCode)
	case is(s, "faultstring"):
		return readText(s, &f.FaultString)
	case is(s, "errorDescription"):
		return readText(s, &f.Description)
	case is(s, "errorCode"):
		return f.readCode(s)
	}
	return nil
}

func (f *Fault) readCode(s *xmldoc.Scanner) error {
	var text string
	if err := readText(s, &text); err != nil {
		return err
	}
	code, err := strconv.Atoi(text)
	switch {
	case s.Truncated():
		f.Notes = append(f.Notes, "errorCode is cut off")
	case err != nil:
		f.Notes = append(f.Notes, fmt.Sprintf("errorCode %.32q is not a number", text))
	default:
		f.Code = code
	}
	return nil
}

func readText(s *xmldoc.Scanner, field *string) error {
	text, _, err := s.Content()
	text = strings.TrimSpace(text)
	if len(text) > maxFaultText {
		text = strings.ToValidUTF8(text[:maxFaultText], "")
	}
	*field = strings.Clone(text)
	return err
}

// AppendText appends the body that carries the fault. A fault whose Code is 0 has no
// UPnPError. The error is always nil.
func (f *Fault) AppendText(dst []byte) ([]byte, error) {
	dst = append(dst, envelopeStart+"<s:Fault><faultcode>"...)
	dst = xmldoc.AppendText(dst, cmp.Or(f.FaultCode, "s:Client"))
	dst = append(dst, "</faultcode><faultstring>"...)
	dst = xmldoc.AppendText(dst, cmp.Or(f.FaultString, "UPnPError"))
	dst = append(dst, "</faultstring>"...)
	if f.Code != 0 {
		dst = append(dst, `<detail><UPnPError xmlns="`+ControlNamespace+`"><errorCode>`...)
		dst = strconv.AppendInt(dst, int64(f.Code), 10)
		dst = append(dst, "</errorCode><errorDescription>"...)
		dst = xmldoc.AppendText(dst, cmp.Or(f.Description, codeText(f.Code)))
		dst = append(dst, "</errorDescription></UPnPError></detail>"...)
	}
	return append(dst, "</s:Fault>"+envelopeEnd...), nil
}

package wire

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// A question is what makes two requests the same: whom they ask, and for what.
type question struct {
	device netip.AddrPort
	method string // also "renew" for the SUBSCRIBE of a subscription that there is
	path   string
	action string
	args   []arg // by name
}

type arg struct{ name, value string }

// maxArgs bounds what is compared of a request.
const maxArgs = 64

// questionOf reads a request. The asker's own address in an argument is "self": who plays a
// recording may have another address than who made it.
func questionOf(request []byte, device netip.AddrPort, asker netip.Addr) question {
	f := frame{}
	f.add(request)
	head, body := f.parts()
	method, rest, _ := strings.Cut(firstLine(head), " ")
	target, _, _ := strings.Cut(rest, " ")
	q := question{device: plainAddrPort(device), method: method, path: pathOf(target), action: soapAction(head)}
	switch {
	case method == "M-POST":
		q.method = "POST"
	case method == "SUBSCRIBE" && field(head, "SID") != "":
		q.method = "renew"
	}
	if q.action != "" {
		q.args = argsOf(body, asker.WithZone("").String())
	}
	return q
}

func plainAddrPort(ap netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port())
}

// pathOf is a target without the host that it may have.
func pathOf(target string) string {
	if u, err := url.Parse(target); err == nil && u.Host != "" {
		return u.RequestURI()
	}
	return target
}

// argsOf are the arguments in the body of a call, in the order of their names.
func argsOf(body []byte, self string) []arg {
	args := readArgs(body)
	for i := range args {
		if args[i].value = strings.TrimSpace(args[i].value); args[i].value == self {
			args[i].value = "self"
		}
	}
	slices.SortFunc(args, func(a, b arg) int { return strings.Compare(a.name, b.name) })
	return args
}

// readArgs reads as far as it can what lies four elements deep: envelope, body, action, argument.
func readArgs(body []byte) (args []arg) {
	d := xml.NewDecoder(bytes.NewReader(body))
	d.Strict = false
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	for depth := 0; len(args) < maxArgs; {
		token, err := d.Token()
		if err != nil {
			return args
		}
		switch token := token.(type) {
		case xml.StartElement:
			if depth++; depth == 4 {
				args = append(args, arg{name: token.Name.Local})
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth >= 4 {
				args[len(args)-1].value += string(token)
			}
		}
	}
	return args
}

// key is the same for the same questions and no others.
func (q question) key() string {
	return fmt.Sprintf("%v %q %q %q %q", q.device, q.method, q.path, q.action, q.args)
}

// isWrite reports whether asking changes something, by the only sign there is: its name.
func (q question) isWrite() bool {
	name := q.action[strings.LastIndexByte(q.action, '_')+1:]
	return q.action != "" && !strings.HasPrefix(name, "Get") && !strings.HasPrefix(name, "Is")
}

// likeness is how near a question is to another.
func (q question) likeness(other question) int {
	n := 0
	for i, same := range []bool{q.device == other.device, q.method == other.method, q.path == other.path, q.action == other.action} {
		if same {
			n += 100 << i
		}
	}
	for _, a := range q.args {
		if slices.Contains(other.args, a) {
			n++
		}
	}
	return n
}

// words is the question for people, with the arguments in which it differs from another of the same action.
func (q question) words(other question) string {
	what := q.method + " " + q.path
	if q.action != "" {
		what = q.action
	}
	var differ []string
	for _, a := range q.args {
		if q.action == other.action && !slices.Contains(other.args, a) {
			differ = append(differ, fmt.Sprintf("%s %q", a.name, a.value))
		}
	}
	if len(differ) > 0 {
		what += " with " + strings.Join(differ, ", ")
	}
	switch {
	case q.device != other.device:
		what += fmt.Sprintf(" at %v", q.device)
	case q.action != "" && q.path != other.path:
		what += " at " + q.path
	}
	return Sanitize(what, 2*maxSummaryText)
}

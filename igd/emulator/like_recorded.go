package emulator

import (
	"bytes"
	"errors"
	"io"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"upnp/description"
	"upnp/igd"
	"upnp/igd/wire"
	"upnp/soap"
	"upnp/ssdp"
)

// recorded is what a recording holds of one gateway.
type recorded struct {
	host       netip.Addr
	ports      map[string]bool // it was asked at
	location   string
	page       []byte // the description
	root       *description.Root
	connection *description.Service
	pages      map[string]*said // by method and target
	calls      []*call
	answers    []found
	searched   map[ssdp.Target]bool
}

// said is an answer as it was sent.
type said struct {
	status int
	head   string // up to the empty line, with its line ends
	body   []byte // without the framing
	whole  []byte // as it came; empty if the connection was closed without an answer
}

// A call is an action that was asked for.
type call struct {
	path, action string
	own          netip.Addr // who asked
	in, out      soap.Args
	fault        *soap.Fault // nil if it was not refused in due form
	ok           bool        // it was answered with success
	*said
}

// A found answer is one to a search.
type found struct {
	message *ssdp.Message
	text    []byte
}

// readRecorded takes from a recording what belongs to its gateway.
func readRecorded(log *wire.Log) (*recorded, error) {
	exchanges := log.Exchanges()
	r := gatewayOf(exchanges)
	if r == nil {
		return nil, ErrNoRecording
	}
	for _, x := range exchanges {
		device, asker := ends(x)
		if device.Addr() == r.host {
			r.take(x, device, asker)
		}
	}
	for _, e := range log.Events() {
		r.hear(e)
	}
	return r, nil
}

// ends are who was asked and who asked.
func ends(x wire.Exchange) (device, asker netip.AddrPort) {
	device, asker = x.Remote, x.Local
	if x.Incoming {
		device, asker = x.Local, x.Remote
	}
	return netip.AddrPortFrom(device.Addr().Unmap().WithZone(""), device.Port()), asker
}

// gatewayOf finds the gateway that was called most, by its description.
func gatewayOf(exchanges []wire.Exchange) (best *recorded) {
	calls := map[netip.Addr]int{}
	for _, x := range exchanges {
		if device, _ := ends(x); bytes.HasPrefix(x.Request, []byte("POST ")) {
			calls[device.Addr()]++
		}
	}
	for _, x := range exchanges {
		device, _ := ends(x)
		method, target := requestLine(x.Request)
		if method != "GET" || best != nil && calls[device.Addr()] <= calls[best.host] {
			continue
		}
		page, location := readSaid(x.Answer), "http://"+device.String()+target
		root, err := description.ParseRoot(page.body, location)
		if err != nil || igd.Connections(root) == nil {
			continue
		}
		best = &recorded{
			host: device.Addr(), ports: map[string]bool{}, location: location, page: page.body, root: root, connection: igd.Connections(root)[0],
			pages: map[string]*said{}, searched: map[ssdp.Target]bool{},
		}
	}
	return best
}

func requestLine(request []byte) (method, target string) {
	line, _, _ := strings.Cut(string(request[:min(len(request), 4<<10)]), "\n")
	method, rest, _ := strings.Cut(line, " ")
	target, _, _ = strings.Cut(rest, " ")
	if u, err := url.Parse(target); err == nil && u.Host != "" {
		target = u.RequestURI()
	}
	return method, target
}

// take keeps a page or a call.
func (r *recorded) take(x wire.Exchange, device, asker netip.AddrPort) {
	r.ports[strconv.Itoa(int(device.Port()))] = true
	method, target := requestLine(x.Request)
	answer := readSaid(x.Answer)
	switch method {
	case "GET", "HEAD":
		if len(answer.whole) > 0 {
			r.pages[method+" "+target] = answer
		}
	case "POST":
		_, body := splitMessage(x.Request)
		if in, err := soap.ParseRequest(body); err == nil {
			r.calls = append(r.calls, newCall(target, in, asker.Addr().Unmap().WithZone(""), answer))
		}
	}
}

func newCall(path string, in *soap.Request, own netip.Addr, answer *said) *call {
	c := &call{path: path, action: in.Action, own: own, in: in.Args, said: answer}
	out, err := soap.ParseResponse(answer.body, in.Action)
	c.fault, _ = errors.AsType[*soap.Fault](err)
	if err == nil {
		c.out, c.ok = out.Args, true
	}
	return c
}

// hear keeps what was searched for, and answers that lead to the gateway.
func (r *recorded) hear(e wire.Event) {
	if e.Net != "udp" || e.Kind != wire.Sent && e.Kind != wire.Received {
		return
	}
	m, err := ssdp.Parse(e.Data)
	switch {
	case err != nil:
	case m.Method == ssdp.MethodSearch:
		r.searched[m.Target()] = true
	case m.Method == "" && m.Status == 200:
		at, err := url.Parse(m.Location())
		if err != nil || at.Hostname() != r.host.String() || !r.isLocation(at) {
			return
		}
		for _, f := range r.answers {
			if bytes.Equal(f.text, e.Data) {
				return
			}
		}
		r.answers = append(r.answers, found{m, e.Data})
	}
}

// isLocation reports the URL of the description, under whatever host.
func (r *recorded) isLocation(u *url.URL) bool {
	at, err := url.Parse(r.location)
	return err == nil && at.RequestURI() == u.RequestURI()
}

var statusCode = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^HTTP/?\d\.\d +(\d{3})`) })

// readSaid takes an answer apart.
func readSaid(data []byte) *said {
	s := &said{whole: data}
	s.head, s.body = splitMessage(data)
	if m := statusCode().FindStringSubmatch(s.head); m != nil {
		s.status, _ = strconv.Atoi(m[1])
	}
	if s.isChunked() {
		if body, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(s.body))); err == nil {
			s.body = body
		}
	}
	return s
}

func (s *said) isChunked() bool {
	return strings.Contains(strings.ToLower(s.head), "transfer-encoding: chunked")
}

// splitMessage parts a message behind its head, the empty line gone.
func splitMessage(data []byte) (head string, body []byte) {
	for _, end := range []string{"\r\n", "\n"} {
		if i := bytes.Index(data, []byte(end+end)); i >= 0 {
			return string(data[:i+len(end)]), data[i+2*len(end):]
		}
	}
	return string(data), nil
}

package emulator

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"upnp/description"
	"upnp/igd"
	"upnp/igd/wire"
)

// ErrNoRecording is a recording in which no gateway was asked for its description.
var ErrNoRecording = errors.New("emulator: no gateway in the recording")

// Like makes a router like the one in a recording, from either side. It has the recorded description and service
// documents byte for byte, but for addresses, answers as that one did, in its spelling of headers and
// envelopes, and has its habits as far as they were seen: what it refuses and with which code,
// what it makes of leases and descriptions, how its list ends. The mappings are its own, none at first;
// what cannot be known from the recording is by the book.
//
// Of several gateways in one recording it is the one that was called most. The error is [ErrNoRecording].
func Like(log *wire.Log) (Profile, error) {
	r, err := readRecorded(log)
	if err != nil {
		return Profile{}, err
	}
	l := &likeness{recorded: r, habits: learn(r)}
	device := r.root.Device
	return Profile{
		Name: device.FriendlyName, Doc: "like a recorded " + device.ModelName, Device: kindOf(r.connection.Type),
		External: r.external(), Quirks: []Quirk{l.quirk()},
		Root: func(string) *description.Root { return r.mounted() },
	}, nil
}

// kindOf is the standard that a connection service is of.
func kindOf(connection string) igd.Device {
	parts := append(strings.Split(connection, ":"), "", "", "", "", "")
	switch version, _ := strconv.Atoi(parts[4]); {
	case strings.EqualFold(parts[3], "WANPPPConnection"):
		return igd.PPP
	case version > 1:
		return igd.V2
	}
	return igd.V1
}

// external is the address outside that the router told; the zero Addr if none.
func (r *recorded) external() netip.Addr {
	for _, c := range r.calls {
		if addr, err := netip.ParseAddr(c.out.Value("NewExternalIPAddress")); err == nil && !addr.IsUnspecified() {
			return addr
		}
	}
	return netip.Addr{}
}

// mounted is the description for a Server: its URLs are paths, wherever they led before.
func (r *recorded) mounted() *description.Root {
	root, err := description.ParseRoot(r.page, r.location)
	if err != nil {
		return r.root
	}
	for s := range root.Services() {
		for _, ref := range []*string{&s.SCPDURL, &s.ControlURL, &s.EventSubURL} {
			if u, err := url.Parse(root.URL(*ref)); err == nil && *ref != "" {
				*ref = u.RequestURI()
			}
		}
	}
	root.URLBase = ""
	return root
}

// A likeness is a router that is like a recorded one.
type likeness struct {
	*recorded
	habits
}

func (l *likeness) quirk() Quirk {
	return Quirk{
		Name: "like", Doc: "is like a recorded router",
		Backend: l.behave, Policy: l.policy(), HTTP: l.speak, Answer: l.found, Root: l.settle,
	}
}

// settle gives the description the path that it was recorded at.
func (l *likeness) settle(root *description.Root) {
	at, err := url.Parse(root.Location)
	was, errWas := url.Parse(l.location)
	if err == nil && errWas == nil {
		at.Path, at.RawPath, at.RawQuery = was.Path, was.RawPath, was.RawQuery
		root.Location = at.String()
	}
}

// speak answers in the recorded words: documents and what does not depend on the table as they were,
// all else in the same form.
func (l *likeness) speak(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := w.(*answer)
		q := ask(r)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		if said := l.fixed(q); said != nil {
			a.raw = said.text(l.moved(said.body, r.Host))
			return
		}
		if q.action != "" {
			a.edits = append(a.edits, func(a *answer) { l.dress(q, a) })
		}
		next.ServeHTTP(w, r)
	})
}

// fixed is the recorded answer to what is always answered alike; nil if there is none.
func (l *likeness) fixed(q *question) *said {
	if q.action == "" {
		return l.pages[q.Method+" "+q.URL.RequestURI()]
	}
	if onTable(q.action) {
		return nil
	}
	for _, c := range l.calls {
		if c.action == q.action && c.path == q.URL.RequestURI() {
			return c.said
		}
	}
	return nil
}

// onTable reports an action whose answer depends on the mappings there are.
func onTable(action string) bool {
	switch action {
	case "AddPortMapping", "AddAnyPortMapping", "DeletePortMapping", "DeletePortMappingRange",
		"GetGenericPortMappingEntry", "GetSpecificPortMappingEntry", "GetListOfPortMappings":
		return true
	}
	return false
}

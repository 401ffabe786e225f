package soap

import (
	"fmt"
	"strconv"
	"strings"
)

// ControlNamespace is the name space of UPnP errors and of QueryStateVariable, the one
// request that names no service.
const ControlNamespace = "urn:schemas-upnp-org:control-1-0"

const (
	maxTypePart = 64 // characters of the domain and of the type in a service type
	maxName     = 128
)

// A NameError is a service type, action or argument name that is not sent because it could
// be more than a name: a header or an element of its own.
type NameError struct{ Kind, Name string }

func (e *NameError) Error() string { return fmt.Sprintf("soap: invalid %s %q", e.Kind, e.Name) }

// checkService accepts urn:<domain>:service:<type>:<version> and nothing looser.
func checkService(service string) error {
	part := strings.Split(service, ":")
	ok := len(part) == 5 && part[0] == "urn" && part[2] == "service" &&
		consistsOf(part[1], maxTypePart, ".-") && consistsOf(part[3], maxTypePart, "_-") &&
		len(part[4]) <= 3 && isNumber(part[4])
	if ok || service == ControlNamespace {
		return nil
	}
	return &NameError{"service type", service}
}

// checkName accepts the names of actions and arguments, vendors' hyphens included.
func checkName(kind, name string) error {
	if consistsOf(name, maxName, "_-.") && !strings.Contains("0123456789-.", name[:1]) {
		return nil
	}
	return &NameError{kind, name}
}

func consistsOf(s string, longest int, others string) bool {
	for i := range len(s) {
		c := s[i]
		alphanumeric := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !alphanumeric && strings.IndexByte(others, c) < 0 {
			return false
		}
	}
	return s != "" && len(s) <= longest
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// accepts reports whether a service of the type offered answers requests for the type
// asked: the same, in the same or a lower version.
func accepts(offered, asked string) bool {
	if offered == asked {
		return true
	}
	offeredType, offeredVersion := cutVersion(offered)
	askedType, askedVersion := cutVersion(asked)
	return offeredType == askedType && askedVersion > 0 && askedVersion <= offeredVersion
}

// cutVersion returns version 0 for a type that has none.
func cutVersion(service string) (name string, version int) {
	i := strings.LastIndexByte(service, ':') + 1
	version, err := strconv.Atoi(service[i:])
	if err != nil {
		return service, 0
	}
	return service[:i], version
}

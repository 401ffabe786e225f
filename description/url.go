package description

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"upnp/description/xmldoc"
)

const (
	maxURL        = 2048 // bytes of a URL, as it comes and as it is made
	maxCandidates = 6    // URLs tried for one reference
	defaultPort   = 80
)

// URLs resolves a URL of the description, relative or not, to those that are worth
// requesting, best first. It returns nil for an empty reference and for one that must not
// be requested: a scheme other than http, user information, a fragment, an empty
// host, port 0, over 2,048 bytes.
//
// Every candidate has the host of Location, whatever ref and URLBase say: a
// description does not get to send anyone to another machine, and devices that
// name another host (127.0.0.1, their outside address, a name, a placeholder) mean themselves.
//
// A relative ref is resolved by RFC 3986 against the path of URLBase, else of Location.
// Its port is first that of Location, where something is known to listen, and then
// that of URLBase: a wrong guess at the former costs one answer, at the latter, which is
// stale on some devices, a connection that times out. Behind these come the readings of
// clients that never heard of RFC 3986. An absolute ref keeps its port, and has
// Location's for a second choice; when it names no address a device could have it is the
// other way round.
//
// Without a Location only absolute refs resolve, to the host they name. With one that must
// not be requested itself, nothing does.
func (r *Root) URLs(ref string) []string {
	b, _ := r.base()
	u, ok, _ := b.examine(ref)
	if !ok {
		return nil
	}
	var list candidates
	if u.host != "" {
		list.absolute(b, u)
	} else {
		list.relative(b, u)
	}
	return list.urls
}

// URL is the first of [Root.URLs], "" if there is none.
func (r *Root) URL(ref string) string {
	if urls := r.URLs(ref); len(urls) > 0 {
		return urls[0]
	}
	return ""
}

// noteURLs notes what resolving the URLs of the services repairs.
func (r *Root) noteURLs() {
	if r.Location == "" {
		return
	}
	b, problem := r.base()
	if problem != "" {
		r.Note("URLBase %s", problem)
	}
	for s := range r.Services() {
		for _, name := range serviceFields[2:] {
			if _, _, problem := b.examine(*s.field(name)); problem != "" {
				r.Note("%s %s", name, problem)
			}
		}
	}
}

// A base is what references are resolved against.
type base struct {
	location reference // host and port that are known to answer
	free     bool      // there is no Location to confine URLs to
	path     string    // of URLBase, else of Location
	folder   string    // path of URLBase, which may lack the slash that makes it one
	port     int       // of URLBase where it differs from Location's, else 0
}

// base puts Location and URLBase together; problem is what is wrong with the latter.
func (r *Root) base() (b base, problem string) {
	b.location, _ = splitLocation(r.Location)
	b.free = r.Location == ""
	b.path = b.location.path
	if r.URLBase == "" {
		return b, ""
	}
	u, ok := splitReference(cleanURL(r.URLBase))
	switch {
	case !ok || u.host == "":
		return b, fmt.Sprintf("%s is not usable; Location is the base", quoted(r.URLBase))
	case b.location.host == "":
		return b, ""
	}
	b.path, b.folder = u.path, u.path
	if u.port != b.location.port {
		b.port = u.port
		problem = fmt.Sprintf("has port %d; trying port %d of Location first", u.port, b.location.port)
	}
	if b.isForeign(u) {
		problem = foreignHost(u.host, b.location.host)
	}
	return b, problem
}

func foreignHost(found, used string) string {
	return fmt.Sprintf("has host %s; using %s", bare(found), used)
}

// examine takes a reference apart. problem is what has to be repaired to use it, or why it
// must not be used, and then ok is false, as it is for an empty one.
func (b base) examine(ref string) (u reference, ok bool, problem string) {
	cleaned := cleanURL(ref)
	if cleaned == "" {
		return u, false, ""
	}
	u, ok = splitReference(cleaned)
	switch {
	case !ok:
		problem = quoted(ref) + " is never requested"
	case b.isForeign(u):
		problem = foreignHost(u.host, b.location.host)
	case cleaned != trim(ref):
		problem = quoted(ref) + " has characters no URL has"
	}
	return u, ok, problem
}

// isForeign reports whether u names a host other than Location's.
func (b base) isForeign(u reference) bool {
	return u.host != "" && b.location.host != "" && !sameHost(u.host, b.location.host)
}

// candidates collects URLs, each once.
type candidates struct{ urls []string }

func (c *candidates) add(host string, port int, path, query string) {
	url := reference{host, port, path, query}.String()
	if len(c.urls) == maxCandidates || len(url) > maxURL || port == 0 || host == "" {
		return
	}
	for _, other := range c.urls {
		if other == url {
			return
		}
	}
	c.urls = append(c.urls, url)
}

// absolute adds what a reference with a host of its own may mean.
func (c *candidates) absolute(b base, u reference) {
	host, ports := b.location.host, [2]int{u.port, b.location.port}
	if b.free {
		host = u.host
	}
	if b.isForeign(u) && !isPlausible(u.host) {
		ports[0], ports[1] = ports[1], ports[0]
	}
	for _, path := range [2]string{u.path, singleSlashes(u.path)} {
		for _, port := range ports {
			c.add(host, port, path, u.query)
		}
	}
}

// relative adds what a reference without a host may mean.
func (c *candidates) relative(b base, u reference) {
	readings := []string{merge(b.path, u.path)}
	switch {
	case u.path == "":
		readings = append(readings, "/")
	case strings.HasPrefix(u.path, "//"):
		readings = []string{singleSlashes(readings[0]), readings[0]}
	case u.path[0] == '/':
		readings = append(readings, singleSlashes(readings[0]))
	default:
		folder := strings.TrimSuffix(b.folder, "/") + "/"
		readings = append(readings, merge(b.location.path, u.path), merge(folder, u.path), merge("/", u.path))
	}
	for _, path := range readings {
		c.add(b.location.host, b.location.port, path, u.query)
		c.add(b.location.host, b.port, path, u.query)
	}
}

// merge resolves a path against that of a base, by RFC 3986 section 5.2.
func merge(base, path string) string {
	if path == "" {
		return base
	}
	if path[0] != '/' {
		path = base[:strings.LastIndexByte(base, '/')+1] + path
	}
	return removeDots(path)
}

// removeDots takes the segments . and .. out of a path that starts with a slash.
func removeDots(path string) string {
	if !strings.Contains(path, "/.") {
		return path
	}
	var kept []string
	segments := strings.Split(path[1:], "/")
	for i, segment := range segments {
		dots := segment == "." || segment == ".."
		if segment == ".." && len(kept) > 0 {
			kept = kept[:len(kept)-1]
		}
		if !dots {
			kept = append(kept, segment)
		} else if i == len(segments)-1 {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}

// singleSlashes makes every run of slashes one.
func singleSlashes(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path
}

// authority writes a host and port, the port only if it is not http's own, and the zone
// of an address in the form of RFC 6874.
func authority(host string, port int) string {
	if strings.Contains(host, ":") {
		host = "[" + strings.Replace(host, "%", "%25", 1) + "]"
	}
	if port == defaultPort {
		return host
	}
	return host + ":" + strconv.Itoa(port)
}

// sameHost compares hosts, addresses by value and without their zone: the zone is ours, a
// device cannot know it.
func sameHost(a, b string) bool {
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	if errX != nil || errY != nil {
		return xmldoc.EqualName(a, b)
	}
	return x.Unmap().WithZone("") == y.Unmap().WithZone("")
}

// isPlausible reports whether host is an address that a device on a network can have. The
// port beside any other, such as 0.0.0.0 or a name in brackets, is worth little.
func isPlausible(host string) bool {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	addr = addr.Unmap()
	broadcast := netip.AddrFrom4([4]byte{255, 255, 255, 255})
	return !addr.IsUnspecified() && !addr.IsLoopback() && !addr.IsMulticast() && addr != broadcast
}

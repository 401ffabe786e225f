package description

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// A reference is a URL taken apart. Without a host it is relative.
type reference struct {
	host  string // without brackets, the zone of an address behind a single %
	port  int    // 80 if none is given
	path  string // escaped; "/" at least where there is a host
	query string // escaped, with its question mark
}

// String is an absolute reference as text.
func (u reference) String() string {
	return "http://" + authority(u.host, u.port) + u.path + u.query
}

// splitLocation takes an absolute http URL apart. The error is [ErrURL].
func splitLocation(location string) (reference, error) {
	u, ok := splitReference(cleanURL(location))
	if !ok || u.host == "" {
		return reference{}, fmt.Errorf("%w: %s", ErrURL, quoted(location))
	}
	return u, nil
}

// splitReference takes a cleaned URL apart. It returns false for one that must not be
// requested.
func splitReference(s string) (u reference, ok bool) {
	if len(s) > maxURL || strings.Contains(s, "#") {
		return u, false
	}
	rest, absolute, ok := cutScheme(s)
	if !ok {
		return u, false
	}
	if absolute {
		end := strings.IndexAny(rest, "/?")
		if end < 0 {
			end = len(rest)
		}
		if u.host, u.port, ok = splitAuthority(rest[:end]); !ok {
			return u, false
		}
		rest = rest[end:]
	}
	u.path = rest
	if i := strings.IndexByte(rest, '?'); i >= 0 {
		u.path, u.query = rest[:i], rest[i:]
	}
	if absolute && u.path == "" {
		u.path = "/"
	}
	if u.path != "" && u.path[0] == '/' {
		u.path = removeDots(u.path)
	}
	return u, true
}

// cutScheme takes off what comes before the authority. absolute is false where there is
// no authority; ok is false for a scheme other than http.
func cutScheme(s string) (rest string, absolute, ok bool) {
	colon := strings.IndexAny(s, ":/?")
	if colon < 0 || s[colon] != ':' {
		return cutHost(s)
	}
	scheme, rest := strings.ToLower(s[:colon]), s[colon+1:]
	switch {
	case scheme == "http" && strings.HasPrefix(rest, "//"):
		return rest[2:], true, true
	case scheme == "http" && strings.HasPrefix(rest, "/"):
		return rest, false, true
	case isHost(s):
		return s, true, true
	case isScheme(scheme, rest):
		return "", false, false
	}
	return s, false, true
}

// cutHost finds a host without a scheme: an address, with or without two slashes before it.
// What is behind two slashes and not an address is a path with a slash too many.
func cutHost(s string) (rest string, absolute, ok bool) {
	trimmed := strings.TrimPrefix(s, "//")
	if isHost(trimmed) {
		return trimmed, true, true
	}
	return s, false, true
}

// isHost reports whether s starts with an address, and a port perhaps.
func isHost(s string) bool {
	end := strings.IndexAny(s, "/?")
	if end < 0 {
		end = len(s)
	}
	host, _, ok := splitAuthority(s[:end])
	_, err := netip.ParseAddr(host)
	return ok && err == nil
}

// isScheme tells a scheme from a path with a colon in it. Some devices number their files
// (WANIPConnection:1.xml) and name paths by their UDN (uuid:...), without a slash before.
func isScheme(name, rest string) bool {
	if name == "uuid" || name == "urn" || rest == "" || '0' <= rest[0] && rest[0] <= '9' {
		return false
	}
	for i := range len(name) {
		letter := 'a' <= name[i] && name[i] <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", rune(name[i]))) {
			return false
		}
	}
	return name != ""
}

// splitAuthority takes a host and port apart; ok is false for user information, an empty
// host and a port out of range. A port that is no number is a placeholder somebody
// forgot to fill and is taken for none.
func splitAuthority(s string) (host string, port int, ok bool) {
	if strings.Contains(s, "@") {
		return "", 0, false
	}
	host, text := s, ""
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, ']') {
		host, text = s[:i], s[i+1:]
	}
	port = defaultPort
	if text != "" && countDigits(text) == len(text) {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil || n == 0 {
			return "", 0, false
		}
		port = int(n)
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	host = strings.Replace(host, "%25", "%", 1)
	return host, port, host != ""
}

// cleanURL makes s a URL of the characters a URL is made of. Line breaks and what stands
// around them are gone; a blank within a line was meant and is escaped.
func cleanURL(s string) string {
	s = trim(s)
	if isClean(s) || len(s) > maxURL {
		return s
	}
	var lines []string
	for line := range strings.FieldsFuncSeq(s, isLineBreak) {
		lines = append(lines, strings.Trim(line, " "))
	}
	return escapeURL(strings.Join(lines, ""))
}

func isLineBreak(r rune) bool { return r == '\r' || r == '\n' || r == '\t' }

func isClean(s string) bool {
	for i := range len(s) {
		if !isURLByte(s, i) {
			return false
		}
	}
	return true
}

// isURLByte reports whether the byte at i can stand in a URL as it is. A per cent sign can
// in front of two hexadecimal digits, and in front of the zone of an address.
func isURLByte(s string, i int) bool {
	switch c := s[i]; {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	case c == '%':
		return i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2])
	default:
		return strings.IndexByte("-._~:/?#[]@!$&'()*+,;=", c) >= 0
	}
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func escapeURL(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if isURLByte(s, i) {
			b.WriteByte(s[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", s[i])
		}
	}
	return b.String()
}

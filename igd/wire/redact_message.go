package wire

import (
	"bytes"
	"net/netip"
	"regexp"
	"strings"
)

// head puts stand-ins into the head of a message.
func (v *standIns) head(d *draft) {
	head := bytes.Clone(d.text)
	at := 0
	for line := range bytes.Lines(head) {
		v.holdLine(d, at, string(line))
		at += len(line)
	}
	v.forms(d)
	at = 0
	for line := range bytes.Lines(head) {
		v.headLine(d, at, string(line), head)
		at += len(line)
	}
	v.known(d)
}

// Fields that stay: what they say is needed to understand the message.
var plainFields = pattern(`(?i)^(?:content-length|transfer-encoding|cache-control|date|expires|last-modified|timeout|seq|mx|bootid\.upnp\.org|nextbootid\.upnp\.org|configid\.upnp\.org) *:`)

// versions are numbers of software behind a name and a slash.
var versions = pattern(`[A-Za-z][\w.-]*/[0-9][\w.-]*`)

// holdLine lets the numbers of a header line be that are no addresses.
func (v *standIns) holdLine(d *draft, at int, line string) {
	name, _, _ := strings.Cut(line, ":")
	switch {
	case plainFields().MatchString(line):
		d.hold(at, at+len(line))
	case strings.EqualFold(name, "SERVER"), strings.EqualFold(name, "USER-AGENT"), strings.EqualFold(name, "OPT"):
		for _, m := range versions().FindAllStringIndex(line, -1) {
			d.hold(at+m[0], at+m[1])
		}
	}
}

// secretFields are secret whatever is in them.
var secretFields = pattern(`(?i)^(?:sid|authorization|proxy-authorization|cookie|set-cookie) *: *([^\r\n]+)`)

// callbackPath is the path of a URL in a CALLBACK, and notifyPath where the NOTIFY goes.
var (
	callbackLine = pattern(`(?i)^callback *:`)
	callbackPath = pattern(`://[^/>\s]*/([^>\s]+)`)
	notifyPath   = pattern(`^NOTIFY (?:http://[^/ ]*)?/([^ \r\n]+)`)
)

// headLine replaces what is secret by its place.
func (v *standIns) headLine(d *draft, at int, line string, original []byte) {
	put := func(m []int) {
		if m != nil {
			d.putWord(v, at+m[2], at+m[3], original)
		}
	}
	if value := secretFields().FindStringSubmatchIndex(line); value != nil && !strings.Contains(strings.ToLower(line), "uuid:") {
		put(value)
	}
	put(notifyPath().FindStringSubmatchIndex(line))
	if callbackLine().MatchString(line) {
		for _, m := range callbackPath().FindAllStringSubmatchIndex(line, -1) {
			put(m)
		}
	}
}

// secretElements hold what is secret whatever it looks like, also where XML is text in XML.
var secretElements = pattern(`(?i)^(?:<|&lt;)(?:[\w.-]+:)?([\w.-]*(?:serialnumber|externalipaddress|remotehost|username|password|passphrase|presharedkey|macaddress|ssid))(?:\s[^<>&]*)?(?:>|&gt;)(?:<!\[CDATA\[)?\s*([^<>&\]]*)`)

// versionElements hold numbers that look like addresses.
var versionElements = pattern(`(?i)^<(?:[\w.-]+:)?(?:modelnumber|[\w.-]*version)>([^<]*)`)

// body puts stand-ins into the body of a message.
func (v *standIns) body(d *draft) {
	body := bytes.Clone(d.text)
	secrets := findElements(secretElements(), body)
	for _, m := range findElements(versionElements(), body) {
		if addr4Form().Match(body[m[2]:m[3]]) {
			d.hold(m[2], m[3])
		}
	}
	v.forms(d)
	for _, m := range secrets {
		v.element(d, m[4], m[5], body)
	}
	v.known(d)
}

// findElements is FindAllSubmatchIndex from one start of a tag to the next.
func findElements(form *regexp.Regexp, body []byte) (all [][]int) {
	for at := 0; ; {
		i := bytes.IndexAny(body[at:], "<&")
		if i < 0 {
			return all
		}
		at += i
		m := form.FindSubmatchIndex(body[at:])
		if m == nil {
			at++
			continue
		}
		for j := range m {
			m[j] += at
		}
		all, at = append(all, m), m[1]
	}
}

// element replaces the text of a secret element. An address has been looked at by its form.
func (v *standIns) element(d *draft, from, to int, original []byte) {
	value := strings.TrimSpace(string(original[from:to]))
	if _, err := netip.ParseAddr(value); err == nil || len(value) < 2 {
		return
	}
	to = from + len(value)
	v.learn(value)
	d.putWord(v, from, to, original)
}

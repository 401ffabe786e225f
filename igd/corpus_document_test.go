package igd_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"upnp/description"
	"upnp/igd"
)

// rootElement finds the first start tag behind prologue, comments and document type.
var rootElement = regexp.MustCompile(`^(?s:\s|<\?.*?\?>|<!.*?>)*<(?:[\w.-]+:)?([\w.-]+)`)

// document reads a body, of whatever kind its first element says.
func (r *recording) document(data []byte) {
	text := comments.ReplaceAllString(strings.TrimPrefix(string(data), "\ufeff"), "")
	name := rootElement.FindStringSubmatch(text)
	switch {
	case name == nil:
		r.Errorf("what is %.60q?", text)
	case name[1] == "scpd":
		scpd, err := description.ParseSCPD(data)
		r.serviceDocument(scpd, err, data)
	case name[1] == "Envelope":
		r.envelope(data)
	case name[1] == "propertyset", name[1] == "Event":
		r.propertySet(data)
	default:
		root, err := description.ParseRoot(data, r.location())
		r.deviceDescription(root, err, data)
	}
}

// location is where a description without its answer is taken to come from: its URLBase, where that
// is the address of a device, or a place that has nothing to do with it.
func (r *recording) location() string {
	base, err := url.Parse(firstTagged(string(r.data), "URLBase"))
	if err == nil {
		if addr, err := netip.ParseAddr(base.Hostname()); err == nil && addr.IsPrivate() {
			return "http://" + base.Host + "/dir/desc.xml"
		}
	}
	return "http://192.168.7.1:49152/dir/desc.xml"
}

// deviceDescription compares a description with its text. One in which the devices have no words for
// themselves is refused.
func (r *recording) deviceDescription(root *description.Root, err error, data []byte) {
	text := string(data)
	if err != nil {
		r.is("description", "refused", err.Error())
		r.wantError(len(blocks(text, "device")) == 0, err)
		return
	}
	r.is("description", "parsed", root.Device.Type+" "+root.Device.FriendlyName, root.Notes...)
	r.equal("URLBase", root.URLBase, firstTagged(text, "URLBase"))
	if !wellFormed(data) && len(root.Notes) == 0 {
		r.Error("not well-formed, and nothing said of it")
	}
	r.roundTrip(root)
	r.deviceFields(root, text)
	services := r.services(root, text)
	r.gateway(root, data, services)
}

// roundTrip writes what was read and reads it again.
func (r *recording) roundTrip(root *description.Root) {
	var text bytes.Buffer
	if _, err := root.WriteTo(&text); err != nil {
		r.Fatalf("writing what was read: %v", err)
	}
	again, err := description.ParseRoot(text.Bytes(), root.Location)
	if err != nil {
		r.Fatalf("reading what was written: %v\n%s", err, &text)
	}
	want := *root
	want.Notes, again.Notes = nil, nil
	if diff := cmp.Diff(&want, again); diff != "" {
		r.Errorf("written and read again (-first +second): %s", diff)
	}
}

// deviceField are elements of a device.
var deviceField = map[string]func(*description.Device) string{
	"deviceType":       func(d *description.Device) string { return d.Type },
	"friendlyName":     func(d *description.Device) string { return d.FriendlyName },
	"UDN":              func(d *description.Device) string { return d.UDN },
	"manufacturer":     func(d *description.Device) string { return d.Manufacturer },
	"modelName":        func(d *description.Device) string { return d.ModelName },
	"modelDescription": func(d *description.Device) string { return d.ModelDescription },
	"modelNumber":      func(d *description.Device) string { return d.ModelNumber },
	"serialNumber":     func(d *description.Device) string { return d.SerialNumber },
	"presentationURL":  func(d *description.Device) string { return d.PresentationURL },
}

// deviceFields compares what every device says of itself.
func (r *recording) deviceFields(root *description.Root, text string) {
	for name, field := range deviceField {
		var read []string
		for d := range root.Devices() {
			read = append(read, field(d))
		}
		plain := tagged(text, name)
		if name == "UDN" || name == "deviceType" { // the white space a browser shows is no part of these
			for i := range plain {
				plain[i] = strings.Join(strings.Fields(plain[i]), "")
			}
		}
		if diff := cmp.Diff(nonEmpty(plain), nonEmpty(read)); diff != "" {
			r.Errorf("%s (-file +read): %s", name, diff)
		}
	}
}

// A plainService is a service as its five lines tell it.
type plainService struct{ Type, ID, SCPD, Control, Event string }

// services compares all services, wherever they are, and returns what the text says.
func (r *recording) services(root *description.Root, text string) []plainService {
	var plain, read []plainService
	for _, block := range blocks(text, "service") {
		s := plainService{
			squeezed(firstTagged(block, "serviceType")), squeezed(firstTagged(block, "serviceId")), firstTagged(block, "SCPDURL"),
			firstTagged(block, "controlURL"), firstTagged(block, "eventSubURL"),
		}
		if s != (plainService{}) {
			plain = append(plain, s)
		}
	}
	for s := range root.Services() {
		read = append(read, plainService{s.Type, s.ID, s.SCPDURL, s.ControlURL, s.EventSubURL})
	}
	order := func(a, b plainService) int {
		return strings.Compare(a.Type+" "+a.ID+" "+a.Control, b.Type+" "+b.ID+" "+b.Control)
	}
	inOrder := slices.Clone(plain)
	slices.SortFunc(plain, order)
	slices.SortFunc(read, order)
	if diff := cmp.Diff(plain, read); diff != "" {
		r.Errorf("services (-file +read): %s", diff)
	}
	return inOrder
}

var mapsPorts = regexp.MustCompile(`(?i)^urn:[^:]+:service:WAN(IP|PPP)Connection\b`)

// gateway wants the WAN connections of the text, in its order, each at the URL a browser would make of
// its control URL on the host the description came from.
func (r *recording) gateway(root *description.Root, data []byte, services []plainService) {
	var plain, read []string
	for _, s := range services {
		if mapsPorts.MatchString(s.Type) {
			plain = append(plain, s.Type+" "+r.browserURL(root, s.Control))
		}
	}
	for _, s := range igd.Connections(root) {
		read = append(read, s.Type+" "+root.URL(s.ControlURL))
	}
	if diff := cmp.Diff(plain, read); diff != "" {
		r.Errorf("WAN connections (-file +read): %s", diff)
	}
	if len(plain) > 0 {
		r.kind = "description of a gateway"
		r.what = strings.Join(plain, ", ")
		r.reach(root, data, plain)
	} else if strings.Contains(root.Device.Type, "InternetGatewayDevice") {
		r.what += ": no WAN connection in it"
	}
}

// browserURL resolves a reference as RFC 3986 has it, against URLBase if there is one. The host is
// that of the location: a description does not send anybody elsewhere. So is the port, unless the
// reference itself names one on an address that exists.
func (r *recording) browserURL(root *description.Root, ref string) string {
	location, err := url.Parse(root.Location)
	if err != nil || ref == "" {
		return ""
	}
	base := location
	if b, err := url.Parse(root.URLBase); err == nil && b.Host != "" {
		base = b
	}
	if base.Path == "" {
		base.Path = "/"
	}
	to, err := base.Parse(ref)
	if err != nil {
		r.Errorf("control URL %q: %v", ref, err)
		return ""
	}
	to.Host = strings.TrimSuffix(hostOf(location, ref), ":80")
	return to.String()
}

// hostOf is the host of location with the port that a reference gives, if it gives one.
func hostOf(location *url.URL, ref string) string {
	named, err := url.Parse(ref)
	if err != nil {
		return location.Host
	}
	addr, err := netip.ParseAddr(named.Hostname())
	switch port := named.Port(); {
	case err != nil || addr.IsLoopback() || addr.IsUnspecified():
		return location.Host
	case port == "":
		return location.Hostname()
	default:
		return location.Hostname() + ":" + port
	}
}

// serviceDocument compares actions, arguments and variables with their text.
func (r *recording) serviceDocument(scpd *description.SCPD, err error, data []byte) {
	text := string(data)
	actions, variables := blocks(text, "action"), blocks(text, "stateVariable")
	if err != nil {
		r.is("SCPD", "refused", err.Error())
		r.wantError(len(actions)+len(variables) == 0, err)
		return
	}
	var names []string
	for _, a := range scpd.Actions {
		names = append(names, a.Name)
	}
	r.is("SCPD", "parsed", strings.Join(append(names, fmt.Sprintf("(%d actions)", len(names))), " "), scpd.Notes...)
	if !wellFormed(data) && len(scpd.Notes) == 0 {
		r.Error("not well-formed, and nothing said of it")
	}
	r.scpdRoundTrip(scpd)
	if diff := cmp.Diff(plainActions(actions), readActions(scpd)); diff != "" {
		r.Errorf("actions (-file +read): %s", diff)
	}
	if diff := cmp.Diff(plainVariables(variables, text), readVariables(scpd)); diff != "" {
		r.Errorf("variables (-file +read): %s", diff)
	}
}

func (r *recording) scpdRoundTrip(scpd *description.SCPD) {
	var text bytes.Buffer
	if _, err := scpd.WriteTo(&text); err != nil {
		r.Fatalf("writing what was read: %v", err)
	}
	again, err := description.ParseSCPD(text.Bytes())
	if err != nil {
		r.Fatalf("reading what was written: %v\n%s", err, &text)
	}
	want := *scpd
	want.Notes, again.Notes = nil, nil
	if diff := cmp.Diff(&want, again); diff != "" {
		r.Errorf("written and read again (-first +second): %s", diff)
	}
}

// plainActions are lines such as "GetStatusInfo: out NewUptime Uptime".
func plainActions(all []string) (lines []string) {
	for _, block := range all {
		own, _, _ := strings.Cut(block, "argumentList")
		line := firstTagged(own, "name") + ":"
		var in, out string
		for _, arg := range blocks(block, "argument") {
			direction := strings.ToLower(firstTagged(arg, "direction"))
			text := " " + direction + " " + firstTagged(arg, "name") + " " + firstTagged(arg, "relatedStateVariable")
			if direction == "out" {
				out += text
			} else {
				in += text
			}
		}
		lines = append(lines, line+in+out)
	}
	return lines
}

func readActions(scpd *description.SCPD) (lines []string) {
	for _, a := range scpd.Actions {
		line := a.Name + ":"
		for _, arg := range a.Arguments {
			direction := "in"
			if arg.Out {
				direction = "out"
			}
			line += " " + direction + " " + arg.Name + " " + arg.Variable
		}
		lines = append(lines, line)
	}
	return lines
}

var sendEvents = regexp.MustCompile(`(?is)<stateVariable\s[^>]*sendEvents\s*=\s*["']([^"']*)["']`)

// plainVariables are lines such as "Uptime ui4 evented 0 [a|b]". Without a word about it a variable is
// evented; of two that have one name the first counts.
func plainVariables(all []string, text string) (lines []string) {
	silent, known := map[string]bool{}, map[string]bool{}
	for _, part := range strings.Split(comments.ReplaceAllString(text, ""), "</stateVariable>") {
		part = part[max(0, strings.LastIndex(part, "<stateVariable ")):]
		if m := sendEvents.FindStringSubmatch(part); m != nil && (strings.EqualFold(m[1], "no") || m[1] == "0") {
			silent[firstTagged(part, "name")] = true
		}
	}
	for _, block := range all {
		name := firstTagged(block, "name")
		if known[name] {
			continue
		}
		known[name] = true
		told := !silent[name] && !strings.EqualFold(firstTagged(block, "sendEventsAttribute"), "no")
		lines = append(lines, variableLine(name, strings.ToLower(firstTagged(block, "dataType")), told, firstTagged(block, "defaultValue"), nonEmpty(tagged(block, "allowedValue"))))
	}
	return lines
}

func readVariables(scpd *description.SCPD) (lines []string) {
	for _, v := range scpd.Variables {
		lines = append(lines, variableLine(v.Name, strings.ToLower(string(v.Type)), v.Evented, v.Default, nonEmpty(v.Allowed)))
	}
	return lines
}

func variableLine(name, kind string, evented bool, usual string, allowed []string) string {
	told := ""
	if evented {
		told = " evented"
	}
	return name + " " + kind + told + " " + squeezed(usual) + " [" + strings.Join(allowed, "|") + "]"
}

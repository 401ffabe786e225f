package description

import (
	"slices"
	"strings"
	"testing"
)

// Ways to break an element of a list, by what is put in its place.
var breakages = map[string]string{
	"empty":          "<X/>",
	"without names":  "<X><other>1</other></X>",
	"end tag lost":   "<X><name>Y",
	"end tag wrong":  "<X><name>Y</nome></Z></X>",
	"bare ampersand": `<X><name>A & B</name></X>`,
	"control bytes":  "<X>\x01\x02<name>\x00</name></X>",
	"bad UTF-8":      "<X><name>\xf0_\xf0</name></X>",
	"twice itself":   "<X><X><X/></X></X>",
	"junk between":   "junk <!-- <X> --> & junk",
	"unknown entity": "<X><name>&evil;</name></X>",
}

// TestBrokenVariable and its sisters: of a bad document only the broken part is lost.
func TestBrokenVariable(t *testing.T) {
	for name, broken := range breakages {
		scpd, err := ParseSCPD([]byte(`<scpd xmlns="urn:schemas-upnp-org:service-1-0"><specVersion><major>1</major><minor>0</minor></specVersion>
<actionList><action><name>Get</name><argumentList><argument><name>V</name><direction>out</direction><relatedStateVariable>Two</relatedStateVariable></argument></argumentList></action></actionList>
<serviceStateTable><stateVariable><name>One</name><dataType>ui1</dataType></stateVariable>
` + strings.ReplaceAll(broken, "X", "stateVariable") + `
<stateVariable><name>Two</name><dataType>ui2</dataType></stateVariable></serviceStateTable></scpd>`))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		two := scpd.Variable("Two")
		if scpd.Variable("One") == nil || two == nil || two.Type != UI2 || scpd.Action("Get") == nil {
			t.Errorf("%s: more than the broken variable is lost: %q", name, scpd.Notes)
		}
	}
}

func TestBrokenAction(t *testing.T) {
	for name, broken := range breakages {
		scpd, err := ParseSCPD([]byte(`<scpd xmlns="urn:schemas-upnp-org:service-1-0"><specVersion><major>1</major><minor>0</minor></specVersion>
<actionList><action><name>One</name></action>
` + strings.ReplaceAll(broken, "X", "action") + `
<action><name>Two</name><argumentList><argument><name>V</name><direction>in</direction><relatedStateVariable>V</relatedStateVariable></argument></argumentList></action></actionList>
<serviceStateTable><stateVariable><name>V</name><dataType>ui2</dataType></stateVariable></serviceStateTable></scpd>`))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		two := scpd.Action("Two")
		if scpd.Action("One") == nil || two == nil || len(two.In()) != 1 || scpd.Variable("V") == nil {
			t.Errorf("%s: more than the broken action is lost: %q", name, scpd.Notes)
		}
	}
}

func TestBrokenService(t *testing.T) {
	for name, broken := range breakages {
		root, err := ParseRoot([]byte(`<root xmlns="urn:schemas-upnp-org:device-1-0"><specVersion><major>1</major><minor>0</minor></specVersion>
<device><friendlyName>D</friendlyName><UDN>uuid:d</UDN><serviceList>
<service><serviceType>urn:x:service:One:1</serviceType><controlURL>/1</controlURL></service>
`+strings.ReplaceAll(broken, "X", "service")+`
<service><serviceType>urn:x:service:Two:1</serviceType><controlURL>/2</controlURL></service></serviceList>
<deviceList><device><friendlyName>E</friendlyName><UDN>uuid:e</UDN></device></deviceList></device></root>`), "http://192.168.1.1/")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var types []string
		for s := range root.Services() {
			types = append(types, s.Type)
		}
		if !slices.Contains(types, "urn:x:service:One:1") || !slices.Contains(types, "urn:x:service:Two:1") || !hasDevices(root, "uuid:d", "uuid:e") {
			t.Errorf("%s: more than the broken service is lost: %q, %q", name, types, root.Notes)
		}
	}
}

func TestBrokenEmbeddedDevice(t *testing.T) {
	for name, broken := range breakages {
		root, err := ParseRoot([]byte(`<root xmlns="urn:schemas-upnp-org:device-1-0"><specVersion><major>1</major><minor>0</minor></specVersion>
<device><friendlyName>D</friendlyName><UDN>uuid:d</UDN><deviceList>
<device><friendlyName>One</friendlyName><UDN>uuid:one</UDN></device>
`+strings.ReplaceAll(broken, "X", "device")+`
<device><friendlyName>Two</friendlyName><UDN>uuid:two</UDN></device></deviceList></device></root>`), "http://192.168.1.1/")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !hasDevices(root, "uuid:d", "uuid:one", "uuid:two") {
			t.Errorf("%s: more than the broken device is lost: %q", name, root.Notes)
		}
	}
}

func hasDevices(root *Root, udns ...string) bool {
	var all []string
	for d := range root.Devices() {
		all = append(all, d.UDN)
	}
	return !slices.ContainsFunc(udns, func(udn string) bool { return !slices.Contains(all, udn) })
}

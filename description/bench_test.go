package description

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
)

// sampleRoot is a gateway's description of about 3 KB, indented as devices write it.
func sampleRoot() []byte {
	device := func(kind string, services ...string) *Device {
		d := &Device{Type: "urn:schemas-upnp-org:device:" + kind + ":1", FriendlyName: kind, Manufacturer: "Example",
			ManufacturerURL: "http://example.org/", ModelName: "Sample", ModelNumber: "1", UDN: "uuid:00000000-0000-0000-0000-000000000000"}
		for _, s := range services {
			d.Services = append(d.Services, &Service{Type: "urn:schemas-upnp-org:service:" + s + ":1",
				ID: "urn:upnp-org:serviceId:" + s + "1", SCPDURL: "/" + s + ".xml", ControlURL: "/ctl/" + s, EventSubURL: "/evt/" + s})
		}
		return d
	}
	connection := device("WANConnectionDevice", "WANIPConnection", "WANPPPConnection")
	wan := device("WANDevice", "WANCommonInterfaceConfig")
	wan.Devices = []*Device{connection}
	root := device("InternetGatewayDevice", "Layer3Forwarding")
	root.Devices = []*Device{wan}
	return indented(&Root{SpecMajor: 1, Device: root})
}

// sampleSCPD is a service description of about 12 KB.
func sampleSCPD() []byte {
	scpd := &SCPD{SpecMajor: 1}
	for i := range 25 {
		scpd.Variables = append(scpd.Variables, &Variable{Name: fmt.Sprintf("Variable%d", i), Type: UI2, Range: &Range{Min: "0", Max: "65535"}})
	}
	for i := range 12 {
		action := &Action{Name: fmt.Sprintf("Action%d", i)}
		for j := range 5 {
			action.Arguments = append(action.Arguments, &Argument{Name: fmt.Sprintf("NewArgument%d", j), Out: j > 1,
				Variable: fmt.Sprintf("Variable%d", (i*5+j)%25)})
		}
		scpd.Actions = append(scpd.Actions, action)
	}
	return indented(scpd)
}

func indented(document io.WriterTo) []byte {
	var text bytes.Buffer
	document.WriteTo(&text)
	return []byte(strings.ReplaceAll(text.String(), "><", ">\r\n<"))
}

func BenchmarkParseRoot(b *testing.B) {
	data := sampleRoot()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if root, err := ParseRoot(data, location); err != nil || root.Notes != nil {
			b.Fatal(err, root.Notes)
		}
	}
}

func BenchmarkParseSCPD(b *testing.B) {
	data := sampleSCPD()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if scpd, err := ParseSCPD(data); err != nil || scpd.Notes != nil {
			b.Fatal(err, scpd.Notes)
		}
	}
}

func BenchmarkWriteRoot(b *testing.B) {
	root, err := ParseRoot(sampleRoot(), location)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		root.WriteTo(io.Discard)
	}
}

func BenchmarkURLs(b *testing.B) {
	root := &Root{Location: location, URLBase: "http://192.0.2.1:5431/"}
	b.ReportAllocs()
	for b.Loop() {
		root.URLs("/ctl/WANIPConnection")
	}
}

package description

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"upnp/description/xmldoc"
	"upnp/testdata"
)

const location = "http://192.0.2.1:5000/root.xml"

// wrap puts a device's elements into an otherwise good description.
func wrap(device string) string {
	return `<root xmlns="urn:schemas-upnp-org:device-1-0"><specVersion><major>1</major><minor>1</minor></specVersion><device>` +
		device + `</device></root>`
}

// complete are the required elements of a device.
const complete = `<deviceType>t</deviceType><friendlyName>f</friendlyName><manufacturer>m</manufacturer>` +
	`<modelName>n</modelName><UDN>uuid:1</UDN>`

const goodService = `<service><serviceType>st</serviceType><serviceId>id</serviceId><SCPDURL>/s.xml</SCPDURL>` +
	`<controlURL>/c</controlURL><eventSubURL>/e</eventSubURL></service>`

// gateway is a description with everything in it.
func gateway() *Root {
	root := &Root{Location: location, SpecMajor: 1, SpecMinor: 1, ConfigID: "7", URLBase: "http://192.0.2.1:5000/", Device: &Device{
		Type: "urn:schemas-upnp-org:device:InternetGatewayDevice:1", FriendlyName: "Router <&> \"co\"", Manufacturer: "Maker",
		ManufacturerURL: "http://maker.example/", ModelDescription: "A router", ModelName: "R1", ModelNumber: "1",
		ModelURL: "http://maker.example/r1", SerialNumber: "0001", UDN: "uuid:00000000-0000-0000-0000-000000000001",
		UPC: "000000000001", PresentationURL: "/",
		Icons: []Icon{{MimeType: "image/png", Width: 48, Height: 32, Depth: 24, URL: "/icon.png"}},
		Extra: []Field{
			{Name: "X_plain", Text: "one"},
			{Name: "dlna:X_DLNADOC", Namespace: "urn:schemas-dlna-org:device-1-0", Text: "DMS-1.50"},
			{Name: "X_own", Namespace: "urn:example", Text: ""},
		},
	}}
	wan := &Device{Type: "urn:schemas-upnp-org:device:WANDevice:1", FriendlyName: "WAN", Manufacturer: "Maker",
		ModelName: "R1", UDN: "uuid:00000000-0000-0000-0000-000000000002", Parent: root.Device}
	for _, d := range []*Device{root.Device, wan} {
		d.Services = []*Service{{Type: "urn:schemas-upnp-org:service:S:1", ID: "urn:upnp-org:serviceId:S1",
			SCPDURL: "/s.xml", ControlURL: "/c?x=1&y=2", Device: d}}
	}
	root.Device.Devices = []*Device{wan}
	return root
}

func TestRootWriteTo(t *testing.T) {
	var text bytes.Buffer
	n, err := gateway().WriteTo(&text)
	if err != nil || n != int64(text.Len()) {
		t.Fatalf("WriteTo = %d, %v; wrote %d bytes", n, err, text.Len())
	}
	const service = `<serviceList><service><serviceType>urn:schemas-upnp-org:service:S:1</serviceType>` +
		`<serviceId>urn:upnp-org:serviceId:S1</serviceId><SCPDURL>/s.xml</SCPDURL>` +
		`<controlURL>/c?x=1&amp;y=2</controlURL><eventSubURL></eventSubURL></service></serviceList>`
	want := xmldoc.Prolog + `<root xmlns="urn:schemas-upnp-org:device-1-0" configId="7">` +
		`<specVersion><major>1</major><minor>1</minor></specVersion><URLBase>http://192.0.2.1:5000/</URLBase>` +
		`<device><deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType>` +
		`<friendlyName>Router &lt;&amp;&gt; "co"</friendlyName><manufacturer>Maker</manufacturer>` +
		`<manufacturerURL>http://maker.example/</manufacturerURL><modelDescription>A router</modelDescription>` +
		`<modelName>R1</modelName><modelNumber>1</modelNumber><modelURL>http://maker.example/r1</modelURL>` +
		`<serialNumber>0001</serialNumber><UDN>uuid:00000000-0000-0000-0000-000000000001</UDN><UPC>000000000001</UPC>` +
		`<iconList><icon><mimetype>image/png</mimetype><width>48</width><height>32</height><depth>24</depth>` +
		`<url>/icon.png</url></icon></iconList>` + service +
		`<deviceList><device><deviceType>urn:schemas-upnp-org:device:WANDevice:1</deviceType><friendlyName>WAN</friendlyName>` +
		`<manufacturer>Maker</manufacturer><modelName>R1</modelName><UDN>uuid:00000000-0000-0000-0000-000000000002</UDN>` +
		service + `</device></deviceList><presentationURL>/</presentationURL><X_plain>one</X_plain>` +
		`<dlna:X_DLNADOC xmlns:dlna="urn:schemas-dlna-org:device-1-0">DMS-1.50</dlna:X_DLNADOC>` +
		`<X_own xmlns="urn:example"></X_own></device></root>`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Error(diff)
	}
}

func TestRootRoundTrip(t *testing.T) {
	checkRootRoundTrip(t, gateway())
	// A zero version is written as 1.0.
	checkRootRoundTrip(t, &Root{SpecMajor: 1, Device: &Device{FriendlyName: "only a name"}})
}

func TestRootWriteToRefusesNames(t *testing.T) {
	for _, field := range []Field{
		{Name: ""}, {Name: "a b"}, {Name: "1a"}, {Name: "a>b"}, {Name: "friendlyName"}, {Name: "DEVICELIST"},
		{Name: "p:a"}, {Name: "p:", Namespace: "n"}, {Name: "a:b:c", Namespace: "n"}, {Name: "xmlns:a", Namespace: "n"},
	} {
		root := &Root{Device: &Device{Devices: []*Device{{Extra: []Field{field}}}}}
		if _, err := root.WriteTo(new(bytes.Buffer)); !errors.Is(err, ErrName) {
			t.Errorf("%+v: error %v", field, err)
		}
	}
}

func TestParseRootTolerates(t *testing.T) {
	good := func() *Root {
		return &Root{SpecMajor: 1, SpecMinor: 1, Device: &Device{Type: "t", FriendlyName: "f", Manufacturer: "m", ModelName: "n", UDN: "uuid:1"}}
	}
	tests := []struct {
		name, text string
		change     func(*Root)
		notes      []string
	}{
		{"nothing to repair", wrap(complete), nil, nil},
		{"no namespace", strings.Replace(wrap(complete), ` xmlns="urn:schemas-upnp-org:device-1-0"`, "", 1), nil,
			[]string{"root has no namespace"}},
		{"another namespace", strings.Replace(wrap(complete), "schemas-upnp-org", "dslforum-org", 1), nil,
			[]string{`root has the namespace "urn:dslforum-org:device-1-0"`}},
		{"prefixes", `<u:root xmlns:u="urn:schemas-upnp-org:device-1-0"><u:device><u:UDN>uuid:1</u:UDN><u:deviceType>t</u:deviceType>` +
			`<u:friendlyName>f</u:friendlyName><u:manufacturer>m</u:manufacturer><u:modelName>n</u:modelName></u:device>` +
			`<u:specVersion><u:major>1</u:major><u:minor>1</u:minor></u:specVersion></u:root>`, nil, nil},
		{"document element of another name", strings.ReplaceAll(wrap(complete), "root", "device_description"), nil,
			[]string{"the root device is in <device_description> and not in <root>"}},
		{"root inside of something", "<x>" + wrap(complete) + "</x>", nil, []string{"the root is inside of <x>"}},
		{"device is the document", "<device>" + complete + "</device>", func(r *Root) { r.SpecMinor = 0 },
			[]string{"there is no root around the device", "device has no namespace", "no usable specVersion; taken for 1.0"}},
		{"head lost", "<URLBase>http://192.0.2.1/</URLBase><device>" + complete + "</device>", func(r *Root) { r.SpecMinor, r.URLBase = 0, "http://192.0.2.1/" },
			[]string{"text after the document skipped", "root has no namespace", "no usable specVersion; taken for 1.0",
				"the document does not start at its beginning", "URLBase has port 80; trying port 5000 of Location first"}},
		{"URLBase in a service (Synology DS216)", strings.Replace(wrap(complete+"<serviceList>"+goodService+"</serviceList>"), "<service>", "<service><URLBase>http://192.0.2.1:5000/</URLBase>", 1),
			func(r *Root) {
				r.URLBase = "http://192.0.2.1:5000/"
				r.Device.Services = []*Service{{Type: "st", ID: "id", SCPDURL: "/s.xml", ControlURL: "/c", EventSubURL: "/e", Device: r.Device}}
			}, []string{"URLBase is not a child of the root"}},
		{"no version", strings.Replace(wrap(complete), "<major>1</major>", "<major/>", 1), func(r *Root) { r.SpecMinor = 0 },
			[]string{"no usable specVersion; taken for 1.0"}},
		{"URLBase behind the device", strings.Replace(wrap(complete), "</root>", "<URLBase> http://192.0.2.1:5000 </URLBase></root>", 1),
			func(r *Root) { r.URLBase = "http://192.0.2.1:5000" }, nil},
		{"names in another case", wrap(strings.ReplaceAll(complete, "UDN>", "udn>")), nil, nil},
		{"padded values", wrap(strings.ReplaceAll(complete, ">n<", ">\r\n\t n \n<")), nil, nil},
		{"space inside an identifier", wrap(strings.Replace(complete, ">t<", ">t:\n x <", 1)), func(r *Root) { r.Device.Type = "t:x" },
			[]string{`white space inside of deviceType "t:\n x"`}},
		{"line break inside a text", wrap(strings.Replace(complete, ">f<", ">f \n g<", 1)), func(r *Root) { r.Device.FriendlyName = "f g" },
			[]string{`white space inside of friendlyName "f \n g"`}},
		{"missing elements", wrap("<friendlyName>f</friendlyName>"), func(r *Root) { r.Device = &Device{FriendlyName: "f"} },
			[]string{`device "f": no deviceType, manufacturer, modelName, UDN`}},
		{"empty root device", wrap(""), func(r *Root) { r.Device = &Device{} },
			[]string{`root device: no deviceType, friendlyName, manufacturer, modelName, UDN`}},
		{"an element twice", wrap(complete + "<UDN>uuid:1</UDN><UDN>uuid:2</UDN>"), nil,
			[]string{`device "t": a second UDN, "uuid:2", is ignored`}},
		{"vendor elements", wrap(complete + `<X_a> 1 </X_a><v:b xmlns:v="urn:v">2<c>3</c></v:b>`),
			func(r *Root) {
				r.Device.Extra = []Field{{Name: "X_a", Text: "1"}, {Name: "v:b", Namespace: "urn:v", Text: "2"}}
			}, nil},
		{"undeclared prefix", wrap(complete + `<v:b>2</v:b>`), func(r *Root) { r.Device.Extra = []Field{{Name: "b", Text: "2"}} },
			[]string{"prefix v is not declared"}},
		{"empty service and device", wrap(complete + "<serviceList><service/></serviceList><deviceList><device/></deviceList>"), nil,
			[]string{`device "t": an empty service is left out`, `device "t": an empty embedded device is left out`}},
		{"service without URLs", wrap(complete + "<serviceList><service><serviceType> s t </serviceType></service></serviceList>"),
			func(r *Root) { r.Device.Services = []*Service{{Type: "st", Device: r.Device}} },
			[]string{`white space inside of serviceType "s t"`, `device "t": service "st": no serviceId`,
				`device "t": service "st": no SCPDURL`, `device "t": service "st": no controlURL`}},
		{"items without lists", wrap(complete + goodService), func(r *Root) {
			r.Device.Services = []*Service{{Type: "st", ID: "id", SCPDURL: "/s.xml", ControlURL: "/c", EventSubURL: "/e", Device: r.Device}}
		}, []string{`device "t": a service outside of its serviceList`}},
		{"two root devices", strings.Replace(wrap(complete), "</root>", "<device>"+complete+"</device></root>", 1), func(r *Root) {
			sub := *r.Device
			sub.Parent = r.Device
			r.Device.Devices = []*Device{&sub}
		}, []string{"more than one root device; the others are taken for embedded ones"}},
		{"bad icons", wrap(complete + `<iconList><icon><url>/i</url><width>16px</width><height>-1</height><depth>8</depth></icon><icon/></iconList>`),
			func(r *Root) { r.Device.Icons = []Icon{{Width: 16, Depth: 8, URL: "/i"}} },
			[]string{`device "t": an icon without height`, `device "t": an icon without width`, `device "t": an icon without depth`,
				`device "t": an icon without url is left out`}},
		{"cut short", wrap(complete + "<serviceList>" + goodService)[:len(wrap(complete+"<serviceList>"+goodService))-len("</eventSubURL></service></device></root>")],
			func(r *Root) {
				r.Device.Services = []*Service{{Type: "st", ID: "id", SCPDURL: "/s.xml", ControlURL: "/c", Device: r.Device}}
			}, []string{"document ends inside <eventSubURL>"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseRoot([]byte(test.text), location)
			if err != nil {
				t.Fatal(err)
			}
			want := good()
			want.Location = location
			if test.change != nil {
				test.change(want)
			}
			want.Notes = test.notes
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			checkRootRoundTrip(t, got)
		})
	}
}

func TestParseRootRefuses(t *testing.T) {
	var document *DocumentError
	var syntax *xmldoc.SyntaxError
	tests := []struct {
		name, text string
		target     any
		message    string
	}{
		{"log-in page", "\ufeff \n<!-- x --><!DOCTYPE html PUBLIC \"\">\n<html><head><TITLE>Please\n log in</TITLE></head></html>", &document,
			`description: not a device description but an HTML page "Please log in"`},
		{"XHTML", `<?xml version="1.0"?><HTML><body/></HTML>`, &document, "description: not a device description but an HTML page"},
		{"something else", "<a><b/></a>", &document, "description: not a device description but a document <a> without a device"},
		{"nothing", "", &syntax, ""},
		{"text", "404 not found", &syntax, ""},
		{"too deep", strings.Repeat("<device>", 100), &syntax, ""},
		{"too many elements", "<root>" + strings.Repeat("<device/>", maxElements) + "</root>", &syntax, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParseRoot([]byte(test.text), location)
			if !errors.As(err, test.target) {
				t.Fatalf("error %v", err)
			}
			if test.message != "" && err.Error() != test.message {
				t.Errorf("error %q, want %q", err, test.message)
			}
		})
	}
	if _, err := ParseRoot(bytes.Repeat([]byte(" "), MaxDocument+1), location); !errors.Is(err, ErrTooLarge) {
		t.Errorf("one byte too many: error %v", err)
	}
}

func TestParseRootLimits(t *testing.T) {
	repeat := func(list, item string, n int) string {
		return wrap(complete + "<" + list + ">" + strings.Repeat(item, n) + "</" + list + ">")
	}
	const device = "<device><UDN>u</UDN></device>"
	tests := []struct {
		name, text string
		count      func(*Root) int
		want       int
		note       string
	}{
		{"devices at the limit", repeat("deviceList", device, MaxDevices-1), countDevices, MaxDevices, ""},
		{"devices over it", repeat("deviceList", device, MaxDevices), countDevices, MaxDevices, "more than 64 devices; the rest is left out"},
		{"devices far over it", repeat("deviceList", device, 1000), countDevices, MaxDevices, "more than 64 devices; the rest is left out"},
		{"services at the limit", repeat("serviceList", goodService, MaxServices), countServices, MaxServices, ""},
		{"services over it", repeat("serviceList", goodService, MaxServices+1), countServices, MaxServices, "more than 256 services; the rest is left out"},
		{"icons", repeat("iconList", "<icon><url>/</url></icon>", maxIcons+1), func(r *Root) int { return len(r.Device.Icons) }, maxIcons,
			`device "t": more than 64 icons; the rest is left out`},
		{"vendor elements", wrap(complete + strings.Repeat("<X_/>", maxExtra+1)),
			func(r *Root) int { return len(r.Device.Extra) }, maxExtra, `device "t": more than 64 vendor elements; the rest is left out`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root, err := ParseRoot([]byte(test.text), location)
			if err != nil {
				t.Fatal(err)
			}
			if got := test.count(root); got != test.want {
				t.Errorf("%d kept, want %d", got, test.want)
			}
			if limited := slices.ContainsFunc(root.Notes, func(s string) bool { return strings.Contains(s, "more than") }); limited != (test.note != "") {
				t.Errorf("notes %q, want %q among them", root.Notes, test.note)
			} else if limited && !slices.Contains(root.Notes, test.note) {
				t.Errorf("notes %q, want %q among them", root.Notes, test.note)
			}
		})
	}
}

func countDevices(r *Root) int {
	n := 0
	for range r.Devices() {
		n++
	}
	return n
}

func countServices(r *Root) int {
	n := 0
	for range r.Services() {
		n++
	}
	return n
}

func TestDevicesOrder(t *testing.T) {
	d := func(name string, devices ...*Device) *Device {
		return &Device{UDN: name, Devices: devices, Services: []*Service{{ID: name}}}
	}
	root := &Root{Device: d("1", d("2", d("3")), d("4"))}
	var devices, services string
	for d := range root.Devices() {
		devices += d.UDN
	}
	for s := range root.Services() {
		services += s.ID
		if s.ID == "3" {
			break
		}
	}
	if devices != "1234" || services != "123" {
		t.Errorf("devices in order %s, services %s", devices, services)
	}
	for range (&Root{}).Devices() {
		t.Error("a device in a root without one")
	}
}

func TestNoteIsBounded(t *testing.T) {
	var root Root
	for i := range 2 * maxNotes {
		root.Note("same")
		root.Note("line %d", i)
	}
	if len(root.Notes) != maxNotes {
		t.Errorf("%d notes, want %d", len(root.Notes), maxNotes)
	}
	if got := quoted(strings.Repeat("é", maxNoteQuote)); len(got) > maxNoteQuote+5 || !strings.HasSuffix(got, `é"…`) {
		t.Errorf("quoted a long text as %s", got)
	}
}

func FuzzParseRoot(f *testing.F) {
	var text bytes.Buffer
	if _, err := gateway().WriteTo(&text); err != nil {
		f.Fatal(err)
	}
	f.Add(text.String())
	f.Add(wrap(complete + goodService))
	f.Add(wrap(complete + `<v:b xmlns:v="urn:v">&amp;#13;&#13; &lt;</v:b><X xmlns=""> </X>`))
	for body := range testdata.Bodies() {
		if bytes.Contains(body, []byte("<root")) {
			f.Add(string(body))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		root, err := ParseRoot([]byte(text), location)
		if err != nil || len(text) > 4<<10 {
			return
		}
		if len(root.Notes) > maxNotes || countDevices(root) > MaxDevices || countServices(root) > MaxServices {
			t.Fatal("beyond a limit")
		}
		checkRootRoundTrip(t, root)
	})
}

func ExampleParseRoot() {
	const text = `<root><device>
		<deviceType>urn:schemas-upnp-org:device:Basic:1</deviceType><friendlyName>Lamp</friendlyName>
		<serviceList><service>
			<serviceType>urn:schemas-upnp-org:service:SwitchPower:1</serviceType>
			<controlURL>http://127.0.0.1:5000/power</controlURL>
		</service></serviceList></device></root>`
	root, err := ParseRoot([]byte(text), "http://192.0.2.7:5000/lamp.xml")
	if err != nil {
		fmt.Println(err)
		return
	}
	for s := range root.Services() {
		fmt.Println(s.Type, "at", root.URL(s.ControlURL))
	}
	fmt.Println(strings.Join(root.Notes, "\n"))
	// Output:
	// urn:schemas-upnp-org:service:SwitchPower:1 at http://192.0.2.7:5000/power
	// root has no namespace
	// no usable specVersion; taken for 1.0
	// device "urn:schemas-upnp-org:device:Basic:1": no manufacturer, modelName, UDN
	// device "urn:schemas-upnp-org:device:Basic:1": service "urn:schemas-upnp-org:service:SwitchPower:1": no serviceId
	// device "urn:schemas-upnp-org:device:Basic:1": service "urn:schemas-upnp-org:service:SwitchPower:1": no SCPDURL
	// controlURL has host 127.0.0.1; using 192.0.2.7
}

// checkRootRoundTrip writes root and reads it back: the two must be equal but for Notes.
func checkRootRoundTrip(t *testing.T, root *Root) {
	t.Helper()
	var text bytes.Buffer
	if _, err := root.WriteTo(&text); err != nil {
		t.Fatalf("writing what was read: %v", err)
	}
	again, err := ParseRoot(text.Bytes(), root.Location)
	if err != nil {
		t.Fatalf("reading what was written: %v\n%s", err, &text)
	}
	want := *root
	want.Notes, again.Notes = nil, nil
	if diff := cmp.Diff(&want, again); diff != "" {
		t.Errorf("read, written, read (-first +second):\n%s\n%s", diff, &text)
	}
}

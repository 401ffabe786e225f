package description

import (
	"strings"

	"github.com/beevik/etree"

	"upnp/description/xmldoc"
)

// Limits of one device description. What is beyond them is left out, with a note.
const (
	MaxDevices  = 64  // devices in one description
	MaxServices = 256 // services of all of them

	maxIcons    = 64   // icons of one device
	maxExtra    = 64   // vendor elements of one device
	maxElements = 5000 // of one document; beyond it the document is refused
)

// ParseRoot reads a root device description fetched from location, which may be "" if it
// was not fetched: then only absolute URLs resolve. It takes what devices really send
// and lists each repair in Notes; of a document that is partly broken only the broken
// part is lost. The error is a [*DocumentError] for a document with no device in it,
// [ErrTooLarge], or wraps an [*xmldoc.SyntaxError].
func ParseRoot(data []byte, location string) (*Root, error) {
	const want = "device description"
	lim := xmldoc.Limits{Elements: maxElements}
	doc, err := open(data, lim, want)
	if err != nil {
		return nil, err
	}
	r := &rootReader{root: &Root{Location: location, Notes: doc.Notes}}
	if r.read(doc.Root) || r.readFragment(data, lim) {
		r.root.noteURLs()
		return r.root, nil
	}
	return nil, &DocumentError{Want: want, Found: "a document <" + bare(doc.Root.Tag) + "> without a device"}
}

// readFragment looks for a device behind what came first, which was an element too: the
// head of the document was lost, or something was put before it. All of it is read as what is left
// of a root.
func (r *rootReader) readFragment(data []byte, lim xmldoc.Limits) bool {
	doc, err := open(append([]byte("<root>"), data...), lim, "")
	if err != nil || !r.read(doc.Root) {
		return false
	}
	r.root.Note("the document does not start at its beginning")
	return true
}

// A rootReader counts what it takes from a document into root.
type rootReader struct {
	root              *Root
	devices, services int
}

// read finds the root device below e, the document element, and reports whether there is one.
func (r *rootReader) read(e *etree.Element) bool {
	device, outer := r.find(e)
	if device == nil {
		return false
	}
	noteNamespace(outer, deviceNamespace, r.root.Note)
	r.root.ConfigID = attr(outer, "configId")
	r.root.SpecMajor, r.root.SpecMinor = readSpecVersion(outer, r.root.Note)
	r.root.URLBase = r.urlBase(outer)
	r.root.Device = r.device(device, nil)
	r.embedSiblings(device, outer)
	return true
}

// urlBase finds the base of relative URLs, if need be where it should not stand: in the middle of a
// service (Synology DS216).
func (r *rootReader) urlBase(outer *etree.Element) string {
	if base := xmldoc.Child(outer, "URLBase"); base != nil {
		return xmldoc.Text(base)
	}
	base := xmldoc.Text(xmldoc.Find(outer, "URLBase"))
	if base != "" {
		r.root.Note("URLBase is not a child of the root")
	}
	return base
}

// find returns the root device and the element around it, which need not be called root.
func (r *rootReader) find(e *etree.Element) (device, outer *etree.Element) {
	if device = xmldoc.Child(e, "device"); device == nil {
		device = xmldoc.Find(e, "device")
	}
	if device == nil {
		return nil, nil
	}
	outer = device.Parent()
	switch {
	case outer == nil:
		r.root.Note("there is no root around the device")
		return device, device
	case !xmldoc.Is(outer, "root"):
		r.root.Note("the root device is in <%s> and not in <root>", bare(outer.Tag))
	case outer != e:
		r.root.Note("the root is inside of <%s>", bare(e.Tag))
	}
	return device, outer
}

// embedSiblings takes further devices beside the root device for embedded ones.
func (r *rootReader) embedSiblings(first, outer *etree.Element) {
	if first == outer {
		return
	}
	for e := range xmldoc.Children(outer, "device") {
		if e != first {
			r.root.Note("more than one root device; the others are taken for embedded ones")
			r.embed(r.root.Device, e)
		}
	}
}

// embed adds the device in e to those of parent unless nothing is in it.
func (r *rootReader) embed(parent *Device, e *etree.Element) {
	if r.devices >= MaxDevices {
		r.root.Note("more than %d devices; the rest is left out", MaxDevices)
		return
	}
	if xmldoc.Child(e, "") == nil {
		r.root.Note("%s: an empty embedded device is left out", parent.label())
		return
	}
	parent.Devices = append(parent.Devices, r.device(e, parent))
}

// device reads one device and all inside it. Its depth is that of the document, which
// xmldoc bounds.
func (r *rootReader) device(e *etree.Element, parent *Device) *Device {
	r.devices++
	d := &Device{Parent: parent}
	for child := range xmldoc.Children(e, "") {
		r.field(d, child)
	}
	r.noteMissing(d)
	for icon := range items(e, "iconList", "icon", r.stray(d, "icon")) {
		r.icon(d, icon)
	}
	for service := range items(e, "serviceList", "service", r.stray(d, "service")) {
		r.service(d, service)
	}
	for device := range items(e, "deviceList", "device", r.stray(d, "device")) {
		r.embed(d, device)
	}
	return d
}

// stray is told of each list item without its list.
func (r *rootReader) stray(d *Device, item string) func() {
	return func() { r.root.Note("%s: a %s outside of its %[2]sList", d.label(), item) }
}

// field reads a child of a device that is neither a list nor an item of one.
func (r *rootReader) field(d *Device, e *etree.Element) {
	if reserved(e.Tag) {
		return
	}
	field, name := d.fieldFold(e.Tag)
	switch {
	case field == nil:
		r.extra(d, e)
	case *field != "":
		r.noteSecond(d, name, *field, xmldoc.Text(e))
	default:
		*field = r.clean(name, xmldoc.Text(e))
	}
}

func (r *rootReader) noteSecond(d *Device, name, first, second string) {
	if second != "" && first != second {
		r.root.Note("%s: a second %s, %s, is ignored", d.label(), name, quoted(second))
	}
}

// clean repairs the text of a named element: identifiers have no white space in them,
// and nothing but a URL has line breaks that mean anything when it is resolved.
func (r *rootReader) clean(name, text string) string {
	var repaired string
	switch name {
	case "deviceType", "serviceType", "serviceId", "UDN":
		repaired = noSpace(text)
	case "presentationURL", "SCPDURL", "controlURL", "eventSubURL", "url":
		return text
	default:
		repaired = oneLine(text)
	}
	if repaired != text {
		r.root.Note("white space inside of %s %s", name, quoted(text))
	}
	return repaired
}

// noteMissing notes the elements that every device must have.
func (r *rootReader) noteMissing(d *Device) {
	var missing []string
	for _, f := range deviceFields {
		if f.required && *d.field(f.name) == "" {
			missing = append(missing, f.name)
		}
	}
	if missing != nil {
		r.root.Note("%s: no %s", d.label(), strings.Join(missing, ", "))
	}
}

// extra keeps an element the architecture does not know.
func (r *rootReader) extra(d *Device, e *etree.Element) {
	f := Field{Name: e.FullTag(), Namespace: e.NamespaceURI(), Text: oneLine(xmldoc.Text(e))}
	if e.Space != "" && f.Namespace == "" {
		f.Name = e.Tag
	}
	if e.Space == "" && (f.Namespace == e.Parent().NamespaceURI() || f.Namespace == deviceNamespace) {
		f.Namespace = ""
	}
	switch {
	case !f.writable():
		r.root.Note("the element <%s> is left out", bare(f.Name))
	case len(d.Extra) >= maxExtra:
		r.root.Note("%s: more than %d vendor elements; the rest is left out", d.label(), maxExtra)
	default:
		d.Extra = append(d.Extra, f)
	}
}

func (r *rootReader) icon(d *Device, e *etree.Element) {
	if len(d.Icons) >= maxIcons {
		r.root.Note("%s: more than %d icons; the rest is left out", d.label(), maxIcons)
		return
	}
	icon := Icon{
		MimeType: oneLine(xmldoc.ChildText(e, "mimetype")),
		Width:    r.pixels(d, e, "width"),
		Height:   r.pixels(d, e, "height"),
		Depth:    r.pixels(d, e, "depth"),
		URL:      xmldoc.ChildText(e, "url"),
	}
	if icon.URL == "" {
		r.root.Note("%s: an icon without url is left out", d.label())
		return
	}
	d.Icons = append(d.Icons, icon)
}

func (r *rootReader) pixels(d *Device, e *etree.Element, name string) int {
	n, ok := leadingInt(xmldoc.ChildText(e, name))
	if !ok {
		r.root.Note("%s: an icon without %s", d.label(), name)
	}
	return n
}

func (r *rootReader) service(d *Device, e *etree.Element) {
	if r.services >= MaxServices {
		r.root.Note("more than %d services; the rest is left out", MaxServices)
		return
	}
	s := &Service{Device: d}
	for child := range xmldoc.Children(e, "") {
		if field, name := s.fieldFold(child.Tag); field != nil && *field == "" {
			*field = r.clean(name, xmldoc.Text(child))
		}
	}
	if *s == (Service{Device: d}) {
		r.root.Note("%s: an empty service is left out", d.label())
		return
	}
	r.noteMissingService(d, s)
	r.services++
	d.Services = append(d.Services, s)
}

// noteMissingService does not ask for an eventSubURL: a service without events has none.
func (r *rootReader) noteMissingService(d *Device, s *Service) {
	for _, name := range [...]string{"serviceType", "serviceId", "SCPDURL", "controlURL"} {
		if *s.field(name) == "" {
			r.root.Note("%s: service %s: no %s", d.label(), quoted(s.label()), name)
		}
	}
}

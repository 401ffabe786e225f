package description

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"upnp/description/xmldoc"
)

// WriteTo writes the description with its elements in the order the architecture lists
// them, leaving optional ones out when they are empty. It fails with [ErrName] on an Extra field
// that cannot be written, and when w does.
func (r *Root) WriteTo(w io.Writer) (int64, error) {
	e := newDocument("root", deviceNamespace, r.ConfigID, r.SpecMajor, r.SpecMinor)
	addIf(e, "URLBase", r.URLBase)
	if r.Device != nil {
		if err := r.Device.appendTo(e); err != nil {
			return 0, err
		}
	}
	n, err := w.Write(xmldoc.Append(nil, e))
	return int64(n), err
}

func (d *Device) appendTo(parent *etree.Element) error {
	e := parent.CreateElement("device")
	const last = len(deviceFields) - 1 // presentationURL comes after the lists
	for _, f := range deviceFields[:last] {
		if text := *d.field(f.name); text != "" || f.required {
			add(e, f.name, text)
		}
	}
	d.appendIcons(e)
	d.appendServices(e)
	if err := d.appendDevices(e); err != nil {
		return err
	}
	addIf(e, deviceFields[last].name, d.PresentationURL)
	return d.appendExtra(e)
}

func (d *Device) appendIcons(e *etree.Element) {
	if len(d.Icons) == 0 {
		return
	}
	list := e.CreateElement("iconList")
	for _, icon := range d.Icons {
		i := list.CreateElement("icon")
		add(i, "mimetype", icon.MimeType)
		add(i, "width", strconv.Itoa(icon.Width))
		add(i, "height", strconv.Itoa(icon.Height))
		add(i, "depth", strconv.Itoa(icon.Depth))
		add(i, "url", icon.URL)
	}
}

func (d *Device) appendServices(e *etree.Element) {
	if len(d.Services) == 0 {
		return
	}
	list := e.CreateElement("serviceList")
	for _, s := range d.Services {
		service := list.CreateElement("service")
		for _, name := range serviceFields {
			add(service, name, *s.field(name))
		}
	}
}

func (d *Device) appendDevices(e *etree.Element) error {
	if len(d.Devices) == 0 {
		return nil
	}
	list := e.CreateElement("deviceList")
	for _, sub := range d.Devices {
		if err := sub.appendTo(list); err != nil {
			return err
		}
	}
	return nil
}

func (d *Device) appendExtra(e *etree.Element) error {
	for _, f := range d.Extra {
		if !f.writable() {
			return fmt.Errorf("%w: %s", ErrName, quoted(f.Name))
		}
		child := add(e, f.Name, f.Text)
		prefix, _, prefixed := strings.Cut(f.Name, ":")
		switch {
		case prefixed:
			child.CreateAttr("xmlns:"+prefix, f.Namespace)
		case f.Namespace != "":
			child.CreateAttr("xmlns", f.Namespace)
		}
	}
	return nil
}

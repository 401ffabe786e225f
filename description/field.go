package description

import (
	"strings"
	"unicode"

	"upnp/description/xmldoc"
)

// The text elements of a device and of a service, in the order they are written in. One
// list serves reading and writing.

type fieldRule struct {
	name     string
	required bool
}

var deviceFields = [...]fieldRule{
	{"deviceType", true},
	{"friendlyName", true},
	{"manufacturer", true},
	{"manufacturerURL", false},
	{"modelDescription", false},
	{"modelName", true},
	{"modelNumber", false},
	{"modelURL", false},
	{"serialNumber", false},
	{"UDN", true},
	{"UPC", false},
	{"presentationURL", false},
}

var serviceFields = [...]string{"serviceType", "serviceId", "SCPDURL", "controlURL", "eventSubURL"}

// field is where d keeps the text of the element called name, nil if it is none of d's.
func (d *Device) field(name string) *string {
	switch name {
	case "deviceType":
		return &d.Type
	case "friendlyName":
		return &d.FriendlyName
	case "manufacturer":
		return &d.Manufacturer
	case "manufacturerURL":
		return &d.ManufacturerURL
	case "modelDescription":
		return &d.ModelDescription
	case "modelName":
		return &d.ModelName
	case "modelNumber":
		return &d.ModelNumber
	case "modelURL":
		return &d.ModelURL
	case "serialNumber":
		return &d.SerialNumber
	case "UDN":
		return &d.UDN
	case "UPC":
		return &d.UPC
	case "presentationURL":
		return &d.PresentationURL
	}
	return nil
}

// fieldFold is field for a name in any case; it returns the name as it should be, too.
func (d *Device) fieldFold(name string) (*string, string) {
	if f := d.field(name); f != nil {
		return f, name
	}
	for _, f := range deviceFields {
		if xmldoc.EqualName(f.name, name) {
			return d.field(f.name), f.name
		}
	}
	return nil, ""
}

// label names d in notes.
func (d *Device) label() string {
	switch {
	case d.Type != "":
		return "device " + quoted(d.Type)
	case d.FriendlyName != "":
		return "device " + quoted(d.FriendlyName)
	case d.Parent == nil:
		return "root device"
	}
	return "device " + quoted(d.UDN)
}

// field is where s keeps the text of the element called name, nil if it is none of s's.
func (s *Service) field(name string) *string {
	switch name {
	case "serviceType":
		return &s.Type
	case "serviceId":
		return &s.ID
	case "SCPDURL":
		return &s.SCPDURL
	case "controlURL":
		return &s.ControlURL
	case "eventSubURL":
		return &s.EventSubURL
	}
	return nil
}

// fieldFold is field for a name in any case; it returns the name as it should be, too.
func (s *Service) fieldFold(name string) (*string, string) {
	if f := s.field(name); f != nil {
		return f, name
	}
	for _, known := range serviceFields {
		if xmldoc.EqualName(known, name) {
			return s.field(known), known
		}
	}
	return nil, ""
}

// label names s in notes.
func (s *Service) label() string {
	if s.Type != "" {
		return s.Type
	}
	return s.ID
}

// writable reports whether f can be written so that it reads as it is: its name is one of
// XML's, at most one prefix and that with a namespace, and none of the architecture's.
func (f Field) writable() bool {
	prefix, local, prefixed := strings.Cut(f.Name, ":")
	if !prefixed {
		prefix, local = "", f.Name
	}
	known, _ := new(Device).fieldFold(local)
	return known == nil && !reserved(local) && isName(local) &&
		(!prefixed || isName(prefix) && f.Namespace != "" && !strings.HasPrefix(strings.ToLower(prefix), "xml"))
}

// reserved are the elements of a device that are not text, and URLBase, which some devices
// write into the device and which means nothing there.
func reserved(local string) bool {
	for _, name := range [...]string{"serviceList", "deviceList", "iconList", "service", "device", "icon", "URLBase"} {
		if xmldoc.EqualName(name, local) {
			return true
		}
	}
	return false
}

// isName reports whether s can be the name of an element, without a prefix.
func isName(s string) bool {
	for i, r := range s {
		switch {
		case r == '_' || unicode.IsLetter(r):
		case i > 0 && (r == '-' || r == '.' || unicode.IsDigit(r)):
		default:
			return false
		}
	}
	return s != ""
}

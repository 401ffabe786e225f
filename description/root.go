package description

import (
	"iter"
)

// A Root is a root device description: one device, those embedded in it, and what
// is needed to resolve their URLs. Text is kept as it was on the wire, trimmed; what
// had to be repaired to get it is said in Notes.
//
// A Root may be read from several goroutines as long as nobody changes it.
type Root struct {
	// Location is the URL the description was fetched from. It decides the host of
	// every URL that [Root.URLs] returns. It is not part of the document.
	Location string

	// URLBase is the base for relative URLs as the document gives it, usually empty:
	// version 1.1 of the architecture forbids it. [Root.WriteTo] writes it when set.
	URLBase string

	// SpecMajor and SpecMinor are the version of the architecture. A zero SpecMajor is
	// written as 1.
	SpecMajor, SpecMinor int

	// ConfigID is the configId attribute, as text; empty when there is none.
	ConfigID string

	// Device is the root device. It is never nil after [ParseRoot].
	Device *Device

	// Notes are the repairs that were made, each once, in the order they were made.
	Notes []string
}

// A Device is a root or embedded device.
type Device struct {
	Type             string // deviceType, for example urn:schemas-upnp-org:device:WANDevice:1
	FriendlyName     string
	Manufacturer     string
	ManufacturerURL  string // often not a URL at all
	ModelDescription string
	ModelName        string
	ModelNumber      string
	ModelURL         string
	SerialNumber     string
	UDN              string // "uuid:" and what is a UUID on well-behaved devices
	UPC              string
	PresentationURL  string // as on the wire, possibly relative
	Icons            []Icon
	Services         []*Service
	Devices          []*Device
	Extra            []Field // vendor elements, in document order
	Parent           *Device // nil for the root device; set by ParseRoot
}

// An Icon is a picture of a device.
type Icon struct {
	MimeType      string
	Width, Height int // pixels; 0 if unreadable
	Depth         int // bits per pixel; 0 if unreadable
	URL           string
}

// A Service names one service of a device and the three URLs it is spoken to at,
// as on the wire: pass them to [Root.URLs].
type Service struct {
	Type        string // serviceType, for example urn:schemas-upnp-org:service:WANIPConnection:1
	ID          string // serviceId
	SCPDURL     string
	ControlURL  string
	EventSubURL string  // empty if the service has no events
	Device      *Device // the device that has the service; set by ParseRoot
}

// A Field is an element of a device that the architecture does not know.
type Field struct {
	Name      string // with the prefix it had, for example dlna:X_DLNADOC
	Namespace string // of the element, where it differs from the device's; "" otherwise
	Text      string // its own text; what is nested inside it is not kept
}

// Devices returns every device of the description, depth first, the root device first.
func (r *Root) Devices() iter.Seq[*Device] {
	return func(yield func(*Device) bool) { r.Device.walk(yield) }
}

// walk calls yield for d and all devices inside it until yield returns false.
func (d *Device) walk(yield func(*Device) bool) bool {
	if d == nil {
		return true
	}
	if !yield(d) {
		return false
	}
	for _, sub := range d.Devices {
		if !sub.walk(yield) {
			return false
		}
	}
	return true
}

// Services returns every service of every device, in the order of [Root.Devices].
func (r *Root) Services() iter.Seq[*Service] {
	return func(yield func(*Service) bool) {
		for d := range r.Devices() {
			for _, s := range d.Services {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// Note appends a line to Notes unless it is there already. After a hundred lines it
// counts as said that there is much to repair, and nothing more is added.
func (r *Root) Note(format string, args ...any) {
	r.Notes = note(r.Notes, format, args...)
}

package plain

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"upnp/description"
	"upnp/igd"
	"upnp/igd/device"
	"upnp/soap"
)

// A Tree is a device with its services and the devices embedded in it.
type Tree struct {
	Device
	Services []ServiceRef `json:"services"`
	Devices  []Tree       `json:"devices"`
}

// A ServiceRef is a service as a description names it.
type ServiceRef struct {
	Type       string `json:"type"`
	ID         string `json:"id"`
	ControlURL string `json:"controlUrl"`
	EventURL   string `json:"eventUrl"` // empty if the service has no events
	SCPDURL    string `json:"scpdUrl"`
}

// TreeOf is d and all below it.
func TreeOf(root *description.Root, d *description.Device) Tree {
	t := Tree{Device: DescribeDevice(root, d), Services: []ServiceRef{}, Devices: []Tree{}}
	for _, s := range d.Services {
		t.Services = append(t.Services, RefOf(root, s))
	}
	for _, inner := range d.Devices {
		t.Devices = append(t.Devices, TreeOf(root, inner))
	}
	return t
}

// RefOf is a service with its URLs whole.
func RefOf(root *description.Root, s *description.Service) ServiceRef {
	return ServiceRef{s.Type, s.ID, root.URL(s.ControlURL), root.URL(s.EventSubURL), root.URL(s.SCPDURL)}
}

// An Interface is what a service description says.
type Interface struct {
	ServiceRef
	Actions   []Action   `json:"actions"`
	Variables []Variable `json:"variables"`
	Notes     []string   `json:"notes"`
}

// An Action is something a service can be asked to do.
type Action struct {
	Name string     `json:"name"`
	In   []Argument `json:"in"`
	Out  []Argument `json:"out"`
}

// An Argument has the type of a variable.
type Argument struct {
	Name     string `json:"name"`
	Variable string `json:"variable"`
	Domain
}

// A Domain is the values there may be.
type Domain struct {
	Type    string   `json:"type"` // empty where the description does not tell
	Allowed []string `json:"allowed,omitempty"`
	Minimum string   `json:"minimum,omitempty"`
	Maximum string   `json:"maximum,omitempty"`
	Step    string   `json:"step,omitempty"`
	Words   string   `json:"-"` // all of it, for people
}

// A Variable is a state variable.
type Variable struct {
	Name string `json:"name"`
	Domain
	Default   string `json:"default,omitempty"`
	Evented   bool   `json:"evented"`
	Multicast bool   `json:"multicast,omitempty"`
}

// InterfaceOf is a service description.
func InterfaceOf(ref ServiceRef, scpd *description.SCPD) Interface {
	i := Interface{ServiceRef: ref, Actions: []Action{}, Variables: []Variable{}, Notes: append([]string{}, scpd.Notes...)}
	for _, a := range scpd.Actions {
		i.Actions = append(i.Actions, Action{a.Name, argumentsOf(scpd, a.In()), argumentsOf(scpd, a.Out())})
	}
	for _, v := range scpd.Variables {
		i.Variables = append(i.Variables, Variable{v.Name, domainOf(v), v.Default, v.Evented, v.Multicast})
	}
	return i
}

func argumentsOf(scpd *description.SCPD, list []*description.Argument) []Argument {
	all := []Argument{}
	for _, arg := range list {
		all = append(all, Argument{arg.Name, arg.Variable, domainOf(scpd.Related(arg))})
	}
	return all
}

func domainOf(v *description.Variable) Domain {
	if v == nil {
		return Domain{Words: "type not told"}
	}
	d := Domain{Type: string(v.Type), Allowed: v.Allowed, Words: v.Domain()}
	if v.Range != nil {
		d.Minimum, d.Maximum, d.Step = v.Range.Min, v.Range.Max, v.Range.Step
	}
	return d
}

// Values are what came back from a device, by name, as JSON has them: numbers and booleans as such,
// everything else as text.
func Values(values []device.Value) map[string]any {
	all := map[string]any{}
	for _, v := range values {
		switch v.Value.(type) {
		case bool, uint8, uint16, uint32, uint64, int8, int16, int32, int64, float32, float64:
			all[v.Name] = v.Value
			if v.Type == description.Char || v.Type == description.Float { // a rune; perhaps an infinity
				all[v.Name] = v.Text
			}
		default:
			all[v.Name] = v.Text
		}
	}
	return all
}

// explainDevice puts what a control point meets into words; false for any other error.
func explainDevice(err error) (Failure, bool) {
	var call *device.CallError
	var target *device.TargetError
	var arguments device.ArgumentErrors
	var action *device.ActionError
	var service *device.ServiceError
	fault, refused := errors.AsType[*soap.Fault](err)
	words := strings.TrimPrefix(err.Error(), "device: ")
	switch {
	case errors.As(err, &call) && refused:
		return refusedCall(call, fault), true
	case errors.As(err, &call):
		return Failure{Error: call.Action + " at " + call.Device + ": " + cmp.Or(Cause(err), words), Kind: "failed"}, Cause(err) != ""
	case errors.As(err, &arguments), errors.As(err, &action), errors.As(err, &service):
		return Failure{Error: words, Kind: "usage"}, true
	case errors.As(err, &target) && target.Ambiguous:
		return Failure{Error: words, Kind: "usage", Hint: "name one of them by its UDN or the URL of its description"}, true
	case errors.As(err, &target):
		return Failure{Error: words, Kind: "noDevice"}, true
	}
	return Failure{}, false
}

// refusedCall is a refusal of a service that may be anything.
func refusedCall(call *device.CallError, fault *soap.Fault) Failure {
	code := igd.ErrorOf(call.Service, fault.Code)
	name := code.Error()
	if code.Name() == "" && fault.Description != "" {
		name += fmt.Sprintf(" %q", fault.Description)
	}
	return Failure{
		Error: fmt.Sprintf("%s at %s refused %s: %s", device.Short(call.Service), call.Device, call.Action, name),
		Kind:  "refused", UPnPCode: code.Code, UPnPName: code.Name(),
	}
}

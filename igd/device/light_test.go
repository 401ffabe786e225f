package device_test

import (
	"context"
	"sync"
	"time"

	"upnp/description"
	"upnp/gena"
	"upnp/igd/device"
	"upnp/igd/wire"
	"upnp/soap"
)

// A knob is one service of the light: a target that is set, and a status that follows it.
type knob struct {
	kind, id             string
	set, setArg          string // the action that turns it, and its argument
	target, targetArg    string // the action that tells where it was turned to
	status, statusArg    string // the action that tells how it is
	targetVar, statusVar description.Variable
}

var percent = &description.Range{Min: "0", Max: "100"}

// lightKnobs are SwitchPower:1 and Dimming:1.
var lightKnobs = map[string]*knob{"SwitchPower": {
	"urn:schemas-upnp-org:service:SwitchPower:1", "urn:upnp-org:serviceId:SwitchPower",
	"SetTarget", "newTargetValue", "GetTarget", "RetTargetValue", "GetStatus", "ResultStatus",
	description.Variable{Name: "Target", Type: "boolean", Default: "0"},
	description.Variable{Name: "Status", Type: "boolean", Default: "0", Evented: true},
}, "Dimming": {
	"urn:schemas-upnp-org:service:Dimming:1", "urn:upnp-org:serviceId:Dimming",
	"SetLoadLevelTarget", "newLoadlevelTarget", "GetLoadLevelTarget", "GetLoadlevelTarget", "GetLoadLevelStatus", "retLoadlevelStatus",
	description.Variable{Name: "LoadLevelTarget", Type: "ui1", Default: "100", Range: percent},
	description.Variable{Name: "LoadLevelStatus", Type: "ui1", Default: "100", Range: percent, Evented: true},
}}

func (k *knob) scpd() *description.SCPD {
	action := func(name, arg string, out bool, variable string) *description.Action {
		return &description.Action{Name: name, Arguments: []*description.Argument{{Name: arg, Out: out, Variable: variable}}}
	}
	return &description.SCPD{Variables: []*description.Variable{&k.targetVar, &k.statusVar}, Actions: []*description.Action{
		action(k.set, k.setArg, false, k.targetVar.Name),
		action(k.target, k.targetArg, true, k.targetVar.Name),
		action(k.status, k.statusArg, true, k.statusVar.Name),
	}}
}

func (k *knob) handlers() *device.Handlers {
	scpd := k.scpd()
	events := &gena.Publisher{SCPD: scpd, Delay: 100 * time.Millisecond}
	var mu sync.Mutex
	value := k.statusVar.Default
	turn := func(_ context.Context, in soap.Args) (soap.Args, error) { // checked against scpd already
		mu.Lock()
		defer mu.Unlock()
		set, err := k.targetVar.Parse(in.Value(k.setArg))
		if err != nil {
			return nil, err
		}
		if value, err = k.statusVar.Format(set); err != nil {
			return nil, err
		}
		return nil, events.Publish(gena.Property{Name: k.statusVar.Name, Value: value})
	}
	tell := func(arg string) soap.ActionFunc {
		return func(context.Context, soap.Args) (soap.Args, error) {
			mu.Lock()
			defer mu.Unlock()
			return soap.Args{{Name: arg, Value: value}}, nil
		}
	}
	return &device.Handlers{SCPD: scpd, Events: events, Control: &soap.Handler{
		Service: k.kind, SCPD: scpd,
		Actions: map[string]soap.ActionFunc{k.set: turn, k.target: tell(k.targetArg), k.status: tell(k.statusArg)},
	}}
}

// newLight is a dimmable light (DimmableLight:1).
func newLight(n wire.Network, ifi string) *device.Host {
	d := &description.Device{
		Type: "urn:schemas-upnp-org:device:DimmableLight:1", FriendlyName: "Desk lamp", Manufacturer: "Example", ModelName: "Lamp",
		UDN: "uuid:3d8f3f5e-6e3c-4f9b-9d43-2b8f1f0c7a11",
	}
	handlers := map[string]*device.Handlers{}
	for name, k := range lightKnobs {
		d.Services = append(d.Services, &description.Service{
			Type: k.kind, ID: k.id, SCPDURL: "/" + name + ".xml", ControlURL: "/control/" + name, EventSubURL: "/event/" + name, Device: d,
		})
		handlers[k.id] = k.handlers()
	}
	return &device.Host{
		Root: &description.Root{SpecMajor: 1, SpecMinor: 1, Device: d}, Network: n, Interface: ifi,
		Service: func(s *description.Service) *device.Handlers { return handlers[s.ID] },
	}
}

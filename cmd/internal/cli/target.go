package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"upnp/igd/device"
)

// targetHelp says what TARGET and SERVICE are, in the help of the verbs that take them.
const targetHelp = `TARGET is the URL of a device's description (http://192.168.1.1:5000/rootDesc.xml, no host name), its
UDN (uuid:...), its IP address or its name, or a part of the name that no other device has. SERVICE is
the type of one of its services, in short (WANIPConnection) or whole, or its id.`

// controlPoint is a control point for any device on the network of this command line.
func (s *session) controlPoint(ctx context.Context) (*device.Client, error) {
	n, err := s.net(ctx)
	if err != nil {
		return nil, err
	}
	if s.offline() != "" {
		return nil, &ExitError{Code: exitNoGateway, Kind: "noDevice", Err: errors.New(s.offline()), Hint: "connect it and try again"}
	}
	return &device.Client{Network: n, Interfaces: s.interfaceNames()}, nil
}

// target opens the device that TARGET names.
func (s *session) target(ctx context.Context, target string) (*device.Device, error) {
	if err := device.CheckTarget(target); err != nil {
		return nil, usagef("%q is %w", target, err)
	}
	client, err := s.controlPoint(ctx)
	if err != nil {
		return nil, err
	}
	done := s.progress("looking for the device")
	d, err := client.Open(ctx, target)
	done()
	if err == nil {
		return d, nil
	}
	e := s.explain(err)
	if e.Code == exitFailed && ctx.Err() == nil {
		e.Code, e.Kind, e.Err = exitNoGateway, "noDevice", fmt.Errorf("no device at %s: %s", target, strings.TrimPrefix(e.Error(), "device: "))
	}
	if _, ok := errors.AsType[*device.TargetError](err); ok && e.Hint == "" {
		e.Hint = "`upnp devices` shows all that answers"
	}
	return nil, e
}

// targetService opens a service of the device that TARGET names.
func (s *session) targetService(ctx context.Context, target, service string) (*device.Device, *device.Service, error) {
	d, err := s.target(ctx, target)
	if err != nil {
		return nil, nil, err
	}
	found, err := d.Service(service)
	return d, found, err
}

// about is a service and the device it is of, for JSON.
type about struct {
	Device  string `json:"device"` // friendly name
	UDN     string `json:"udn"`
	Service string `json:"service"` // its type
}

func aboutService(s *device.Service) about {
	return about{s.Device.FriendlyName, s.Device.UDN, s.Type}
}

// valueFacts are values by name, as text.
func valueFacts(values []device.Value) []fact {
	var facts []fact
	for _, v := range values {
		facts = append(facts, fact{v.Name, plainValue(v)})
	}
	return facts
}

// plainValue is a value for people: an empty one is seen to be empty.
func plainValue(v device.Value) string {
	if v.Text == "" {
		return `""`
	}
	if b, ok := v.Value.(bool); ok {
		return yesNo(b)
	}
	return v.Text
}

// noteAll prints remarks.
func (s *session) noteAll(notes []string) {
	for _, n := range notes {
		s.note("%s", n)
	}
}

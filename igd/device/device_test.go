package device_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upnp/description"
	"upnp/igd/device"
	"upnp/igd/wire"
	"upnp/soap"
)

// open opens a device, or ends the test.
func open(t *testing.T, c *device.Client, target string) *device.Device {
	t.Helper()
	d, err := c.Open(t.Context(), target)
	if err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	return d
}

func service(t *testing.T, d *device.Device, name string) *device.Service {
	t.Helper()
	s, err := d.Service(name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return s
}

func TestOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, client, _ := world()
		newLamp(t, memory.Host("lamp", lampPrefixes...), "uuid:Lamp", "Desk lamp", nil)
		newLamp(t, memory.Host("other", prefixes("192.168.1.6/24")...), "uuid:other", "Floor lamp", nil)
		for target, want := range map[string]struct{ udn, named, location string }{
			"http://192.168.1.5/root.xml":      {"uuid:Lamp", "Desk lamp", "http://192.168.1.5/root.xml"},
			"http://[fe80::5%25eth0]/root.xml": {"uuid:Lamp", "Desk lamp", "http://[fe80::5%25eth0]/root.xml"},
			"UUID:lamp":                        {"uuid:Lamp", "Desk lamp", "http://192.168.1.5:80/root.xml"},
			"uuid:lamp-clock":                  {"uuid:Lamp", "Desk lamp clock", "http://192.168.1.5:80/root.xml"},
			"desk LAMP":                        {"uuid:Lamp", "Desk lamp", "http://192.168.1.5:80/root.xml"},
			"Floor lamp clock":                 {"uuid:other", "Floor lamp clock", "http://192.168.1.6:80/root.xml"},
			"floor":                            {"uuid:other", "Floor lamp", "http://192.168.1.6:80/root.xml"},
			" 192.168.1.6 ":                    {"uuid:other", "Floor lamp", "http://192.168.1.6:80/root.xml"},
			"[fd00::5]":                        {"uuid:Lamp", "Desk lamp", "http://[fd00::5]:80/root.xml"},
			"fe80::5%eth0":                     {"uuid:Lamp", "Desk lamp", "http://[fe80::5%25eth0]:80/root.xml"},
		} {
			d, err := client.Open(t.Context(), target)
			if err != nil {
				t.Errorf("%s: %v", target, err)
				continue
			}
			if d.UDN() != want.udn || d.Named.FriendlyName != want.named || d.Root.Location != want.location {
				t.Errorf("%s: %s, %s at %s", target, d.UDN(), d.Named.FriendlyName, d.Root.Location)
			}
			if n := len(d.Services()); n != 2 && d.Named == d.Root.Device || n != 1 && d.Named != d.Root.Device {
				t.Errorf("%s: %d services", target, n)
			}
		}
	})
}

// TestOpenNothing: what is not there, or there more than once, is told with what there is.
func TestOpenNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, client, _ := world()
		newLamp(t, memory.Host("one", prefixes("192.168.1.5/24")...), "uuid:one", "Lamp", nil)
		newLamp(t, memory.Host("two", prefixes("192.168.1.6/24")...), "uuid:two", "Lamp", nil)
		for target, ambiguous := range map[string]bool{"lamp": true, "am": true, "Oven": false, "uuid:three": false, "192.168.1.9": false} {
			_, err := client.Open(t.Context(), target)
			e, ok := errors.AsType[*device.TargetError](err)
			if !ok || e.Ambiguous != ambiguous || len(e.Candidates) != 2 || errors.Is(err, device.ErrNotFound) == ambiguous {
				t.Errorf("%s: %v", target, err)
			}
			if !strings.Contains(err.Error(), "uuid:one") || !strings.Contains(err.Error(), "http://192.168.1.6:80/root.xml") {
				t.Errorf("%s: %v does not tell what there is", target, err)
			}
		}
		for _, target := range []string{"", "https://192.168.1.5/root.xml", "http://lamp.lan/root.xml", "file:///etc/passwd"} {
			if _, err := client.Open(t.Context(), target); !errors.Is(err, device.ErrTarget) {
				t.Errorf("%s: %v", target, err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := client.Open(ctx, "Oven"); !errors.Is(err, context.Canceled) {
			t.Errorf("a search that was interrupted: %v", err)
		}
	})
}

func TestServiceNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, client, _ := world()
		newLamp(t, memory.Host("lamp", prefixes("192.168.1.5/24")...), "uuid:lamp", "Lamp", func(l *lamp) {
			second := *l.root.Device.Services[0]
			second.ID = "urn:example:serviceId:Dimmer2"
			l.root.Device.Services = append(l.root.Device.Services, &second)
		})
		d := open(t, client, "http://192.168.1.5/root.xml")
		for name, want := range map[string]string{
			"clock": clockType, "Clock:2": clockType, clockType: clockType, strings.ToLower(clockType): clockType,
			"urn:example:serviceId:Clock": clockType, "Dimmer1": dimmerType, "dimmer2": dimmerType,
		} {
			if s, err := d.Service(name); err != nil || s.Type != want {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, ambiguous := range map[string]bool{"Dimmer": true, "dimmer:1": true, "Clock:1": false, "": false, "Switch": false} {
			_, err := d.Service(name)
			if e, ok := errors.AsType[*device.ServiceError](err); !ok || e.Ambiguous != ambiguous || !strings.Contains(err.Error(), "Dimmer2") {
				t.Errorf("%q: %v", name, err)
			}
		}
	})
}

// TestCall: arguments in any order, names and values in any spelling, go out in the one the service
// description prescribes, and what comes back has its type.
func TestCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, client, _ := world()
		l, _ := newLamp(t, memory.Host("lamp", prefixes("192.168.1.5/24")...), "uuid:lamp", "Lamp", nil)
		s := service(t, open(t, client, "http://192.168.1.5/root.xml"), "Dimmer")
		if _, err := s.Call(t.Context(), "setlevel", args("newpassword", "007", "Smooth", "TRUE", "NewLevel", " 095 ", "mode", "COLD")); err != nil {
			t.Fatal(err)
		}
		r, err := s.Call(t.Context(), "GetLevel", nil)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"SetLevel NewLevel=95 Mode=COLD Smooth=1 NewPassword=7", "GetLevel"}
		if got := l.called(); !slices.Equal(got, want) {
			t.Errorf("the device was called %q, want %q", got, want)
		}
		level, _ := r.Get("level")
		since, _ := r.Get("Since")
		smooth, _ := r.Get("Smooth")
		moment, ok := since.Value.(description.Moment)
		if level.Value != uint8(95) || smooth.Value != true || !ok || !moment.HasZone || moment.Time.UTC().Hour() != 22 || len(r.Notes) != 0 {
			t.Errorf("%+v", r)
		}
	})
}

// TestArguments: what a service description does not allow is told by name, with what would do, and
// nothing is sent.
func TestArguments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, client, log := world()
		l, _ := newLamp(t, memory.Host("lamp", prefixes("192.168.1.5/24")...), "uuid:lamp", "Lamp", nil)
		s := service(t, open(t, client, "http://192.168.1.5/root.xml"), "Dimmer")
		if _, err := s.SCPD(t.Context()); err != nil {
			t.Fatal(err)
		}
		sent := len(log.Events())
		good := args("NewLevel", "50", "Mode", "WARM", "Smooth", "1", "NewPassword", "1")
		for _, row := range []struct {
			name, argument string
			mistake        device.Mistake
			change         func(soap.Args) soap.Args
			words          string
		}{
			{"wrong type", "NewLevel", device.Invalid, set("NewLevel", "bright"), "ui1, 0 to 100, in steps of 5"},
			{"too large for the type", "NewLevel", device.Invalid, set("NewLevel", "256"), "ui1"},
			{"out of range", "NewLevel", device.Invalid, set("NewLevel", "105"), "0 to 100"},
			{"off the steps", "NewLevel", device.Invalid, set("NewLevel", "52"), "steps of 5"},
			{"not in the list", "Mode", device.Invalid, set("Mode", "HOT"), "WARM, COLD"},
			{"no boolean", "Smooth", device.Invalid, set("Smooth", "maybe"), "boolean"},
			{"missing", "Mode", device.Missing, func(a soap.Args) soap.Args { return slices.Delete(a, 1, 2) }, "one of WARM, COLD"},
			{"unknown", "Colour", device.Unknown, func(a soap.Args) soap.Args { return append(a, soap.Arg{Name: "Colour"}) }, "NewLevel, Mode, Smooth, NewPassword"},
			{"twice", "Mode", device.Repeated, func(a soap.Args) soap.Args { return append(a, soap.Arg{Name: "mode", Value: "WARM"}) }, "more than once"},
		} {
			_, err := s.Call(t.Context(), "SetLevel", row.change(slices.Clone(good)))
			all, ok := errors.AsType[device.ArgumentErrors](err)
			if !ok || len(all) != 1 || all[0].Argument != row.argument || all[0].Mistake != row.mistake || all[0].Action != "SetLevel" {
				t.Errorf("%s: %+v", row.name, err)
				continue
			}
			if text := err.Error(); !strings.Contains(text, row.argument) || !strings.Contains(text, row.words) {
				t.Errorf("%s: %q says too little", row.name, text)
			}
		}
		_, err := s.Call(t.Context(), "Explode", nil)
		if e, ok := errors.AsType[*device.ActionError](err); !ok || !slices.Equal(e.Known, []string{"SetLevel", "GetLevel", "Reset"}) {
			t.Errorf("an action that is not there: %v", err)
		}
		_, err = s.Call(t.Context(), "SetLevel", args("NewLevel", "x", "a", "", "b", ""))
		if all, _ := errors.AsType[device.ArgumentErrors](err); len(all) != 6 {
			t.Errorf("not all that is wrong: %v", err)
		}
		if n := len(log.Events()) - sent; n != 0 || len(l.called()) != 0 {
			t.Errorf("%d events on the wire", n)
		}
	})
}

func set(name, value string) func(soap.Args) soap.Args {
	return func(a soap.Args) soap.Args {
		for i := range a {
			if a[i].Name == name {
				a[i].Value = value
			}
		}
		return a
	}
}

// TestSecret: the value of a credential is in no error.
func TestSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, client, _ := world()
		newLamp(t, memory.Host("lamp", prefixes("192.168.1.5/24")...), "uuid:lamp", "Lamp", nil)
		s := service(t, open(t, client, "http://192.168.1.5/root.xml"), "Dimmer")
		_, err := s.Call(t.Context(), "SetLevel", args("NewLevel", "50", "Mode", "WARM", "Smooth", "1", "NewPassword", "hunter2"))
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "NewPassword") {
			t.Error(err)
		}
		if _, found := errors.AsType[*description.ValueError](err); found {
			t.Error("the value is in the tree of the error")
		}
	})
	for name, want := range map[string]bool{"NewPassword": true, "PreSharedKey": true, "PIN": true, "NewUserName": false, "Pinhole": false, "UniqueID": false} {
		if device.IsSecret(name) != want {
			t.Errorf("%s is a secret: %v", name, !want)
		}
	}
}

// TestRefusal: a fault, and an answer that is none.
func TestRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, client, _ := world()
		newLamp(t, memory.Host("lamp", prefixes("192.168.1.5/24")...), "uuid:lamp", "Lamp", nil)
		s := service(t, open(t, client, "http://192.168.1.5/root.xml"), "Dimmer")
		_, err := s.Call(t.Context(), "Reset", nil)
		call, ok := errors.AsType[*device.CallError](err)
		fault, isFault := errors.AsType[*soap.Fault](err)
		if !ok || !isFault || fault.Code != 501 || call.Action != "Reset" || call.Device != "192.168.1.5" || call.Service != dimmerType {
			t.Errorf("%+v", err)
		}
		_, err = s.Send(t.Context(), &soap.Request{Service: dimmerType, Action: "Explode", Args: args("a", "b")})
		if fault, isFault := errors.AsType[*soap.Fault](err); !isFault || fault.Code != 401 {
			t.Errorf("sent unchecked: %v", err)
		}
	})
}

// TestWithoutSCPD: arguments go out as they are, and that is told.
func TestWithoutSCPD(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, client, _ := world()
		l, _ := newLamp(t, memory.Host("lamp", prefixes("192.168.1.5/24")...), "uuid:lamp", "Lamp", nil)
		s := service(t, open(t, client, "uuid:lamp-clock"), "Clock")
		r, err := s.Call(t.Context(), "Wind", args("Turns", " 3 ", "Back", "yes"))
		if err != nil {
			t.Fatal(err)
		}
		turns, _ := r.Get("Turns")
		if got := l.called(); !slices.Equal(got, []string{"Wind Turns= 3  Back=yes"}) || turns.Value != " 3 " || turns.Type != "" {
			t.Errorf("called %q, gave %+v", got, r.Values)
		}
		if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "unchecked") || !strings.Contains(r.Notes[0], "404") {
			t.Errorf("notes %q", r.Notes)
		}
	})
}

// TestOddAnswers: a value that is not of its type, one that is missing and one too many are told, and
// what there is is given.
func TestOddAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, client, _ := world()
		newLamp(t, memory.Host("lamp", prefixes("192.168.1.5/24")...), "uuid:lamp", "Lamp", func(l *lamp) {
			l.odd = args("LEVEL", "300", "Smooth", "sometimes", "Extra", "e")
		})
		s := service(t, open(t, client, "http://192.168.1.5/root.xml"), "Dimmer")
		r, err := s.Call(t.Context(), "GetLevel", nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, v := range r.Values {
			got = append(got, v.Name+"="+v.Value.(string))
		}
		if !slices.Equal(got, []string{"Level=300", "Smooth=sometimes", "Extra=e"}) || len(r.Notes) != 4 {
			t.Errorf("%q, notes %q", got, r.Notes)
		}
	})
}

// TestSubscribe: typed events from the first on, through renewals, until the loop is left; then the
// device is told.
func TestSubscribe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, client, log := world()
		l, _ := newLamp(t, memory.Host("lamp", lampPrefixes...), "uuid:lamp", "Lamp", nil)
		for _, location := range []string{"http://192.168.1.5/root.xml", "http://[fe80::5%25eth0]/root.xml"} {
			s := service(t, open(t, client, location), "Dimmer")
			var got []any
			for e, err := range s.Subscribe(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				level, _ := e.Get("level")
				got = append(got, e.Initial, level.Value)
				if len(got) == 4 {
					break
				}
				time.AfterFunc(3*time.Hour, func() {
					if _, err := l.call("SetLevel", args("NewLevel", "75")); err != nil {
						t.Error(err)
					}
				})
			}
			if !slices.Equal(got[1:], []any{uint8(50), false, uint8(75)}) && !slices.Equal(got[1:], []any{uint8(75), false, uint8(75)}) {
				t.Errorf("%s: events %v", location, got)
			}
		}
		if n := requests(log, "SUBSCRIBE"); n < 6 {
			t.Errorf("%d subscriptions and renewals in six hours", n)
		}
		if n := requests(log, "UNSUBSCRIBE"); n != 2 {
			t.Errorf("%d farewells, want 2", n)
		}
	})
}

// TestSubscribeRefused: without events, or a way to send them here, there is one error.
func TestSubscribeRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, client, _ := world()
		newLamp(t, memory.Host("lamp", prefixes("192.168.1.5/24")...), "uuid:lamp", "Lamp", nil)
		s := service(t, open(t, client, "http://192.168.1.5/root.xml"), "Clock")
		n := 0
		for e, err := range s.Subscribe(t.Context()) {
			if n++; e != nil || !errors.Is(err, device.ErrNoURL) {
				t.Errorf("%v, %v", e, err)
			}
		}
		if n != 1 {
			t.Errorf("%d errors", n)
		}
	})
}

func requests(log *wire.Log, method string) (n int) {
	for _, x := range log.Exchanges() {
		if strings.HasPrefix(string(x.Request), method+" ") {
			n++
		}
	}
	return n
}

// TestLongErrors: whatever devices call themselves, and however many there are, a message stays one.
func TestLongErrors(t *testing.T) {
	e := &device.ActionError{Service: "Clock:1", Action: "Wind", Known: slices.Repeat([]string{strings.Repeat("x\n", 5000)}, 256)}
	if text := e.Error(); len(text) > 50_000 || strings.Contains(text, "\n") || !strings.HasSuffix(text, ", and 216 more") {
		t.Errorf("%d bytes: %.300s", len(text), text)
	}
}

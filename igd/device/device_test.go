package device_test

import (
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd/device"
)

func TestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, client, _ := world()
		_, _ = newLamp(t, memory.Host("lamp", lampPrefixes...), "uuid:lamp", "Lamp", nil)
		time.Sleep(time.Second)
		for c, err := range client.Search(t.Context()) {
			t.Log(c.Kind, c.Reason, err)
			if c.Device != nil {
				t.Log(c.Device.Locations)
			}
		}
		d, err := client.Open(t.Context(), "lamp")
		if err != nil {
			t.Fatal(err)
		}
		s, err := d.Service("dimmer")
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Call(t.Context(), "SetLevel", args("NewLevel", "101", "x", "1", "NewPassword", "abc", "Mode", "HOT"))
		t.Log(err)
		r, err := s.Call(t.Context(), "SetLevel", args("NewLevel", "95", "smooth", "true", "NewPassword", "1", "Mode", "WARM"))
		t.Log(r, err)
		r, err = s.Call(t.Context(), "GetLevel", nil)
		t.Log(r, err)
		for e, err := range s.Subscribe(t.Context()) {
			t.Log(e, err)
			break
		}
		_ = device.Found
	})
}

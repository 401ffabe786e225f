//go:build linux

package lab_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"upnp/testdata/lab"
)

// lightBinary has the example of a hosted device in it, a dimmable light.
var lightBinary = sync.OnceValues(func() (string, error) {
	out := filepath.Join(bin, "light")
	cmd := exec.Command("go", "test", "-c", "-o", out, "./igd/device")
	cmd.Dir = "../.."
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go test -c: %w\n%s", err, text)
	}
	return out, nil
})

// TestLight: a device that is no router is found, called and heard by programs of others and by
// ours.
func TestLight(t *testing.T) {
	t.Parallel()
	needGUPnP(t)
	lab.Need(t, "gssdp-discover")
	l := lab.Up(t, lab.Options{Clients: 2, NoDaemon: true})
	lamp, u := l.Clients[0], newUser(t, l.Clients[1])
	lamp.Start(t, []string{"UPNP_LIGHT=lan0"}, built(t, lightBinary), "-test.run=^TestLight$", "-test.timeout=0")
	found := u.Follow(t, nil, "gssdp-discover", "-i", "lan0", "--target=urn:schemas-upnp-org:device:DimmableLight:1")
	found.Wait(t, "DimmableLight:1", 20*time.Second)
	heard := u.Follow(t, nil, python, "light.py", "lan0", "35")
	heard.Wait(t, "LoadLevelStatus 100", 20*time.Second)
	heard.Wait(t, "target 35", 20*time.Second)
	heard.Wait(t, "LoadLevelStatus 35", 20*time.Second)
	ours := u.Follow(t, u.env(), built(t, upnpBinary), "subscribe", lamp.Addr, "Dimming")
	ours.Wait(t, "LoadLevelStatus", 20*time.Second)
	u.must(t, "call", lamp.Addr, "SwitchPower", "SetTarget", "newTargetValue=1")
	u.must(t, "call", lamp.Addr, "Dimming", "SetLoadLevelTarget", "newLoadlevelTarget=70")
	heard.Wait(t, "LoadLevelStatus 70", 20*time.Second)
	if r := u.upnp(t, "call", lamp.Addr, "Dimming", "SetLoadLevelTarget", "newLoadlevelTarget=101"); r.Code != 2 {
		t.Errorf("too bright: %s, want exit 2", told(nil, r))
	}
}

//go:build linux

package lab_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"upnp/testdata/lab"
)

// routerUDN is what miniupnpd's description has in the lab, whatever its last digits.
const routerUDN = "uuid:5a8d2c14-90f3-4d6e-a7b1-0242ac11"

// A deviceLine is a line of upnp devices --json, as scripts read it.
type deviceLine struct {
	Kind      string     `json:"kind"`
	UDN       string     `json:"udn"`
	Locations []string   `json:"locations"`
	Device    deviceTree `json:"device"`
}

type deviceTree struct {
	FriendlyName string        `json:"friendlyName"`
	Services     []serviceLine `json:"services"`
	Devices      []deviceTree  `json:"devices"`
}

type serviceLine struct {
	Type    string `json:"type"`
	ID      string `json:"id"`
	SCPDURL string `json:"scpdUrl"`
}

func (d deviceTree) all() []serviceLine {
	all := slices.Clone(d.Services)
	for _, inner := range d.Devices {
		all = append(all, inner.all()...)
	}
	return all
}

// found waits until each of the devices was found, and returns what was told of them.
func found(t *testing.T, f *lab.Follower, udns ...string) map[string]deviceLine {
	t.Helper()
	lines := map[string]deviceLine{}
	for _, udn := range udns {
		text := f.Wait(t, `"kind":"found","udn":"`+udn, 60*time.Second).Text
		lines[udn] = parse[deviceLine](t, text)
	}
	return lines
}

// TestDevices: real devices of three makers are found, described to the last action, called and
// followed. Over IPv4 and IPv6 the router is one device.
func TestDevices(t *testing.T) {
	t.Parallel()
	lab.Need(t, "minidlnad", "gmediarender")
	l := lab.Up(t, lab.Options{IPv6: true})
	server, renderer := l.MediaServer(t), l.MediaRenderer(t)
	u := newUser(t, l.Clients[0])
	watch := u.Follow(t, u.env(), built(t, upnpBinary), "devices", "--watch", "--json")
	devices := found(t, watch, server.UDN, renderer.UDN, routerUDN)
	t.Run("describe", func(t *testing.T) {
		for _, d := range devices {
			for _, s := range d.Device.all() {
				describeAll(t, u, d.Locations[0], s)
			}
		}
	})
	t.Run("wrong arguments", func(t *testing.T) { wrongArguments(t, u, devices[renderer.UDN].Locations[0]) })
	t.Run("events", func(t *testing.T) { eventsOf(t, u, renderer) })
	t.Run("one router", func(t *testing.T) { oneRouter(t, watch, l) })
	renderer.Stop()
	watch.Wait(t, `"kind":"gone","reason":"it said goodbye","udn":"`+renderer.UDN, 30*time.Second)
}

var (
	actionElement = regexp.MustCompile(`(?s)<action>(.*?)</action>`)
	nameElement   = regexp.MustCompile(`<name>\s*(\w+)\s*</name>`)
)

// An actionLine is an action as describe --json has it.
type actionLine struct {
	Name    string
	In, Out []struct{ Name, Type string }
}

// describeAll compares what describe tells of a service with its document, read in another way, and
// calls each action that only asks.
func describeAll(t *testing.T, u user, location string, s serviceLine) {
	t.Helper()
	told := parse[struct{ Actions []actionLine }](t, u.must(t, "describe", location, s.ID, "--json").Stdout)
	var names []string
	for _, a := range told.Actions {
		names = append(names, a.Name)
		if strings.HasPrefix(a.Name, "Get") && len(a.In) == 0 {
			callGet(t, u, location, s, a)
		}
	}
	document, err := u.Get(s.SCPDURL)
	if err != nil {
		t.Fatal(err)
	}
	if want := actionsIn(document); !slices.Equal(names, want) || len(want) == 0 {
		t.Errorf("%s: describe lists %q, the document %q", s.ID, names, want)
	}
	if xml := u.must(t, "describe", location, s.ID, "--xml").Stdout; strings.TrimSpace(xml) != strings.TrimSpace(document) {
		t.Errorf("%s: --xml is not the document", s.ID)
	}
}

// actionsIn finds the names of the actions in a service description.
func actionsIn(document string) (names []string) {
	for _, a := range actionElement.FindAllString(document, -1) {
		names = append(names, nameElement.FindStringSubmatch(a)[1])
	}
	return names
}

// callGet calls an action without arguments. Each value has the type that the description gives it.
func callGet(t *testing.T, u user, location string, s serviceLine, a actionLine) {
	t.Helper()
	r := u.upnp(t, "call", location, s.ID, a.Name, "--json")
	if r.Code != 0 {
		t.Errorf("%s", told([]string{s.ID, a.Name}, r))
		return
	}
	result := parse[struct {
		Out   map[string]any
		Types map[string]string
	}](t, r.Stdout)
	for _, want := range a.Out {
		value, there := result.Out[want.Name]
		if !there || result.Types[want.Name] != want.Type || !isJSONOf(value, want.Type) {
			t.Errorf("%s %s gave %s as %v, a %s; want a %s", s.ID, a.Name, want.Name, value, result.Types[want.Name], want.Type)
		}
	}
	if len(result.Out) != len(a.Out) {
		t.Errorf("%s %s gave %v", s.ID, a.Name, result.Out)
	}
}

// isJSONOf reports a value that JSON has as it should for a UPnP type.
func isJSONOf(value any, typ string) bool {
	var ok bool
	switch {
	case typ == "boolean":
		_, ok = value.(bool)
	case strings.HasPrefix(typ, "ui") || strings.HasPrefix(typ, "i"):
		_, ok = value.(float64)
	default:
		_, ok = value.(string)
	}
	return ok
}

// wrongArguments: what the service description does not allow is exit code 2, by name, and no call
// is sent.
func wrongArguments(t *testing.T, u user, location string) {
	id, channel, volume := "InstanceID=0", "Channel=Master", "DesiredVolume=40"
	for name, row := range map[string]struct {
		args []string
		says []string // none: it is right
	}{
		"right":        {[]string{volume, id, channel}, nil},
		"wrong type":   {[]string{id, channel, "DesiredVolume=loud"}, []string{"DesiredVolume", `"loud"`, "ui2"}},
		"out of range": {[]string{id, channel, "DesiredVolume=101"}, []string{"DesiredVolume", `"101"`, "0 to 100"}},
		"not listed":   {[]string{id, "Channel=Centre", volume}, []string{"Channel", `"Centre"`, "Master, LF, RF"}},
		"missing":      {[]string{id, channel}, []string{"DesiredVolume", "missing", "ui2"}},
		"unknown":      {[]string{"Loudness=1", id, channel, volume}, []string{"Loudness", "InstanceID, Channel, DesiredVolume"}},
	} {
		t.Run(name, func(t *testing.T) { setVolume(t, u, location, row.args, row.says) })
	}
}

// setVolume tries to, and looks whether a call was sent.
func setVolume(t *testing.T, u user, location string, args, says []string) {
	log := filepath.Join(t.TempDir(), "call.wire")
	r := u.upnp(t, append([]string{"call", location, "RenderingControl", "SetVolume", "--wire", log}, args...)...)
	sent, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	right := says == nil
	if called := strings.Contains(string(sent), "POST "); called != right {
		t.Errorf("sent a call: %v", called)
	}
	if right && r.Code != 0 || !right && r.Code != 2 {
		t.Errorf("%s", told(args, r))
	}
	for _, word := range says {
		if !strings.Contains(r.Stderr, word) {
			t.Errorf("%q does not say %s", r.Stderr, word)
		}
	}
}

// eventsOf: a change of the volume is told to who subscribed. The device gathers changes, so that it
// may be told of another one too.
func eventsOf(t *testing.T, u user, renderer *lab.Media) {
	events := u.Follow(t, u.env(), built(t, upnpBinary), "subscribe", renderer.UDN, "RenderingControl", "--json")
	events.Wait(t, `"initial":true`, 30*time.Second)
	for _, volume := range []int{31, 32} {
		u.must(t, "call", renderer.Name, "RenderingControl", "SetVolume", "InstanceID=0", "Channel=Master", fmt.Sprintf("DesiredVolume=%d", volume))
	}
	line := events.Wait(t, `val=\"32\"`, 30*time.Second)
	if !json.Valid([]byte(line.Text)) {
		t.Errorf("not JSON: %s", line.Text)
	}
	got := u.must(t, "call", renderer.UDN, "RenderingControl", "GetVolume", "InstanceID=0", "Channel=Master").Stdout
	if strings.Join(strings.Fields(got), " ") != "CurrentVolume 32" {
		t.Errorf("the volume is told as %q", got)
	}
}

// oneRouter: what answers over both families is found once, with all of its addresses.
func oneRouter(t *testing.T, watch *lab.Follower, l *lab.Lab) {
	line := watch.Wait(t, "http://["+l.Router.IPv6+"]", 30*time.Second)
	d := parse[deviceLine](t, line.Text)
	if !strings.HasPrefix(d.UDN, routerUDN) || !slices.ContainsFunc(d.Locations, func(at string) bool { return strings.Contains(at, lab.RouterAddr) }) {
		t.Errorf("at %q: %s", d.Locations, d.UDN)
	}
	times := 0
	for _, line := range watch.Lines(0) {
		if strings.Contains(line.Text, `"kind":"found","udn":"`+routerUDN) {
			times++
		}
	}
	if times != 1 {
		t.Errorf("the router was found %d times", times)
	}
}

package igd

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"upnp/description"
)

func TestChangeJSON(t *testing.T) {
	at := time.Date(2026, 11, 22, 20, 15, 4, 123456789, time.UTC)
	m := Mapping{MappingKey: MappingKey{ExternalPort: 9542, Protocol: TCP}, InternalClient: netip.MustParseAddr("192.168.1.7"), InternalPort: 80}
	const mapping = `{"protocol":"TCP","externalPort":9542,"internalClient":"192.168.1.7","internalPort":80,"remoteHost":"","enabled":true,"description":"","leaseSeconds":0}`
	elsewhere := &Gateway{root: &description.Root{Location: "http://192.168.1.1:5001/root.xml"}}
	for _, tt := range []struct {
		change Change
		want   string
	}{
		{Change{Kind: MappingsChanged}, `"kind":"mappings","numberOfEntries":0,"added":[],"removed":[]`},
		{Change{Kind: MappingsChanged, NumberOfEntries: 1, Added: []Mapping{m}}, `"kind":"mappings","numberOfEntries":1,"added":[` + mapping + `],"removed":[]`},
		{Change{Kind: ExternalAddressChanged}, `"kind":"externalAddress","externalAddress":""`},
		{Change{Kind: ExternalAddressChanged, ExternalAddr: m.InternalClient}, `"kind":"externalAddress","externalAddress":"192.168.1.7"`},
		{Change{Kind: StatusChanged, Status: "Connected"}, `"kind":"status","status":"Connected"`},
		{Change{Kind: SourceChanged, Source: SourceLive}, `"kind":"source","source":"live"`},
		{Change{Kind: SourceChanged, Source: SourcePolling, Reason: "412"}, `"kind":"source","source":"polling","reason":"412"`},
		{Change{Kind: GatewayChanged, Gateway: GatewayGone, Reason: "silence"}, `"kind":"gateway","gateway":"gone","reason":"silence"`},
		{Change{Kind: GatewayChanged, Gateway: GatewayMoved, Now: elsewhere}, `"kind":"gateway","gateway":"moved","location":"http://192.168.1.1:5001/root.xml"`},
	} {
		tt.change.Time = at
		got, err := json.Marshal(tt.change)
		if want := `{"time":"2026-11-22T20:15:04.123Z",` + tt.want + `}`; err != nil || string(got) != want {
			t.Errorf("%+v is %s, %v; want %s", tt.change, got, err, want)
		}
	}
}

// TestPace: looks that find nothing are at most twelve in any minute, whatever asks for them, and a
// look that finds something never delays the next.
func TestPace(t *testing.T) {
	start := time.Unix(1_000_000, 0)
	var p pace
	p.setLive(true)
	p.begin(start)
	p.end(start, true)
	var looks []time.Time
	now := start
	for ; now.Before(start.Add(10 * time.Minute)); now = now.Add(10 * time.Millisecond) {
		p.hint(now)
		if !p.next().After(now) {
			p.begin(now)
			p.end(now, false)
			looks = append(looks, now)
		}
	}
	for i := range looks {
		if i >= 12 && looks[i].Sub(looks[i-12]) < time.Minute {
			t.Fatalf("13 looks in %v", looks[i].Sub(looks[i-12]))
		}
	}
	now = now.Add(time.Hour)
	for i := range 100 {
		now = now.Add(time.Second)
		p.hint(now)
		if p.next().After(now) {
			t.Fatalf("change %d is looked at %v late", i, p.next().Sub(now))
		}
		p.begin(now)
		p.end(now, true)
		for range 100 { // those that follow
			if now = now.Add(30 * time.Millisecond); !p.next().After(now) {
				p.begin(now)
				p.end(now, false)
			}
		}
	}
}

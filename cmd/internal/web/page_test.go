package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"upnp/igd"
	"upnp/igd/emulator"
)

func TestFirstSight(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.want("8080/tcp", "6881/tcp")
		if own, other := w.rows["8080/tcp"], w.rows["6881/tcp"]; !own.Mine || other.Mine || !own.Enabled || own.Description != "web server" {
			t.Errorf("%+v and %+v", own, other)
		}
		if l := w.last["gateway"]; l["state"] != "ready" || l["gateway"].(line)["externalAddress"] != "11.22.33.44" {
			t.Errorf("%v", l)
		}
		if l := w.last["search"]; l["state"] != "found" || len(l["candidates"].([]any)) != 1 {
			t.Errorf("%v", l)
		}
		if l := w.last["following"]; l["on"] != true || l["source"] != "live" {
			t.Errorf("%v", l)
		}
		state := w.get("/api/state", 200)["lines"].([]any)
		if hello := state[0].(line); hello["type"] != "hello" || hello["version"] != "test" || hello["emulated"] != true {
			t.Errorf("%v", hello)
		}
	})
}

func TestAdd(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		j := w.job("/api/mappings/add", `{"protocol":"BOTH","externalPort":9542,"externalPortEnd":9543,"internalPort":80,"description":"game","leaseSeconds":1800,"iKnow":true}`)
		w.want("8080/tcp", "6881/tcp", "9542/tcp", "9543/tcp", "9542/udp", "9543/udp")
		if j.State != succeeded || len(j.Results) != 4 || j.Done != 4 || j.What != "4 mappings" {
			t.Errorf("%+v", j)
		}
		for _, r := range j.Results {
			if r.Outcome != "open" || !r.Grant.Verified || r.Grant.Mapping.Lease != 30*time.Minute {
				t.Errorf("%+v", r)
			}
		}
		if r := w.rows["9543/udp"]; r.InternalPort != 81 || r.InternalClient != "192.168.1.2" || !r.Mine || r.Expires == nil {
			t.Errorf("%+v", r)
		}
		if c := w.last["change"]; c["source"] != "own" {
			t.Errorf("%v", c)
		}
	})
}

// TestAddSaysWhatIsWrong: before anything is sent.
func TestAddSaysWhatIsWrong(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.page.port = 4999
		for body, field := range map[string]string{
			`{"externalPort":0}`:                                                    "externalPort",
			`{"externalPort":70000}`:                                                "externalPort",
			`{"externalPort":"x"}`:                                                  "externalPort",
			`{"externalPort":20,"externalPortEnd":10}`:                              "externalPortEnd",
			`{"externalPort":1,"externalPortEnd":2000}`:                             "externalPortEnd",
			`{"externalPort":65535,"externalPortEnd":65536}`:                        "externalPortEnd",
			`{"externalPort":5,"externalPortEnd":6,"internalPort":65535}`:           "internalPort",
			`{"externalPort":2222,"internalPort":22}`:                               "internalPort",
			`{"externalPort":5,"internalPort":4999,"iKnow":true}`:                   "internalPort",
			`{"externalPort":5,"protocol":"ICMP"}`:                                  "protocol",
			`{"externalPort":5,"leaseSeconds":-1}`:                                  "leaseSeconds",
			`{"externalPort":5,"leaseSeconds":4294967296}`:                          "leaseSeconds",
			`{"externalPort":5,"remoteHost":"evil.test"}`:                           "remoteHost",
			`{"externalPort":5,"internalClient":"nas"}`:                             "internalClient",
			`{"externalPort":5,"internalClient":"192.168.1.20"}`:                    "internalClient",
			`{"externalPort":5,"internalClient":"203.0.113.5","foreign":true}`:      "internalClient",
			`{"externalPort":5,"internalClient":"127.0.0.1"}`:                       "internalClient",
			`{"mappings":[{"externalPort":5},{"externalPort":5,"protocol":"TCP"}]}`: "mappings",
			`{"externalPort":`:                                                      "",
			`[]`:                                                                    "",
		} {
			f := failureIn(t, w.post("/api/mappings/add", body, http.StatusBadRequest))
			if f.Kind != "usage" || f.Field != field {
				t.Errorf("%s: %+v, want field %s", body, f, field)
			}
		}
		w.wait(time.Second)
		w.want("8080/tcp", "6881/tcp")
	})
}

func TestRefused(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		j := w.job("/api/mappings/add", `{"externalPort":6881,"externalPortEnd":6882}`)
		if j.State != failed || j.Results[0].Outcome != "refused" || j.Results[1].Outcome != "open" {
			t.Fatalf("%+v", j)
		}
		e := j.Results[0].Error
		contains(t, e.Error, "192.168.1.20")
		if e.UPnPCode != igd.ErrConflict.Code || e.UPnPName == "" || e.Hint == "" || strings.Contains(e.Hint, "--") {
			t.Errorf("%+v", e)
		}
		w.want("8080/tcp", "6881/tcp", "6882/tcp")
	})
}

func TestEditAndSwitch(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		j := w.job("/api/mappings/edit", `{"id":"8080/tcp","externalPort":8081,"description":"blog","leaseSeconds":600}`)
		if j.State != succeeded || j.Results[0].Outcome != "changed" || j.Results[0].Before.ExternalPort != 8080 {
			t.Errorf("%+v", j)
		}
		w.want("8081/tcp", "6881/tcp")
		if r := w.rows["8081/tcp"]; r.InternalPort != 8080 || r.Description != "blog" || r.LeaseSeconds != 600 {
			t.Errorf("%+v", r)
		}
		w.job("/api/mappings/disable", `{"ids":["8081/tcp"]}`)
		if w.rows["8081/tcp"].Enabled {
			t.Error("still enabled")
		}
		w.job("/api/mappings/enable", `{"ids":["8081/tcp"]}`)
		w.wait(5 * time.Minute)
		w.job("/api/mappings/renew", `{"ids":["8081/tcp"],"leaseSeconds":7200}`)
		if r := w.rows["8081/tcp"]; !r.Enabled || time.Until(*r.Expires) < 7000*time.Second {
			t.Errorf("%+v", r)
		}
		w.job("/api/mappings/edit", `{"id":"8081/tcp","externalPort":6881}`)
		w.want("8081/tcp", "6881/tcp")
		if j := as[job](t, w.last["job"]["job"]); j.State != failed || j.Results[0].ID != "8081/tcp" {
			t.Errorf("a port that is taken: %+v", j)
		}
	})
}

// TestOthers: mappings of other machines are touched only if that is said.
func TestOthers(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		for _, call := range []string{"delete", "disable", "renew"} {
			f := failureIn(t, w.post("/api/mappings/"+call, `{"ids":["6881/tcp"]}`, http.StatusBadRequest))
			if f.Field != "foreign" {
				t.Errorf("%s: %+v", call, f)
			}
		}
		w.post("/api/mappings/edit", `{"id":"6881/tcp","description":"x"}`, http.StatusBadRequest)
		w.post("/api/mappings/keep", `{"ids":["6881/tcp"],"on":true}`, http.StatusBadRequest)
		w.post("/api/mappings/delete", `{"ids":["1/tcp"]}`, http.StatusNotFound)
		w.post("/api/mappings/delete", `{"ids":[]}`, http.StatusBadRequest)
		j := w.job("/api/mappings/delete", `{"ids":["6881/tcp"],"foreign":true}`)
		if r := j.Results[0]; r.Outcome != "refused" || r.Error.UPnPCode != igd.ErrNotAuthorized.Code {
			t.Errorf("the router decides: %+v", r)
		}
		w.job("/api/mappings/delete", `{"ids":["8080/tcp"]}`)
		w.want("6881/tcp")
	})
}

func TestLiveAndNot(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.post("/api/emulator/put", `{"externalPort":7000,"count":2,"description":"cam"}`, 200)
		w.wait(time.Second)
		w.want("8080/tcp", "6881/tcp", "7000/tcp", "7001/tcp")
		if c := w.last["change"]; c["source"] != "live" || c["count"] != 4.0 {
			t.Errorf("%v", c)
		}
		w.post("/api/following", `{"on":false}`, 200)
		w.wait(time.Second)
		n := len(w.told["change"])
		w.post("/api/emulator/wipe", `{}`, 200)
		w.wait(time.Hour)
		if len(w.told["change"]) != n || len(w.rows) != 4 || w.last["following"]["on"] != false {
			t.Error("followed though it was switched off")
		}
		w.job("/api/refresh", `{}`)
		w.want()
		w.post("/api/following", `{"on":true}`, 200)
		w.post("/api/emulator/put", `{"externalPort":7000}`, 200)
		w.wait(5 * time.Second)
		w.want("7000/tcp")
	})
}

func TestDriftAndRestore(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		adrift := func() []adrift { return as[[]adrift](t, w.last["drift"]["mappings"]) }
		w.job("/api/mappings/add", `{"externalPort":9542,"leaseSeconds":600,"description":"short"}`)
		w.job("/api/mappings/add", `{"externalPort":9543,"leaseSeconds":0,"description":"long"}`)
		w.wait(11 * time.Minute)
		if d := adrift(); len(d) != 1 || d[0].ID != "9542/tcp" || d[0].Reason != "expired" {
			t.Fatalf("%+v", d)
		}
		w.post("/api/emulator/wipe", `{}`, 200)
		w.wait(time.Second)
		if d := adrift(); len(d) != 2 || d[1].ID != "9543/tcp" || d[1].Reason != "missing" {
			t.Fatalf("%+v", d)
		}
		j := w.job("/api/drift/restore", `{"ids":["9542/tcp"]}`)
		if len(j.Results) != 1 || j.State != succeeded || w.rows["9542/tcp"].LeaseSeconds != 600 || w.rows["9542/tcp"].Description != "short" {
			t.Errorf("%+v", j)
		}
		if d := adrift(); len(d) != 1 {
			t.Errorf("%+v", d)
		}
		w.post("/api/drift/forget", `{}`, 200)
		w.wait(time.Second)
		if d := adrift(); len(d) != 0 {
			t.Errorf("%+v", d)
		}
		w.post("/api/drift/restore", `{}`, http.StatusNotFound)
		w.job("/api/mappings/delete", `{"ids":["9542/tcp"]}`)
		if d := adrift(); len(d) != 0 {
			t.Errorf("what was deleted here is adrift: %+v", d)
		}
	})
}

func TestKeep(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		kept := func() []held { return as[[]held](t, w.last["kept"]["mappings"]) }
		w.job("/api/mappings/add", `{"externalPort":9542,"leaseSeconds":600,"keep":true}`)
		w.wait(10 * time.Second)
		if k := kept(); len(k) != 1 || k[0].State != "open" {
			t.Fatalf("%+v", k)
		}
		w.wait(time.Hour)
		w.want("8080/tcp", "6881/tcp", "9542/tcp")
		w.post("/api/emulator/wipe", `{}`, 200)
		w.wait(2 * time.Minute)
		w.want("9542/tcp")
		if d := w.last["drift"]; len(d["mappings"].([]any)) != 0 {
			t.Errorf("what is kept is adrift: %v", d)
		}
		w.job("/api/mappings/edit", `{"id":"9542/tcp","externalPort":9543}`)
		w.wait(time.Minute)
		w.want("9543/tcp")
		if k := kept(); len(k) != 1 || k[0].ID != "9543/tcp" || k[0].State != "open" {
			t.Fatalf("%+v", k)
		}
		w.job("/api/mappings/delete", `{"ids":["9543/tcp"]}`)
		w.wait(time.Hour)
		w.want()
		w.job("/api/mappings/add", `{"externalPort":9544,"leaseSeconds":600}`)
		w.post("/api/mappings/keep", `{"ids":["9544/tcp"],"on":true}`, 200)
		w.wait(time.Hour)
		w.want("9544/tcp")
		w.post("/api/mappings/keep", `{"ids":["9544/tcp"],"on":false}`, 200)
		w.wait(time.Minute)
		w.want("9544/tcp") // it stays until its lease ends
		w.wait(time.Hour)
		w.want()
	})
}

func TestReboot(t *testing.T) {
	slow := func(s *Server) { s.Emulator.Profile.BootTime = 2 * time.Minute }
	inWorld(t, slow, func(t *testing.T, w *world) {
		w.job("/api/mappings/add", `{"externalPort":9542}`)
		w.post("/api/emulator/reboot", `{}`, 200)
		w.wait(90 * time.Second)
		if l := w.last["gateway"]; l["state"] != "lost" || l["gateway"] == nil {
			t.Errorf("%v", l["state"])
		}
		if w.last["emulator"]["state"] != "rebooting" {
			t.Error("not rebooting")
		}
		w.wait(3 * time.Minute)
		if l := w.last["gateway"]; l["state"] != "ready" {
			t.Errorf("%v %v", l["state"], l["reason"])
		}
		if d := w.last["drift"]["mappings"].([]any); len(d) != 1 {
			t.Errorf("%v", d)
		}
		w.want()
	})
}

func TestAddressChange(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.post("/api/emulator/address", `{"address":"100.64.1.1"}`, 200)
		w.post("/api/emulator/address", `{"address":"::1"}`, http.StatusBadRequest)
		w.wait(5 * time.Second)
		if g := w.last["gateway"]["gateway"].(line); g["externalAddress"] != "100.64.1.1" || g["addressClass"] != "cgnat" {
			t.Errorf("%v", g)
		}
		if c := w.last["change"]["change"].(line); c["kind"] != "externalAddress" {
			t.Errorf("%v", c)
		}
	})
}

func TestNoGateway(t *testing.T) {
	nobody := func(s *Server) { s.Emulator = nil }
	inWorld(t, nobody, func(t *testing.T, w *world) {
		if l := w.last["search"]; l["state"] != "searching" || fmt.Sprint(l["interfaces"]) != "[eth0]" {
			t.Errorf("%v", l)
		}
		f := failureIn(t, w.post("/api/mappings/add", `{"externalPort":9542}`, http.StatusConflict))
		if f.Kind != "noGateway" {
			t.Errorf("%+v", f)
		}
		w.wait(30 * time.Second)
		if l := w.last["search"]; l["state"] != "none" || l["error"] == nil {
			t.Errorf("%v", l)
		}
		w.post("/api/search", `{"target":"router.local"}`, http.StatusBadRequest)
		if j := w.job("/api/search", `{"target":"192.168.1.77"}`); j.State != failed || j.Error.Kind != "noGateway" {
			t.Errorf("%+v", j)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			late := w.lan.Host("late", netip.MustParsePrefix("192.168.1.3/24"))
			ended <- emulator.New(emulator.Profile{}).Serve(ctx, igd.Server{Network: late, Interface: "eth0"})
		}()
		w.wait(2 * time.Minute) // it is found by itself
		defer func() { stop(); <-ended }()
		if l := w.last["gateway"]; l["state"] != "ready" {
			t.Errorf("%v", l["state"])
		}
	})
}

// TestManyMappings: rows come in parts, to a page that is open and to one that opens later.
func TestManyMappings(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.post("/api/emulator/put", `{"externalPort":10000,"count":1200,"description":"many"}`, 200)
		for i := 0; len(w.rows) != 1202 && i < 60; i++ {
			w.wait(time.Second)
		}
		if len(w.rows) != 1202 {
			t.Errorf("%d rows", len(w.rows))
		}
		w.page.hub.leave(w.reader)
		w.rows = map[string]row{}
		w.join()
		w.wait(0)
		if len(w.rows) != 1202 || w.last["table"]["count"] != 1202.0 {
			t.Errorf("%d rows after joining", len(w.rows))
		}
		for _, l := range w.told["table"] {
			if n := len(l["mappings"].([]any)); n > partRows {
				t.Errorf("a part of %d rows", n)
			}
		}
	})
}

func TestQuirksAndProfiles(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.post("/api/emulator/quirks", `{"name":"only-permanent-leases","on":true}`, 200)
		j := w.job("/api/mappings/add", `{"externalPort":9542,"leaseSeconds":600}`)
		if r := j.Results[0]; r.Outcome != "open" || r.Grant.Mapping.Lease != 7*24*time.Hour || len(r.Grant.Notes) == 0 {
			t.Errorf("%+v", r)
		}
		w.post("/api/emulator/quirks", `{"name":"no-such","on":true}`, http.StatusBadRequest)
		on := slices.DeleteFunc(as[[]quirkState](t, w.last["emulator"]["quirks"]), func(q quirkState) bool { return !q.On })
		if len(on) != 1 || on[0].Name != "only-permanent-leases" {
			t.Errorf("%+v", on)
		}
		w.post("/api/emulator/profile", `{"name":"igd1"}`, 200)
		w.wait(3 * time.Minute)
		if g := w.last["gateway"]; g["state"] != "ready" || !strings.Contains(fmt.Sprint(g), "InternetGatewayDevice:1") {
			t.Errorf("%v", g)
		}
		w.want("8080/tcp", "6881/tcp")
	})
}

func TestTraffic(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.wait(time.Minute)
		if len(w.told["traffic"]) > 0 {
			t.Error("read though nobody looks")
		}
		r := w.page.bench.now()
		r.SetCounters(igd.Counters{BytesSent: 1<<32 - 1000, BytesReceived: 5000})
		w.post("/api/stream", `{"stream":"reader","traffic":true}`, 200)
		w.wait(1500 * time.Millisecond)
		r.SetCounters(igd.Counters{BytesSent: 1000, BytesReceived: 9000}) // one wraps
		w.wait(time.Second)
		l := as[trafficLine](t, w.last["traffic"])
		if l.BytesSent != 1<<32+1000 || l.SendRate < 1500 || l.SendRate > 2500 || l.ReceiveRate < 3000 {
			t.Errorf("%+v", l)
		}
		w.post("/api/stream", `{"stream":"reader"}`, 200)
		w.wait(2 * time.Second)
		n := len(w.told["traffic"])
		w.wait(time.Minute)
		if len(w.told["traffic"]) != n {
			t.Error("read though nobody looks any more")
		}
		w.post("/api/stream", `{"stream":"nobody"}`, http.StatusNotFound)
	})
}

// TestPayloads: names that mean harm arrive as they are, and nothing in the JSON is raw that a
// terminal or a log could act upon.
func TestPayloads(t *testing.T) {
	payloads := []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `javascript:alert(1)`, `</textarea><svg onload=alert(1)>`,
		`{{constructor.constructor('alert(1)')()}}`, `${alert(1)}`, "\x1b]0;x\x07\x1b[31mred", "C1 \u009b31m", "bidi \u202egnp.exe",
		"zero\u200bwidth", "line\u2028sep", `\u0022`, `'; DROP TABLE x; --`, "emoji 😀 and ネ", strings.Repeat("A", 500), "a\r\nSet-Cookie: x=1",
	}
	for i := range payloads {
		payloads[i] = strings.TrimSpace(payloads[i])
	}
	evil := func(s *Server) {
		for i, p := range payloads {
			s.Emulator.Mappings = append(s.Emulator.Mappings, mapping(uint16(20000+i), igd.UDP, otherAt, p))
		}
	}
	inWorld(t, evil, func(t *testing.T, w *world) {
		for i, p := range payloads {
			got := w.rows[fmt.Sprintf("%d/udp", 20000+i)].Description
			if want := strings.Map(inXML, p); strings.Map(inXML, got) != want {
				t.Errorf("%q arrived as %q", p, got)
			}
		}
		rec := w.send("GET", "/api/state", "", nil)
		for _, r := range rec.Body.String() {
			if r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
				t.Errorf("raw %U in JSON", r)
			}
		}
		if !json.Valid(rec.Body.Bytes()) {
			t.Error("no JSON")
		}
	})
}

// inXML leaves out what XML cannot carry, and what reading it changes.
func inXML(r rune) rune {
	if unicode.IsControl(r) || r == '\ufffd' {
		return -1
	}
	return r
}

func TestTransfer(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.job("/api/mappings/add", `{"externalPort":9542,"protocol":"UDP","leaseSeconds":7200,"description":"a \"b\" # c"}`)
		file := w.send("GET", "/api/export?mine=1", "", nil).Body.String()
		contains(t, file, `9542:9542/udp lease=2h "a \"b\" # c"`)
		if strings.Contains(file, "6881") {
			t.Error("exports those of others")
		}
		contains(t, w.send("GET", "/api/export", "", nil).Body.String(), "6881:192.168.1.20:6881/tcp")

		body, _ := json.Marshal(fileOrder{Text: "9000/tcp\n9542/udp lease=2h \"a \\\"b\\\" # c\"\n", Prune: true, DryRun: true})
		changes := as[[]plannedChange](t, w.post("/api/import", string(body), 200)["changes"])
		if len(changes) != 2 || changes[0].Change != "add" || changes[0].Mapping.ID != "9000/tcp" || changes[1].Change != "delete" || changes[1].Mapping.ID != "8080/tcp" {
			t.Errorf("%+v", changes)
		}
		if j := w.job("/api/import", strings.Replace(string(body), `"dryRun":true`, `"dryRun":false`, 1)); j.State != succeeded || len(j.Results) != 2 {
			t.Errorf("%+v", j)
		}
		w.want("9000/tcp", "9542/udp", "6881/tcp")
		for text, part := range map[string]string{
			"0/tcp": "line 1", "6881": "taken by 192.168.1.20", "7000:192.168.1.20:7000": "another machine", "22": "SSH",
		} {
			body, _ := json.Marshal(fileOrder{Text: text})
			contains(t, failureIn(t, w.post("/api/import", string(body), http.StatusBadRequest)).Error, part)
		}
	})
}

// TestJobs: too many are refused, one can be cancelled, those of one lane are done in turn.
func TestJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.wait(time.Second)
		w.post("/api/emulator/quirks", `{"name":"slow=2s","on":true}`, 200)
		ids := []any{}
		for i := range maxJobs {
			ids = append(ids, w.post("/api/mappings/add", fmt.Sprintf(`{"externalPort":%d}`, 9000+i), http.StatusAccepted)["job"])
		}
		if f := failureIn(t, w.post("/api/mappings/add", `{"externalPort":9999}`, http.StatusServiceUnavailable)); f.Kind != "busy" {
			t.Errorf("%+v", f)
		}
		for _, id := range ids[1:] {
			w.post("/api/jobs/"+id.(string)+"/cancel", `{}`, 200)
		}
		w.post("/api/jobs/999/cancel", `{}`, http.StatusNotFound)
		w.wait(5 * time.Minute)
		states := map[string]int{}
		for _, l := range w.told["job"] {
			if j := as[job](t, l["job"]); j.over() {
				states[j.State]++
			}
		}
		if states[succeeded] != 1 || states[cancelled] != maxJobs-1 {
			t.Errorf("%v", states)
		}
		w.post("/api/emulator/quirks", `{"name":"slow","on":false}`, 200)
	})
}

package web

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"upnp/igd/reach"
	"upnp/igd/wire"
)

func TestWire(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.post("/api/stream", `{"stream":"reader","wire":true}`, 200)
		w.wait(0)
		begin := as[[]message](t, w.last["wire"]["messages"])
		if len(begin) == 0 || begin[0].Kind != "search" || begin[0].Incoming {
			t.Fatalf("%+v", begin)
		}
		w.told["wire"] = nil
		w.job("/api/mappings/add", `{"externalPort":9542,"description":"<&>"}`)
		var asked, answered message
		for _, l := range w.told["wire"] {
			for _, m := range as[[]message](t, l["messages"]) {
				switch {
				case m.Kind == "call" && strings.Contains(m.Summary, "AddPortMapping") && !m.Incoming:
					asked = m
				case asked.ID != 0 && m.Answers == asked.ID:
					answered = m
				}
			}
		}
		if asked.Peer != "192.168.1.1:5000" || answered.Trip == nil || !answered.Incoming {
			t.Fatalf("%+v\n%+v", asked, answered)
		}
		d := as[messageDetail](t, w.get(fmt.Sprint("/api/wire/messages/", asked.ID), 200))
		contains(t, d.Head, "POST /")
		contains(t, d.XML, "    <u:AddPortMapping")
		contains(t, d.XML, "<NewPortMappingDescription>&lt;&amp;&gt;</NewPortMappingDescription>")
		exact := w.send("GET", fmt.Sprintf("/api/wire/messages/%d/bytes?log=live", asked.ID), "", nil)
		if exact.Body.Len() != asked.Bytes || !strings.HasPrefix(exact.Body.String(), "POST ") || exact.Header().Get("Content-Disposition") == "" {
			t.Errorf("%d bytes: %q", exact.Body.Len(), exact.Body)
		}
		w.get("/api/wire/messages/99999", http.StatusNotFound)
		w.get("/api/wire/messages/x", http.StatusNotFound)
		w.get("/api/wire/messages?log=file9", http.StatusNotFound)
		page := w.get(fmt.Sprintf("/api/wire/messages?before=%d&limit=2", asked.ID), 200)
		if all := as[[]message](t, page["messages"]); len(all) != 2 || all[1].ID != asked.ID-1 || page["more"] != true {
			t.Errorf("%v", page)
		}
	})
}

// TestWireFile: what is downloaded can be read, and opened again.
func TestWireFile(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		file := w.send("GET", "/api/wire/download", "", nil).Body.Bytes()
		log, err := wire.ReadLog(bytes.NewReader(file))
		if err != nil || len(log.Exchanges()) == 0 {
			t.Fatalf("%v, %d bytes", err, len(file))
		}
		udn := w.last["gateway"]["gateway"].(line)["udn"].(string)
		redacted := w.send("GET", "/api/wire/download?redact=1", "", nil).Body.Bytes()
		if !bytes.Contains(file, []byte(udn)) || bytes.Contains(redacted, []byte(udn)) || len(redacted) != len(file) {
			t.Errorf("%d bytes redacted, %d not", len(redacted), len(file))
		}
		live := as[[]message](t, w.get("/api/wire/messages", 200)["messages"])
		open := func(name string, data []byte, status int) line {
			return w.answer("open", w.send("POST", "/api/wire/open?name="+name, "application/octet-stream", data), status)
		}
		opened := open("a.wire", file, 200)
		again := as[[]message](t, w.get("/api/wire/messages?log="+opened["log"].(string), 200)["messages"])
		if opened["messages"] != float64(len(again)) || len(again) != len(live) || again[0].Summary != live[0].Summary {
			t.Errorf("%v: %d messages, were %d", opened, len(again), len(live))
		}
		if back := w.send("GET", "/api/wire/download?log="+opened["log"].(string), "", nil).Body.Bytes(); !bytes.Equal(back, file) {
			t.Error("the file is another")
		}
		if cut := open("b.wire", file[:len(file)-50], 200); cut["warning"] == "" {
			t.Errorf("%v", cut)
		}
		open("c.wire", []byte("no such file"), http.StatusBadRequest)
		if rec := w.send("POST", "/api/wire/open", "text/plain", file); rec.Code != http.StatusUnsupportedMediaType {
			t.Error(rec.Code)
		}
		for range maxOpenLogs {
			open("more.wire", file, 200)
		}
		w.get("/api/wire/messages?log="+opened["log"].(string), http.StatusNotFound)
		w.post("/api/wire/clear", `{}`, 200)
		if all := w.get("/api/wire/messages", 200)["messages"].([]any); len(all) != 0 {
			t.Errorf("%d messages after clearing", len(all))
		}
	})
}

// TestTraceIsBounded: the oldest go, numbers stay.
func TestTraceIsBounded(t *testing.T) {
	tr := newTrace("live", "")
	for i := range 3 * maxMessages {
		tr.add(wire.Message{Exchange: i/2 + 1, Answer: i%2 == 1, Data: make([]byte, 1000)})
		tr.trim()
	}
	if tr.size > maxTraced || len(tr.messages) > maxMessages || len(tr.asked) > maxMessages {
		t.Errorf("%d bytes, %d messages, %d exchanges", tr.size, len(tr.messages), len(tr.asked))
	}
	last := tr.first + len(tr.messages) - 1
	if last != 3*maxMessages || tr.show(last).Answers != last-1 {
		t.Errorf("last %d answers %d", last, tr.show(last).Answers)
	}
}

func TestDevices(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.job("/api/devices/search", `{}`)
		tree := as[[]deviceTree](t, w.last["devices"]["devices"])
		if len(tree) != 1 || tree[0].FriendlyName != "Internet gateway" || len(tree[0].Devices) != 1 || len(tree[0].Devices[0].Devices) != 1 {
			t.Fatalf("%+v", tree)
		}
		s := tree[0].Devices[0].Devices[0].Services[0]
		info := as[serviceInfo](t, w.get("/api/services/"+s.ID, 200))
		at := slices.IndexFunc(info.Actions, func(a actionInfo) bool { return a.Name == "GetSpecificPortMappingEntry" })
		if at < 0 || len(info.Actions[at].In) != 3 || len(info.Actions[at].Out) != 5 || info.Actions[at].In[1].DataType != "ui2" {
			t.Fatalf("%+v", info)
		}
		path := "/api/services/" + s.ID + "/invoke"
		good := as[invocation](t, w.post(path, `{"action":"GetSpecificPortMappingEntry","arguments":{"NewRemoteHost":"","NewExternalPort":"8080","NewProtocol":"TCP"}}`, 200))
		if good.Error != nil || len(good.Out) != 5 || good.Out[1].Value != "192.168.1.2" || len(good.Messages) < 2 {
			t.Errorf("%+v", good)
		}
		refused := as[invocation](t, w.post(path, `{"action":"GetSpecificPortMappingEntry","arguments":{"NewRemoteHost":"","NewExternalPort":"8081","NewProtocol":"TCP"}}`, 200))
		if refused.Error == nil || refused.Error.UPnPCode != 714 {
			t.Errorf("%+v", refused)
		}
		wrong := failureIn(t, w.post(path, `{"action":"GetSpecificPortMappingEntry","arguments":{"NewRemoteHost":"","NewExternalPort":"x","NewProtocol":"TCP"}}`, http.StatusBadRequest))
		if wrong.Field != "NewExternalPort" {
			t.Errorf("%+v", wrong)
		}
		w.post(path, `{"action":"Reboot"}`, http.StatusBadRequest)
		w.post("/api/services/d9.0/invoke", `{}`, http.StatusNotFound)
		contains(t, w.send("GET", "/api/services/"+s.ID+"/xml", "", nil).Body.String(), "<scpd")
		contains(t, w.send("GET", "/api/devices/d1/xml", "", nil).Body.String(), "<friendlyName>Internet gateway")
		w.get("/api/devices/d7/xml", http.StatusNotFound)
	})
}

func TestDeviceByURL(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		for _, url := range []string{"", "ftp://192.168.1.1/", "http://router/root.xml", "192.168.1.1"} {
			w.post("/api/devices/add", fmt.Sprintf(`{"url":%q}`, url), http.StatusBadRequest)
		}
		if j := w.job("/api/devices/add", `{"url":"http://192.168.1.1:5000/nothing.xml"}`); j.State != failed || j.Error == nil {
			t.Errorf("%+v", j)
		}
		w.job("/api/devices/add", `{"url":"http://192.168.1.1:5000/root.xml"}`)
		w.job("/api/devices/search", `{"target":"nothing"}`)
		if all := w.last["devices"]["devices"].([]any); len(all) != 1 {
			t.Errorf("%v", all)
		}
	})
}

func TestSubscribe(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.job("/api/devices/add", `{"url":"http://192.168.1.1:5000/root.xml"}`)
		s := as[[]deviceTree](t, w.last["devices"]["devices"])[0].Devices[0].Devices[0].Services[0]
		id := w.post("/api/services/"+s.ID+"/subscribe", `{}`, 200)["subscription"].(string)
		w.wait(5 * time.Second)
		n := len(w.told["event"])
		if n == 0 || w.last["event"]["subscription"] != id || w.last["event"]["service"] != s.ID {
			t.Fatalf("%v", w.told["event"])
		}
		w.post("/api/emulator/put", `{"externalPort":7000}`, 200)
		w.wait(5 * time.Second)
		if len(w.told["event"]) == n || !strings.Contains(fmt.Sprint(w.last["event"]["properties"]), "PortMappingNumberOfEntries") {
			t.Errorf("%v", w.last["event"])
		}
		w.post("/api/subscriptions/"+id+"/close", `{}`, 200)
		w.wait(5 * time.Second)
		if l := as[[]listening](t, w.last["subscriptions"]["subscriptions"]); len(l) != 1 || l[0].State != "ended" {
			t.Errorf("%+v", l)
		}
		w.post("/api/subscriptions/77/close", `{}`, http.StatusNotFound)
	})
}

func TestTestServer(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		j := w.job("/api/server/start", `{"map":true,"check":true}`)
		if j.State != succeeded {
			t.Fatalf("%+v", j)
		}
		w.want("8080/tcp", "6881/tcp", "9542/tcp")
		check := as[checkLine](t, w.last["check"])
		if check.Running || check.Check.Local.Verdict != reach.Pass || check.Check.Mapped.Verdict != reach.Pass || check.Check.Outside.Verdict != reach.Skipped {
			t.Errorf("%+v", check.Check)
		}
		l := as[serverLine](t, w.last["server"])
		if !l.Running || l.Mapping == nil || !strings.HasPrefix(l.PublicURL, "http://11.22.33.44:9542/r/") {
			t.Fatalf("%+v", l)
		}
		if body := w.fetch(l.URL); len(body) != 64 {
			t.Errorf("the page has %d bytes", len(body))
		}
		w.wait(time.Second)
		if v := as[serverLine](t, w.last["server"]).Visitors; len(v) == 0 || v[len(v)-1].Address != "192.168.1.20" || v[len(v)-1].Own {
			t.Errorf("%+v", v)
		}
		w.job("/api/server/stop", `{}`)
		w.want("8080/tcp", "6881/tcp")
		if as[serverLine](t, w.last["server"]).Running {
			t.Error("still running")
		}
		w.post("/api/server/start", `{"port":22}`, http.StatusBadRequest)
		w.job("/api/server/start", `{"port":9000,"map":true}`)
		w.wait(reach.MaxLifetime + time.Minute) // it ends by itself, and its mapping with it
		w.want("8080/tcp", "6881/tcp")
	})
}

// fetch gets a page from another host of the network.
func (w *world) fetch(url string) string {
	w.Helper()
	other := w.lan.Host("other", netip.PrefixFrom(otherAt, 24))
	client := wire.HTTPClient(other)
	answer, err := client.Get(url)
	if err != nil {
		w.Fatal(err)
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	return string(body)
}

func TestCheck(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		j := w.job("/api/check", `{"externalPort":8080,"protocol":"TCP"}`)
		if j.State != succeeded {
			t.Errorf("%+v", j)
		}
		if c := as[checkLine](t, w.last["check"]); c.Check.Mapping.InternalPort != 8080 || c.Check.Mapped.Verdict != reach.Pass {
			t.Errorf("%+v", c.Check)
		}
		w.post("/api/check", `{"externalPort":0}`, http.StatusBadRequest)
		w.post("/api/check", `{"externalPort":1,"protocol":"BOTH"}`, http.StatusBadRequest)
	})
}

// TestEnd: a page that ends takes away what it keeps open.
func TestEnd(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.job("/api/mappings/add", `{"externalPort":9542,"keep":true}`)
		w.job("/api/mappings/add", `{"externalPort":9543}`)
		w.job("/api/server/start", `{"port":9000,"map":true}`)
		w.wait(10 * time.Second)
		w.want("8080/tcp", "6881/tcp", "9542/tcp", "9543/tcp", "9000/tcp")
		w.end()
		var left []string
		for _, m := range w.page.bench.now().Table() {
			left = append(left, m.MappingKey.String())
		}
		if got := fmt.Sprint(left); got != "[8080/tcp 6881/tcp 9543/tcp]" {
			t.Errorf("left %s", got)
		}
	})
}

package reach_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"upnp/igd"
	"upnp/igd/reach"
)

func TestParseProbe(t *testing.T) {
	for _, row := range []struct{ template, means, fails string }{
		{"http://probe.example:9543", "http://probe.example:9543/port/{port}?protocol={protocol}&nonce={nonce}", ""},
		{"https://probe.example/", "https://probe.example/port/{port}?protocol={protocol}&nonce={nonce}", ""},
		{"https://echoip.example/port/{port}", "https://echoip.example/port/{port}", ""},
		{"http://probe.example/check", "", "lacks {port}"},
		{"http://probe.example/?ip={ip}", "", "lacks {port}"},
		{"probe.example/port/{port}", "", "want a URL"},
		{"ftp://probe.example/{port}", "", "want a URL"},
		{"http://user@probe.example/{port}", "", "want a URL"},
		{"", "", "want a URL"},
	} {
		p, err := reach.ParseProbe(row.template)
		if row.fails == "" && (err != nil || p.String() != row.means) || row.fails != "" && (err == nil || !strings.Contains(err.Error(), row.fails)) {
			t.Errorf("%q: %v, %v", row.template, p, err)
		}
	}
}

// TestReachable: what a probe says of a program of the user's, for those who keep a mapping.
func TestReachable(t *testing.T) {
	var answer string
	status := http.StatusOK
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.String())
		w.WriteHeader(status)
		fmt.Fprint(w, answer)
	}))
	defer server.Close()
	p, err := reach.ParseProbe(server.URL + "/port/{port}?ip={ip}")
	if err != nil {
		t.Fatal(err)
	}
	m := igd.Mapping{MappingKey: key}
	for _, row := range []struct {
		answer string
		status int
		open   bool
		fails  string
	}{
		{`{"ip":"11.22.33.44","port":9542,"reachable":true}`, 200, true, ""},
		{`{"reachable":false}`, 200, false, ""},
		{`{"open":true}`, 200, false, "lacks"},
		{`<html>`, 200, false, "no JSON"},
		{`{"ip":"11.22.33.44","port":80,"reachable":true}`, 200, false, "about port 80"},
		{`{"ip":"11.22.33.7","port":9542,"reachable":false}`, 200, false, "looked at 11.22.33.7"},
		{`{"x":"` + strings.Repeat("y", 1<<17), 200, false, "no JSON"},
		{`{"error":"too many` + `\u001b` + `"}`, 429, false, `HTTP 429: too many\u{1b}`},
		{``, 302, false, "HTTP 302"},
	} {
		answer, status = row.answer, row.status
		open, err := p.Reachable(t.Context(), m, addr("11.22.33.44"))
		if open != row.open || (err == nil) != (row.fails == "") || err != nil && !strings.Contains(err.Error(), row.fails) {
			t.Errorf("%.40s: %v, %v", row.answer, open, err)
		}
	}
	if asked[0] != "/port/9542?ip=11.22.33.44" {
		t.Errorf("asked for %s", asked[0])
	}
	m.Protocol = igd.UDP
	if _, err := p.Reachable(t.Context(), m, addr("11.22.33.44")); err == nil {
		t.Error("a probe without {protocol} looked at a UDP port")
	}
}

// TestReportJSON: the names that scripts rely on.
func TestReportJSON(t *testing.T) {
	text, err := json.Marshal(&reach.Report{Open: reach.Yes, Local: reach.Finding{Verdict: reach.Pass, Reason: "r"}})
	if err != nil {
		t.Fatal(err)
	}
	var names map[string]json.RawMessage
	json.Unmarshal(text, &names)
	for _, name := range []string{"local", "mapped", "public", "hairpin", "outside", "open"} {
		if names[name] == nil {
			t.Errorf("no %s in %s", name, text)
		}
	}
	if string(names["local"]) != `{"verdict":"pass","reason":"r"}` || string(names["open"]) != `"yes"` {
		t.Errorf("%s", text)
	}
}

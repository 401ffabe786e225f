package soap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upnp/description"
)

// connectionSCPD describes a small service: Add takes a port and a protocol and gives both.
func connectionSCPD() *description.SCPD {
	arg := func(name, variable string, out bool) *description.Argument {
		return &description.Argument{Name: name, Variable: variable, Out: out}
	}
	return &description.SCPD{
		Actions: []*description.Action{
			{Name: "Add", Arguments: []*description.Argument{
				arg("NewPort", "Port", false), arg("NewProtocol", "Protocol", false), arg("NewText", "Text", false),
				arg("OldPort", "Port", true), arg("OldProtocol", "Protocol", true)}},
			{Name: "Optional"},
			{Name: "Fail"},
		},
		Variables: []*description.Variable{
			{Name: "Port", Type: description.UI2, Range: &description.Range{Min: "1", Max: "65535"}},
			{Name: "Protocol", Type: description.String, Allowed: []string{"TCP", "UDP"}},
			{Name: "Text", Type: description.String},
		},
	}
}

type wrappedFault struct{ error }

func (wrappedFault) SOAPFault() *Fault { return &Fault{Code: 718} }

func connectionHandler() *Handler {
	return &Handler{
		Service: wanIP2,
		SCPD:    connectionSCPD(),
		Server:  "Test/1 UPnP/1.1 test/1",
		Actions: map[string]ActionFunc{
			"Add": func(ctx context.Context, in Args) (Args, error) {
				return Args{{"OldProtocol", in[1].Value}, {"Extra", RemoteAddr(ctx).Addr().String()}, {"OldPort", in[0].Value}}, nil
			},
			"Fail": func(ctx context.Context, in Args) (Args, error) {
				return nil, fmt.Errorf("add: %w", wrappedFault{errors.New("conflict")})
			},
			"Unlisted": func(ctx context.Context, in Args) (Args, error) { return nil, nil },
		},
		Variable: func(ctx context.Context, name string) (string, error) { return "value of " + name, nil },
	}
}

// post sends a body as it is and returns the answer.
func post(t *testing.T, h http.Handler, method, soapAction, body string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, "/ctl", strings.NewReader(body))
	if soapAction != "" {
		r.Header.Set("SOAPACTION", soapAction)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func action(service, body string) string {
	return envelope(fmt.Sprintf(`<u:Add xmlns:u="%s">%s</u:Add>`, service, body))
}

const goodArgs = `<NewPort>80</NewPort><NewProtocol>TCP</NewProtocol><NewText></NewText>`

func TestHandlerAnswers(t *testing.T) {
	tests := []struct{ name, method, header, body, service string }{
		{"as the architecture says", "POST", `"` + wanIP2 + `#Add"`, action(wanIP2, goodArgs), wanIP2},
		{"lower version", "POST", `"` + wanIP1 + `#Add"`, action(wanIP1, goodArgs), wanIP1},
		{"header without quotes", "POST", wanIP2 + `#Add`, action(wanIP2, goodArgs), wanIP2},
		{"no header", "POST", "", action(wanIP2, goodArgs), wanIP2},
		{"versions differ", "POST", `"` + wanIP2 + `#Add"`, action(wanIP1, goodArgs), wanIP1},
		{"name space in the header only", "POST", `"` + wanIP1 + `#Add"`, envelope("<Add>" + goodArgs + "</Add>"), wanIP1},
		{"name space nowhere", "POST", "", envelope("<Add>" + goodArgs + "</Add>"), wanIP2},
		{"other order", "POST", "", action(wanIP2, `<NewText>t</NewText><NewProtocol>TCP</NewProtocol><NewPort>80</NewPort>`), wanIP2},
		{"M-POST", "M-POST", "", action(wanIP2, goodArgs), wanIP2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answer := post(t, connectionHandler(), tt.method, tt.header, tt.body)
			body, _ := io.ReadAll(answer.Body)
			want := envelope(`<u:AddResponse xmlns:u="` + tt.service + `"><OldPort>80</OldPort><OldProtocol>TCP</OldProtocol><Extra>192.0.2.1</Extra></u:AddResponse>`)
			if answer.StatusCode != 200 || string(body) != want {
				t.Errorf("%s\ngot  %s\nwant %s", answer.Status, body, want)
			}
			header := answer.Header
			if header.Get("Content-Type") != `text/xml; charset="utf-8"` || header.Get("Content-Length") != fmt.Sprint(len(want)) ||
				header["EXT"][0] != "" || header["SERVER"][0] != "Test/1 UPnP/1.1 test/1" || header.Get("Date") == "" {
				t.Errorf("header %v", header)
			}
		})
	}
}

func TestHandlerRefuses(t *testing.T) {
	tests := []struct {
		name, header, body string
		code               int
	}{
		{"action unknown", "", envelope(`<u:Sub xmlns:u="` + wanIP2 + `"/>`), 401},
		{"action not described", "", envelope(`<u:Unlisted xmlns:u="` + wanIP2 + `"/>`), 401},
		{"action in another case", "", envelope(`<u:add xmlns:u="` + wanIP2 + `">` + goodArgs + `</u:add>`), 401},
		{"action described only", "", envelope(`<u:Optional xmlns:u="` + wanIP2 + `"/>`), 602},
		{"header names another action", `"` + wanIP2 + `#Fail"`, action(wanIP2, goodArgs), 401},
		{"header names another service", `"urn:x:service:Y:1#Add"`, action(wanIP2, goodArgs), 401},
		{"header without action", `"` + wanIP2 + `"`, action(wanIP2, goodArgs), 401},
		{"other service", "", action("urn:x:service:Y:1", goodArgs), 401},
		{"higher version", "", action(strings.TrimSuffix(wanIP2, "2")+"3", goodArgs), 401},
		{"no version", "", action(strings.TrimSuffix(wanIP2, ":2"), goodArgs), 401},
		{"argument missing", "", action(wanIP2, `<NewPort>80</NewPort><NewProtocol>TCP</NewProtocol>`), 402},
		{"argument too many", "", action(wanIP2, goodArgs+"<X/>"), 402},
		{"argument twice", "", action(wanIP2, goodArgs+"<NewPort>80</NewPort>"), 402},
		{"argument misnamed", "", action(wanIP2, `<newPort>80</newPort><NewProtocol>TCP</NewProtocol><NewText/>`), 402},
		{"mistyped", "", action(wanIP2, `<NewPort>http</NewPort><NewProtocol>TCP</NewProtocol><NewText/>`), 402},
		{"empty number", "", action(wanIP2, `<NewPort/><NewProtocol>TCP</NewProtocol><NewText/>`), 402},
		{"out of the range", "", action(wanIP2, `<NewPort>0</NewPort><NewProtocol>TCP</NewProtocol><NewText/>`), 601},
		{"out of the type", "", action(wanIP2, `<NewPort>70000</NewPort><NewProtocol>TCP</NewProtocol><NewText/>`), 601},
		{"not in the list", "", action(wanIP2, `<NewPort>80</NewPort><NewProtocol>tcp</NewProtocol><NewText/>`), 601},
		{"by the action", "", envelope(`<u:Fail xmlns:u="` + wanIP2 + `"/>`), 718},
		{"variable unknown", "", envelope(`<u:QueryStateVariable xmlns:u="urn:schemas-upnp-org:control-1-0"><u:varName>X</u:varName></u:QueryStateVariable>`), 404},
		{"control name space, no query", "", action(ControlNamespace, goodArgs), 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answer := post(t, connectionHandler(), "POST", tt.header, tt.body)
			body, _ := io.ReadAll(answer.Body)
			_, err := ParseResponse(body, "Add")
			fault, ok := errors.AsType[*Fault](err)
			if !ok || fault.Code != tt.code || answer.StatusCode != 500 || answer.ContentLength != int64(len(body)) {
				t.Errorf("%s: %v", answer.Status, err)
			}
		})
	}
}

func TestHandlerHTTPErrors(t *testing.T) {
	h := connectionHandler()
	tests := []struct {
		name, method, body string
		status             int
	}{
		{"GET", "GET", "", 405},
		{"SUBSCRIBE", "SUBSCRIBE", "", 405},
		{"empty", "POST", "", 400},
		{"form", "POST", "a=b", 400},
		{"cut", "POST", strings.SplitAfter(action(wanIP2, goodArgs), "TCP")[0], 400},
		{"too long", "POST", strings.Repeat(" ", MaxRequest) + action(wanIP2, goodArgs), 413},
	}
	for _, tt := range tests {
		answer := post(t, h, tt.method, "", tt.body)
		if answer.StatusCode != tt.status {
			t.Errorf("%s: %s", tt.name, answer.Status)
		}
		if tt.status == 405 && answer.Header.Get("Allow") != "POST, M-POST" {
			t.Errorf("%s: Allow %q", tt.name, answer.Header.Get("Allow"))
		}
	}
}

func TestHandlerMustUnderstand(t *testing.T) {
	body := `<s:Envelope xmlns:s="x"><s:Header><t:Transaction xmlns:t="y" s:mustUnderstand="1"/></s:Header><s:Body><u:Fail xmlns:u="` + wanIP2 + `"/></s:Body></s:Envelope>`
	answer := post(t, connectionHandler(), "POST", "", body)
	text, _ := io.ReadAll(answer.Body)
	_, err := ParseResponse(text, "Fail")
	if fault, ok := errors.AsType[*Fault](err); !ok || fault.FaultCode != "s:MustUnderstand" || fault.Code != 0 {
		t.Errorf("%s: %s", answer.Status, text)
	}
}

func TestHandlerQueryStateVariable(t *testing.T) {
	body := envelope(`<u:QueryStateVariable xmlns:u="urn:schemas-upnp-org:control-1-0"><u:varName>Port</u:varName></u:QueryStateVariable>`)
	answer := post(t, connectionHandler(), "POST", `"urn:schemas-upnp-org:control-1-0#QueryStateVariable"`, body)
	text, _ := io.ReadAll(answer.Body)
	want := envelope(`<u:QueryStateVariableResponse xmlns:u="urn:schemas-upnp-org:control-1-0"><return>value of Port</return></u:QueryStateVariableResponse>`)
	if string(text) != want {
		t.Errorf("got %s", text)
	}
}

// TestHandlerFailures: what goes wrong inside is 501 to the caller and a line in the log.
func TestHandlerFailures(t *testing.T) {
	failures := map[string]ActionFunc{
		"error":           func(context.Context, Args) (Args, error) { return nil, errors.New("disk full") },
		"panic":           func(context.Context, Args) (Args, error) { panic("disk full") },
		"argument missed": func(context.Context, Args) (Args, error) { return Args{{"OldPort", "disk full"}}, nil },
		"name with markup": func(context.Context, Args) (Args, error) {
			return Args{{"OldPort", "1"}, {"OldProtocol", "TCP"}, {"disk full>", ""}}, nil
		},
	}
	for name, do := range failures {
		var log bytes.Buffer
		h := connectionHandler()
		h.Actions["Add"] = do
		h.Logger = slog.New(slog.NewTextHandler(&log, nil))
		answer := post(t, h, "POST", "", action(wanIP2, goodArgs))
		text, _ := io.ReadAll(answer.Body)
		_, err := ParseResponse(text, "Add")
		if fault, ok := errors.AsType[*Fault](err); !ok || fault.Code != 501 || strings.Contains(string(text), "disk") {
			t.Errorf("%s: %s", name, text)
		}
		if !strings.Contains(log.String(), "action=Add") {
			t.Errorf("%s: log %q", name, log.String())
		}
	}
}

func TestHandlerAbort(t *testing.T) {
	h := connectionHandler()
	h.Actions["Add"] = func(context.Context, Args) (Args, error) { panic(http.ErrAbortHandler) }
	defer func() {
		if v := recover(); v != http.ErrAbortHandler {
			t.Errorf("recovered %v", v)
		}
	}()
	post(t, h, "POST", "", action(wanIP2, goodArgs))
	t.Error("not aborted")
}

func TestHandlerWithoutDescription(t *testing.T) {
	h := &Handler{Actions: map[string]ActionFunc{
		"Echo": func(ctx context.Context, in Args) (Args, error) { return in, nil },
	}}
	answer := post(t, h, "POST", "", envelope(`<u:Echo xmlns:u="urn:x:service:Y:7"><A>1</A><A>2</A></u:Echo>`))
	text, _ := io.ReadAll(answer.Body)
	want := envelope(`<u:EchoResponse xmlns:u="urn:x:service:Y:7"><A>1</A><A>2</A></u:EchoResponse>`)
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Error(diff)
	}
}

func TestMPostHeader(t *testing.T) {
	r := httptest.NewRequest("M-POST", "/ctl", nil)
	r.Header.Set("MAN", `"http://schemas.xmlsoap.org/soap/envelope/"; ns=37`)
	r.Header.Set("37-SOAPACTION", `"x#y"`)
	if got := soapActionHeader(r); got != `"x#y"` {
		t.Errorf("got %s", got)
	}
}

func TestRemoteAddr(t *testing.T) {
	r := httptest.NewRequest("POST", "/", nil)
	for remote, want := range map[string]string{
		"192.0.2.1:1234": "192.0.2.1:1234", "[::ffff:192.0.2.1]:1": "192.0.2.1:1", "[2001:db8::1]:1": "[2001:db8::1]:1", "pipe": "invalid AddrPort",
	} {
		r.RemoteAddr = remote
		if got := RemoteAddr(withRemoteAddr(r)).String(); got != want {
			t.Errorf("%s: %s", remote, got)
		}
	}
	if RemoteAddr(context.Background()) != (netip.AddrPort{}) {
		t.Error("address out of nowhere")
	}
}

func BenchmarkHandler(b *testing.B) {
	h := connectionHandler()
	body := action(wanIP2, goodArgs)
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("POST", "/ctl", strings.NewReader(body))
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
}

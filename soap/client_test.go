package soap

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upnp/description"
)

// conversation is one request and its answer over a pipe. It gives the client to ask with
// and a function that waits for the request as it was on the wire.
func conversation(t *testing.T, answers ...string) (*http.Client, func() []string) {
	var requests []string
	done := make(chan struct{})
	conns := make(chan net.Conn, len(answers))
	go func() {
		defer close(done)
		for _, answer := range answers {
			conn := <-conns
			requests = append(requests, readRaw(conn))
			_, _ = io.WriteString(conn, answer)
			conn.Close()
		}
	}()
	dial := func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		conns <- far
		return near, nil
	}
	transport := &http.Transport{DialContext: dial, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}, func() []string { <-done; return requests }
}

// readRaw reads one request, by its Content-Length.
func readRaw(conn net.Conn) string {
	var raw strings.Builder
	r := bufio.NewReader(io.TeeReader(conn, &raw))
	request, err := http.ReadRequest(r)
	if err == nil {
		_, err = io.Copy(io.Discard, request.Body)
	}
	if err != nil {
		return err.Error()
	}
	return raw.String()
}

func ok(body string) string { return "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body }

// hasLines looks for whole lines, because a header map gives them in any order.
func hasLines(t *testing.T, request string, lines ...string) {
	t.Helper()
	head, _, _ := strings.Cut(request, "\r\n\r\n")
	for _, line := range lines {
		if !strings.Contains("\r\n"+head+"\r\n", "\r\n"+line+"\r\n") {
			t.Errorf("no line %q in\n%s", line, head)
		}
	}
}

func TestClientRequest(t *testing.T) {
	client, requests := conversation(t, ok(envelope("<AddResponse/>")))
	c := &Client{URL: "http://192.0.2.1:5000/ctl?s=1", Service: wanIP1, HTTP: client, UserAgent: "Test/1 UPnP/1.1 test/1"}
	if _, err := c.Call(t.Context(), "Add", Arg{"NewText", "ü&"}); err != nil {
		t.Fatal(err)
	}
	raw := requests()[0]
	body := envelope(`<u:Add xmlns:u="` + wanIP1 + `"><NewText>ü&amp;</NewText></u:Add>`)
	if got := raw[strings.Index(raw, "\r\n\r\n")+4:]; got != body {
		t.Errorf("body %s", got)
	}
	hasLines(t, raw, "POST /ctl?s=1 HTTP/1.1", "Host: 192.0.2.1:5000", "Connection: close",
		`CONTENT-TYPE: text/xml; charset="utf-8"`, `SOAPACTION: "`+wanIP1+`#Add"`,
		fmt.Sprintf("Content-Length: %d", len(body)), "User-Agent: Test/1 UPnP/1.1 test/1")
	if strings.Contains(raw, "Transfer-Encoding") || strings.Contains(raw, "Accept-Encoding") {
		t.Error(raw)
	}
}

func TestClientMPost(t *testing.T) {
	client, requests := conversation(t, "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\n\r\n", ok(envelope("<AddResponse/>")))
	c := &Client{URL: "http://192.0.2.1/ctl", Service: wanIP1, HTTP: client}
	if _, err := c.Call(t.Context(), "Add"); err != nil {
		t.Fatal(err)
	}
	hasLines(t, requests()[1], "M-POST /ctl HTTP/1.1", `MAN: "http://schemas.xmlsoap.org/soap/envelope/"; ns=01`,
		`01-SOAPACTION: "`+wanIP1+`#Add"`)
	if strings.Contains(requests()[1], "\r\nSOAPACTION") {
		t.Error("SOAPACTION without prefix")
	}
}

const fault714 = `<s:Fault><detail><UPnPError><errorCode>714</errorCode></UPnPError></detail></s:Fault>`

func TestClientAnswers(t *testing.T) {
	good := envelope("<AddResponse><OldPort>80</OldPort></AddResponse>")
	tests := []struct{ name, answer, note string }{
		{"no length, closed", ok(good), ""},
		{"no Content-Type, HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n" + good, ""},
		{"chunked (BiPAC 7404VNOX)", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(good), good), ""},
		{"length too large", "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + good, "end of the answer missing"},
		{"status 500", "HTTP/1.1 500 Internal Server Error\r\n\r\n" + good, "answered under HTTP status 500"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client, wait := conversation(t, tt.answer)
			r, err := (&Client{URL: "http://192.0.2.1/", Service: wanIP1, HTTP: client}).Call(t.Context(), "Add")
			wait()
			if err != nil {
				t.Fatal(err)
			}
			if notes := strings.Join(r.Notes, "; "); r.Args.Value("OldPort") != "80" || !strings.Contains(notes, tt.note) {
				t.Errorf("%v, notes %q", r.Args, notes)
			}
		})
	}
}

func TestClientFaults(t *testing.T) {
	tests := []struct {
		name, answer, note string
		status             int
	}{
		{"as the architecture says", "HTTP/1.1 500 Internal Server Error\r\n\r\n" + envelope(fault714), "", 500},
		{"under 200 (async_upnp_client)", ok(envelope(fault714)), "fault under HTTP status 200", 200},
		{"under 400", "HTTP/1.1 400 Bad Request\r\n\r\n" + envelope(fault714), "fault under HTTP status 400", 400},
		{"length too large", "HTTP/1.1 500 x\r\nContent-Length: 9999\r\n\r\n" + envelope(fault714), "", 500},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client, wait := conversation(t, tt.answer)
			_, err := (&Client{URL: "http://192.0.2.1/", Service: wanIP1, HTTP: client}).Call(t.Context(), "Add")
			wait()
			fault, ok := errors.AsType[*Fault](err)
			if !ok || fault.Code != 714 || fault.HTTPStatus != tt.status {
				t.Fatalf("%#v, %v", fault, err)
			}
			if notes := strings.Join(fault.Notes, "; "); !strings.Contains(notes, tt.note) {
				t.Errorf("notes %q", notes)
			}
		})
	}
}

func TestClientNoAnswer(t *testing.T) {
	tests := []struct {
		name, answer string
		code         int // of the StatusError, 0 for none
		body         string
	}{
		{"empty 500", "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", 500, ""},
		{"HTML under 500", "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/html\r\n\r\n<html>Oops", 500, "<html>Oops"},
		{"log-in page under 200", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>Log in</html>", 200, "<html>Log in</html>"},
		{"not found", "HTTP/1.1 404 Not Found\r\n\r\n" + strings.Repeat("x", 3000), 404, strings.Repeat("x", 1024)},
		{"redirect is not followed", "HTTP/1.1 302 Found\r\nLocation: http://198.51.100.1/\r\n\r\n", 302, ""},
		{"answer to another action", ok(envelope("<SubResponse/>")), 200, envelope("<SubResponse/>")},
		{"empty 200", ok(""), 200, ""},
		{"compressed", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08", 200, "\x1f\x8b\x08"},
		{"too long", ok(envelope("<AddResponse>" + strings.Repeat(" ", MaxAnswer) + "</AddResponse>")), 200, envelope("<AddResponse>" + strings.Repeat(" ", 2000) + "</AddResponse>")[:1024]},
		{"closed at once", "", 0, ""},
		{"closed in the body of a 500", "HTTP/1.1 500 x\r\nContent-Length: 999\r\n\r\n" + envelopeStart + "<AddResponse><X>1", 0, ""},
		{"closed in the body", "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + envelopeStart + "<AddResponse><X>1", 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client, wait := conversation(t, tt.answer)
			_, err := (&Client{URL: "http://192.0.2.1/", Service: wanIP1, HTTP: client}).Call(t.Context(), "Add")
			wait()
			status, ok := errors.AsType[*description.StatusError](err)
			if err == nil || ok != (tt.code != 0) || !strings.HasPrefix(err.Error(), "soap: Add") {
				t.Fatal(err)
			}
			if ok && (status.Code != tt.code || status.URL != "http://192.0.2.1/") {
				t.Errorf("%#v", status)
			}
			if ok {
				if diff := cmp.Diff(tt.body, status.Body); diff != "" {
					t.Error(diff)
				}
			}
			if !ok && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("cause lost: %v", err)
			}
		})
	}
}

// TestClientOpenEnd: a device that neither says how long its answer is nor closes.
func TestClientOpenEnd(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	go func() {
		readRaw(far)
		_, _ = io.WriteString(far, "HTTP/1.1 200 OK\r\n\r\n"+envelope("<AddResponse/>")+"\r\n")
	}()
	client := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return near, nil }}}
	if _, err := (&Client{URL: "http://192.0.2.1/", Service: wanIP1, HTTP: client}).Call(t.Context(), "Add"); err != nil {
		t.Error(err)
	}
}

func TestClientSendsNothingBad(t *testing.T) {
	c := &Client{URL: "http://192.0.2.1/", Service: wanIP1 + "\r\nX: 1", HTTP: &http.Client{Transport: http.NewFileTransport(nil)}}
	if _, err := c.Call(t.Context(), "Add"); !isNameError(err) {
		t.Error(err)
	}
}

// TestHalfAgainstHalf: what the client sends is what the action gets, and back.
func TestHalfAgainstHalf(t *testing.T) {
	const text = " <a> & \"b\" ]]> ü \t"
	h := connectionHandler()
	h.Actions["Add"] = func(ctx context.Context, in Args) (Args, error) {
		want := Args{{"NewPort", "80"}, {"NewProtocol", "UDP"}, {"NewText", text}}
		if diff := cmp.Diff(want, in); diff != "" {
			t.Error(diff)
		}
		if !RemoteAddr(ctx).Addr().IsLoopback() {
			t.Errorf("called from %v", RemoteAddr(ctx))
		}
		return Args{{"OldPort", "1"}, {"OldProtocol", text}}, nil
	}
	server := httptest.NewServer(h)
	defer server.Close()
	c := &Client{URL: server.URL + "/ctl", Service: wanIP1}
	r, err := c.Call(t.Context(), "Add", Arg{"NewText", text}, Arg{"NewPort", "80"}, Arg{"NewProtocol", "UDP"})
	if err != nil {
		t.Fatal(err)
	}
	want := &Response{Service: wanIP1, Action: "Add", Args: Args{{"OldPort", "1"}, {"OldProtocol", text}}}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
	_, err = c.Call(t.Context(), "Fail")
	if fault, ok := errors.AsType[*Fault](err); !ok || fault.Code != 718 || len(fault.Notes) > 0 {
		t.Error(err)
	}
}

func BenchmarkCall(b *testing.B) {
	server := httptest.NewServer(connectionHandler())
	defer server.Close()
	c := &Client{URL: server.URL, Service: wanIP1}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Call(b.Context(), "Add", Arg{"NewPort", "80"}, Arg{"NewProtocol", "UDP"}, Arg{"NewText", ""}); err != nil {
			b.Fatal(err)
		}
	}
}

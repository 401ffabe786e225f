package igd_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"upnp/description"
	"upnp/gena"
	"upnp/igd"
	"upnp/igd/igdtest"
	"upnp/igd/wire"
	"upnp/soap"
)

// Where the recorded devices stand, and who asks them, while their bytes are played.
const (
	playedRouter = "192.168.7.1"
	playedSelf   = "192.168.7.2"
	playedURL    = "http://192.168.7.1:5000/dir/desc.xml"
)

// played is a host that answers every connection with the recorded bytes, and one that asks it.
func (r *recording) played(answer []byte) (asker *wire.Host) {
	lan := wire.NewMemory()
	router := lan.Host("router", netip.MustParsePrefix(playedRouter+"/24"))
	asker = lan.Host("self", netip.MustParsePrefix(playedSelf+"/24"))
	igdtest.Answer(r.T, router, playedRouter+":5000", func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = c.Write(answer) // whoever asked may have heard enough
		}
	})
	return asker
}

// web serves pages until the test ends.
func (r *recording) web(h *wire.Host, addr string, pages http.HandlerFunc) {
	l, err := h.Listen(r.Context(), "tcp", addr)
	if err != nil {
		r.Fatal(err)
	}
	server := &http.Server{Handler: pages}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	r.Cleanup(func() { server.Close(); <-done })
}

// askedMethod is the method the answer answers to, as far as that is known.
func (r *recording) askedMethod(body string) string {
	switch {
	case len(r.asked) > 0:
		method, _, _ := strings.Cut(string(r.asked), " ")
		return method
	case hasField(string(r.data), "TIMEOUT"):
		return "SUBSCRIBE"
	case strings.Contains(body, "Envelope"):
		return http.MethodPost
	}
	return http.MethodGet
}

// httpAnswer reads an answer as the client does that would have asked for it.
func (r *recording) httpAnswer() {
	text := string(r.data)
	_, body := headOf(text)
	method := r.askedMethod(body)
	client := wire.HTTPClient(r.played(r.data))
	body = body[:r.exchange(client, method, text, body)]
	switch name := rootElement.FindStringSubmatch(comments.ReplaceAllString(body, "")); {
	case method == "SUBSCRIBE":
		r.subscription(client, text)
	case name != nil && name[1] == "Envelope":
		action, _ := actionOf(body)
		out, err := (&soap.Client{URL: playedURL, Service: igd.WANIPConnection1, HTTP: client}).Call(r.Context(), cmp.Or(action, "Any"))
		r.soapAnswer(out, err, []byte(body))
	case name != nil && name[1] == "scpd":
		scpd, err := (&description.Client{HTTP: client}).SCPD(r.Context(), playedURL)
		r.serviceDocument(scpd, err, []byte(body))
	case name != nil && name[1] == "root":
		root, err := (&description.Client{HTTP: client}).Root(r.Context(), playedURL)
		r.deviceDescription(root, err, []byte(body))
	default:
		r.otherAnswer(client, method, text, body)
	}
	r.kind = "HTTP: " + r.kind
}

// otherAnswer is to a call or a GET, and no document; or it is no more than a status.
func (r *recording) otherAnswer(client *http.Client, method, text, body string) {
	switch {
	case method == http.MethodPost:
		_, err := (&soap.Client{URL: playedURL, Service: igd.WANIPConnection1, HTTP: client}).Call(r.Context(), "Any")
		r.is("answer to a call", "refused", statusOf(text))
		r.wantStatus(err, text)
	case method == http.MethodGet && body != "":
		_, err := (&description.Client{HTTP: client}).Root(r.Context(), playedURL)
		r.is("answer to GET", "refused", statusOf(text))
		r.wantStatus(err, text)
	default:
		r.is("answer without more", "parsed", statusOf(text))
	}
}

// exchange compares status, header and body, and returns how much of the body counts.
func (r *recording) exchange(client *http.Client, method, text, body string) (complete int) {
	q, err := http.NewRequestWithContext(r.Context(), method, playedURL, nil)
	if err != nil {
		r.Fatal(err)
	}
	answer, err := client.Do(q)
	if err != nil {
		r.Errorf("%s: %v", method, err)
		return 0
	}
	defer answer.Body.Close()
	r.equal("status", strconv.Itoa(answer.StatusCode), strings.Fields(text)[1])
	lines, _ := headOf(text)
	for _, line := range lines[1:] {
		if name, _, ok := strings.Cut(line, ":"); ok {
			r.equal(name, answer.Header.Get(name), strings.TrimSpace(fieldOf(text, name)))
		}
	}
	read, err := io.ReadAll(answer.Body)
	plain := r.plainBody(method, text, body, err)
	r.equal("body", string(read), plain)
	return len(plain)
}

// plainBody is as much of what stands behind the head as its length says. Of a body that is shorter
// nobody may be told that it is whole, unless it ends as an envelope does.
func (r *recording) plainBody(method, text, body string, err error) string {
	n, errLength := strconv.Atoi(fieldOf(text, "Content-Length"))
	switch {
	case method == http.MethodHead:
		return ""
	case errLength == nil && n <= len(body):
		return body[:n]
	case errLength == nil && err == nil && !strings.HasSuffix(strings.TrimSpace(body), "nvelope>"):
		r.Errorf("%d of %d bytes, and no error", len(body), n)
	}
	return body
}

func statusOf(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSpace(line)
}

// wantStatus wants an error with the status the file begins with; a page under 200 is none to report.
func (r *recording) wantStatus(err error, text string) {
	if _, ok := errors.AsType[*description.DocumentError](err); ok && strings.Fields(text)[1] == "200" {
		return
	}
	if e, ok := errors.AsType[*description.StatusError](err); !ok || strconv.Itoa(e.Code) != strings.Fields(text)[1] {
		r.Errorf("%q is told as %v", statusOf(text), err)
	}
}

// subscription reads the answer to SUBSCRIBE.
func (r *recording) subscription(client *http.Client, text string) {
	s := &gena.Subscriber{HTTP: client, Callback: "http://" + playedSelf + ":4004"}
	sub, err := s.Subscribe(r.Context(), "http://"+playedRouter+":5000/evt")
	sid, granted := fieldOf(text, "SID"), fieldOf(text, "TIMEOUT")
	if err != nil {
		r.is("answer to SUBSCRIBE", "refused", err.Error())
		r.wantError(strings.Fields(text)[1] != "200" || sid == "", err)
		return
	}
	defer sub.Close(r.Context())
	r.is("answer to SUBSCRIBE", "parsed", sid+" "+granted)
	r.equal("SID", sub.SID(), sid)
	want := gena.DefaultTimeout
	_, number, _ := strings.Cut(granted, "-")
	if n, err := strconv.Atoi(number); err == nil && n > 0 {
		want = time.Duration(n) * time.Second
	}
	if left := time.Until(sub.Expires()); left > want || left < want-time.Minute {
		r.Errorf("TIMEOUT %q: %v left", granted, left)
	}
}

// httpRequest reads a request as the server does that it was sent to.
func (r *recording) httpRequest() {
	text := string(r.data)
	words := strings.Fields(text)
	q, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(r.data)))
	if err != nil {
		r.Errorf("%.100q: %v", text, err)
		return
	}
	r.equal("method", q.Method, words[0])
	q.RemoteAddr = playedSelf + ":40000"
	switch q.Method {
	case "NOTIFY":
		r.notification(text)
	case "SUBSCRIBE", "UNSUBSCRIBE":
		r.subscriber(q, text)
	case http.MethodPost:
		r.call(q, text)
	default:
		r.is("HTTP request", "parsed", words[0]+" "+words[1])
		r.equal("path", q.URL.RequestURI(), words[1])
	}
}

// call has a handler take a SOAP call that offers just what is called.
func (r *recording) call(q *http.Request, text string) {
	_, body := headOf(text)
	action, _ := actionOf(body)
	var heard *soap.Request
	hear := func(_ context.Context, in soap.Args) (soap.Args, error) {
		heard = &soap.Request{Action: action, Args: in}
		return nil, nil
	}
	h := &soap.Handler{Actions: map[string]soap.ActionFunc{action: hear}}
	h.Variable = func(_ context.Context, name string) (string, error) {
		heard = &soap.Request{Action: action, Args: soap.Args{{Name: "varName", Value: name}}}
		return "", nil
	}
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, q)
	if heard == nil {
		r.is("SOAP call", "refused", strings.TrimSpace(answer.Body.String()))
		if action != "" {
			r.Errorf("%s is answered %d %s", action, answer.Code, answer.Body)
		}
		return
	}
	r.soapCall(heard, nil, []byte(body))
	r.kind = "HTTP: SOAP call"
}

// subscriber has a publisher take a request for events. One for a new subscription is granted if the
// text names a place at its sender; of those that are to be continued or ended it knows none.
func (r *recording) subscriber(q *http.Request, text string) {
	sid, callback := fieldOf(text, "SID"), fieldOf(text, "CALLBACK")
	if _, after, ok := strings.Cut(callback, "//["); ok {
		host, _, _ := strings.Cut(after, "]")
		q.RemoteAddr = "[" + host + "]:40000"
	}
	own, _, _ := net.SplitHostPort(q.RemoteAddr)
	answer := httptest.NewRecorder()
	(&gena.Publisher{}).ServeHTTP(answer, q)
	wanted := http.StatusPreconditionFailed
	switch {
	case sid != "":
		r.is(q.Method, "parsed", sid)
	case fieldOf(text, "NT") == "upnp:event" && strings.Contains(callback, own) && q.Method == "SUBSCRIBE":
		wanted = http.StatusOK
		r.is(q.Method, "parsed", callback)
	default:
		r.is(q.Method, "refused", cmp.Or(callback, "no CALLBACK"))
	}
	if answer.Code != wanted {
		r.Errorf("answered %d, want %d", answer.Code, wanted)
	}
}

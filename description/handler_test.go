package description

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func testHandler() *Handler {
	return &Handler{
		Root:   gateway(),
		SCPDs:  map[string]*SCPD{"/s.xml": service(), "/odd:1.xml": service(), "/nil.xml": nil},
		Files:  map[string]File{"/icon.png": {ContentType: "image/png", Data: []byte("PNG")}, "/raw.xml": {Data: []byte("<scpd")}},
		Server: "Test/1.0 UPnP/1.1 upnp/1.0",
	}
}

func TestHandler(t *testing.T) {
	var root, scpd bytes.Buffer
	gateway().WriteTo(&root)
	service().WriteTo(&scpd)
	tests := []struct {
		method, path string
		status       int
		contentType  string
		body         string
	}{
		{"GET", "/root.xml", 200, xmlContentType, root.String()},
		{"GET", "/root.xml?again", 200, xmlContentType, root.String()},
		{"GET", "/s.xml", 200, xmlContentType, scpd.String()},
		{"GET", "/odd:1.xml", 200, xmlContentType, scpd.String()},
		{"GET", "/icon.png", 200, "image/png", "PNG"},
		{"GET", "/raw.xml", 200, xmlContentType, "<scpd"},
		{"GET", "/", 404, "text/plain; charset=utf-8", "404 page not found\n"},
		{"GET", "/nil.xml", 404, "text/plain; charset=utf-8", "404 page not found\n"},
		{"POST", "/nil.xml", 404, "text/plain; charset=utf-8", "404 page not found\n"},
		{"POST", "/root.xml", 405, "text/plain; charset=utf-8", "method not allowed\n"},
		{"SUBSCRIBE", "/s.xml", 405, "text/plain; charset=utf-8", "method not allowed\n"},
	}
	server := httptest.NewServer(testHandler())
	defer server.Close()
	for _, test := range tests {
		for _, method := range []string{test.method, http.MethodHead} {
			if method == http.MethodHead && test.method != http.MethodGet {
				continue
			}
			response, body := do(t, method, server.URL+test.path, "")
			want := test.body
			if method == http.MethodHead {
				want = ""
			}
			if response.StatusCode != test.status || response.Header.Get("Content-Type") != test.contentType || body != want {
				t.Errorf("%s %s: %s, %s, %q", method, test.path, response.Status, response.Header.Get("Content-Type"), body)
			}
			if length := strconv.Itoa(len(test.body)); test.status == 200 && response.Header.Get("Content-Length") != length {
				t.Errorf("%s %s: Content-Length %s, want %s", method, test.path, response.Header.Get("Content-Length"), length)
			}
			if response.Header.Get("Server") != "Test/1.0 UPnP/1.1 upnp/1.0" || response.Header.Get("Date") == "" || response.Header["Content-Language"] != nil {
				t.Errorf("%s %s: header %v", method, test.path, response.Header)
			}
			if allow := response.Header.Get("Allow"); (test.status == 405) != (allow == "GET, HEAD") {
				t.Errorf("%s %s: Allow %q", method, test.path, allow)
			}
		}
	}
}

func TestHandlerLanguage(t *testing.T) {
	h := testHandler()
	server := httptest.NewServer(h)
	defer server.Close()
	for _, language := range []string{"", "de"} {
		h.Language = language
		response, _ := do(t, http.MethodGet, server.URL+"/root.xml", "fr, en;q=0.5")
		want := language
		if want == "" {
			want = "en"
		}
		if got := response.Header.Get("Content-Language"); got != want {
			t.Errorf("Content-Language %q, want %q", got, want)
		}
	}
}

func TestHandlerRootPath(t *testing.T) {
	for _, test := range []struct {
		handler Handler
		path    string
		status  int
	}{
		{Handler{Root: &Root{}}, "/", 200},
		{Handler{Root: &Root{Location: "http://192.0.2.1:80"}}, "/", 200},
		{Handler{Root: gateway(), RootPath: "/other.xml"}, "/other.xml", 200},
		{Handler{Root: gateway(), RootPath: "/other.xml"}, "/root.xml", 404},
		{Handler{}, "/", 404},
		{Handler{Root: &Root{Device: &Device{Extra: []Field{{Name: "<"}}}}}, "/", 500},
		{Handler{Root: gateway(), Files: map[string]File{"/root.xml": {}}}, "/root.xml", 200},
	} {
		recorder := httptest.NewRecorder()
		test.handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, test.path, nil))
		if recorder.Code != test.status {
			t.Errorf("%s: %d, want %d", test.path, recorder.Code, test.status)
		}
	}
}

// What the handler serves the client reads.
func TestClientAgainstHandler(t *testing.T) {
	server := httptest.NewServer(testHandler())
	defer server.Close()
	root, err := new(Client).Root(t.Context(), server.URL+"/root.xml")
	if err != nil {
		t.Fatal(err)
	}
	want := gateway()
	want.Location = server.URL + "/root.xml"
	root.Notes = nil
	if diff := cmp.Diff(want, root); diff != "" {
		t.Error(diff)
	}
	scpd, err := new(Client).SCPD(t.Context(), root.URL(root.Device.Services[0].SCPDURL))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(service(), scpd); diff != "" {
		t.Error(diff)
	}
}

func do(t *testing.T, method, url, language string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if language != "" {
		request.Header.Set("Accept-Language", language)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func ExampleHandler() {
	root := &Root{Device: &Device{Type: "urn:schemas-upnp-org:device:Basic:1", FriendlyName: "Lamp", UDN: "uuid:1"}}
	server := httptest.NewServer(&Handler{Root: root, RootPath: "/lamp.xml"})
	defer server.Close()

	read, err := new(Client).Root(context.Background(), server.URL+"/lamp.xml")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(read.Device.FriendlyName)
	// Output: Lamp
}

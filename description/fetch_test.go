package description

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// serve starts a device on loopback and returns its base URL.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// raw answers one connection after another with the same bytes and, if hold is set, keeps
// each open until the test ends.
func raw(t *testing.T, answer string, hold bool) (url string, accepted *atomic.Int32) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted = new(atomic.Int32)
	done := make(chan struct{})
	go func() {
		defer close(done)
		var open []net.Conn
		defer func() { closeAll(open) }()
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = io.WriteString(conn, answer)
			if hold {
				open = append(open, conn)
			} else {
				conn.Close()
			}
		}
	}()
	t.Cleanup(func() { listener.Close(); <-done })
	return "http://" + listener.Addr().String(), accepted
}

func closeAll(conns []net.Conn) {
	for _, conn := range conns {
		conn.Close()
	}
}

func TestClientRoot(t *testing.T) {
	for _, contentType := range []string{`text/xml; charset="utf-8"`, "application/octet-stream", "text/html", ""} {
		base := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if encoding := r.Header.Get("Accept-Encoding"); encoding != "" {
				t.Errorf("the request has Accept-Encoding: %s", encoding)
			}
			w.Header()["Content-Type"] = []string{contentType}
			io.WriteString(w, wrap(complete+goodService))
		})
		root, err := new(Client).Root(t.Context(), base+"/d/root.xml")
		if err != nil {
			t.Fatal(err)
		}
		if root.Location != base+"/d/root.xml" || root.URL(root.Device.Services[0].SCPDURL) != base+"/s.xml" {
			t.Errorf("location %s, services %v", root.Location, root.Device.Services[0])
		}
	}
}

func TestClientSCPD(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, r *http.Request) { service().WriteTo(w) })
	scpd, err := (&Client{HTTP: http.DefaultClient}).SCPD(t.Context(), base+"/s.xml")
	if err != nil || scpd.Action("Reset") == nil {
		t.Fatalf("%+v, %v", scpd, err)
	}
}

func TestClientRefusesURLs(t *testing.T) {
	for _, url := range []string{"", "/root.xml", "https://192.0.2.1/", "file:///etc/passwd", "http://u:p@192.0.2.1/", "http://192.0.2.1:0/",
		"http://192.0.2.1/#f", "http://192.0.2.1/" + strings.Repeat("a", maxURL)} {
		if _, err := new(Client).Root(t.Context(), url); !errors.Is(err, ErrURL) {
			t.Errorf("%.40s: error %v", url, err)
		}
	}
}

func TestClientStatus(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, strings.Repeat("busy ", 1000), http.StatusServiceUnavailable)
	})
	_, err := new(Client).Root(t.Context(), base+"/")
	e, ok := errors.AsType[*StatusError](err)
	if !ok || e.Code != 503 || e.URL != base+"/" || !strings.HasPrefix(e.ContentType, "text/plain") || len(e.Body) != maxErrorBody {
		t.Fatalf("error %+v", err)
	}
	if want := base + "/ answered 503 Service Unavailable"; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

func TestClientFollowsNoRedirect(t *testing.T) {
	canary := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") })
	base := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, canary+"/x", http.StatusFound) })
	for _, client := range []*Client{{}, {HTTP: &http.Client{}}} {
		_, err := client.Root(t.Context(), base+"/")
		if e, ok := errors.AsType[*StatusError](err); !ok || e.Redirect != canary+"/x" || !strings.Contains(err.Error(), "not followed") {
			t.Errorf("error %v", err)
		}
	}
}

func TestClientUsesNoProxy(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://192.0.2.99:1")
	if deviceTransport(netip.Addr{}).Proxy != nil {
		t.Error("the default client asks for a proxy")
	}
}

func TestClientRefusesCompression(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		zip := gzip.NewWriter(w)
		defer zip.Close()
		io.WriteString(zip, wrap(complete))
	})
	if _, err := new(Client).Root(t.Context(), base+"/"); !errors.Is(err, ErrCompressed) {
		t.Errorf("error %v", err)
	}
}

func TestClientSizeLimit(t *testing.T) {
	document := wrap(complete)
	tests := []struct {
		name    string
		padding int
		chunked bool
		want    error
	}{
		{"at the limit", MaxDocument - len(document), false, nil},
		{"over it", MaxDocument - len(document) + 1, false, ErrTooLarge},
		{"at the limit, no length", MaxDocument - len(document), true, nil},
		{"over it, no length", MaxDocument - len(document) + 1, true, ErrTooLarge},
		{"endless", 1 << 30, true, ErrTooLarge},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if !test.chunked {
					w.Header().Set("Content-Length", fmt.Sprint(test.padding+len(document)))
				}
				spaces := bytes.Repeat([]byte(" "), 1<<10)
				for left := test.padding; left > 0 && r.Context().Err() == nil; left -= len(spaces) {
					w.Write(spaces[:min(left, len(spaces))])
				}
				io.WriteString(w, document)
			})
			if _, err := new(Client).Root(t.Context(), base+"/"); !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
		})
	}
}

func TestClientAnswerThatNeverEnds(t *testing.T) {
	base, _ := raw(t, "HTTP/1.1 200 OK\r\n\r\n"+wrap(complete)+"\r\n\x00", true)
	start := time.Now()
	if _, err := new(Client).Root(t.Context(), base+"/"); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > connectTimeout {
		t.Errorf("waited %v for the end of the connection", took)
	}
}

func TestClientAnswerCutShort(t *testing.T) {
	for name, read := range map[string]func(url string) ([]string, error){
		"root": func(url string) ([]string, error) {
			root, err := new(Client).Root(t.Context(), url)
			if err != nil {
				return nil, err
			}
			return root.Notes, nil
		},
		"scpd": func(url string) ([]string, error) {
			scpd, err := new(Client).SCPD(t.Context(), url)
			if err != nil {
				return nil, err
			}
			return scpd.Notes, nil
		},
	} {
		base, _ := raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"+
			map[string]string{"root": wrap(complete), "scpd": actions("<action><name>A</name></action>", "")}[name], false)
		notes, err := read(base + "/")
		if err != nil || !slices.Contains(notes, noteCut) {
			t.Errorf("%s: %v, notes %q", name, err, notes)
		}
	}
}

// A device that announces too much and then waits is bounded by the caller's patience.
func TestClientContentLengthTooLarge(t *testing.T) {
	base, _ := raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"+wrap(complete), true)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	root, err := new(Client).Root(ctx, base+"/")
	if err != nil || !slices.Contains(root.Notes, noteCut) {
		t.Errorf("%v, %+v", err, root)
	}
}

func TestClientTriesAgainOnce(t *testing.T) {
	base, accepted := raw(t, "", false)
	if _, err := new(Client).Root(t.Context(), base+"/"); err == nil {
		t.Error("no answer is no error")
	}
	if n := accepted.Load(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

// A roundTrip is an HTTP transport.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A stalled body gives what it has and then nothing until the request is given up.
type stalled struct {
	io.Reader
	ctx context.Context
}

func (s stalled) Read(p []byte) (int, error) {
	if n, err := s.Reader.Read(p); err == nil {
		return n, nil
	}
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

func TestClientStalledConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int32
		client := Client{HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			first := requests.Add(1) == 1
			body := io.Reader(strings.NewReader(wrap(complete)))
			if first {
				body = stalled{io.LimitReader(body, 20), r.Context()}
			}
			return &http.Response{StatusCode: http.StatusOK, ContentLength: int64(len(wrap(complete))), Body: io.NopCloser(body), Request: r}, nil
		})}}
		began := time.Now()
		root, err := client.Root(t.Context(), "http://192.168.1.1/")
		if err != nil || len(root.Notes) != 0 {
			t.Errorf("%v, %+v", err, root)
		}
		if took := time.Since(began); took != secondAttempt || requests.Load() != 2 {
			t.Errorf("%d requests in %v, want 2 in %v", requests.Load(), took, secondAttempt)
		}
	})
}

func TestClientContext(t *testing.T) {
	base, _ := raw(t, "", true)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := new(Client).Root(ctx, base+"/"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestClientLoginPage(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "<!DOCTYPE html><html><title>Router</title><body><form>")
	})
	_, err := new(Client).Root(t.Context(), base+"/")
	if _, ok := errors.AsType[*DocumentError](err); !ok || !strings.Contains(err.Error(), `an HTML page "Router"`) || !strings.Contains(err.Error(), base) {
		t.Errorf("error %v", err)
	}
}

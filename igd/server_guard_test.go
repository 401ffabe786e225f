package igd_test

import (
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"testing"

	"upnp/igd"
	"upnp/igd/wire"
	"upnp/soap"
)

func TestServerGuardsItsHost(t *testing.T) {
	bubble(t, igd.Server{}, func(v *served) {
		at, _ := url.Parse(v.base)
		for host, want := range map[string]int{
			at.Host: 200, "192.168.1.1": 200, "evil.test": 403, "evil.test:" + at.Port(): 403, "localhost": 403,
			"192.168.1.1:1": 403, "192.168.1.7:" + at.Port(): 403, "127.0.0.1:" + at.Port(): 403, "192.168.1.1.nip.io": 403,
			"192.168.1.1.": 403, "3232235777": 403, "0xc0a80101": 403, "0.0.0.0:" + at.Port(): 403, "[::1]:" + at.Port(): 403,
			":" + at.Port(): 403, "[::ffff:192.168.1.1]:" + at.Port(): 403, "router": 403, "": 403,
		} {
			if status := v.raw("GET /root.xml HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"); status != want {
				v.Errorf("Host %q: status %d, want %d", host, status, want)
			}
		}
		if status := v.raw("GET http://evil.test/root.xml HTTP/1.1\r\nHost: " + at.Host + "\r\nConnection: close\r\n\r\n"); status != 403 {
			v.Errorf("absolute target: status %d, want 403", status)
		}
		if status := v.raw("GET /root.xml HTTP/1.0\r\n\r\n"); status != 403 {
			v.Errorf("no Host: status %d, want 403", status)
		}
	})
}

// raw is the status of the answer to a request written byte for byte.
func (v *served) raw(request string) (status int) {
	v.Helper()
	at, _ := url.Parse(v.base)
	c, err := v.client.Dial(v.Context(), "tcp", at.Host)
	if err != nil {
		v.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		v.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil || len(answer) < len("HTTP/1.1 200") {
		v.Fatalf("answer %q, %v", answer, err)
	}
	for _, b := range answer[len("HTTP/1.1 "):len("HTTP/1.1 200")] {
		status = 10*status + int(b-'0')
	}
	return status
}

func TestServerGuardsAgainstPages(t *testing.T) {
	bubble(t, igd.Server{}, func(v *served) {
		for name, tt := range map[string]struct {
			header, value string
			want          int
		}{
			"control point":  {"Content-Type", `text/xml; charset="utf-8"`, 500}, // a fault, for it has no body
			"another XML":    {"Content-Type", "application/soap+xml", 500},
			"page":           {"Origin", "http://evil.test", 403},
			"opaque page":    {"Origin", "null", 403},
			"own origin":     {"Origin", v.base, 403},
			"form":           {"Content-Type", "application/x-www-form-urlencoded", 403},
			"text from form": {"Content-Type", "text/plain", 403},
			"upload":         {"Content-Type", "multipart/form-data; boundary=x", 403},
		} {
			status, _ := v.do("POST", "/control/WANIPConn1", envelope("NoSuchAction"), func(r *http.Request) {
				r.Header.Set(tt.header, tt.value)
			})
			if status != tt.want {
				v.Errorf("%s: status %d, want %d", name, status, tt.want)
			}
		}
	})
}

func envelope(action string) string {
	body, _ := (&soap.Request{Service: igd.WANIPConnection1, Action: action}).AppendText(nil)
	return string(body)
}

// A gateway is for its LAN.
func TestServerGuardsItsLAN(t *testing.T) {
	bubble(t, igd.Server{}, func(v *served) {
		far := v.world.Host("far", netip.MustParsePrefix("192.168.1.9/24"))
		far.Link("eth0").SetPrefixes(netip.MustParsePrefix("10.0.0.9/8"), netip.MustParsePrefix("192.168.1.9/24"))
		ctx := wire.WithLocalAddr(v.Context(), netip.MustParseAddr("10.0.0.9"))
		r, _ := http.NewRequestWithContext(ctx, "GET", v.base+"/root.xml", nil)
		resp, err := wire.HTTPClient(far).Do(r)
		if err != nil {
			v.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 403 {
			v.Errorf("status %d, want 403", resp.StatusCode)
		}
	})
}

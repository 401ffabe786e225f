package wire_test

import (
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"upnp/igd/wire"
)

const benchRequest = `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body><u:GetExternalIPAddress xmlns:u="urn:schemas-upnp-org:service:WANIPConnection:1"></u:GetExternalIPAddress></s:Body></s:Envelope>`

const benchAnswer = "HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=\"utf-8\"\r\nConnection: close\r\nContent-Length: 300\r\nServer: Linux UPnP/1.1\r\nExt:\r\n\r\n"

// serveRaw answers each connection with answer once it has sent something, and closes it.
func serveRaw(b *testing.B, answer string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		buf := make([]byte, 4096)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Read(buf)
			io.WriteString(c, answer)
			c.Close()
		}
	}()
	return "http://" + l.Addr().String() + "/ctl/IPConn"
}

func benchExchange(b *testing.B, client *http.Client) {
	url := serveRaw(b, benchAnswer+strings.Repeat("x", 300))
	b.ReportAllocs()
	for b.Loop() {
		req, err := http.NewRequestWithContext(b.Context(), "POST", url, strings.NewReader(benchRequest))
		if err != nil {
			b.Fatal(err)
		}
		req.Header["SOAPACTION"] = []string{`"urn:schemas-upnp-org:service:WANIPConnection:1#GetExternalIPAddress"`}
		req.Header["Content-Type"] = []string{`text/xml; charset="utf-8"`}
		resp, err := client.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			b.Fatal(err)
		}
		resp.Body.Close()
	}
}

func BenchmarkExchange(b *testing.B) { benchExchange(b, wire.HTTPClient(nil)) }

func BenchmarkExchangeTapped(b *testing.B) {
	benchExchange(b, wire.HTTPClient(wire.NewTap(nil, wire.Print(io.Discard))))
}

func BenchmarkExchangeNetHTTP(b *testing.B) {
	benchExchange(b, &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}})
}

// BenchmarkRecorder is what a connection with a request and an answer costs a recording.
func BenchmarkRecorder(b *testing.B) {
	r, err := wire.Create(filepath.Join(b.TempDir(), "x.wire"), 0)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	tell := newTeller(r.Record)
	b.ReportAllocs()
	for b.Loop() {
		tell.tell(1, wire.Opened, "tcp", "")
		tell.tell(1, wire.Sent, "tcp", benchRequest)
		tell.tell(1, wire.Received, "tcp", benchAnswer)
		tell.tell(1, wire.Closed, "tcp", "EOF")
	}
}

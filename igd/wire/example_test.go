package wire_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"

	"upnp/igd/wire"
)

// A request over a LAN in memory, with the exact bytes of both sides.
func ExampleNewTap() {
	mem := wire.NewMemory()
	router := mem.Host("router", netip.MustParsePrefix("192.168.1.1/24"))
	pc := mem.Host("pc", netip.MustParsePrefix("192.168.1.7/24"))

	l, _ := router.Listen(context.Background(), "tcp", ":5000")
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		io.WriteString(w, "<root/>")
	}))

	client := wire.HTTPClient(wire.NewTap(pc, func(e wire.Event) {
		if len(e.Data) > 0 {
			text := strings.TrimSpace(strings.ReplaceAll(string(e.Data), "\r", ""))
			fmt.Printf("%v %v\n%s\n", e.Kind, e.Remote, text)
		}
	}))
	resp, err := client.Get("http://192.168.1.1:5000/rootDesc.xml")
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	l.Close()
	// Output:
	// sent 192.168.1.1:5000
	// GET /rootDesc.xml HTTP/1.1
	// Host: 192.168.1.1:5000
	// Connection: close
	// received 192.168.1.1:5000
	// HTTP/1.1 200 OK
	// Content-Length: 7
	// Content-Type: text/plain; charset=utf-8
	// Connection: close
	//
	// <root/>
}

func ExampleSanitize() {
	fmt.Println(wire.Sanitize("Home\x1b[2J Router", 0))
	fmt.Println(wire.Sanitize("A rather long name", 9))
	// Output:
	// Home\u{1b}[2J Router
	// A rather…
}

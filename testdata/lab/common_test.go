//go:build linux

package lab_test

import (
	"io"
	"net/http"
	"testing"

	"upnp/testdata/lab"
)

const helloText = "Hello from behind the router\n"

var hello = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, helloText) })

// upnpc runs miniupnpc's program, which ends with 0 or we end here.
func upnpc(t testing.TB, h *lab.Host, args ...string) string {
	t.Helper()
	r := h.Run(t, append([]string{"upnpc"}, args...)...)
	if r.Code != 0 {
		t.Fatalf("upnpc %v: exit %d\n%s%s", args, r.Code, r.Stdout, r.Stderr)
	}
	return r.Stdout
}

package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"upnp/igd/wire"
)

// TestUI runs the examples: the page is there at the address that is printed, with its secret.
func TestUI(t *testing.T) {
	host := wire.NewMemory().Host("self")
	for _, line := range []string{"ui", "ui --emulated --no-open --timeout 30s", "ui --listen 127.0.0.1:0 --json"} {
		t.Run(line, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			out, in := io.Pipe()
			ended := make(chan int, 1)
			go func() {
				s := newSession(Streams{Out: in, Err: io.Discard})
				defer s.close()
				if !strings.Contains(line, "--emulated") {
					s.base = host
				}
				ended <- s.finish(ctx, s.main(ctx, strings.Fields(line)))
			}()
			address, err := bufio.NewReader(out).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			tryPage(t, address, strings.Contains(line, "--json"))
			stop()
			if code := <-ended; code != exitInterrupted {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// tryPage opens what ui printed.
func tryPage(t *testing.T, printed string, isJSON bool) {
	t.Helper()
	address := uiAddress{strings.TrimSpace(printed)}
	if isJSON {
		if err := json.Unmarshal([]byte(printed), &address); err != nil {
			t.Fatal(err)
		}
	}
	m := regexp.MustCompile(`^(http://127\.0\.0\.1:\d+)/#t=([\w-]{43})$`).FindStringSubmatch(address.URL)
	if m == nil {
		t.Fatalf("printed %q", address.URL)
	}
	for path, want := range map[string]int{"/": 200, "/api/state": 200, "/api/nothing": 404} {
		r, _ := http.NewRequestWithContext(t.Context(), "GET", m[1]+path, nil)
		r.Header.Set("Authorization", "Bearer "+m[2])
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s: %s", path, answer.Status)
		}
	}
}

func TestUIRefuses(t *testing.T) {
	for line, want := range map[string]string{
		"ui --listen 8080":             "want an address and a port",
		"ui --listen 0.0.0.0:8080":     "name the one address",
		"ui --listen 192.168.1.2:8080": "--i-know",
		"ui --assets /no/such/folder":  "--assets",
		"ui 9542":                      "takes no argument",
	} {
		if r := runWords(t.Context(), nil, strings.Fields(line), ""); r.code != exitUsage || !strings.Contains(r.stderr, want) {
			t.Errorf("%s: exit %d, %q", line, r.code, r.stderr)
		}
	}
}

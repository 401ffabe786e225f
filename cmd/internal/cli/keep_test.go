package cli

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"upnp/igd"
)

// TestNotify: systemd hears that the verb has begun, how it is, and that it ends.
func TestNotify(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Skip(err)
	}
	defer socket.Close()
	s := newSession(Streams{Getenv: func(name string) string {
		if name == "NOTIFY_SOCKET" {
			return path
		}
		return ""
	}})
	defer s.close()
	if err := s.main(t.Context(), strings.Fields("keep 9600-9601 --emulated --timeout 1s")); err != nil {
		t.Fatal(err)
	}
	var told []string
	socket.SetReadDeadline(time.Now().Add(time.Second))
	buffer := make([]byte, 1024)
	for len(told) == 0 || !strings.Contains(told[len(told)-1], "STATUS=0 of") || len(told) < 4 {
		n, err := socket.Read(buffer)
		if err != nil {
			break
		}
		told = append(told, string(buffer[:n]))
	}
	all := strings.Join(told, "|")
	for _, want := range []string{"READY=1\nSTATUS=2 of 2 ports open", "STOPPING=1"} {
		if strings.Count(all, want) != 1 {
			t.Errorf("told %q, want %q once", all, want)
		}
	}
}

// TestKeepTwice: a second keep with the same journal is refused at once.
func TestKeepTwice(t *testing.T) {
	journal := filepath.Join(t.TempDir(), "journal")
	k := igd.Keeper{Client: &igd.Client{Interfaces: []string{"lo"}}, Journal: journal}
	started := make(chan bool, 100)
	k.Events = func(igd.KeepEvent) { started <- true }
	done := make(chan error)
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		done <- k.Run(ctx, igd.Wish{Mapping: igd.Mapping{MappingKey: igd.MappingKey{ExternalPort: 9600}}})
	}()
	defer func() { stop(); <-done }()
	<-started
	r := runWords(t.Context(), nil, []string{"keep", "9601", "--journal", journal, "--emulated"}, "")
	if r.code != exitFailed || !strings.Contains(r.stderr, "another keep is running") {
		t.Errorf("exit %d, %s", r.code, r.stderr)
	}
}

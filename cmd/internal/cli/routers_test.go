package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"upnp/igd/wire"
)

// routerDirs are the folders of recorded routers.
func routerDirs(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(routersDir, "*"))
	if err != nil || len(dirs) == 0 {
		t.Fatal("no recorded routers: ", err)
	}
	return dirs
}

// readRouter is the session that was recorded with a router.
func readRouter(t *testing.T, dir string) *wire.Log {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "session.wire"))
	if err != nil {
		t.Fatal(err)
	}
	log, err := wire.ReadLog(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// labInterface is what clients in the lab have for the one interface of a replay.
var labInterface = regexp.MustCompile(`\blan0\b`)

// TestRouters runs the commands of each recorded session against the recording: what they print is what
// they printed when it was made.
func TestRouters(t *testing.T) {
	for _, dir := range routerDirs(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			log, session := readRouter(t, dir), filepath.Join(dir, "session.txt")
			tr := readTranscript(t, session)
			var got string
			synctest.Test(t, func(t *testing.T) {
				replay := wire.NewReplay(log)
				replay.Note = func(text string) { t.Log(text) }
				defer replay.Close()
				got = tr.replayOn(t, replay)
			})
			want := labInterface.ReplaceAllString(steady(strings.Join(tr.lines, "")), "eth0")
			if *update {
				keep(t, session, []byte(got))
			} else if diff := cmp.Diff(ordered(want), ordered(got)); diff != "" {
				t.Errorf("the session is another than the recorded one (-recorded +replayed):\n%s", diff)
			}
		})
	}
}

// ordered has the lines below each discover in one order, without the width of their columns: they come as
// devices answer, which is chance.
func ordered(text string) []string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "$ upnp discover") {
			end := i + 1
			for end < len(lines) && !strings.HasPrefix(lines[end], "$ ") {
				lines[end] = strings.Join(strings.Fields(lines[end]), " ")
				end++
			}
			slices.Sort(lines[i+1 : end])
		}
	}
	return lines
}

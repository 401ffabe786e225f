//go:build linux

package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A Media is a media device on the LAN: a real program of other people's.
type Media struct {
	*Host
	Name string
	UDN  string
	Stop func() // interrupts the program and waits until it is gone
}

// MediaServer puts minidlna on the LAN, serving nothing.
func (l *Lab) MediaServer(t testing.TB) *Media {
	t.Helper()
	Need(t, "minidlnad")
	m := &Media{Host: l.Other("server", 211), Name: "Lab music", UDN: "uuid:4d696e69-444c-164e-9d41-0200c0a807d3"}
	dir := t.TempDir()
	conf := filepath.Join(dir, "minidlna.conf")
	lines := []string{
		"network_interface=lan0", "port=8200", "media_dir=" + filepath.Join(dir, "media"), "db_dir=" + dir, "log_dir=" + dir,
		"friendly_name=" + m.Name, "inotify=no", "notify_interval=5", "uuid=" + strings.TrimPrefix(m.UDN, "uuid:"), "",
	}
	err := os.Mkdir(filepath.Join(dir, "media"), 0o755)
	if err == nil {
		err = os.WriteFile(conf, []byte(strings.Join(lines, "\n")), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	m.Stop = m.Start(t, nil, "minidlnad", "-S", "-f", conf, "-P", filepath.Join(dir, "pid"))
	return m
}

// MediaRenderer puts gmediarender on the LAN, playing to nobody.
func (l *Lab) MediaRenderer(t testing.TB) *Media {
	t.Helper()
	Need(t, "gmediarender")
	m := &Media{Host: l.Other("renderer", 212), Name: "Lab speaker", UDN: "uuid:2f0c0e1a-9d3b-4c57-8b1e-0200c0a807d4"}
	dir := t.TempDir()
	m.Stop = m.Start(t, []string{"HOME=" + dir, "XDG_RUNTIME_DIR=" + dir, "GST_REGISTRY=" + filepath.Join(dir, "registry")},
		"gmediarender", "-I", "lan0", "-f", m.Name, "-u", strings.TrimPrefix(m.UDN, "uuid:"),
		"--gstout-audiosink=fakesink", "--gstout-videosink=fakesink", "--logfile=stdout")
	return m
}

// String names the device in failures.
func (m *Media) String() string { return fmt.Sprintf("%s (%s)", m.Name, m.Addr) }

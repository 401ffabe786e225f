package machine

import (
	"os"
	"path/filepath"
	"testing"
)

func TestIPTables(t *testing.T) {
	for listing, blocks := range map[string]bool{
		"-P INPUT ACCEPT\n":                                        false,
		"-P INPUT DROP\n":                                          true,
		"-P INPUT ACCEPT\n-A INPUT -p udp -j DROP\n":               true,
		"-P INPUT ACCEPT\n-A INPUT -j REJECT --reject-with icmp\n": true,
		"-P INPUT ACCEPT\n-A INPUT -p tcp -j DROP\n":               false,
		"-P INPUT ACCEPT\n-A INPUT -s 1.2.3.4/32 -j DROP\n":        false,
		"": false,
	} {
		got := iptables([]byte(listing))
		if (len(got) == 1 && got[0].Blocks) != blocks {
			t.Errorf("%q: %+v", listing, got)
		}
	}
}

func TestConfigured(t *testing.T) {
	etc := t.TempDir()
	if got := configured(etc); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	if err := os.MkdirAll(filepath.Join(etc, "ufw"), 0o755); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{"# ufw\nENABLED=no\nLOGLEVEL=low\n": 0, "# ufw\nENABLED=yes\nLOGLEVEL=low\n": 1} {
		if err := os.WriteFile(filepath.Join(etc, "ufw/ufw.conf"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := configured(etc); len(got) != want || want == 1 && !got[0].Blocks {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func TestUndelivered(t *testing.T) {
	const snmp = `Ip: Forwarding DefaultTTL InReceives InHdrErrors ForwDatagrams InDiscards InDelivers ReasmReqds ReasmOKs
Ip: 1 64 1000 0 100 0 880 20 10
Icmp: InMsgs InErrors
Icmp: 0 0
`
	if n, ok := undelivered(snmp); n != 10 || !ok {
		t.Errorf("%d, %v", n, ok)
	}
	for _, broken := range []string{"", "Ip: InReceives\n", "Ip: InReceives\nIp: 1 2\n", "Tcp: A\nTcp: 1\n"} {
		if n, ok := undelivered(broken); ok {
			t.Errorf("%q: %d", broken, n)
		}
	}
}

func TestVirtual(t *testing.T) {
	for _, v := range []struct {
		uevent string
		tunnel bool
		want   bool
	}{
		{"INTERFACE=eth0\nIFINDEX=2\n", false, false},
		{"DEVTYPE=wlan\nINTERFACE=wlan0\n", false, false},
		{"DEVTYPE=bridge\nINTERFACE=docker0\n", false, true},
		{"DEVTYPE=wireguard\nINTERFACE=wg0\n", false, true},
		{"INTERFACE=tun0\n", true, true},
	} {
		if got := virtual(v.uevent, v.tunnel); got != "" != v.want {
			t.Errorf("%q: %q", v.uevent, got)
		}
	}
	if got := (System{}).Virtual("../../etc"); got != "" {
		t.Errorf("%q", got)
	}
}

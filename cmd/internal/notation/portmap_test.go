package notation

import (
	"strings"
	"testing"
)

func TestParsePortMap(t *testing.T) {
	for _, tt := range []struct {
		text, canonical string
		mappings        int
		first           string // of the mappings
	}{
		{"9542", "9542/tcp", 1, "9542::9542/tcp"},
		{"9542/UDP", "9542/udp", 1, "9542::9542/udp"},
		{"9542:8080", "9542:8080/tcp", 1, "9542::8080/tcp"},
		{"9542:9542", "9542:9542/tcp", 1, "9542::9542/tcp"},
		{"9542:192.168.1.20:8080/udp", "9542:192.168.1.20:8080/udp", 1, "9542:192.168.1.20:8080/udp"},
		{"9542:[fd00::20]:8080", "9542:[fd00::20]:8080/tcp", 1, "9542:[fd00::20]:8080/tcp"},
		{"9542:[::ffff:192.168.1.20]:8080", "9542:192.168.1.20:8080/tcp", 1, "9542:192.168.1.20:8080/tcp"},
		{"4000-4010/both", "4000-4010/both", 22, "4000::4000/tcp"},
		{"4000-4010:5000-5010/Both", "4000-4010:5000-5010/both", 22, "4000::5000/tcp"},
		{"4000-4000", "4000/tcp", 1, "4000::4000/tcp"},
		{"1-1000", "1-1000/tcp", 1000, "1::1/tcp"},
		{"65535", "65535/tcp", 1, "65535::65535/tcp"},
		{"0080", "80/tcp", 1, "80::80/tcp"},
	} {
		m, err := Parse(tt.text)
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		all := m.Mappings()
		if m.String() != tt.canonical || len(all) != tt.mappings {
			t.Errorf("%q = %q with %d mappings, want %q with %d", tt.text, m, len(all), tt.canonical, tt.mappings)
		}
		if first := all[0].String(); first != tt.first {
			t.Errorf("%q: first is %q, want %q", tt.text, first, tt.first)
		}
	}
}

func TestParsePortMapRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "a port is missing",
		"/tcp":                    "a port is missing",
		"0":                       "port 0 is refused",
		"70000":                   "port 70000 is above 65535",
		"99999999999999999999":    "is above 65535",
		"-5":                      "a port is missing",
		"+80":                     `"+80" is not a port`,
		"http":                    `"http" is not a port`,
		"٨٠":                      "is not a port",
		"80/sctp":                 `unknown protocol "sctp"`,
		"80/":                     `unknown protocol ""`,
		"80/tcp/udp":              `unknown protocol "tcp/udp"`,
		"50-40":                   "runs backwards",
		"1-1001":                  "1001 ports; 1000 at most",
		"40-50:60-65":             "11 external ports and 6 internal ones",
		"40-50:60":                "11 external ports and 1 internal ones",
		"80:":                     "a port is missing",
		"80:0":                    "port 0 is refused",
		"80:70000":                "above 65535",
		"80:192.168.1.20":         "lacks the internal port",
		"80:[fd00::20]":           "lacks the internal port",
		"80::80":                  "the host between the colons is missing",
		"80:fd00::20:80":          "an IPv6 host stands in brackets",
		"80:router:80":            `host "router" is not an IP address`,
		"80:192.168.1:80":         "is not an IP address",
		"80:127.0.0.1:80":         "not an address the router can reach",
		"80:0.0.0.0:80":           "not an address the router can reach",
		"80:[fe80::1%eth0]:80":    "zone",
		"80:239.255.255.250:1900": "not an address the router can reach",
	} {
		if m, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q = %v, %v; want %q", text, m, err, want)
		}
	}
}

func FuzzParsePortMap(f *testing.F) {
	for _, s := range []string{"9542", "9542:192.168.1.20:8080/udp", "9542:[fd00::20]:8080", "4000-4010:1-11/both", "::"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := Parse(s)
		if err != nil {
			return
		}
		back, err := Parse(m.String())
		if err != nil || back.String() != m.String() || len(back.Mappings()) != len(m.Mappings()) {
			t.Errorf("%q = %v, which reads back as %v, %v", s, m, back, err)
		}
	})
}

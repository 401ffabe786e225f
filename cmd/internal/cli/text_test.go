package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode"
)

func TestWidth(t *testing.T) {
	for text, want := range map[string]int{"": 0, "abc": 3, "ネット": 6, "e\u0301": 1, "한글": 4, "ｱ": 1, "😀": 2, "é": 1} {
		if got := width(text); got != want {
			t.Errorf("width(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		text  string
		limit int
		want  string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"ネットワーク", 12, "ネットワーク"},
		{"ネットワーク", 11, "ネットワー…"}, {"ネットワーク", 4, "ネ…"}, {"", 0, ""},
	} {
		got := cut(tt.text, tt.limit)
		if got != tt.want || width(got) > max(tt.limit, 1) {
			t.Errorf("cut(%q, %d) = %q, want %q", tt.text, tt.limit, got, tt.want)
		}
	}
}

func TestDurations(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "permanent", 3552 * time.Second: "59m12s", time.Hour: "1h", 90 * time.Minute: "1h30m",
		45 * time.Second: "45s", 10 * time.Minute: "10m", 167*time.Hour + time.Second: "167h0m1s", 20 * time.Hour: "20h",
	} {
		if got := leaseText(d); got != want {
			t.Errorf("leaseText(%v) = %q, want %q", d, got, want)
		}
	}
	if got := uptimeText(9*24*time.Hour + 22*time.Hour + 18*time.Minute + 59*time.Second); got != "9d 22h 18m" {
		t.Error(got)
	}
}

func TestAmounts(t *testing.T) {
	for n, want := range map[uint64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 1_234_567: "1.2 MB", 1 << 63: "9.2 EB"} {
		if got := byteText(n); got != want {
			t.Errorf("byteText(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[uint64]string{0: "unknown", 56_000: "56 kbit/s", 1_000_000_000: "1 Gbit/s", 103_500_000: "103.5 Mbit/s"} {
		if got := rateText(n); got != want {
			t.Errorf("rateText(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestFold(t *testing.T) {
	got := fold("upnp add: the port is taken by somebody else", 24)
	if want := "upnp add: the port is\n  taken by somebody else"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := fold("a b", 0); got != "a b" {
		t.Error(got)
	}
}

func TestPrinterIsHarmless(t *testing.T) {
	var b bytes.Buffer
	p := newPrinter(&b, true)
	p.color = true
	evil := "a\x1b[31mb\u202ec\u009bd\r\ne"
	p.linef("%s %v %s %d", evil, asExit(usagef("%s", evil)), p.style(red, evil), 5)
	got := strings.NewReplacer("\x1b[31m", "", "\x1b[0m", "").Replace(b.String())
	for _, r := range strings.TrimSuffix(got, "\n") {
		if !unicode.IsPrint(r) {
			t.Fatalf("raw %U in %q", r, got)
		}
	}
}

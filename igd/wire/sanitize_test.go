package wire_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"upnp/igd/wire"
)

func TestSanitize(t *testing.T) {
	tests := []struct {
		in   string
		max  int
		want string
	}{
		{"", 0, ""},
		{"WRT54G Grün 路由器 ☃", 0, "WRT54G Grün 路由器 ☃"},
		{"a\r\nb\tc\nd\u00a0e\u3000f\u2028g", 0, "a b c d e f g"},
		{"\x1b]8;;http://x\x1b\\", 0, `\u{1b}]8;;http://x\u{1b}\`},
		{"\x00\x07\x7f", 0, `\u{0}\u{7}\u{7f}`},
		{"\u009b31m\u0085", 0, `\u{9b}31m\u{85}`},
		{"a\u202egpj.exe", 0, `a\u{202e}gpj.exe`},
		{"a\u200b\ufeff\u00adb", 0, `a\u{200b}\u{feff}\u{ad}b`},
		{"\u3164\u115f\ue000\U000e0041", 0, `\u{3164}\u{115f}\u{e000}\u{e0041}`},
		{"\xf0_\xf0", 0, "\ufffd_\ufffd"},
		{"\x9b\x1b", 0, "\ufffd\\u{1b}"},
		{"abcd", 4, "abcd"},
		{"äbcde", 4, "äbc…"},
		{"abc", 1, "…"},
	}
	for _, tt := range tests {
		if got := wire.Sanitize(tt.in, tt.max); got != tt.want {
			t.Errorf("Sanitize(%q, %d) = %q, want %q", tt.in, tt.max, got, tt.want)
		}
	}
}

func FuzzSanitize(f *testing.F) {
	for _, s := range []string{"", "plain", "\x1b[31m", "a\u202eb", "\xf0_\xf0", "\r\n", "…", strings.Repeat("ä\n", 99)} {
		f.Add(s, 8)
	}
	f.Fuzz(func(t *testing.T, s string, max int) {
		got := wire.Sanitize(s, max)
		if !utf8.ValidString(got) {
			t.Errorf("%q is no UTF-8", got)
		}
		for _, r := range got {
			if !unicode.IsPrint(r) {
				t.Errorf("%q holds %U", got, r)
			}
		}
		if max > 0 && utf8.RuneCountInString(got) > max {
			t.Errorf("%q is over %d runes", got, max)
		}
		if again := wire.Sanitize(got, max); again != got {
			t.Errorf("%q becomes %q", got, again)
		}
	})
}

package plain

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
)

// TestJSONIsHarmless: nothing a terminal acts upon is left, and nothing is lost.
func TestJSONIsHarmless(t *testing.T) {
	var every strings.Builder
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || r == '<' || r == 'ネ' || r == '😀' {
			every.WriteRune(r)
		}
	}
	var b bytes.Buffer
	if err := WriteJSON(&b, map[string]string{every.String(): every.String()}, true); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.String() {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Fatalf("raw %U", r)
		}
	}
	var back map[string]string
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || back[every.String()] != every.String() {
		t.Errorf("%v: not the same text", err)
	}
}

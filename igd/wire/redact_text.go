package wire

import (
	"bytes"
	"net/netip"
	"strings"
)

// A draft is a text whose secrets are being replaced, in place.
type draft struct {
	text  []byte
	taken []bool // bytes that are a stand-in already, or are to stay
}

func newDraft(text []byte) *draft {
	return &draft{bytes.Clone(text), make([]bool, len(text))}
}

// put replaces a range by a stand-in of its length, unless some of it is one.
func (d *draft) put(from int, standIn string) {
	to := from + len(standIn)
	for _, t := range d.taken[from:to] {
		if t {
			return
		}
	}
	copy(d.text[from:], standIn)
	d.hold(from, to)
}

// hold lets a range be as it is.
func (d *draft) hold(from, to int) {
	for i := from; i < to; i++ {
		d.taken[i] = true
	}
}

// putWord replaces what is left of a range by the stand-in of all of it.
func (d *draft) putWord(v *standIns, from, to int, original []byte) {
	standIn := v.word(string(original[from:to]))
	for i := from; i < to; i++ {
		if !d.taken[i] {
			d.text[i] = standIn[i-from]
		}
	}
	d.hold(from, to)
}

// message is a message with stand-ins; chunked framing is looked through.
func (v *standIns) message(f frame) []byte {
	d := newDraft(f.data)
	if f.head == 0 {
		v.head(d)
		v.body(d)
		return d.text
	}
	head := newDraft(f.data[:min(f.head, len(f.data))])
	v.head(head)
	_, text := f.parts()
	body := newDraft(text)
	v.body(body)
	copy(d.text, head.text)
	for _, s := range f.body {
		body.text = body.text[copy(d.text[s.from:s.to], body.text):]
	}
	return d.text
}

// text is any text with stand-ins.
func (v *standIns) text(text []byte) []byte {
	d := newDraft(text)
	v.forms(d)
	v.known(d)
	return d.text
}

// forms replaces what is a secret by its form. All forms are within one run of certain bytes, and most
// runs are words that need no second look.
func (v *standIns) forms(d *draft) {
	for to := 0; to < len(d.text); to++ {
		from := to
		for to < len(d.text) && isFormByte(d.text[to]) {
			to++
		}
		if mayBeForm(d.text[from:to]) {
			v.formsIn(d, from, to)
		}
	}
}

func isFormByte(c byte) bool { return isWordByte(c) && c < 0x80 || strings.IndexByte(".:-_%", c) >= 0 }

// mayBeForm reports whether a run has what all forms have: a number and separators, or enough digits.
func mayBeForm(run []byte) bool {
	numbers, separators := 0, 0
	for _, c := range run {
		switch {
		case c >= '0' && c <= '9':
			numbers++
		case c == '.' || c == ':' || c == '-':
			separators++
		}
	}
	return numbers > 0 && (separators > 1 || len(run) >= 12) || separators > 4 ||
		bytes.Contains(run, []byte("::")) || len(run) > 5 && bytes.Contains(bytes.ToLower(run), []byte("uuid"))
}

func (v *standIns) formsIn(d *draft, from, to int) {
	for _, m := range uuidForm().FindAllSubmatchIndex(d.text[from:to], -1) {
		first, last := m[2], m[3]
		if first < 0 {
			first, last = m[4], m[5]
		}
		v.uuid(d, from+first, from+last)
	}
	for _, m := range macForm().FindAllIndex(d.text[from:to], -1) {
		v.mac(d, from+m[0], from+m[1])
	}
	for _, m := range addr6Form().FindAllIndex(d.text[from:to], -1) {
		v.addr6(d, from+m[0], from+m[1])
	}
	for _, m := range addr4Form().FindAllIndex(d.text[from:to], -1) {
		v.addr4(d, from+m[0], from+m[1])
	}
}

var (
	// What follows uuid: up to "::" or anything that ends a word, or a UUID by itself.
	uuidForm  = pattern(`(?i)uuid(?::|%3a)((?:[0-9a-z._-]|:[0-9a-z._-])+)|([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{32}\b)`)
	plainUUID = pattern(`(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	macForm   = pattern(`(?i)(?:[0-9a-f]{2}(?::[0-9a-f]{2}){5}|[0-9a-f]{2}(?:-[0-9a-f]{2}){5}|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}|[0-9a-f]{12})`)
	addr6Form = pattern(`(?i)[0-9a-f]*:[0-9a-f:]*:[0-9a-f]*`)
	addr4Form = pattern(`[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9]{1,3}(?:-[0-9]{1,3}){3}`)
)

func (v *standIns) uuid(d *draft, from, to int) {
	if m := plainUUID().FindIndex(d.text[from:to]); m != nil {
		from, to = from+m[0], from+m[1]
	}
	value := string(d.text[from:to])
	switch plain := strings.ReplaceAll(value, "-", ""); {
	case len(plain) == 32 && isHex(plain), len(plain) == 12 && isHex(plain):
		d.put(from, v.hex(value))
	default:
		d.put(from, v.word(value))
	}
}

func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

// mac replaces a MAC address. Twelve decimal digits that are all of an element are a count of
// something.
func (v *standIns) mac(d *draft, from, to int) {
	value := string(d.text[from:to])
	if d.isWord(from-1) || d.isWord(to) || d.between(from-1, to, ":-.") && !isPlain(value) {
		return
	}
	if strings.Trim(value, "0123456789") == "" && d.at(from-1) == '>' && d.at(to) == '<' {
		return
	}
	if trimmed := strings.Trim(value, "0.:-"); trimmed != "" && strings.Trim(trimmed, "fF:-.") != "" {
		d.put(from, v.hex(value))
	}
}

func isPlain(value string) bool { return !strings.ContainsAny(value, ":-.") }

// between reports whether one of the separators joins the range to what is before or behind it.
func (d *draft) between(before, behind int, separators string) bool {
	joined := func(i, next int) bool {
		return strings.IndexByte(separators, d.at(i)) >= 0 && isHex(string(d.at(next))) && d.at(next) != 0
	}
	return joined(before, before-1) || joined(behind, behind+1)
}

// at is the byte at i, 0 outside.
func (d *draft) at(i int) byte {
	if i < 0 || i >= len(d.text) {
		return 0
	}
	return d.text[i]
}

func (d *draft) isWord(i int) bool { c := d.at(i); return isWordByte(c) && c < 0x80 }

func (v *standIns) addr6(d *draft, from, to int) {
	if d.isWord(from-1) || d.isWord(to) {
		return
	}
	value := string(d.text[from:to])
	for _, text := range []string{value, strings.TrimSuffix(value, ":")} {
		if a, err := netip.ParseAddr(text); err == nil && a.Is6() {
			if s := v.addr(a); s != a {
				d.put(from, respell(text, s))
			}
			return
		}
	}
}

// respell writes a in the way that text writes an address of the same form: as many digits in each
// group, capitals or not.
func respell(text string, a netip.Addr) string {
	left, right, _ := strings.Cut(text, "::")
	full := strings.Split(a.StringExpanded(), ":")
	write := func(groups string, at int) string {
		parts := strings.Split(groups, ":")
		if at < 0 {
			at = 8 - len(parts)
		}
		for i, p := range parts {
			if p != "" {
				wide := full[at+i]
				parts[i] = wide[len(wide)-len(p):]
			}
		}
		return strings.Join(parts, ":")
	}
	out := write(left, 0)
	if len(left) < len(text) {
		out += "::" + write(right, -1)
	}
	if strings.ContainsAny(text, "ABCDEF") {
		return strings.ToUpper(out)
	}
	return out
}

// addr4 replaces an IPv4 address. Five numbers are none, and behind a letter they are a version.
func (v *standIns) addr4(d *draft, from, to int) {
	value := string(d.text[from:to])
	text := strings.ReplaceAll(value, "-", ".")
	more := strings.IndexByte(".-", d.at(to)) >= 0 && d.isDigit(to+1)
	if d.at(from-1) == '.' || d.isWord(from-1) || d.isDigit(to) || more {
		return
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return
	}
	if s := v.addr(a).String(); s != text {
		if text != value {
			s = strings.ReplaceAll(s, ".", "-")
		}
		d.put(from, s)
	}
}

func (d *draft) isDigit(i int) bool { c := d.at(i); return c >= '0' && c <= '9' }

// minKnown is how long a value must be to be replaced wherever it stands.
const minKnown = 6

// learn remembers a value for known, if it can hardly stand for anything else.
func (v *standIns) learn(value string) {
	digits := strings.Count(strings.Map(toDigit, value), "0")
	if len(value) < minKnown || digits == 0 || digits == len(value) && len(value) < 8 || len(v.words) >= maxKnown {
		return
	}
	if _, known := v.words[value]; !known {
		v.words[value] = v.word(value)
		v.order = append(v.order, value)
	}
}

// maxKnown bounds the values remembered, which come from peers.
const maxKnown = 256

func toDigit(r rune) rune {
	if r >= '0' && r <= '9' {
		return '0'
	}
	return 'x'
}

// known replaces learned values.
func (v *standIns) known(d *draft) {
	for _, value := range v.order {
		standIn := v.words[value]
		for from := 0; ; from += len(value) {
			i := bytes.Index(d.text[from:], []byte(value))
			if i < 0 {
				break
			}
			from += i
			d.put(from, standIn)
		}
	}
}

package wire

import (
	"bytes"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

var callbackURL = pattern(`(?i)<http://([^/>\s]+)(/?[^>\s]*)>`)

// A rewriter puts the addresses served at in place of the recorded ones, where they stand as the host of
// a URL. A nil one changes nothing.
type rewriter struct {
	hosts map[netip.AddrPort]netip.AddrPort
}

// urlHost is the host of a URL with its port.
var urlHost = pattern(`(?i)http://(\[[0-9a-f:.]+\]|[0-9.]+)(:[0-9]+)?`)

// text is a text with its URLs leading to where they are served.
func (w *rewriter) text(text []byte) []byte {
	if w == nil {
		return text
	}
	return urlHost().ReplaceAllFunc(text, func(u []byte) []byte {
		if to, served := w.served(u); served {
			return append([]byte("http://"), to.String()...)
		}
		return u
	})
}

// leads reports whether a URL leads to what is served.
func (w *rewriter) leads(u []byte) bool {
	_, served := w.served(u)
	return served
}

// served is where the host of a URL is served.
func (w *rewriter) served(u []byte) (to netip.AddrPort, ok bool) {
	m := urlHost().FindSubmatch(u)
	if m == nil {
		return to, false
	}
	if at, ok := parseHost(string(m[1]), string(m[2])); ok {
		to, ok = w.hosts[at]
		return to, ok
	}
	return to, false
}

func parseHost(host, port string) (netip.AddrPort, bool) {
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	n := uint64(80)
	if port != "" && err == nil {
		n, err = strconv.ParseUint(port[1:], 10, 16)
	}
	return netip.AddrPortFrom(addr, uint16(n)), err == nil
}

// answer is the recorded answer as it goes to asker. In the result of a call the address of who asked then is
// that of who asks now: a mapping for this machine is one for this machine.
func (w *rewriter) answer(sc *scene, asker netip.Addr) []byte {
	if w == nil || len(sc.Answer) == 0 {
		return sc.Answer
	}
	f := frame{answer: true, method: sc.method}
	rest := f.add(sc.Answer)
	if f.head == 0 {
		return w.text(sc.Answer)
	}
	_, body := f.parts()
	now := w.text(body)
	if sc.action != "" {
		now = replaceAddr(now, sc.asker.Addr(), asker)
	}
	return append(f.with(w.text(f.data[:f.head]), body, now), rest...)
}

// with is the message with another head, and another body in place of its own.
func (f *frame) with(head, body, now []byte) []byte {
	out := bytes.Clone(head)
	switch {
	case f.kind == lengthBody:
		out = setLength(out, int64(len(now))+f.left)
	case f.kind == chunkedBody && bytes.Equal(body, now):
		return append(out, f.data[f.head:]...)
	case f.kind == chunkedBody:
		return fmt.Appendf(out, "%x\r\n%s\r\n0\r\n\r\n", len(now), now)
	}
	return append(out, now...)
}

// setLength mends the Content-Length of a head.
func setLength(head []byte, n int64) []byte {
	return contentLength().ReplaceAll(head, strconv.AppendInt([]byte("${1}"), n, 10))
}

var contentLength = pattern(`(?im)^(content-length[ \t]*:[ \t]*)[0-9]+`)

// replaceAddr replaces an address wherever it stands by itself.
func replaceAddr(text []byte, from, to netip.Addr) []byte {
	old := []byte(from.Unmap().WithZone("").String())
	if from == to || !from.IsValid() {
		return text
	}
	var out []byte
	for {
		i := bytes.Index(text, old)
		if i < 0 {
			return append(out, text...)
		}
		end := i + len(old)
		alone := (i == 0 || !isAddrByte(text[i-1])) && (end == len(text) || !isAddrByte(text[end]))
		out = append(out, text[:i]...)
		if alone {
			out = append(out, to.Unmap().WithZone("").String()...)
		} else {
			out = append(out, old...)
		}
		text = text[end:]
	}
}

func isAddrByte(c byte) bool { return c == '.' || c == ':' || isWordByte(c) }

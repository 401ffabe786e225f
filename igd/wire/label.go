package wire

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// requestLabel says what is asked for: the action of a call, the file of a GET.
func requestLabel(head []byte) string {
	method, rest, _ := strings.Cut(firstLine(head), " ")
	target, _, _ := strings.Cut(rest, " ")
	if action := soapAction(head); action != "" && method != "GET" {
		return action
	}
	if seq := field(head, "SEQ"); method == "NOTIFY" && seq != "" {
		return method + " " + fileOf(target) + " SEQ " + seq
	}
	return method + " " + fileOf(target)
}

// answerLabel says how it went: the error a device gives for a call, or status and size.
func answerLabel(label string, head, body []byte, size int) (what string, bad bool) {
	status := statusText(head)
	bad = !strings.HasPrefix(status, "2")
	if code := element(body, "errorCode"); code != "" {
		return label + " → " + code + " " + element(body, "errorDescription"), true
	}
	if file, ok := strings.CutPrefix(label, "GET "); ok {
		return status + " " + file + " " + shortSize(size), bad
	}
	if !bad {
		status, _, _ = strings.Cut(status, " ")
	}
	return label + " → " + status, bad
}

// datagramLabel says what an SSDP message asks, tells or answers.
func datagramLabel(head []byte) string {
	switch methodOf(head) {
	case "M-SEARCH":
		return "M-SEARCH " + shortType(field(head, "ST"))
	case "NOTIFY":
		return "NOTIFY " + field(head, "NTS") + " " + shortType(field(head, "NT")) + " " + field(head, "LOCATION")
	}
	return statusText(head) + " " + shortType(field(head, "ST")) + " " + field(head, "LOCATION")
}

// statusText is the code and reason of a status line.
func statusText(head []byte) string {
	first := firstLine(head)
	if st, ok := parseStatus([]byte(first)); ok {
		return st.text
	}
	return first
}

func firstLine(head []byte) string {
	line, _, _ := bytes.Cut(bytes.TrimLeft(head, "\r\n"), []byte("\n"))
	return strings.TrimRight(string(line), "\r")
}

// soapAction is the action a SOAPACTION names, also that of an M-POST, where the field has a
// prefix of digits (UDA 1.0, 3.2.1). "" is none.
func soapAction(head []byte) string {
	for line := range strings.Lines(string(head)) {
		name, value, ok := strings.Cut(line, ":")
		if name = strings.TrimLeft(strings.TrimSpace(name), "0123456789-"); ok && strings.EqualFold(name, "SOAPACTION") {
			_, action, _ := strings.Cut(value, "#")
			return strings.Trim(strings.TrimSpace(action), `" `)
		}
	}
	return ""
}

// field is the value of a header field, whatever the case of its name.
func field(head []byte, name string) string {
	for line := range strings.Lines(string(head)) {
		if n, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(n), name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// element is the text of the first element of that name without a prefix.
func element(body []byte, name string) string {
	_, rest, ok := bytes.Cut(body, []byte("<"+name))
	if !ok {
		return ""
	}
	_, rest, _ = bytes.Cut(rest, []byte(">"))
	text, _, _ := bytes.Cut(rest, []byte("<"))
	return strings.TrimSpace(string(text))
}

// shortType is a URN without its authority.
func shortType(target string) string {
	if parts := strings.Split(target, ":"); len(parts) > 3 && strings.EqualFold(parts[0], "urn") {
		return strings.Join(parts[3:], ":")
	}
	return target
}

func fileOf(target string) string {
	target, _, _ = strings.Cut(target, "?")
	if file := target[strings.LastIndexByte(target, '/')+1:]; file != "" {
		return file
	}
	return target
}

func shortSize(n int) string {
	switch {
	case n < 1000:
		return strconv.Itoa(n) + " B"
	case n < 1e6:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

func shortDuration(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1e3)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

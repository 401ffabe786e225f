package emulator

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"upnp/description/xmldoc"
	"upnp/igd"
	"upnp/soap"
	"upnp/ssdp"
)

// text is an answer with this head and the given body, framed as the head says.
func (s *said) text(body []byte) []byte {
	var out bytes.Buffer
	if len(s.whole) == 0 {
		return []byte{}
	}
	for line := range strings.Lines(s.head) {
		name, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(strings.TrimSpace(name), "Content-Length") {
			digits := strings.TrimSpace(value)
			line = name + ":" + strings.Replace(value, digits, strconv.Itoa(len(body)), 1)
		}
		out.WriteString(line)
	}
	end := "\n"
	if strings.HasSuffix(s.head, "\r\n") {
		end = "\r\n"
	}
	out.WriteString(end)
	if s.isChunked() {
		fmt.Fprintf(&out, "%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	} else {
		out.Write(body)
	}
	return out.Bytes()
}

// moved is a text in which the gateway is where it is now. A port that was never asked at, as stale
// ones are, stays what it was.
func (r *recorded) moved(text []byte, host string) []byte {
	at, err := url.Parse("http://" + host)
	if err != nil {
		return text
	}
	was := regexp.MustCompile(`http://` + regexp.QuoteMeta(r.host.String()) + `(?::(\d+))?(/|\b)`)
	return was.ReplaceAllFunc(text, func(found []byte) []byte {
		m := was.FindSubmatch(found)
		port := cmp.Or(string(m[1]), "80")
		if r.ports[port] {
			return append([]byte("http://"+host), m[2]...)
		}
		if len(m[1]) > 0 {
			return append([]byte("http://"+at.Hostname()+":"+port), m[2]...)
		}
		return append([]byte("http://"+at.Hostname()), m[2]...)
	})
}

// dress puts the answer to an action into the recorded words.
func (l *likeness) dress(q *question, a *answer) {
	if l.mute[q.action] {
		a.cut = true
		return
	}
	out, err := soap.ParseResponse(a.body, q.action)
	fault, refused := errors.AsType[*soap.Fault](err)
	switch {
	case refused:
		l.refuse(q, a, fault.Code)
	case err == nil:
		if form := l.form(q.action); form != nil {
			a.raw = form.text(worded(form.body, q.action, out.Args))
		}
	}
}

// form is a recorded success: of the action if there is one.
func (l *likeness) form(action string) (any *said) {
	for _, c := range l.calls {
		if c.ok && c.action == action {
			return c.said
		}
		if c.ok && any == nil {
			any = c.said
		}
	}
	return any
}

var responseElement = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?s)<((?:[\w.-]+:)?)(\w+)Response((?:\s[^>]*?)?)/?>(.*?</(?:[\w.-]+:)?\w+Response\s*>)?`)
})

// worded is a recorded answer with other arguments, of the same action or another. What stands
// between the arguments stays if they are the same.
func worded(form []byte, action string, args soap.Args) []byte {
	at := responseElement().FindSubmatchIndex(form)
	if at == nil {
		return form
	}
	prefix, attributes := string(form[at[2]:at[3]]), string(form[at[6]:at[7]])
	element := form[at[0]:at[1]]
	if string(form[at[4]:at[5]]) == action {
		for _, arg := range args {
			element = withValue(element, arg)
		}
	}
	if again, err := soap.ParseResponse(append(append(bytes.Clone(form[:at[0]]), element...), form[at[1]:]...), action); err != nil || !sameArgs(again.Args, args) {
		var own bytes.Buffer
		own.WriteString("<" + prefix + action + "Response" + attributes + ">")
		for _, arg := range args {
			own.WriteString("<" + arg.Name + ">" + string(xmldoc.AppendText(nil, arg.Value)) + "</" + arg.Name + ">")
		}
		own.WriteString("</" + prefix + action + "Response>")
		element = own.Bytes()
	}
	return append(append(bytes.Clone(form[:at[0]]), element...), form[at[1]:]...)
}

// withValue replaces the value of an argument where it is written as an element with an end.
func withValue(text []byte, arg soap.Arg) []byte {
	start, end := []byte("<"+arg.Name+">"), []byte("</"+arg.Name+">")
	from := bytes.Index(text, start)
	if from < 0 {
		return text
	}
	from += len(start)
	to := bytes.Index(text[from:], end)
	if to < 0 {
		return text
	}
	return append(xmldoc.AppendText(bytes.Clone(text[:from]), arg.Value), text[from+to:]...)
}

func sameArgs(a, b soap.Args) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// refuse says a refusal as the recorded router does: with its code for this, in its words, or not at
// all.
func (l *likeness) refuse(q *question, a *answer, code int) {
	if q.action == "GetGenericPortMappingEntry" && code == igd.ErrNoSuchIndex.Code && l.end != nil {
		a.raw = l.end.text(l.end.body)
		return
	}
	if other, ok := l.codes[coded{q.action, code}]; ok {
		code = other
	}
	form := l.refusal(q.action, code)
	if form == nil {
		return
	}
	body := form.body
	if form.fault.Code != code {
		body = withElement(body, "errorCode", strconv.Itoa(code))
		body = withElement(body, "errorDescription", igd.Error{Service: family(code), Code: code}.Name())
	}
	a.raw = form.text(body)
}

// refusal is a recorded one: with that code, of that action, if there is such; nil if there is none
// at all.
func (l *likeness) refusal(action string, code int) (best *call) {
	for _, c := range l.calls {
		if c.fault == nil {
			continue
		}
		same := c.fault.Code == code
		if best == nil || same && (best.fault.Code != code || c.action == action) {
			best = c
		}
	}
	return best
}

// withElement replaces the text of an element, whatever its prefix.
func withElement(body []byte, name, value string) []byte {
	element := regexp.MustCompile(`(<(?:[\w.-]+:)?` + name + `(?:\s[^>]*)?>)[^<]*`)
	at := element.FindSubmatchIndex(body)
	if at == nil {
		return body
	}
	return append(xmldoc.AppendText(bytes.Clone(body[:at[3]]), value), body[at[1]:]...)
}

func family(code int) string {
	if code < 700 {
		return ""
	}
	return igd.FamilyConnection
}

// found answers a search as it was answered: for each answer of ours those recorded for it, nothing
// where nothing came, and where nobody had searched ours in the recorded spelling.
func (l *likeness) found(search *ssdp.Packet, answer ssdp.Reply) []ssdp.Reply {
	target := answer.Message.Target()
	host := ""
	if at, err := url.Parse(answer.Message.Location()); err == nil {
		host = at.Host
	}
	var same []ssdp.Reply
	for _, f := range l.answers {
		if t := f.message.Target(); t == target || target.Matches(t) && withoutVersion(t) {
			same = append(same, ssdp.Reply{Raw: l.moved(f.text, host), After: answer.After})
		}
	}
	if len(same) > 0 || l.searched[search.Target()] || len(l.answers) == 0 {
		return same
	}
	return []ssdp.Reply{{Raw: l.spelt(answer.Message), After: answer.After}}
}

// withoutVersion reports a type that ends in its name or the colon behind it.
func withoutVersion(t ssdp.Target) bool {
	text := string(t)
	return strings.HasPrefix(text, "urn:") && (strings.HasSuffix(text, ":") || strings.Count(text, ":") < 4)
}

// spelt is one of our answers with the header lines of a recorded one.
func (l *likeness) spelt(m *ssdp.Message) []byte {
	var out bytes.Buffer
	for i, line := range bytes.SplitAfter(l.answers[0].text, []byte("\n")) {
		name, value, ok := strings.Cut(string(line), ":")
		field := strings.TrimSpace(name)
		switch strings.ToUpper(field) {
		case "ST", "USN", "LOCATION":
			if ok && i > 0 {
				line = []byte(name + ":" + strings.Replace(value, strings.TrimSpace(value), m.Header.Get(field), 1))
			}
		}
		out.Write(line)
	}
	return out.Bytes()
}

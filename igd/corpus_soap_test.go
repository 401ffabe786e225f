package igd_test

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"

	"upnp/gena"
	"upnp/soap"
)

var (
	bodyElement = regexp.MustCompile(`(?is)<(?:[\w.-]+:)?Body\b[^>]*>\s*<(?:[\w.-]+:)?([\w.-]+)`)
	isFault     = regexp.MustCompile(`(?i)<(?:[\w.-]+:)?(Fault|UPnPError)\b`)
)

// actionOf is what an envelope asks for or answers to, "" for a fault.
func actionOf(text string) (action string, answer bool) {
	if isFault.MatchString(text) {
		return "", true
	}
	m := bodyElement.FindStringSubmatch(comments.ReplaceAllString(text, ""))
	if m == nil {
		return "", false
	}
	action, answer = strings.CutSuffix(m[1], "Response")
	return action, answer
}

// envelope reads the body of a call, of an answer or of a fault.
func (r *recording) envelope(data []byte) {
	action, answer := actionOf(string(data))
	if answer {
		out, err := soap.ParseResponse(data, action)
		r.soapAnswer(out, err, data)
		return
	}
	call, err := soap.ParseRequest(data)
	r.soapCall(call, err, data)
}

func (r *recording) soapCall(call *soap.Request, err error, data []byte) {
	action, _ := actionOf(string(data))
	if err != nil {
		r.is("SOAP call", "refused", err.Error())
		r.wantError(action == "", err)
		return
	}
	r.is("SOAP call", "parsed", action, call.Notes...)
	r.equal("action", call.Action, action)
	r.args(call.Args, string(data), action, call.Notes)
}

// soapAnswer compares an answer or fault with its text.
func (r *recording) soapAnswer(out *soap.Response, err error, data []byte) {
	text := string(data)
	action, _ := actionOf(text)
	if fault, ok := errors.AsType[*soap.Fault](err); ok {
		r.fault(fault, text)
		return
	}
	if err != nil {
		r.is("SOAP answer", "refused", err.Error())
		r.wantError(bodyElement.FindString(text) == "", err)
		return
	}
	if action == "" {
		r.Errorf("a fault was read as %v", out.Args)
	}
	r.is("SOAP answer", "parsed", action, out.Notes...)
	r.args(out.Args, text, action+"Response", out.Notes)
	r.told(action, data)
	if !wellFormed(data) && len(out.Notes) == 0 {
		r.Error("not well-formed, and nothing said of it")
	}
}

// fault compares the number and the words of a refusal.
func (r *recording) fault(fault *soap.Fault, text string) {
	code, err := strconv.Atoi(firstTagged(text, "errorCode"))
	r.is("SOAP fault", "parsed", strings.TrimSpace(strconv.Itoa(fault.Code)+" "+fault.Description), fault.Notes...)
	if fault.Code != code || !isFault.MatchString(text) {
		r.Errorf("fault %d, the file says %d (%v)", fault.Code, code, err)
	}
	r.equal("errorDescription", squeezed(fault.Description), squeezed(firstTagged(text, "errorDescription")))
	r.equal("faultstring", squeezed(fault.FaultString), squeezed(firstTagged(text, "faultstring")))
}

// args compares the arguments inside of an element.
func (r *recording) args(args soap.Args, text, element string, notes []string) {
	r.Helper()
	inside := blocks(text, element)
	if len(inside) == 0 {
		if len(args) > 0 {
			r.Errorf("arguments %v out of nothing", args)
		}
		return
	}
	var plain, read []string
	for _, p := range pairs(inside[0]) {
		plain = append(plain, p.name+"="+p.value())
	}
	for _, a := range args {
		read = append(read, a.Name+"="+squeezed(a.Value))
	}
	if diff := cmp.Diff(plain, read); diff != "" {
		r.Errorf("arguments (-file +read): %s\nnotes %q", diff, notes)
	}
}

// A pair is an element with what is in it.
type pair struct{ name, text string }

// value is the text read aloud; of elements, which should have been escaped, it is what stands there.
func (p pair) value() string {
	if markup.MatchString(p.text) && !strings.HasPrefix(strings.TrimSpace(p.text), "<![CDATA[") {
		return squeezed(p.text)
	}
	return squeezed(spoken(p.text))
}

var markup = regexp.MustCompile(`<[A-Za-z][^<>]*>`)

var tag = regexp.MustCompile(`<((?:[\w.-]+:)?([\w.-]+))((?:\s[^>]*?)?)(/?)>`)

// pairs are the elements in a text that are in no other; elements that lack their end have none.
func pairs(text string) (found []pair) {
	for {
		at := tag.FindStringSubmatchIndex(text)
		if at == nil {
			return found
		}
		name, full := text[at[4]:at[5]], text[at[2]:at[3]]
		rest := text[at[1]:]
		if at[8] != at[9] {
			found, text = append(found, pair{name, ""}), rest
			continue
		}
		inner, after, ok := cutFold(rest, "</"+full)
		if !ok {
			return found
		}
		_, after, _ = strings.Cut(after, ">")
		found, text = append(found, pair{name, inner}), after
	}
}

// cutFold is strings.Cut without regard to case.
func cutFold(text, sep string) (before, after string, ok bool) {
	at := regexp.MustCompile(`(?i)` + regexp.QuoteMeta(sep)).FindStringIndex(text)
	if at == nil {
		return text, "", false
	}
	return text[:at[0]], text[at[1]:], true
}

// propertySet reads the body of a NOTIFY.
func (r *recording) propertySet(data []byte) {
	properties, notes, err := gena.ParseProperties(data)
	if err != nil {
		r.is("property set", "refused", err.Error())
		r.wantError(!strings.Contains(string(data), "property"), err)
		return
	}
	r.properties(properties, notes, data)
}

// properties compares the variables of an event with the text: those of every property in it.
func (r *recording) properties(properties []gena.Property, notes []string, data []byte) {
	var plain, read, names []string
	for _, property := range blocks(string(data), "property") {
		for _, p := range pairs(property) {
			plain = append(plain, p.name+"="+p.value())
		}
	}
	for _, p := range properties {
		names, read = append(names, p.Name), append(read, p.Name+"="+squeezed(p.Value))
	}
	r.is("property set", "parsed", strings.Join(names, " "), notes...)
	if len(properties) == 0 {
		r.what = "no variable"
	}
	if diff := cmp.Diff(plain, read); diff != "" {
		r.Errorf("variables (-file +read): %s", diff)
	}
	if !wellFormed(data) && len(notes) == 0 {
		r.Error("not well-formed, and nothing said of it")
	}
}

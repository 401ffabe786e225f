package emulator

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"upnp/igd"
)

// answers are the ways of speaking HTTP.
func answers() []kind {
	return []kind{
		{"chunked", "sends every answer in chunks (BiPAC 7404VNOX)",
			after(func(_ *question, a *answer) { a.framing = byChunks })},
		{"no-content-length", "sends no length; the answer ends with the connection (the router of Mono.Nat's author)",
			after(func(_ *question, a *answer) { a.framing = byClosing })},
		{"malformed-status-line", "writes HTTP1.1 for HTTP/1.1 (ipTIME N104R3)",
			after(func(_ *question, a *answer) {
				a.statusLine = fmt.Sprintf("HTTP1.1 %d %s", a.status, http.StatusText(a.status))
			})},
		{"latin-1", "sends ISO 8859-1 and calls it UTF-8 (routers goupnp met)", latin1},
		{"octet-stream", "calls every document application/octet-stream (Linksys WRT54G)",
			after(func(q *question, a *answer) {
				if q.document() {
					a.header.Set("Content-Type", "application/octet-stream")
				}
			})},
		{"eof-after-work", "makes or removes the mapping and closes the connection without an answer (ZTE F660)",
			after(func(q *question, a *answer) {
				if changes(q.action) {
					a.cut = true
				}
			})},
		{"slow", "takes its time for every action; =D how much, 4s if not given (a router of bisq #305)", slow},
		{"html-login-page", "answers actions with 200 and its log-in page (a router of jupnp #120)",
			after(func(q *question, a *answer) {
				if q.action != "" {
					a.replace(http.StatusOK, "text/html", loginPage)
				}
			})},
		{"missing-scpd", "has no service documents: 404 (Pace PX5001, Xfinity)",
			after(func(q *question, a *answer) {
				if q.document() && !bytes.Contains(a.body, []byte("<device>")) {
					a.replace(http.StatusNotFound, "text/html", "<html><body>404 Not Found</body></html>")
				}
			})},
		{"soapaction-case", "knows the header only as SOAPAction or SOAPACTION, 501 otherwise (a router of syncthing #1696)", soapActionCase},
		{"upper-case-arguments", "writes the names of out-arguments in upper case (seen in captured answers)", upperCaseArguments},
	}
}

const loginPage = `<!DOCTYPE html><html><head><title>Login</title></head><body><form action="/login.cgi"><input name=user><input type=password name=pass></form></body></html>`

func changes(action string) bool {
	return strings.HasPrefix(action, "Add") || strings.HasPrefix(action, "Delete")
}

func slow(p *parameter) Quirk {
	d := p.duration(4 * time.Second)
	return Quirk{HTTP: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if ask(r).action != "" {
				sleep(r.Context(), d)
			}
			next.ServeHTTP(w, r)
		})
	}}
}

// latin1 needs a letter to show it.
func latin1(p *parameter) Quirk {
	q := after(func(_ *question, a *answer) {
		if a.isXML() {
			a.body = toLatin1(a.body)
		}
	})(p)
	q.Root = renamed("Routeur à la maison")
	return q
}

func toLatin1(utf8 []byte) []byte {
	out := make([]byte, 0, len(utf8))
	for _, r := range string(utf8) {
		if r > 0xff {
			r = '?'
		}
		out = append(out, byte(r))
	}
	return out
}

// outArgument is compiled by the first who needs it: a program that only contains an emulator
// does not pay for it when it starts.
var outArgument = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(</?)(New[A-Za-z]+)(/?>)`)
})

func upperCaseArguments(p *parameter) Quirk {
	return after(func(q *question, a *answer) {
		if q.action != "" {
			a.body = outArgument().ReplaceAllFunc(a.body, bytes.ToUpper)
		}
	})(p)
}

func oddUptime(body string) string {
	const open, end = "<NewUptime>", "</NewUptime>"
	before, rest, _ := strings.Cut(body, open)
	_, behind, ok := strings.Cut(rest, end)
	if !ok {
		return body
	}
	return before + open + "9 Days, 22:18:59" + end + behind
}

// faults are the ways of writing a refusal.
func faults() []kind {
	return []kind{
		{"truncated-fault", "cuts faults off behind the error's description (TP-Link Archer C8)", truncatedFault},
		{"fault-in-200", "sends faults with 200 OK (seen by async_upnp_client)", fault(func(a *answer) { a.status = http.StatusOK })},
		{"fault-without-body", "sends faults as 500 without a body (routers that end their list so)",
			fault(func(a *answer) { a.body = nil; a.header.Del("Content-Type") })},
		{"fault-camel-case", "writes faultCode and faultString (MikroTik RouterOS 6.34)",
			fault(func(a *answer) {
				a.body = []byte(strings.NewReplacer("faultcode>", "faultCode>", "faultstring>", "faultString>").Replace(string(a.body)))
			})},
		{"fault-code-odd", "refuses with -911 whatever the reason (a router of qBittorrent #12610)",
			fault(func(a *answer) {
				body, err := igd.Error{Code: -911}.SOAPFault().AppendText(nil)
				if err == nil {
					a.body = body
				}
			})},
	}
}

// fault is after for refusals.
func fault(edit func(*answer)) func(*parameter) Quirk {
	return after(func(q *question, a *answer) {
		if q.action != "" && a.faulty() {
			edit(a)
		}
	})
}

func truncatedFault(p *parameter) Quirk {
	return fault(func(a *answer) {
		if i := bytes.Index(a.body, []byte("</s:Envelope>")); i >= 0 {
			a.body = a.body[:i+len("</s:Envelop")]
		}
	})(p)
}

package cli

import (
	"bufio"
	"bytes"
	"flag"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"upnp/igd/igdtest"
	"upnp/igd/wire"
	"upnp/soap"
	"upnp/ssdp"
)

var handmade = flag.Bool("handmade", false, "make the sessions of the routers written by hand anew, from their answers.txt")

// routersDir has a folder for each recorded router.
const routersDir = "../../../testdata/routers"

// A handmadeRouter says what is written in an answers.txt, byte for byte:
//
//	== search urn:…:InternetGatewayDevice:1 upnp:rootdevice ==     the answer to searches for these
//	== GET 5000 /rootDesc.xml ==                                   port and target of a request
//	== POST 5000 /control AddPortMapping crlf ==                   and the action of a call
//	== POST 5000 /control GetGeneric… NewPortMappingIndex=0 ==     with one of its arguments
//	== POST 5000 /control GetGeneric… after AddPortMapping ==      once that was the last change made
//
// What follows is the answer. Its head is sent with CRLF; its body as it stands, with CRLF if the line
// says crlf, without its last line ends. {length} is the length of the body, \xHH a byte, and an answer
// "hang up" is none. An answer written several times is that many answers, the last one for good.
type handmadeRouter struct {
	answers map[string][][]byte
	mu      sync.Mutex
	given   map[string]int
	last    string // the last action that changed something
}

var (
	answerLine = regexp.MustCompile(`(?m)^== (.*) ==\n`)
	hexByte    = regexp.MustCompile(`\\x[0-9a-f]{2}`)
)

func readHandmade(t *testing.T, name string) *handmadeRouter {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	r := &handmadeRouter{answers: map[string][][]byte{}, given: map[string]int{}}
	text := string(data)
	heads := answerLine.FindAllStringSubmatchIndex(text, -1)
	for i, at := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		r.add(text[at[2]:at[3]], text[at[1]:end])
	}
	return r
}

func (r *handmadeRouter) add(line, text string) {
	line, crlf := strings.CutSuffix(line, " crlf")
	head, body, _ := strings.Cut(strings.TrimRight(text, "\n"), "\n\n")
	if crlf {
		body = strings.ReplaceAll(body, "\n", "\r\n")
	}
	body = unescaped(body)
	head = strings.ReplaceAll(unescaped(head), "{length}", strconv.Itoa(len(body)))
	answer := []byte(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body)
	if head == "hang up" {
		answer = nil
	}
	if targets, ok := strings.CutPrefix(line, "search "); ok {
		for _, target := range strings.Fields(targets) {
			r.answers["search "+target] = append(r.answers["search "+target], answer)
		}
		return
	}
	r.answers[line] = append(r.answers[line], answer)
}

func unescaped(text string) string {
	return hexByte.ReplaceAllStringFunc(text, func(s string) string {
		n, _ := strconv.ParseUint(s[2:], 16, 8)
		return string([]byte{byte(n)})
	})
}

// next is the next answer to a request: what is written of its arguments and of now comes before what
// is written of it as such.
func (r *handmadeRouter) next(line, action string, args soap.Args) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	var lines []string
	for _, arg := range args {
		lines = append(lines, line+" "+arg.Name+"="+arg.Value)
	}
	for _, l := range append(lines, line) {
		for _, l := range []string{l + " after " + r.last, l} {
			if all := r.answers[l]; len(all) > 0 {
				answer := all[min(r.given[l], len(all)-1)]
				r.given[l]++
				r.note(action, answer)
				return answer
			}
		}
	}
	return []byte("HTTP/1.0 404 Not Found\r\nContent-Type: text/html\r\n\r\n<HTML><BODY>404 Not Found</BODY></HTML>")
}

// note takes note of a change that was made; a router that hangs up has made it, too.
func (r *handmadeRouter) note(action string, answer []byte) {
	changes := strings.HasPrefix(action, "Add") || strings.HasPrefix(action, "Delete")
	if changes && (len(answer) == 0 || bytes.Contains(answer[:min(len(answer), 16)], []byte(" 200"))) {
		r.last = action
	}
}

// serve puts the router on a network.
func (r *handmadeRouter) serve(t *testing.T, h *wire.Host, at netip.Addr) {
	ports := map[string]bool{}
	for line := range r.answers {
		if f := strings.Fields(line); f[0] != "search" && !ports[f[1]] {
			ports[f[1]] = true
			igdtest.Answer(t, h, net.JoinHostPort(at.String(), f[1]), func(c net.Conn) { r.answer(c, f[1]) })
		}
	}
	ifi := h.Link("eth0").Interface()
	heard, err := h.ListenPacket(t.Context(), ifi, ssdp.GroupIPv4())
	if err != nil {
		t.Fatal(err)
	}
	own, err := h.ListenPacket(t.Context(), ifi, netip.AddrPortFrom(at, ssdp.Port))
	if err != nil {
		t.Fatal(err)
	}
	var hearing sync.WaitGroup
	hearing.Go(func() { r.hear(heard, own) })
	hearing.Go(func() { r.hear(own, own) })
	t.Cleanup(func() { heard.Close(); own.Close(); hearing.Wait() })
}

func (r *handmadeRouter) hear(in, out ssdp.PacketConn) {
	buf := make([]byte, ssdp.MaxDatagram)
	for {
		n, from, err := in.ReadFrom(buf)
		if err != nil {
			return
		}
		m, err := ssdp.Parse(buf[:n])
		if err != nil || m.Method != ssdp.MethodSearch {
			continue
		}
		r.mu.Lock()
		answers := r.answers["search "+string(m.Target())]
		r.mu.Unlock()
		for _, answer := range answers {
			_ = out.WriteTo(answer, from) // the searcher may be gone
		}
	}
}

func (r *handmadeRouter) answer(c net.Conn, port string) {
	q, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	line, action := q.Method+" "+port+" "+q.URL.RequestURI(), ""
	var args soap.Args
	if header := q.Header.Get("SOAPACTION"); header != "" {
		_, action, _ = strings.Cut(strings.Trim(header, `"`), "#")
		line += " " + action
		body, _ := io.ReadAll(q.Body)
		if call, err := soap.ParseRequest(body); err == nil {
			args = call.Args
		}
	}
	_, _ = c.Write(r.next(line, action, args)) // the caller may be gone
}

// The place of a router written by hand, and of who talks to it.
var (
	handmadeAt   = netip.MustParseAddr("192.168.1.1")
	handmadeSelf = netip.MustParseAddr("192.168.1.7")
)

// TestHandmade runs the commands of a session against the router written beside it, and keeps what they
// print and every byte.
func TestHandmade(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(routersDir, "*", "answers.txt"))
	if err != nil || len(names) == 0 {
		t.Fatal("no routers written by hand: ", err)
	}
	if !*handmade {
		t.Skip("only with -handmade")
	}
	for _, name := range names {
		t.Run(filepath.Base(filepath.Dir(name)), func(t *testing.T) { makeSession(t, name) })
	}
}

// makeSession keeps what the commands of session.txt print beside answers.txt, and every byte.
func makeSession(t *testing.T, answers string) {
	log, session := new(wire.Log), filepath.Join(filepath.Dir(answers), "session.txt")
	tr := readTranscript(t, session)
	synctest.Test(t, func(t *testing.T) {
		lan := wire.NewMemory()
		readHandmade(t, answers).serve(t, lan.Host("router", netip.PrefixFrom(handmadeAt, 24)), handmadeAt)
		self := lan.Host("self", netip.PrefixFrom(handmadeSelf, 24))
		self.SetGateway(handmadeAt)
		keep(t, session, []byte(tr.replayOn(t, wire.NewTap(self, log.Record))))
	})
	var out bytes.Buffer
	if _, err := log.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	keep(t, filepath.Join(filepath.Dir(answers), "session.wire"), out.Bytes())
}

func keep(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

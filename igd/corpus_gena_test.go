package igd_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"upnp/gena"
	"upnp/igd/igdtest"
	"upnp/igd/wire"
)

// notification plays a recorded NOTIFY to a subscriber, who expects it: it has subscribed under the SID
// of the file at a router that knows no other. Only the path is replaced, by the one it gave out.
func (r *recording) notification(text string) {
	lan := wire.NewMemory()
	router := lan.Host("router", netip.MustParsePrefix(playedRouter+"/24"))
	callbacks := r.granting(router, fieldOf(text, "SID"))
	sub := r.subscribed(lan.Host("self", netip.MustParsePrefix(playedSelf+"/24")))
	to, err := url.Parse(<-callbacks)
	if err != nil {
		r.Fatal(err)
	}
	method, rest, _ := strings.Cut(text, " ")
	_, rest, _ = strings.Cut(rest, " ")
	r.deliver(router, to.Host, method+" "+to.Path+" "+rest)
	for event := range sub.Events(r.Context()) {
		r.event(event, text)
		break
	}
}

// granting grants every subscription under one SID. The first CALLBACK is sent to the channel.
func (r *recording) granting(router *wire.Host, sid string) <-chan string {
	callbacks := make(chan string, 1)
	igdtest.Answer(r.T, router, playedRouter+":5000", func(c net.Conn) {
		q, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		select {
		case callbacks <- strings.Trim(q.Header.Get("CALLBACK"), "<>"):
		default: // a second subscription: a gap in the numbers was noticed
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nSID: "+sid+"\r\nTIMEOUT: Second-1800\r\nContent-Length: 0\r\n\r\n")
	})
	return callbacks
}

// subscribed is a subscription by a subscriber that serves until the test ends.
func (r *recording) subscribed(self *wire.Host) *gena.Subscription {
	l, err := self.Listen(r.Context(), "tcp", playedSelf+":4004")
	if err != nil {
		r.Fatal(err)
	}
	s := &gena.Subscriber{HTTP: wire.HTTPClient(self), Listener: l}
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.Serve(r.Context()) })
	r.Cleanup(serving.Wait) // runs when the context has ended
	sub, err := s.Subscribe(r.Context(), "http://"+playedRouter+":5000/evt")
	if err != nil {
		r.Fatal(err)
	}
	return sub
}

// deliver sends the NOTIFY and wants it accepted.
func (r *recording) deliver(router *wire.Host, to, text string) {
	c, err := router.Dial(r.Context(), "tcp", to)
	if err != nil {
		r.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, text); err != nil {
		r.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || answer.StatusCode != http.StatusOK {
		r.Fatalf("the event was answered %v, %v", answer, err)
	}
}

// event compares what the subscriber heard with the text.
func (r *recording) event(e *gena.Event, text string) {
	_, body := headOf(text)
	r.properties(e.Properties, e.Notes, []byte(body))
	r.kind = "NOTIFY"
	r.equal("SID", e.SID, fieldOf(text, "SID"))
	r.equal("SEQ", strconv.FormatUint(uint64(e.Seq), 10), fieldOf(text, "SEQ"))
	if e.Initial != (fieldOf(text, "SEQ") == "0") {
		r.Errorf("initial: %v", e.Initial)
	}
}

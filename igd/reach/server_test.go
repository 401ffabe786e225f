package reach_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"upnp/igd"
	"upnp/igd/reach"
	"upnp/igd/wire"
)

// visitor is a host that may visit a server at another, in memory.
func visitor(t *testing.T, c reach.ServerConfig) (*reach.Server, *wire.Host) {
	t.Helper()
	m := wire.NewMemory()
	c.Network = m.Host("self", netip.MustParsePrefix("192.168.1.7/24"))
	s, err := reach.Listen(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, m.Host("visitor", netip.MustParsePrefix("192.168.1.8/24"))
}

// request connects, says something, and returns all that comes back.
func request(t *testing.T, from *wire.Host, text string) (answer string, took time.Duration) {
	t.Helper()
	began := time.Now()
	conn, err := from.Dial(t.Context(), "tcp4", "192.168.1.7:9542")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, text)
	all, _ := io.ReadAll(conn)
	return string(all), time.Since(began)
}

// TestServer (H1): it has one page per nonce, of 64 bytes, and not a byte for anybody else.
func TestServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []reach.Visit
		s, from := visitor(t, reach.ServerConfig{Visited: func(v reach.Visit) { told = append(told, v) }})
		nonce, err := s.Nonce()
		if err != nil || s.Addr().Port() != reach.DefaultPort {
			t.Fatal(s.Addr(), err)
		}
		other := strings.Repeat("0", len(nonce))
		for _, text := range []string{
			"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
			"GET " + reach.Path(other) + " HTTP/1.1\r\n\r\n",
			"GET " + reach.Path(nonce) + "/ HTTP/1.1\r\n\r\n",
			"GET " + reach.Path(strings.ToUpper(nonce)) + "x HTTP/1.1\r\n\r\n",
			"POST " + reach.Path(nonce) + " HTTP/1.1\r\n\r\n",
			"GET http://x" + reach.Path(nonce) + " HTTP/1.1\r\n\r\n",
			"GET " + reach.Path(nonce) + "\r\n\r\n",
			"\x16\x03\x01\x00\xa5\r\n\r\n",
			"GET " + reach.Path(nonce) + " HTTP/1.1\r\nX: " + strings.Repeat("y", 5000) + "\r\n\r\n",
		} {
			if answer, _ := request(t, from, text); answer != "" {
				t.Errorf("%.60q is answered %q", text, answer)
			}
		}
		if _, took := request(t, from, "GET "); took != 3*time.Second {
			t.Errorf("half a request is waited for for %v", took)
		}
		answer, _ := request(t, from, "GET "+reach.Path(nonce)+" HTTP/1.1\r\nHost: x\r\n\r\n")
		head, page, _ := strings.Cut(answer, "\r\n\r\n")
		if !strings.HasPrefix(head, "HTTP/1.0 200 OK\r\n") || len(page) != 64 {
			t.Errorf("the page is %q", answer)
		}
		visits := s.Visits()
		if last := visits[len(visits)-1]; len(visits) != 11 || len(told) != 11 || !last.Knew || last.From != addr("192.168.1.8") || visits[0].Knew {
			t.Errorf("visits: %v, told: %v", visits, told)
		}
	})
}

// TestServerEnds (H2): by itself after its lifetime, which has a limit, and when it is told.
func TestServerEnds(t *testing.T) {
	for _, row := range []struct{ asked, lives time.Duration }{
		{0, reach.DefaultLifetime}, {time.Second, time.Second}, {time.Hour, reach.MaxLifetime},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			s, from := visitor(t, reach.ServerConfig{Lifetime: row.asked})
			<-s.Done()
			if lived := time.Since(began); lived != row.lives {
				t.Errorf("a server for %v lives %v", row.asked, lived)
			}
			if _, err := from.Dial(t.Context(), "tcp4", "192.168.1.7:9542"); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("after its end: %v", err)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s, from := visitor(t, reach.ServerConfig{})
		if _, err := from.Dial(t.Context(), "tcp4", "192.168.1.7:9542"); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		s.Close()
		if took := time.Since(began); took != 0 {
			t.Errorf("with somebody connected it takes %v to end", took)
		}
	})
}

// TestServerCrowd (H2, H3): a crowd is cut off, what is told of it is bounded, and the nonce still gets in.
func TestServerCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, from := visitor(t, reach.ServerConfig{})
		nonce, _ := s.Nonce()
		for range 1000 {
			conn, err := from.Dial(t.Context(), "tcp4", "192.168.1.7:9542")
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
		}
		time.Sleep(4 * time.Second)
		if answer, _ := request(t, from, "GET "+reach.Path(nonce)+" HTTP/1.0\r\n\r\n"); len(answer) < 64 {
			t.Errorf("after the crowd the page is %q", answer)
		}
		for range 100 {
			request(t, from, "GET / HTTP/1.0\r\n\r\n")
		}
		if n := len(s.Visits()); n != reach.MaxVisits {
			t.Errorf("%d visits are told", n)
		}
		var err error
		for i := 0; i < 100 && err == nil; i++ {
			_, err = s.Nonce()
		}
		if !errors.Is(err, reach.ErrNonces) {
			t.Errorf("nonces without end: %v", err)
		}
	})
}

// TestServerUDP: it answers a nonce with as many bytes, and nothing else at all.
func TestServerUDP(t *testing.T) {
	free, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Skip(err)
	}
	at := netip.MustParseAddrPort(free.LocalAddr().String())
	if _, err := reach.Listen(t.Context(), reach.ServerConfig{Protocol: igd.UDP, Addr: at}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a port that somebody has: %v", err)
	}
	free.Close()
	s, err := reach.Listen(t.Context(), reach.ServerConfig{Protocol: igd.UDP, Addr: at})
	if err != nil {
		t.Skip(err) // somebody else was quicker
	}
	defer s.Close()
	nonce, _ := s.Nonce()
	conn, err := net.Dial("udp4", at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	question := "upnp-reach " + nonce
	for _, text := range []string{"", "x", strings.Repeat("x", 60000), question + "x", question[:len(question)-1], strings.ToUpper(question), "upnp-reach " + strings.Repeat("0", 32), question} {
		io.WriteString(conn, text)
	}
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	buf := make([]byte, 2000)
	n, err := conn.Read(buf)
	if err != nil || n != len(question) || !strings.HasPrefix(string(buf[:n]), "upnp-reach ") || string(buf[:n]) == question {
		t.Errorf("answer %q, %v", buf[:n], err)
	}
	visits := s.Visits()
	for _, v := range visits[:len(visits)-1] {
		if v.Knew {
			t.Errorf("an answer to something else: %v", visits)
		}
	}
	if len(visits) != 8 || !visits[7].Knew {
		t.Errorf("visits: %v", fmt.Sprint(visits))
	}
}

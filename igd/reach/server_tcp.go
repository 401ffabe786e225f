package reach

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// acceptPause is waited after a connection that could not be accepted.
const acceptPause = 10 * time.Millisecond

func (s *Server) listenTCP(ctx context.Context) error {
	l, err := s.config.Network.Listen(ctx, "tcp4", s.config.Addr.String())
	if err != nil {
		return err
	}
	s.socket = l
	s.work.Go(func() { s.accept(ctx, l) })
	return nil
}

func (s *Server) accept(ctx context.Context, l net.Listener) {
	for {
		conn, err := l.Accept()
		switch {
		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return
		case err != nil: // such as too many open files
			time.Sleep(acceptPause)
			continue
		}
		from := addrOf(conn.RemoteAddr())
		s.note(from)
		if !s.enter(from) {
			conn.Close()
			continue
		}
		s.work.Go(func() {
			defer s.leave(from)
			defer conn.Close()
			defer context.AfterFunc(ctx, func() { conn.Close() })()
			s.serve(conn, from)
		})
	}
}

// enter lets a caller in if there is room.
func (s *Server) enter(from netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.guestsN >= maxGuests || s.guests[from] >= maxGuestsEach {
		return false
	}
	s.guestsN++
	s.guests[from]++
	return true
}

func (s *Server) leave(from netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.guestsN--
	if s.guests[from]--; s.guests[from] == 0 {
		delete(s.guests, from)
	}
}

// serve answers the one request a caller may make. The visit is taken down first: whoever has the answer
// may rely on it.
func (s *Server) serve(conn net.Conn, from netip.Addr) {
	conn.SetDeadline(time.Now().Add(requestTimeout))
	nonce := s.known(requested(readHead(conn)))
	s.visit(from, nonce)
	if nonce == "" {
		return
	}
	fmt.Fprintf(conn, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s%s",
		pageSize, pageWords, s.token(nonce, time.Now()))
}

// readHead reads up to the empty line that ends the head of a request; nothing if there is none.
func readHead(conn net.Conn) []byte {
	head := make([]byte, 0, maxRequest)
	for len(head) < maxRequest {
		n, err := conn.Read(head[len(head):maxRequest])
		head = head[:len(head)+n]
		if bytes.Contains(head, []byte("\r\n\r\n")) || bytes.Contains(head, []byte("\n\n")) {
			return head
		}
		if err != nil {
			break
		}
	}
	return nil
}

// requested is the nonce in the path of a GET; empty for any other request.
func requested(head []byte) string {
	line, _, _ := strings.Cut(string(head), "\n")
	words := strings.Fields(line)
	if len(words) != 3 || words[0] != "GET" || !strings.HasPrefix(words[2], "HTTP/1.") {
		return ""
	}
	nonce, _ := strings.CutPrefix(words[1], pathPrefix)
	if !isNonce(nonce) {
		return ""
	}
	return nonce
}

func addrOf(a net.Addr) netip.Addr {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

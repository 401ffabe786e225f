package reach

import (
	"context"
	"errors"
	"net"
	"time"
)

// maxDatagramRate bounds how often a second datagrams are looked at: a flood costs nothing more.
const maxDatagramRate = 1000

func (s *Server) listenUDP(ctx context.Context) error {
	// Not through the network: its sockets may be shared, and a program's port must not be taken away.
	conn, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp4", s.config.Addr.String())
	if err != nil {
		return err
	}
	s.socket = conn
	s.work.Go(func() { s.echo(conn.(*net.UDPConn)) })
	return nil
}

// echo answers datagrams that have a nonce with one of the same size.
func (s *Server) echo(conn *net.UDPConn) {
	pace := bucket{rate: maxDatagramRate, size: maxDatagramRate}
	buf := make([]byte, datagramSize+1)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || !pace.take(time.Now()) {
			continue
		}
		nonce := s.known(nonceOf(buf[:n]))
		s.visit(from.Addr().Unmap(), nonce)
		if nonce != "" {
			conn.WriteToUDPAddrPort([]byte(datagramPrefix+s.token(nonce, time.Now())), from)
		}
	}
}

// nonceOf is the nonce of a datagram; empty for any other.
func nonceOf(datagram []byte) string {
	if len(datagram) != datagramSize || string(datagram[:len(datagramPrefix)]) != datagramPrefix {
		return ""
	}
	if n := string(datagram[len(datagramPrefix):]); isNonce(n) {
		return n
	}
	return ""
}

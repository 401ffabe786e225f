//go:build linux

package lab

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Requests counts what a host asked the LAN for.
type Requests struct{ Search, Get, Post int }

// Total is the number of requests of all kinds.
func (r Requests) Total() int { return r.Search + r.Get + r.Post }

func (r Requests) String() string {
	return fmt.Sprintf("%d M-SEARCH + %d GET + %d POST = %d", r.Search, r.Get, r.Post, r.Total())
}

// Count counts the requests that leave the host on lan0 while f runs.
func (h *Host) Count(t testing.TB, f func()) Requests {
	t.Helper()
	var sock *os.File
	err := h.Do(func() (err error) {
		sock, err = packetSocket("lan0", false)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var r Requests
	var reading sync.WaitGroup
	reading.Go(func() { r.read(sock, netip.MustParseAddr(h.Addr).As4()) })
	f()
	// What f sent is in the socket's queue by now; reading ends when that is empty.
	sock.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	reading.Wait()
	sock.Close()
	return r
}

func (r *Requests) read(sock *os.File, from [4]byte) {
	buf := make([]byte, 1<<17)
	for {
		n, err := sock.Read(buf)
		if err != nil {
			return
		}
		r.add(buf[:n], from)
	}
}

// add counts a frame if it is IPv4 from the given host and begins a request. A retransmitted
// segment counts again: it was on the wire.
func (r *Requests) add(frame []byte, from [4]byte) {
	const ethernet, ip = 14, 20
	if len(frame) < ethernet+ip+8 || binary.BigEndian.Uint16(frame[12:]) != 0x0800 {
		return
	}
	packet := frame[ethernet:]
	if [4]byte(packet[12:16]) != from {
		return
	}
	segment := packet[int(packet[0]&15)*4:]
	switch {
	case packet[9] == syscall.IPPROTO_UDP && bytes.HasPrefix(segment[8:], []byte("M-SEARCH ")):
		r.Search++
	case packet[9] == syscall.IPPROTO_TCP && len(segment) >= 20:
		r.addTCP(segment[int(segment[12]>>4)*4:])
	}
}

func (r *Requests) addTCP(payload []byte) {
	switch {
	case bytes.HasPrefix(payload, []byte("GET ")):
		r.Get++
	case bytes.HasPrefix(payload, []byte("POST ")), bytes.HasPrefix(payload, []byte("M-POST ")):
		r.Post++
	}
}

package wire

import (
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// memoryWindow is how many bytes may be under way in one direction of a connection.
const memoryWindow = 64 << 10

// A condition is what somebody waits for with the world locked. It is for one waiter or many.
type condition struct {
	sync.Cond
	mem *Memory
}

func (m *Memory) condition() *condition { return &condition{sync.Cond{L: &m.mu}, m} }

// waitUntil waits for a Broadcast, or for a time unless it is zero.
func (c *condition) waitUntil(at time.Time) {
	if at.IsZero() {
		c.Wait()
		return
	}
	timer := time.AfterFunc(time.Until(at), func() {
		c.mem.mu.Lock()
		defer c.mem.mu.Unlock()
		c.Broadcast()
	})
	defer timer.Stop()
	c.Wait()
}

// isOver reports whether a deadline has passed; the zero one never does.
func isOver(deadline time.Time) bool { return !deadline.IsZero() && !time.Now().Before(deadline) }

// earlier is the sooner of two times, of which zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// A chunk is bytes under way, or the end of a stream.
type chunk struct {
	data  []byte
	end   error     // io.EOF or a reset; data is empty then
	ready time.Time // when it arrives
	held  bool      // it arrives only after the way works again
}

// A stream is one direction of a connection.
type stream struct {
	path          path
	changed       *condition
	chunks        []chunk
	size          int
	last          time.Time // when the latest chunk arrives; none may overtake it
	gone          bool      // nobody will read any more
	done          bool      // the end was sent
	readDeadline  time.Time
	writeDeadline time.Time
}

// send puts a chunk on the way.
func (s *stream) send(c chunk) {
	c.held = !s.path.works()
	s.schedule(&c)
	s.size += len(c.data)
	s.chunks = append(s.chunks, c)
	s.changed.Broadcast()
}

// schedule says when c arrives: losses only make it later.
func (s *stream) schedule(c *chunk) {
	lan := s.path.from.lan
	at := time.Now().Add(lan.delay())
	for tries := 0; tries < 16 && lan.chance(lan.conditions.Loss); tries++ {
		at = at.Add(segmentRepeat << min(tries, 4))
	}
	if at.Before(s.last) {
		at = s.last
	}
	c.ready, s.last = at, at
}

// release lets what was held travel, where the way works again.
func (s *stream) release() {
	for i := range s.chunks {
		if c := &s.chunks[i]; c.held && s.path.works() {
			c.held = false
			s.schedule(c)
		}
	}
	s.changed.Broadcast()
}

// reset ends the stream at once.
func (s *stream) reset() {
	s.chunks, s.size, s.done = []chunk{{end: syscall.ECONNRESET}}, 0, true
	s.changed.Broadcast()
}

// isReset reports whether the stream ends with a reset that has arrived.
func (s *stream) isReset() bool {
	return len(s.chunks) > 0 && s.chunks[0].end == syscall.ECONNRESET && !s.chunks[0].held && !s.chunks[0].ready.After(time.Now())
}

// read takes what has arrived, or waits.
func (s *stream) read(p []byte) (int, error) {
	for {
		if s.gone {
			return 0, net.ErrClosed
		}
		if isOver(s.readDeadline) {
			return 0, os.ErrDeadlineExceeded
		}
		until := s.readDeadline
		if len(s.chunks) > 0 && !s.chunks[0].held {
			c := &s.chunks[0]
			if !c.ready.After(time.Now()) {
				return s.take(c, p)
			}
			until = earlier(until, c.ready)
		}
		s.changed.waitUntil(until)
	}
}

func (s *stream) take(c *chunk, p []byte) (int, error) {
	if c.end == syscall.ECONNRESET {
		return 0, os.NewSyscallError("read", c.end)
	}
	n := copy(p, c.data)
	if c.data = c.data[n:]; len(c.data) == 0 && c.end == nil {
		s.chunks = s.chunks[1:]
	}
	s.size -= n
	if n > 0 {
		s.changed.Broadcast()
	}
	return n, c.end
}

// write sends all of p, waiting for room.
func (s *stream) write(p []byte) (sent int, err error) {
	for sent < len(p) {
		switch {
		case s.done, s.gone && s.path.works():
			return sent, os.NewSyscallError("write", syscall.EPIPE)
		case isOver(s.writeDeadline):
			return sent, os.ErrDeadlineExceeded
		case s.size >= memoryWindow:
			s.changed.waitUntil(s.writeDeadline)
		default:
			n := min(len(p)-sent, memoryWindow-s.size)
			s.send(chunk{data: append([]byte(nil), p[sent:sent+n]...)})
			sent += n
		}
	}
	return sent, nil
}

// A pipe is a connection with both its ends.
type pipe struct{ ends [2]*memoryConn }

// connect makes a connection along p and returns the end of its beginning.
func (m *Memory) connect(p path, fromPort, toPort uint16) *memoryConn {
	local, remote := netip.AddrPortFrom(p.src, fromPort), netip.AddrPortFrom(p.dst, toPort)
	out := &stream{path: p, changed: m.condition()}
	in := &stream{path: p.back(), changed: m.condition()}
	a := &memoryConn{mem: m, link: p.from, in: in, out: out, local: p.from.tcpAddr(local), remote: p.from.tcpAddr(remote)}
	b := &memoryConn{mem: m, link: p.to, in: out, out: in, local: p.to.tcpAddr(remote), remote: p.to.tcpAddr(local)}
	a.peer, b.peer = b, a
	a.pipe = &pipe{[2]*memoryConn{a, b}}
	b.pipe = a.pipe
	m.pipes[a.pipe] = struct{}{}
	return a
}

func (l *Link) tcpAddr(ap netip.AddrPort) *net.TCPAddr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(l.zoned(ap.Addr()), ap.Port()))
}

// release looks at all connections after the world has changed.
func (m *Memory) release() {
	for p := range m.pipes {
		p.ends[0].in.release()
		p.ends[1].in.release()
	}
}

// memoryConn is one end of a connection.
type memoryConn struct {
	mem           *Memory
	pipe          *pipe
	peer          *memoryConn
	link          *Link
	in, out       *stream
	local, remote *net.TCPAddr
	hard          bool // Close resets
}

func (c *memoryConn) fail(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}

func (c *memoryConn) Read(p []byte) (int, error) {
	c.mem.mu.Lock()
	defer c.mem.mu.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	n, err := c.in.read(p)
	return n, c.fail("read", err)
}

func (c *memoryConn) Write(p []byte) (int, error) {
	c.mem.mu.Lock()
	defer c.mem.mu.Unlock()
	if c.in.gone {
		return 0, c.fail("write", net.ErrClosed)
	}
	if c.in.isReset() {
		return 0, c.fail("write", os.NewSyscallError("write", syscall.ECONNRESET))
	}
	n, err := c.out.write(p)
	if c.in.gone {
		err = net.ErrClosed
	}
	return n, c.fail("write", err)
}

// CloseWrite sends the end and keeps on reading.
func (c *memoryConn) CloseWrite() error {
	c.mem.mu.Lock()
	defer c.mem.mu.Unlock()
	c.sendEnd(io.EOF)
	return nil
}

func (c *memoryConn) sendEnd(end error) {
	if !c.out.done {
		c.out.done = true
		c.out.send(chunk{end: end})
	}
}

// SetLinger with 0 makes Close reset the connection; other values are ignored.
func (c *memoryConn) SetLinger(sec int) error {
	c.mem.mu.Lock()
	defer c.mem.mu.Unlock()
	c.hard = sec == 0
	return nil
}

// Close ends both directions: with a reset if there is something unread, as TCP does.
func (c *memoryConn) Close() error {
	c.mem.mu.Lock()
	defer c.mem.mu.Unlock()
	if c.in.gone {
		return c.fail("close", net.ErrClosed)
	}
	c.close(c.hard || c.in.size > 0)
	return nil
}

func (c *memoryConn) close(hard bool) {
	if hard {
		c.out.done = false // a reset goes out even behind an end
		c.sendEnd(syscall.ECONNRESET)
	} else {
		c.sendEnd(io.EOF)
	}
	c.in.gone = true
	c.in.chunks, c.in.size = nil, 0
	c.in.changed.Broadcast()
	if c.peer.in.gone {
		delete(c.mem.pipes, c.pipe)
	}
}

// abandon takes back a connection whose dialler has lost patience.
func (c *memoryConn) abandon() {
	c.mem.mu.Lock()
	defer c.mem.mu.Unlock()
	c.close(true)
}

func (c *memoryConn) LocalAddr() net.Addr  { return c.local }
func (c *memoryConn) RemoteAddr() net.Addr { return c.remote }

func (c *memoryConn) SetDeadline(t time.Time) error { return c.setDeadlines(&t, &t) }

func (c *memoryConn) SetReadDeadline(t time.Time) error { return c.setDeadlines(&t, nil) }

func (c *memoryConn) SetWriteDeadline(t time.Time) error { return c.setDeadlines(nil, &t) }

func (c *memoryConn) setDeadlines(read, write *time.Time) error {
	c.mem.mu.Lock()
	defer c.mem.mu.Unlock()
	if c.in.gone {
		return c.fail("set", net.ErrClosed)
	}
	if read != nil {
		c.in.readDeadline = *read
		c.in.changed.Broadcast()
	}
	if write != nil {
		c.out.writeDeadline = *write
		c.out.changed.Broadcast()
	}
	return nil
}

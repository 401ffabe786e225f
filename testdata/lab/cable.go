//go:build linux

package lab

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Constants of <linux/if_packet.h> that package syscall lacks, and of <linux/virtio_net.h>.
const (
	packetVnetHdr        = 15
	packetIgnoreOutgoing = 23
	vnetHdrLen           = 10
	ethPAll              = 3
)

// A bad cable is a learning switch that takes the place of the LAN's bridge. It loses frames and
// holds them back; each receiver of a broadcast has its own luck. Frames carry the header in which
// virtual cards tell of checksums and segments yet to be made (PACKET_VNET_HDR), so TCP stays whole.
type badCable struct {
	loss  float64
	delay time.Duration

	mu    sync.Mutex
	ports []*cablePort
	where map[[6]byte]*cablePort
}

type cablePort struct {
	sock *os.File
	out  chan delayed
}

type delayed struct {
	due   time.Time
	frame []byte
}

// cable replaces the LAN's bridge by a bad one, until the test ends.
func (l *Lab) cable(loss float64, delay time.Duration) {
	l.t.Helper()
	b := &badCable{loss: loss, delay: delay, where: map[[6]byte]*cablePort{}}
	for _, name := range l.ports {
		l.ip("-n", l.sw.ns, "link", "set", name, "nomaster")
		var sock *os.File
		err := l.sw.Do(func() (err error) {
			sock, err = packetSocket(name, true)
			return err
		})
		if err != nil {
			l.t.Fatalf("packet socket on %s: %v", name, err)
		}
		b.ports = append(b.ports, &cablePort{sock: sock, out: make(chan delayed, 4096)})
	}
	l.t.Cleanup(b.start())
}

// start moves frames until the function it returns is called.
func (b *badCable) start() (stop func()) {
	var reading, writing sync.WaitGroup
	for _, p := range b.ports {
		reading.Go(func() { b.read(p) })
		writing.Go(p.write)
	}
	return func() {
		for _, p := range b.ports {
			p.sock.Close()
		}
		reading.Wait()
		for _, p := range b.ports {
			close(p.out)
		}
		writing.Wait()
	}
}

func (b *badCable) read(from *cablePort) {
	buf := make([]byte, 1<<17)
	for {
		n, err := from.sock.Read(buf)
		if err != nil {
			return
		}
		if n < vnetHdrLen+14 {
			continue
		}
		due := time.Now().Add(b.delay)
		for _, to := range b.route(from, buf[vnetHdrLen:n]) {
			if rand.Float64() >= b.loss {
				to.send(delayed{due, append([]byte(nil), buf[:n]...)})
			}
		}
	}
}

// route learns where a frame came from and tells where it goes.
func (b *badCable) route(from *cablePort, frame []byte) []*cablePort {
	dst, src := [6]byte(frame[:6]), [6]byte(frame[6:12])
	b.mu.Lock()
	defer b.mu.Unlock()
	b.where[src] = from
	if to := b.where[dst]; to != nil && dst[0]&1 == 0 {
		return []*cablePort{to}
	}
	var all []*cablePort
	for _, p := range b.ports {
		if p != from {
			all = append(all, p)
		}
	}
	return all
}

func (p *cablePort) send(d delayed) {
	select {
	case p.out <- d:
	default: // the queue is full, as queues are
	}
}

func (p *cablePort) write() {
	for d := range p.out {
		time.Sleep(time.Until(d.due))
		p.sock.Write(d.frame) // a frame that cannot be sent is lost
	}
}

// packetSocket receives the frames of an interface. For a switch they are those that come in, with
// their vnet header; otherwise those that go out too.
func packetSocket(ifname string, forSwitch bool) (*os.File, error) {
	ifi, err := net.InterfaceByName(ifname)
	if err != nil {
		return nil, err
	}
	fd, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_RAW|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := preparePacketSocket(fd, ifi.Index, forSwitch); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), ifname), nil
}

func preparePacketSocket(fd, ifindex int, forSwitch bool) error {
	if forSwitch {
		for _, option := range []int{packetVnetHdr, packetIgnoreOutgoing} {
			if err := syscall.SetsockoptInt(fd, syscall.SOL_PACKET, option, 1); err != nil {
				return err
			}
		}
		if err := promiscuous(fd, ifindex); err != nil {
			return err
		}
	}
	syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<20)
	return syscall.Bind(fd, &syscall.SockaddrLinklayer{Protocol: bigEndian(ethPAll), Ifindex: ifindex})
}

// promiscuous makes the socket hear frames to any address: struct packet_mreq, PACKET_MR_PROMISC.
func promiscuous(fd, ifindex int) error {
	req := make([]byte, 16)
	binary.NativeEndian.PutUint32(req, uint32(ifindex))
	binary.NativeEndian.PutUint16(req[4:], syscall.PACKET_MR_PROMISC)
	return syscall.SetsockoptString(fd, syscall.SOL_PACKET, syscall.PACKET_ADD_MEMBERSHIP, string(req))
}

func bigEndian(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}

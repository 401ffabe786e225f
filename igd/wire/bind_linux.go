package wire

import "syscall"

// ipBindAddressNoPort is IP_BIND_ADDRESS_NO_PORT of linux/in.h.
const ipBindAddressNoPort = 24

// lateBind leaves the choice of the local port to connect, which may reuse one that is busy
// towards another peer. Without it a long listing from a bound address runs out of ports. A kernel
// that does not know the option still binds.
func lateBind(fd uintptr) {
	_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, ipBindAddressNoPort, 1)
}

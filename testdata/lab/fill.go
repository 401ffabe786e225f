//go:build linux

package lab

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"syscall"
	"testing"
	"time"
)

// seed is the mapping that Fill copies. Its port and the text of it are found in the rule's bytes
// and replaced, so they must not occur there by chance.
const (
	seedPort        = 43981 // 0xabcd
	seedDescription = "entry 43981 of the lab"
)

// Fill makes the router hold n mappings of TCP ports from first on, to client's same ports, with
// the description "entry PORT of the lab" (the port with five digits) and a lease of an hour.
//
// By SOAP 5,000 mappings take the daemon four minutes, a refresh of them a few seconds. So one is
// made that way and the kernel's rule of it is copied n times. When the one is deleted again the
// daemon reads its rules anew and has them all, but not their leases, until they are refreshed.
func (r *Router) Fill(t testing.TB, client *Host, first, n int) {
	t.Helper()
	err := r.add(client, seedPort)
	if err == nil {
		err = r.Do(func() error { return copyRules(first, n) })
	}
	if err == nil {
		err = r.call(client, "DeletePortMapping", fmt.Sprintf(keyArgs, seedPort))
	}
	for port := first; port < first+n && err == nil; port++ {
		err = r.add(client, port)
	}
	if err != nil {
		t.Fatalf("filling the router: %v", err)
	}
}

// Add makes n mappings as fast as one client can, in the way of Fill, and returns how long it took.
func (r *Router) Add(t testing.TB, client *Host, first, n int) (took time.Duration) {
	t.Helper()
	err := client.Do(func() error {
		begin := time.Now()
		defer func() { took = time.Since(begin) }()
		for port := first; port < first+n; port++ {
			conn, err := net.Dial("tcp4", r.authority())
			if err != nil {
				return err
			}
			if err := r.callOver(conn, "AddPortMapping", addArgs(client, port)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return took
}

const (
	keyArgs  = "<NewRemoteHost></NewRemoteHost><NewExternalPort>%d</NewExternalPort><NewProtocol>TCP</NewProtocol>"
	restArgs = "<NewInternalPort>%d</NewInternalPort><NewInternalClient>%s</NewInternalClient><NewEnabled>1</NewEnabled>" +
		"<NewPortMappingDescription>entry %05d of the lab</NewPortMappingDescription><NewLeaseDuration>3600</NewLeaseDuration>"
)

func (r *Router) add(client *Host, port int) error {
	return r.call(client, "AddPortMapping", addArgs(client, port))
}

func addArgs(client *Host, port int) string {
	return fmt.Sprintf(keyArgs+restArgs, port, port, client.Addr, port)
}

func (r *Router) authority() string { return net.JoinHostPort(r.Addr, fmt.Sprint(httpPort)) }

// call makes a SOAP call of miniupnpd's WANIPConnection, with nothing of the stack under test.
func (r *Router) call(client *Host, action, arguments string) error {
	conn, err := client.Dial(context.Background(), r.authority())
	if err != nil {
		return err
	}
	return r.callOver(conn, action, arguments)
}

// callOver makes a call over a connection, and closes it.
func (r *Router) callOver(conn net.Conn, action, arguments string) error {
	const service = "urn:schemas-upnp-org:service:WANIPConnection:1"
	defer conn.Close()
	body := fmt.Sprintf(`<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">`+
		`<s:Body><u:%s xmlns:u="%s">%s</u:%[1]s></s:Body></s:Envelope>`, action, service, arguments)
	fmt.Fprintf(conn, "POST /ctl/IPConn HTTP/1.1\r\nHost: %s\r\nContent-Type: text/xml\r\nSOAPAction: \"%s#%s\"\r\n"+
		"Content-Length: %d\r\n\r\n%s", r.authority(), service, action, len(body), body)
	answer, err := io.ReadAll(conn)
	if err == nil && !bytes.HasPrefix(answer, []byte("HTTP/1.1 200 ")) {
		err = fmt.Errorf("%s: %s", action, answer)
	}
	return err
}

// Numbers of <linux/netfilter/nfnetlink.h> and nf_tables.h.
const (
	netlinkNetfilter = 12
	nfnlBatchBegin   = 16
	nfnlBatchEnd     = 17
	nftables         = 10 // the subsystem; upper byte of a message type
	nftNewRule       = nftables<<8 | 6
	nftGetRule       = nftables<<8 | 7
	familyInet       = 1
	ruleTable        = 1 // attributes
	ruleChain        = 2
	ruleExpressions  = 4
	ruleUserdata     = 7
)

// copyRules copies the rule of the seed mapping in chain upnp_dnat.
func copyRules(first, n int) error {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, netlinkNetfilter)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return err
	}
	rule, err := seedRule(fd)
	if err != nil {
		return err
	}
	const perBatch = 100 // well within a socket's send buffer
	for port := first; port < first+n; port += perBatch {
		if err := sendBatch(fd, rule, port, min(port+perBatch, first+n)); err != nil {
			return err
		}
	}
	return nil
}

// seedRule reads the seed's rule: its attributes, but for the handle, which is its own.
func seedRule(fd int) ([]byte, error) {
	req := attribute(nil, ruleTable, []byte("igd\x00"))
	req = attribute(req, ruleChain, []byte("upnp_dnat\x00"))
	if err := send(fd, message(nil, nftGetRule, syscall.NLM_F_REQUEST|syscall.NLM_F_DUMP, 0, req)); err != nil {
		return nil, err
	}
	messages, err := receive(fd)
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		if m.Header.Type == nftNewRule && bytes.Contains(m.Data, []byte(seedDescription)) {
			return withoutHandle(m.Data[4:]), nil
		}
	}
	return nil, errors.New("the daemon made no rule with the seed's description")
}

func withoutHandle(attributes []byte) []byte {
	var kept []byte
	for len(attributes) >= 4 {
		size := int(binary.NativeEndian.Uint16(attributes))
		kind := binary.NativeEndian.Uint16(attributes[2:]) &^ (1 << 15) // without NLA_F_NESTED
		if slices.Contains([]uint16{ruleTable, ruleChain, ruleExpressions, ruleUserdata}, kind) {
			kept = append(kept, attributes[:min(pad(size), len(attributes))]...)
		}
		attributes = attributes[min(pad(size), len(attributes)):]
	}
	return kept
}

// sendBatch adds the rules for ports from..to-1 in one transaction.
func sendBatch(fd int, rule []byte, from, to int) error {
	batch := message(nil, nfnlBatchBegin, syscall.NLM_F_REQUEST, nftables, nil)
	for port := from; port < to; port++ {
		flags := syscall.NLM_F_REQUEST | syscall.NLM_F_CREATE | syscall.NLM_F_APPEND
		if port == to-1 {
			flags |= syscall.NLM_F_ACK
		}
		batch = message(batch, nftNewRule, flags, 0, withPort(rule, port))
	}
	if err := send(fd, message(batch, nfnlBatchEnd, syscall.NLM_F_REQUEST, nftables, nil)); err != nil {
		return err
	}
	_, err := receive(fd)
	return err
}

func withPort(rule []byte, port int) []byte {
	be := func(p int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(p)) }
	rule = bytes.ReplaceAll(rule, be(seedPort), be(port))
	return bytes.Replace(rule, fmt.Appendf(nil, "%05d", seedPort), fmt.Appendf(nil, "%05d", port), 1)
}

// message appends a netlink message of nfnetlink: header, family, attributes.
func message(b []byte, kind, flags, resource int, attributes []byte) []byte {
	b = binary.NativeEndian.AppendUint32(b, uint32(syscall.NLMSG_HDRLEN+4+len(attributes)))
	b = binary.NativeEndian.AppendUint16(b, uint16(kind))
	b = binary.NativeEndian.AppendUint16(b, uint16(flags))
	b = binary.NativeEndian.AppendUint32(b, 1) // sequence
	b = binary.NativeEndian.AppendUint32(b, 0) // port: the kernel fills it in
	b = append(b, familyInet, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(resource))
	return append(b, attributes...)
}

func attribute(b []byte, kind uint16, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(4+len(value)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = append(b, value...)
	return append(b, make([]byte, pad(len(value))-len(value))...)
}

func pad(n int) int { return (n + 3) &^ 3 }

func send(fd int, b []byte) error {
	return syscall.Sendto(fd, b, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK})
}

// receive reads messages up to the end of a dump or an acknowledgement. A refusal is an error.
func receive(fd int) ([]syscall.NetlinkMessage, error) {
	var all []syscall.NetlinkMessage
	buf := make([]byte, 1<<18)
	for {
		n, _, err := syscall.Recvfrom(fd, buf, 0)
		if err != nil {
			return nil, err
		}
		messages, err := syscall.ParseNetlinkMessage(slices.Clone(buf[:n]))
		if err != nil {
			return nil, err
		}
		for _, m := range messages {
			switch m.Header.Type {
			case syscall.NLMSG_DONE:
				return all, nil
			case syscall.NLMSG_ERROR:
				if code := int32(binary.NativeEndian.Uint32(m.Data)); code != 0 {
					return nil, syscall.Errno(-code)
				}
				return all, nil
			}
			all = append(all, m)
		}
	}
}

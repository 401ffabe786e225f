// Package wire is where every byte of the stack enters and leaves: [Network] and the values that
// implement it.
//
//	System()             the real network
//	NewMemory().Host(…)  hosts on an in-memory LAN, for tests and the demo
//	NewTap(next, sink)   any of them, with every message shown to a sink
//	NewReplay(log)       a recorded conversation, which answers as it did; also served on any of them
//
// Sinks are [Recorder] (exact bytes, the .wire file, a new one when it is full), [Print] (the same to a
// writer), [Messages] (requests and answers, put together), [Summary] (a line for each of these) and
// [Log.Record]; [Redact] stands in front of any of them. [HTTPClient] is the HTTP/1 client of the
// stack: one connection and one write per request, header names as they were put, and a reader for
// what routers answer in practice. [Sanitize] makes text from a device fit for a terminal.
//
// # The .wire file
//
// A file starts with a line naming the format and the time of its start, in UTC with six decimals:
//
//	upnp-wire 1 2026-03-04T05:06:07.000008Z
//
// Then comes, for each [Event], one line of seven fields parted by single spaces, and if the last
// field is not 0, exactly that many bytes and one line feed:
//
//	0.050312 2 sent tcp 192.168.1.7:40312 192.168.1.1:5000 73
//	GET /rootDesc.xml HTTP/1.1
//	Host: 192.168.1.1:5000
//	Connection: close
//
// The fields are
//
//	offset  seconds since the start, with six decimals
//	flow    one number for each connection and each UDP socket, from 1
//	kind    opened, accepted, sent, received, failed, closed: the [Kind] as its String
//	net     tcp or udp
//	local   address and port at our end, or of a socket that has joined a group the group
//	remote  those of the peer; of an opened UDP socket the group with port 0, or -
//	count   how many bytes follow the line, in decimal without leading zeros
//
// An address that is not known is "-". IPv6 addresses stand in brackets, with their zone behind '%';
// in the zone, blanks, '%', ']' and anything outside ASCII are written %XX. The bytes of "sent" and
// "received" are what went in one write or came in one read, or a datagram; those of "failed" and "closed"
// are the Err: why it failed, and "EOF" if the peer had ended its side before we closed. A connection that did not
// come about is one "failed" without a local address. Sent bytes are told of before they go, so that no
// answer comes first; times never go back.
//
// Nothing else is escaped: cat shows the conversation, git compares it, and a log read back and written
// again is the same file. A line is at most 512 bytes, the data of an event 16 MiB; readers refuse more.
// A file that ends within an event was cut off: what is before it is good. Of the files of a [Recorder]
// each is complete by itself; flows that were open before it began are opened again at its beginning.
package wire

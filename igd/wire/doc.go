// Package wire is where every byte of the stack enters and leaves: [Network] and the values that
// implement it.
//
//	System()             the real network
//	NewMemory().Host(…)  hosts on an in-memory LAN, for tests and the demo
//	NewTap(next, sink)   any of them, with every message shown to a sink
//
// Sinks are [Print] (exact bytes, the .wire file), [Messages] (requests and answers, put together),
// [Summary] (a line for each of these) and [Log.Record]; [Redact] stands in front of any of them.
// [HTTPClient] is the HTTP/1 client of the stack: one connection and one write per
// request, header names as they were put, and a reader for what routers answer in practice.
// [Sanitize] makes text from a device fit for a terminal.
//
// # The .wire file
//
// A file starts with a line naming the format and the time of its start:
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
// The fields are the seconds since the start with six decimals, the flow, the [Kind] as its
// String, the network ("tcp", "udp"), the local and the remote address, and the byte count. An
// address that is not known is "-"; in an IPv6 zone, blanks, '%' and anything outside ASCII are
// written %XX. The bytes of a "failed" or "closed" event are its Err. Nothing else is escaped:
// cat shows the conversation, and a log read back and written again is the same file.
package wire

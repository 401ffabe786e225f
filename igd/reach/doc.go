// Package reach finds out whether a mapped port is really open.
//
// A router that says yes proves nothing: nothing may listen inside, the table may list what the
// packet filter has forgotten, the router may itself be behind another NAT. A [Checker] gives five
// verdicts, each with its reason, and an answer that is never a guess:
//
//	local    something listens at the inner end
//	mapped   the router's table has the mapping, enabled, and it leads there
//	public   the router's own address can be reached from the Internet
//	hairpin  the router loops a connection to its own outside address back; no proof of anything
//	outside  somebody elsewhere was asked to connect, and arrived
//
// A [Probe] asks somebody elsewhere, a web service of the user's choice; a [ProbeServer] is one.
// A [Server] listens at the inner end in place of the user's program. It knows a nonce that only
// the probe is told: its arrival is the proof, and not the probe's word.
//
//	checker                probe server            router            server
//	   | GET /port/9542?nonce=N |                     |                 |
//	   |----------------------->| GET /r/N            |                 |
//	   |                        |-------------------->|---------------->|  N, from the probe's address
//
// Over UDP the probe sends the nonce in a datagram, and the server answers with one of that size.
package reach

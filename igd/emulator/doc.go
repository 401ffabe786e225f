// Package emulator is a router in memory: an [igd.Backend] with a mapping table, leases that
// count down, and as much of the character of real routers as a test wants.
//
// A [Router] made from a [Profile] is used directly, as a backend, or put on a network:
//
//	r := emulator.New(emulator.Profile{Device: igd.V1, Quirks: quirks})
//	err := r.Serve(ctx, igd.Server{Network: n, Interface: "eth0"})
//
// Without quirks it behaves by the book: WANIPConnection:1 and :2 and WANPPPConnection:1, with
// the conflict table of WANIPConnection:2 section 2.5.16. A [Quirk] is one thing a real device
// does differently. There is no other difference between one router and another: no vendor's
// name decides anything.
//
// [Like] makes a profile of a recorded session: a router that says and refuses what the recorded one did,
// with a table of its own.
//
// Time is the system's, so in a testing/synctest bubble a lease of an hour takes no time.
package emulator

// Package igdtest tests gateways, and has one ready for tests of other things.
//
// [TestBackend] is what every [igd.Backend] has to do, whoever stands behind it: an emulator in
// the same process, a gateway over a network in memory, over sockets, or a real router. [Start]
// is a router and a client that found it.
package igdtest

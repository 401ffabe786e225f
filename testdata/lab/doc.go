// Package lab builds a home network in network namespaces: hosts on a LAN, a router that runs the
// real miniupnpd on nftables, and the Internet behind it. See ../README.md for a picture.
//
// A test calls [Up], gets a [Lab], and runs programs on its hosts. Everything is gone when the test
// ends; a guard process cleans up even if the test binary is killed. No namespace has a way to the
// machine's own interfaces, so nothing that is multicast in a lab is heard outside of it.
//
// It needs Linux and root.
package lab

// Package igd is about one UPnP device: the Internet gateway, the router that opens ports.
//
// It follows InternetGatewayDevice:1 and :2 with WANIPConnection:1 and :2, WANPPPConnection:1,
// WANCommonInterfaceConfig:1 and Layer3Forwarding:1, on top of the packages ssdp, description,
// soap and gena.
//
// [Client] finds a gateway and [Gateway] is one; [Server] is the other half and offers any
// [Backend] to a network as a gateway. Both sides meet in Backend, which a Gateway satisfies: a
// program need not know whether it talks to a router, to an emulator in memory, or to another
// program's Server.
//
// There are two floors. A method of Backend is one action and one answer, refusals included, as
// a debugger wants it:
//
//	POST /ctl/IPConn HTTP/1.1
//	SOAPACTION: "urn:schemas-upnp-org:service:WANIPConnection:1#AddPortMapping"
//
//	<u:AddPortMapping …><NewRemoteHost></NewRemoteHost><NewExternalPort>9542</NewExternalPort>…
//
// [Gateway.Map], [Gateway.Edit] and [Gateway.Remove] are wishes. They cope with what routers
// dislike, read back what they did, and tell what is true afterwards: see [Grant].
//
// [Gateway.Changes] tells what becomes of the table, the external address, the connection and the
// gateway itself, from its events or by asking. Nothing is told that was only heard.
//
// [Client.Survey] and [Survey] say why there is no gateway, or why it does not do what it should: a
// [Report] names the cause and holds all that was seen.
//
// What routers get wrong is a fact to show and to rank by, and gates nothing: a connection that
// says Disconnected, a missing service document, a private external address, a version no
// standard has. Repairs are told in Notes. Nothing here depends on a make of router; what worked
// on one is learnt at run time and kept in a [Memory].
package igd

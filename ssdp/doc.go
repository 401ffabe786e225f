// Package ssdp finds UPnP devices and lets them be found, by the Simple Service Discovery Protocol of the UPnP Device
// Architecture 1.0, 1.1 and 2.0, chapter 1.
//
// [Client] is the half that searches and listens, [Server] the half that announces and answers. Both speak [Message]s,
// which are HTTP without a body, one in each UDP datagram. Whoever looks for a router sends, to 239.255.255.250:1900,
//
//	M-SEARCH * HTTP/1.1
//	HOST: 239.255.255.250:1900
//	MAN: "ssdp:discover"
//	MX: 1
//	ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1
//
// and hears from the router, within MX seconds, where its description is:
//
//	HTTP/1.1 200 OK
//	CACHE-CONTROL: max-age=1800
//	EXT:
//	LOCATION: http://192.168.1.1:5000/rootDesc.xml
//	SERVER: Linux/5.4 UPnP/1.1 example/1.0
//	ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1
//	USN: uuid:6f1c2a7e-93d4-4c51-8a0e-0123456789ab::urn:schemas-upnp-org:device:InternetGatewayDevice:1
//
// Without being asked a device sends the same to everyone as NOTIFY, with NT for ST, and NTS: ssdp:alive, or ssdp:byebye
// when it goes.
//
// Reading is forgiving: missing reason phrases, bare line feeds, missing ends, NUL padding, lines without colon, any white
// space and any case, foreign bytes. Each repair leaves a line in [Message.Notes]. Writing knows one form.
//
// A datagram is a hint and anybody can send one. So there are bounds on size, speed and number for everything that
// comes in, what is not from the link or its gateway is dropped, and a server answers neighbours only, a few times a second.
//
// All sockets come from a [ListenFunc], so that a recorder or a network in memory can take the system's place.
package ssdp

// Package gena listens for changes of a device's state, and tells of them: the eventing part of
// the UPnP Device Architecture 1.1, section 4, once drafted as General Event Notification
// Architecture.
//
// A [Subscriber] subscribes to services and receives their events, a [Publisher] takes
// subscriptions and sends events. The request for a subscription:
//
//	SUBSCRIBE /evt/IPConn HTTP/1.1
//	HOST: 192.168.1.1:5000
//	CALLBACK: <http://192.168.1.7:49152/7a3c9d2e41f05b68c3d19e7f2a6b8c04>
//	NT: upnp:event
//	TIMEOUT: Second-1800
//
// is answered with a SID, the name of the subscription, and the time it lasts. From then on the
// device sends each change to the CALLBACK, the first time with the values of all variables:
//
//	NOTIFY /7a3c9d2e41f05b68c3d19e7f2a6b8c04 HTTP/1.1
//	HOST: 192.168.1.7:49152
//	CONTENT-TYPE: text/xml; charset="utf-8"
//	NT: upnp:event
//	NTS: upnp:propchange
//	SID: uuid:0a1b2c3d-0000-4000-8000-0123456789ab
//	SEQ: 0
//	CONTENT-LENGTH: 171
//
//	<?xml version="1.0"?>
//	<e:propertyset xmlns:e="urn:schemas-upnp-org:event-1-0"><e:property>
//	<ConnectionStatus>Connected</ConnectionStatus></e:property></e:propertyset>
//
// # What can go wrong
//
// Nobody proves who he is. A Subscriber takes events at a path nobody can guess, from the
// addresses of the device, with the right SID, and spends little time and memory on anybody else;
// a Publisher sends to nobody but the address that subscribed. Still an [Event] is a hint that
// something has changed, and what matters is better read from the device.
//
// Devices write NOTIFY requests in many ways; all of them are understood that leave no doubt
// about the path, the SID and the number: HTTP/1.0, lines that end in LF, blanks before colons,
// no HOST, no length, a wrong length, chunks, changed paths, an event before the answer that
// names its subscription, property sets as [ParseProperties] lists them. Events that overtook
// each other are put in order, and an event that has to be answered waits for nobody: it is
// answered first and read later.
//
// A subscription is renewed at half of its time. When the device says that it knows of none, or
// events are missing, a new one is made.
package gena

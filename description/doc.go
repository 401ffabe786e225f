// Package description reads, resolves, fetches, writes and serves what a UPnP device says
// it is: the root device description and the service descriptions (SCPD) of the UPnP
// Device Architecture, versions 1.0, 1.1 and 2.0, chapter "Description".
//
// [Client] fetches, [Handler] serves; [Root] and [SCPD] are what goes between them, and
// [ParseRoot], [ParseSCPD] and their WriteTo the two directions of the wire:
//
//	GET /root.xml HTTP/1.1
//	HOST: 192.0.2.1:5000
//
//	HTTP/1.1 200 OK
//	CONTENT-TYPE: text/xml; charset="utf-8"
//
//	<root xmlns="urn:schemas-upnp-org:device-1-0">
//	  <specVersion><major>1</major><minor>0</minor></specVersion>
//	  <device>
//	    <deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType>
//	    <friendlyName>Router</friendlyName>
//	    ...
//	    <serviceList><service>
//	      <serviceType>urn:schemas-upnp-org:service:Layer3Forwarding:1</serviceType>
//	      <serviceId>urn:upnp-org:serviceId:L3Forwarding1</serviceId>
//	      <SCPDURL>/l3f.xml</SCPDURL>
//	      <controlURL>/ctl/l3f</controlURL>
//	      <eventSubURL>/evt/l3f</eventSubURL>
//	    </service></serviceList>
//	  </device>
//	</root>
//
// Reading takes whatever a device can have meant: a lost namespace, a document element
// of another name, elements in any order and case, padded values, lists without their
// items and items without their list. Each repair is a line in Notes, and what cannot be
// repaired is left out alone. A document is refused only if there is no device, or neither action
// nor variable, in it, or if it is beyond the limits that keep a hostile one cheap.
//
// Types and identifiers are kept as text; which device or service they stand for is not
// this package's business.
package description

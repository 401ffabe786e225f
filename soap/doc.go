// Package soap calls the actions of UPnP services and answers such calls: the control part
// of the UPnP Device Architecture, section 3, which is a small corner of SOAP 1.1.
//
// A [Client] calls, a [Handler] answers. [Request], [Response] and [Fault] are what goes
// over the wire between them. A call looks like this (line breaks added in the body):
//
//	POST /ctl/IPConn HTTP/1.1
//	HOST: 192.168.1.1:5000
//	CONTENT-TYPE: text/xml; charset="utf-8"
//	SOAPACTION: "urn:schemas-upnp-org:service:WANIPConnection:1#GetExternalIPAddress"
//	CONTENT-LENGTH: 281
//
//	<?xml version="1.0"?>
//	<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"
//	 s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>
//	<u:GetExternalIPAddress xmlns:u="urn:schemas-upnp-org:service:WANIPConnection:1">
//	</u:GetExternalIPAddress></s:Body></s:Envelope>
//
// Its answer has an element GetExternalIPAddressResponse in the same place, and a refusal a
// Fault with a UPnPError inside.
//
// Answers are read as routers send them: with any prefix, name space, case and order, with
// the repairs of package xmldoc, faults under HTTP status 200, faults without faultcode or
// cut off behind the errorCode, and answers under status 500. What had to be overlooked is
// in the Notes. What is never overlooked: an answer to another action, and an argument that
// was cut.
package soap

package wire

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// refuse tells the client that what it asks was not recorded: in an answer, or where the client is a [Replay] itself
// with the error. A call is refused as routers do, with a code that is left to vendors and the reason
// as its description.
func (s *stage) refuse(conn net.Conn, asker netip.AddrPort, q question, why error) (stays bool) {
	if s.moved == nil {
		s.replay.refuse(asker, why)
		return false
	}
	reason := Sanitize(why.Error(), 0)
	status, kind, body := "404 Not Found", "text/plain", reason+"\n"
	if q.action != "" {
		status, kind = "500 Internal Server Error", "text/xml"
		body = fmt.Sprintf(faultEnvelope, escapeText(reason))
	}
	fmt.Fprintf(conn, "HTTP/1.1 %s\r\nContent-Type: %s; charset=\"utf-8\"\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, kind, len(body), body)
	return false
}

const faultEnvelope = `<?xml version="1.0"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>` +
	`<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail>` +
	`<UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>899</errorCode><errorDescription>%s</errorDescription></UPnPError>` +
	`</detail></s:Fault></s:Body></s:Envelope>` + "\r\n"

func escapeText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

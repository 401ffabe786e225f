// Command floor does what a port mapping client must, and nothing else: fixed bytes over sockets,
// the first answer wins, no retries, no parsing worth the name. It is not a client but a yardstick:
// no program of this kind can be faster.
//
//	floor ip [URL]
//	floor add EXTERNAL INTERNAL [URL]
//
// URL is the router's description; without it one search is sent and the first answer taken.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
)

const (
	search = "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\n" +
		"ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n"
	service = "urn:schemas-upnp-org:service:WANIPConnection:1"
)

func main() {
	args := os.Args[1:]
	switch {
	case len(args) >= 1 && args[0] == "ip":
		r := find(args[1:])
		fmt.Println(r.externalAddress())
	case len(args) >= 3 && args[0] == "add":
		r := find(args[3:])
		fmt.Println(r.externalAddress())
		r.call("AddPortMapping", "<NewRemoteHost></NewRemoteHost><NewExternalPort>"+args[1]+"</NewExternalPort>"+
			"<NewProtocol>TCP</NewProtocol><NewInternalPort>"+args[2]+"</NewInternalPort><NewInternalClient>"+r.local+
			"</NewInternalClient><NewEnabled>1</NewEnabled><NewPortMappingDescription>floor</NewPortMappingDescription>"+
			"<NewLeaseDuration>3600</NewLeaseDuration>")
		fmt.Println("mapped")
	default:
		fatal("usage: floor ip [URL] | floor add EXTERNAL INTERNAL [URL]")
	}
}

// A router is where to send calls, and who we are to it.
type router struct{ host, control, local string }

// find asks the network, or takes the URL given, and reads the description there.
func find(url []string) *router {
	location := ""
	if len(url) > 0 {
		location = url[0]
	} else {
		location = answer()
	}
	host, path, _ := strings.Cut(strings.TrimPrefix(location, "http://"), "/")
	r := &router{host: host}
	page := r.exchange("GET /" + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
	_, after, ok := strings.Cut(page, ":WANIPConnection:")
	if !ok {
		fatal("no WANIPConnection at " + location)
	}
	_, after, _ = strings.Cut(after, "<controlURL>")
	r.control, _, _ = strings.Cut(after, "<")
	return r
}

// answer searches and returns the location in the first answer.
func answer() string {
	conn, err := net.ListenUDP("udp4", nil)
	check(err)
	_, err = conn.WriteToUDP([]byte(search), &net.UDPAddr{IP: net.IPv4(239, 255, 255, 250), Port: 1900})
	check(err)
	buf := make([]byte, 2048)
	n, err := conn.Read(buf)
	check(err)
	_, after, ok := bytes.Cut(buf[:n], []byte("\nLOCATION:"))
	if !ok {
		fatal("an answer without LOCATION")
	}
	line, _, _ := bytes.Cut(after, []byte("\r\n"))
	return string(bytes.TrimSpace(line))
}

func (r *router) externalAddress() string {
	_, after, _ := strings.Cut(r.call("GetExternalIPAddress", ""), "<NewExternalIPAddress>")
	addr, _, _ := strings.Cut(after, "<")
	return addr
}

// call makes one SOAP call and returns the whole answer.
func (r *router) call(action, arguments string) string {
	body := `<?xml version="1.0"?>` + "\r\n" +
		`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">` +
		`<s:Body><u:` + action + ` xmlns:u="` + service + `">` + arguments + `</u:` + action + `></s:Body></s:Envelope>`
	text := r.exchange(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: text/xml; charset=\"utf-8\"\r\n"+
		"SOAPACTION: \"%s#%s\"\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", r.control, r.host, service, action, len(body), body))
	if !strings.Contains(text[:min(len(text), 20)], " 200 ") {
		fatal(action + ": " + text)
	}
	return text
}

// exchange sends a request and reads until the router closes.
func (r *router) exchange(request string) string {
	conn, err := net.Dial("tcp4", r.host)
	check(err)
	defer conn.Close()
	r.local = conn.LocalAddr().(*net.TCPAddr).IP.String()
	_, err = io.WriteString(conn, request)
	check(err)
	text, err := io.ReadAll(conn)
	check(err)
	return string(text)
}

func check(err error) {
	if err != nil {
		fatal(err.Error())
	}
}

func fatal(text string) {
	fmt.Fprintln(os.Stderr, "floor:", text)
	os.Exit(1)
}

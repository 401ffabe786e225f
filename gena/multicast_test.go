package gena

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const datagram = "NOTIFY * HTTP/1.0\r\nHOST: 239.255.255.246:7900\r\nCONTENT-TYPE: text/xml; charset=\"utf-8\"\r\n" +
	"USN: uuid:1::urn:schemas-upnp-org:service:X:1\r\nSVCID: urn:upnp-org:serviceId:X\r\nNT: upnp:event\r\nNTS: upnp:propchange\r\n" +
	"SEQ: 7\r\nLVL: upnp:/info\r\nBOOTID.UPNP.ORG: 3\r\nCONTENT-LENGTH: 69\r\n\r\n" +
	"<e:propertyset xmlns:e=\"u\"><e:property><A>1</A></e:property></e:property"

func TestParseMulticast(t *testing.T) {
	text := strings.Replace(datagram, "69", "77", 1) + "set>\x00\x00"
	want := &MulticastEvent{
		USN: "uuid:1::urn:schemas-upnp-org:service:X:1", ServiceID: "urn:upnp-org:serviceId:X", Level: "upnp:/info", BootID: 3,
		Event: Event{Seq: 7, Properties: []Property{{"A", "1"}}},
	}
	for name, in := range map[string]string{
		"1.1":         text,
		"2.0":         strings.Replace(text, "HTTP/1.0", "HTTP/1.1", 1),
		"LF":          strings.ReplaceAll(text, "\r\n", "\n"),
		"no length":   strings.Replace(text, "CONTENT-LENGTH: 77\r\n", "", 1),
		"long length": strings.Replace(text, "77", "9999", 1),
	} {
		got, err := ParseMulticast([]byte(in))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got.Notes = nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if MulticastGroup().String() != "239.255.255.246:7900" {
		t.Error(MulticastGroup())
	}
}

func TestParseMulticastFails(t *testing.T) {
	for name, in := range map[string]string{
		"empty":        "",
		"no end":       strings.ReplaceAll(datagram, "\r\n\r\n", "\r\n"),
		"a search":     strings.Replace(datagram, "NOTIFY", "M-SEARCH", 1),
		"discovery":    strings.Replace(datagram, "upnp:propchange", "ssdp:alive", 1),
		"no USN":       strings.Replace(datagram, "USN", "X", 1),
		"SEQ of words": strings.Replace(datagram, "SEQ: 7", "SEQ: x", 1),
	} {
		_, err := ParseMulticast([]byte(in))
		if _, ok := errors.AsType[*DatagramError](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ParseMulticast([]byte(strings.Split(datagram, "CONTENT")[0] + "\r\n\r\n")); err == nil {
		t.Error("no body")
	}
}

func FuzzParseMulticast(f *testing.F) {
	f.Add([]byte(datagram))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := ParseMulticast(data)
		if err != nil {
			return
		}
		if e.USN == "" || len(e.Properties) > maxProperties {
			t.Errorf("%+v", e)
		}
		if _, err := AppendProperties(nil, e.Properties...); err != nil {
			t.Error(err)
		}
	})
}

package igd

import (
	"fmt"
	"strings"

	"upnp/description/xmldoc"
	"upnp/soap"
)

const listingNamespace = "urn:schemas-upnp-org:gw:WANIPConnection"

// listingNames are the elements of a PortMappingEntry in the order of the schema, each with the
// action argument of the same meaning. Two differ (WANIPConnection:2 section 2.2.26).
var listingNames = [...]struct{ element, argument string }{
	{"NewRemoteHost", "NewRemoteHost"},
	{"NewExternalPort", "NewExternalPort"},
	{"NewProtocol", "NewProtocol"},
	{"NewInternalPort", "NewInternalPort"},
	{"NewInternalClient", "NewInternalClient"},
	{"NewEnabled", "NewEnabled"},
	{"NewDescription", "NewPortMappingDescription"},
	{"NewLeaseTime", "NewLeaseDuration"},
}

// portListing is the value of NewPortListing: a document inside an argument.
func portListing(mappings []Mapping) string {
	b := []byte(`<?xml version="1.0"?>` + "\n" + `<p:PortMappingList xmlns:p="` + listingNamespace + `">`)
	for _, m := range mappings {
		args := mappingArgs(m)
		b = append(b, "<p:PortMappingEntry>"...)
		for _, n := range listingNames {
			b = append(b, "<p:"+n.element+">"...)
			b = xmldoc.AppendText(b, args.Value(n.argument))
			b = append(b, "</p:"+n.element+">"...)
		}
		b = append(b, "</p:PortMappingEntry>"...)
	}
	return string(append(b, "</p:PortMappingList>"...))
}

// parsePortListing reads a NewPortListing. An entry that cannot be read is dropped with a note.
func parsePortListing(text string) (mappings []Mapping, notes []string, err error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil, nil
	}
	doc, err := xmldoc.Parse([]byte(text), xmldoc.Limits{Bytes: 1 << 20, Elements: 20_000})
	if err != nil {
		return nil, nil, fmt.Errorf("port listing: %w", err)
	}
	notes = doc.Notes
	for entry := range xmldoc.Children(doc.Root, "PortMappingEntry") {
		var args soap.Args
		for _, n := range listingNames {
			args = append(args, soap.Arg{Name: n.argument, Value: xmldoc.ChildText(entry, n.element)})
		}
		m, err := parseMapping(args)
		if err != nil {
			notes = append(notes, "dropped an entry of the port listing: "+err.Error())
			continue
		}
		mappings = append(mappings, m)
	}
	return mappings, notes, nil
}

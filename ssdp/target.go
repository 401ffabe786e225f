package ssdp

import (
	"strconv"
	"strings"
)

// A Target is what is searched for (ST) or announced (NT): ssdp:all, upnp:rootdevice, uuid:…, or the type of a device
// or service, urn:domain:device:type:version.
type Target string

const (
	All        Target = "ssdp:all"        // everything a device has to announce
	RootDevice Target = "upnp:rootdevice" // one answer per root device
)

// Matches reports whether offered satisfies a search for t: ssdp:all takes everything, a type takes the same type in
// the same or a later version (UDA 1.1, 1.3.2), anything else takes itself. Case does not matter. A type without
// version, which some routers send, matches any version of it.
func (t Target) Matches(offered Target) bool {
	if t == All || equalFold(string(t), string(offered)) {
		return true
	}
	want, wantVersion := t.split()
	have, haveVersion := offered.split()
	return want != "" && equalFold(want, have) && (wantVersion < 0 || haveVersion < 0 || wantVersion <= haveVersion)
}

// split cuts the version off a urn; -1 stands for none that could be read. The type is "" for what is not a urn.
func (t Target) split() (kind string, version int) {
	s := string(t)
	if !hasPrefixFold(s, "urn:") {
		return "", -1
	}
	head, tail, last := s, "", strings.LastIndexByte(s, ':')
	if strings.Count(s, ":") >= 4 {
		head, tail = s[:last], s[last+1:]
	}
	v, err := strconv.Atoi(tail)
	if err != nil || v < 0 {
		return head, -1
	}
	return head, v
}

// A USN names one advertisement of one device: its UDN and what of it is announced. The Target of a plain uuid
// advertisement is "".
type USN struct {
	UDN    string // with its "uuid:", which need not be followed by a UUID
	Target Target
}

// ParseUSN reads the value of a USN header; it accepts any text.
func ParseUSN(s string) USN {
	udn, target, _ := strings.Cut(s, "::")
	return USN{UDN: udn, Target: Target(target)}
}

// String is the USN as it is written in a header.
func (u USN) String() string {
	if u.Target == "" {
		return u.UDN
	}
	return u.UDN + "::" + string(u.Target)
}

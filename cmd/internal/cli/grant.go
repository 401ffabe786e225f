package cli

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"upnp/cmd/internal/notation"
	"upnp/igd"
)

// showGrants prints what is true after a wish: one line for it if all of it came as one, else a
// line for each mapping.
func (s *session) showGrants(ctx context.Context, grants []igd.Grant) {
	if s.options.json {
		return
	}
	outside := s.publicAddr(ctx)
	if line, ok := wholeRange(outside, grants); ok {
		s.stdout.linef("%s", line)
	} else {
		for _, g := range grants {
			line := outsideLine(outside, g.Mapping)
			if !g.Verified {
				line += ", not verified"
			}
			s.stdout.linef("%s", line)
		}
	}
	s.grantNotes(grants)
}

// mappingLine is a mapping in a line of words.
func mappingLine(m igd.Mapping) string {
	return outsideLine(netip.Addr{}, m)
}

// outsideLine is mappingLine with the address at which the Internet finds the port, if there is
// one.
func outsideLine(outside netip.Addr, m igd.Mapping) string {
	port := strconv.Itoa(int(m.ExternalPort))
	if outside.IsValid() {
		port = net.JoinHostPort(outside.String(), port)
	}
	line := fmt.Sprintf("%s %s -> %s, %s", m.Protocol, port, hostPort(m), leaseWords(m))
	if m.RemoteHost != "" {
		line += ", only from " + m.RemoteHost
	}
	if m.Disabled {
		line += ", disabled"
	}
	if m.Description != "" {
		line += fmt.Sprintf(", %q", m.Description)
	}
	return line
}

func hostPort(m igd.Mapping) string {
	return net.JoinHostPort(m.Client(), strconv.Itoa(int(m.InternalPort)))
}

func leaseWords(m igd.Mapping) string {
	if m.Lease == 0 {
		return "permanent"
	}
	return "lease " + leaseText(m.Lease)
}

// publicAddr is the external address if the Internet can reach it, else the zero Addr.
func (s *session) publicAddr(ctx context.Context) netip.Addr {
	addr, err := s.external(ctx)
	if err != nil || igd.ClassOf(addr) != igd.Public {
		return netip.Addr{}
	}
	return addr
}

// wholeRange is the line of a range that was granted as asked, port by port.
func wholeRange(outside netip.Addr, grants []igd.Grant) (line string, ok bool) {
	if len(grants) < 2 {
		return "", false
	}
	first, last := grants[0].Mapping, grants[len(grants)-1].Mapping
	var protocols []string
	for _, g := range grants {
		m := g.Mapping
		asAsked := g.Verified && m.MappingKey == g.Asked.MappingKey && m.InternalPort == g.Asked.InternalPort
		if !asAsked || m.Client() != first.Client() || m.Description != first.Description {
			return "", false
		}
		if p := string(m.Protocol); !slices.Contains(protocols, p) {
			protocols = append(protocols, p)
		}
	}
	ports := notation.FormatRange(first.ExternalPort, last.ExternalPort)
	if outside.IsValid() {
		ports = net.JoinHostPort(outside.String(), ports)
	}
	inside := net.JoinHostPort(first.Client(), notation.FormatRange(first.InternalPort, last.InternalPort))
	line = fmt.Sprintf("%s %s -> %s, %s", strings.Join(protocols, "+"), ports, inside, leaseWords(first))
	if first.Description != "" {
		line += fmt.Sprintf(", %q", first.Description)
	}
	return line + ", " + plural(len(grants), "mapping"), true
}

// grantNotes prints each remark of the grants once.
func (s *session) grantNotes(grants []igd.Grant) {
	var said []string
	for _, g := range grants {
		for _, n := range g.Notes {
			if !slices.Contains(said, n) {
				said = append(said, n)
				s.note("%s", n)
			}
		}
	}
}

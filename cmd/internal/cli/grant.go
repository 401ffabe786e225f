package cli

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"upnp/igd"
)

// showGrants prints what is true after a wish: one line for it if all of it came as one, else a
// line for each mapping.
func (s *session) showGrants(ctx context.Context, grants []igd.Grant) {
	if s.options.json {
		return
	}
	if line, ok := wholeRange(grants); ok {
		s.stdout.linef("%s", line)
	} else {
		for _, g := range grants {
			s.stdout.linef("%s%s", mappingLine(g.Mapping), s.reachable(ctx, g.Mapping))
		}
	}
	s.grantNotes(grants)
}

// mappingLine is a mapping in a line of words.
func mappingLine(m igd.Mapping) string {
	line := fmt.Sprintf("%s %d -> %s, %s", m.Protocol, m.ExternalPort, hostPort(m), leaseWords(m))
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

// reachable says at which address the Internet finds a mapping, if it can.
func (s *session) reachable(ctx context.Context, m igd.Mapping) string {
	addr, err := s.external(ctx)
	if err != nil || m.Disabled || igd.ClassOf(addr) != igd.Public {
		return ""
	}
	return ", reachable at " + net.JoinHostPort(addr.String(), strconv.Itoa(int(m.ExternalPort)))
}

// wholeRange is the line of a range that was granted as asked, port by port.
func wholeRange(grants []igd.Grant) (line string, ok bool) {
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
	return fmt.Sprintf("%s %s -> %s port %s, %s, %q, %s", strings.Join(protocols, "+"),
		formatRange(first.ExternalPort, last.ExternalPort), first.Client(), formatRange(first.InternalPort, last.InternalPort),
		leaseWords(first), first.Description, plural(len(grants), "mapping")), true
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

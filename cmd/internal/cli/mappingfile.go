package cli

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"upnp/igd"
)

// Limits of a mappings file.
const (
	maxFileBytes    = 4 << 20
	maxFileMappings = 65_536
)

// A fileLine is one line of a mappings file: a MAPPING with what follows it.
type fileLine struct {
	number int
	portMap
	lease       time.Duration
	description string
	remoteHost  string
	disabled    bool
}

// readMappings reads a mappings file. Errors name it and the line.
func readMappings(r io.Reader, name string) ([]fileLine, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err != nil {
		return nil, failf("%s: %w", name, err)
	}
	if len(data) > maxFileBytes {
		return nil, usagef("%s: larger than %d bytes", name, maxFileBytes)
	}
	var lines []fileLine
	seen := map[igd.MappingKey]int{}
	text := strings.TrimPrefix(string(data), "\ufeff")
	for i, line := range strings.Split(text, "\n") {
		l, ok, err := parseFileLine(line)
		if err == nil && ok {
			l.number = i + 1
			err = unique(l, seen)
		}
		if err != nil {
			return nil, usagef("%s line %d: %v", name, i+1, err)
		}
		if ok {
			lines = append(lines, l)
		}
	}
	return lines, nil
}

// unique refuses the same external port and protocol on two lines.
func unique(l fileLine, seen map[igd.MappingKey]int) error {
	for _, m := range l.mappings() {
		if first, ok := seen[m.MappingKey]; ok {
			return fmt.Errorf("%s is on line %d already", m.MappingKey, first)
		}
		seen[m.MappingKey] = l.number
	}
	if len(seen) > maxFileMappings {
		return fmt.Errorf("more than %d mappings", maxFileMappings)
	}
	return nil
}

// parseFileLine reads a line; ok is false if it holds no mapping.
func parseFileLine(line string) (l fileLine, ok bool, err error) {
	words, err := splitFileLine(line)
	if err != nil || len(words) == 0 {
		return fileLine{}, false, err
	}
	l.lease = defaultLease
	if l.portMap, err = parsePortMap(words[0]); err != nil {
		return fileLine{}, false, fmt.Errorf("%q: %w", words[0], err)
	}
	for _, w := range words[1:] {
		if err := l.option(w); err != nil {
			return fileLine{}, false, err
		}
	}
	return l, true, nil
}

func (l *fileLine) option(word string) (err error) {
	name, value, _ := strings.Cut(word, "=")
	switch {
	case word[0] == '"':
		if l.description != "" {
			return errors.New("two descriptions")
		}
		l.description, err = strconv.Unquote(word)
	case name == "lease":
		if l.lease, err = parseLease(value); err != nil {
			err = fmt.Errorf("%q: %w", word, err)
		}
	case name == "remote-host" && value != "":
		l.remoteHost = value
	case word == "disabled":
		l.disabled = true
	default:
		return fmt.Errorf(`%q: want lease=D, remote-host=A, disabled or a "description"`, word)
	}
	return err
}

// splitFileLine divides a line into words and quoted texts, without the comment.
func splitFileLine(line string) (words []string, err error) {
	for {
		line = strings.TrimLeft(line, " \t\r")
		if line == "" || line[0] == '#' {
			return words, nil
		}
		n := strings.IndexAny(line, " \t\r#\"")
		if line[0] == '"' {
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				return nil, errors.New(`a description starts and ends with "; inside, write \" and \\`)
			}
			n = len(quoted)
		}
		if n < 0 {
			n = len(line)
		}
		words = append(words, line[:n])
		line = line[n:]
	}
}

// mappings are what the line asks for.
func (l fileLine) mappings() []igd.Mapping {
	all := l.portMap.mappings()
	for i := range all {
		all[i].RemoteHost = l.remoteHost
		all[i].Lease = l.lease
		all[i].Description = l.description
		all[i].Disabled = l.disabled
	}
	return all
}

// String writes the line so that it reads back the same.
func (l fileLine) String() string {
	s := l.portMap.String() + " lease=" + fileLease(l.lease)
	if l.remoteHost != "" {
		s += " remote-host=" + l.remoteHost
	}
	if l.disabled {
		s += " disabled"
	}
	if l.description != "" {
		s += " " + strconv.Quote(l.description)
	}
	return s
}

func fileLease(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	return shortDuration(d)
}

// exportLine is a mapping of a router as a line of a file; the host is left out if it is local.
// A mapping that no line can express is written as a comment.
func exportLine(m igd.Mapping, local func(igd.Mapping) bool) string {
	l := fileLine{
		portMap: portMap{
			from: m.ExternalPort, to: m.ExternalPort, internal: m.InternalPort, target: true,
			protocols: []igd.Protocol{m.Protocol},
		},
		lease: m.Lease, description: m.Description, remoteHost: m.RemoteHost, disabled: m.Disabled,
	}
	if !local(m) {
		l.host = m.InternalClient
	}
	line := l.String()
	if back, ok, err := parseFileLine(line); err != nil || !ok || back.String() != line || m.InternalName != "" {
		return "# cannot be written as a mapping: " + strconv.QuoteToASCII(fmt.Sprintf("%s to %s:%d", m.MappingKey, m.Client(), m.InternalPort))
	}
	return line
}

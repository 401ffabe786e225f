package notation

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

// A Line is one line of a mappings file: a MAPPING with what follows it.
type Line struct {
	Number int // counted from 1
	PortMap
	Lease       time.Duration
	Description string
	RemoteHost  string
	Disabled    bool
}

// A SyntaxError says where a mappings file is none.
type SyntaxError struct {
	Name   string // of the file
	Line   int    // 0 for the whole file
	Reason string
}

func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return e.Name + ": " + e.Reason
	}
	return fmt.Sprintf("%s line %d: %s", e.Name, e.Line, e.Reason)
}

// Read reads a mappings file. Errors name it; what is wrong in it is a *SyntaxError.
func Read(r io.Reader, name string) ([]Line, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(data) > maxFileBytes {
		return nil, &SyntaxError{Name: name, Reason: fmt.Sprintf("larger than %d bytes", maxFileBytes)}
	}
	var lines []Line
	seen := map[igd.MappingKey]int{}
	text := strings.TrimPrefix(string(data), "\ufeff")
	for i, line := range strings.Split(text, "\n") {
		l, ok, err := parseLine(line)
		if err == nil && ok {
			l.Number = i + 1
			err = unique(l, seen)
		}
		if err != nil {
			return nil, &SyntaxError{name, i + 1, err.Error()}
		}
		if ok {
			lines = append(lines, l)
		}
	}
	return lines, nil
}

// unique refuses the same external port and protocol on two lines.
func unique(l Line, seen map[igd.MappingKey]int) error {
	for _, m := range l.Mappings() {
		if first, ok := seen[m.MappingKey]; ok {
			return fmt.Errorf("%s is on line %d already", m.MappingKey, first)
		}
		seen[m.MappingKey] = l.Number
	}
	if len(seen) > maxFileMappings {
		return fmt.Errorf("more than %d mappings", maxFileMappings)
	}
	return nil
}

// parseLine reads a line; ok is false if it holds no mapping.
func parseLine(line string) (l Line, ok bool, err error) {
	words, err := splitLine(line)
	if err != nil || len(words) == 0 {
		return Line{}, false, err
	}
	l.Lease = DefaultLease
	if l.PortMap, err = Parse(words[0]); err != nil {
		return Line{}, false, fmt.Errorf("%q: %w", words[0], err)
	}
	for _, w := range words[1:] {
		if err := l.option(w); err != nil {
			return Line{}, false, err
		}
	}
	return l, true, nil
}

func (l *Line) option(word string) (err error) {
	name, value, _ := strings.Cut(word, "=")
	switch {
	case word[0] == '"':
		if l.Description != "" {
			return errors.New("two descriptions")
		}
		l.Description, err = strconv.Unquote(word)
	case name == "lease":
		if l.Lease, err = ParseLease(value); err != nil {
			err = fmt.Errorf("%q: %w", word, err)
		}
	case name == "remote-host" && value != "":
		l.RemoteHost = value
	case word == "disabled":
		l.Disabled = true
	default:
		return fmt.Errorf(`%q: want lease=D, remote-host=A, disabled or a "description"`, word)
	}
	return err
}

// splitLine divides a line into words and quoted texts, without the comment.
func splitLine(line string) (words []string, err error) {
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

// Mappings are what the line asks for.
func (l Line) Mappings() []igd.Mapping {
	all := l.PortMap.Mappings()
	for i := range all {
		all[i].RemoteHost = l.RemoteHost
		all[i].Lease = l.Lease
		all[i].Description = l.Description
		all[i].Disabled = l.Disabled
	}
	return all
}

// String writes the line so that it reads back the same.
func (l Line) String() string {
	s := l.PortMap.String() + " lease=" + fileLease(l.Lease)
	if l.RemoteHost != "" {
		s += " remote-host=" + l.RemoteHost
	}
	if l.Disabled {
		s += " disabled"
	}
	if l.Description != "" {
		s += " " + strconv.Quote(l.Description)
	}
	return s
}

func fileLease(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	return ShortDuration(d)
}

// Export is a mapping of a router as a line of a file; the host is left out if it is local.
// A mapping that no line can express is written as a comment.
func Export(m igd.Mapping, local func(igd.Mapping) bool) string {
	l := Line{
		PortMap: PortMap{
			From: m.ExternalPort, To: m.ExternalPort, Internal: m.InternalPort, Target: true,
			Protocols: []igd.Protocol{m.Protocol},
		},
		Lease: m.Lease, Description: m.Description, RemoteHost: m.RemoteHost, Disabled: m.Disabled,
	}
	if !local(m) {
		l.Host = m.InternalClient
	}
	line := l.String()
	if back, ok, err := parseLine(line); err != nil || !ok || back.String() != line || m.InternalName != "" {
		return "# cannot be written as a mapping: " + strconv.QuoteToASCII(fmt.Sprintf("%s to %s:%d", m.MappingKey, m.Client(), m.InternalPort))
	}
	return line
}

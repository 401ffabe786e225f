package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"upnp/igd/reach"
)

// maxProbesFile bounds the file of probes.
const maxProbesFile = 64 << 10

// probe reads what --probe names. On a network in memory it is looked for there and nowhere else.
func (s *session) probe(template string) (reach.Probe, error) {
	p, err := reach.ParseProbe(template)
	if err != nil {
		return p, usagef("--probe %w", err)
	}
	return s.within(p), nil
}

func (s *session) within(p reach.Probe) reach.Probe {
	if s.isInMemory() {
		p.Dial = s.network.Dial
	}
	return p
}

func (s *session) isInMemory() bool { return s.base != nil || s.options.emulated.on }

// probesPath is the file of probes: $UPNP_CONFIG/probes.txt, else upnp/probes.txt in the user's
// folder of configurations; empty if there is no such place.
func (s *session) probesPath() string {
	const name = "probes.txt"
	if dir := s.getenv("UPNP_CONFIG"); dir != "" {
		return filepath.Join(dir, name)
	}
	dir, err := os.UserConfigDir()
	if err != nil || s.isInMemory() {
		return ""
	}
	return filepath.Join(dir, "upnp", name)
}

// fileProbes are the probes of the file, none if there is no such file.
func (s *session) fileProbes() ([]reach.Probe, error) {
	path := s.probesPath()
	if path == "" {
		return nil, nil
	}
	data, err := readRegular(path, maxProbesFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, failf("the file of probes, %s, cannot be read: %w", path, err)
	}
	var all []reach.Probe
	for line := range strings.Lines(string(data)) {
		line, _, _ := strings.Cut(line, " #")
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		p, err := reach.ParseProbe(line)
		if err != nil {
			return nil, usagef("%s: %w", path, err)
		}
		all = append(all, s.within(p))
	}
	return all, nil
}

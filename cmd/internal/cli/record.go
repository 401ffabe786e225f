package cli

import (
	"bytes"
	"io"

	"upnp/cmd/internal/plain"
	"upnp/igd/wire"
)

// tap adds what -v and --wire show to a network.
func (s *session) tap(n wire.Network) (wire.Network, error) {
	if s.options.wireSize != 0 && s.options.wire == "" {
		return nil, usagef("--wire-size is for what --wire writes")
	}
	if s.options.redact && !s.options.verbose && s.options.wire == "" {
		return nil, usagef("--redact is for what --wire and -v show")
	}
	if s.options.verbose {
		n = wire.NewTap(n, s.redacted(wire.Summary(s.Err, s.stderr.color)))
	}
	if s.options.wire == "" {
		return n, nil
	}
	record, err := s.recorder()
	if err != nil {
		return nil, err
	}
	return wire.NewTap(n, s.redacted(record)), nil
}

// recorder is the sink that --wire names.
func (s *session) recorder() (func(wire.Event), error) {
	if s.options.wire == "-" {
		out := s.Err
		if s.ErrTerminal {
			out = harmlessWriter{out}
		}
		return wire.Print(out), nil
	}
	r, err := wire.Create(s.options.wire, s.options.wireSize)
	if err != nil {
		return nil, usagef("--wire %q: %v", s.options.wire, plain.Innermost(err))
	}
	s.closers = append(s.closers, func() error {
		err := r.Close()
		if err != nil {
			s.note("the recording in %s is not complete: %v", s.options.wire, plain.Innermost(err))
		}
		return err
	})
	return r.Record, nil
}

// redacted puts stand-ins in front of a sink if --redact asks for them.
func (s *session) redacted(sink func(wire.Event)) func(wire.Event) {
	if !s.options.redact {
		return sink
	}
	sink, flush := wire.Redact(sink)
	s.closers = append(s.closers, func() error { flush(); return nil })
	return sink
}

// A harmlessWriter makes whole lines fit for a terminal.
type harmlessWriter struct{ w io.Writer }

func (h harmlessWriter) Write(p []byte) (int, error) {
	var b bytes.Buffer
	for line := range bytes.Lines(p) {
		b.WriteString(clean(string(bytes.TrimRight(line, "\r\n"))))
		b.WriteByte('\n')
	}
	_, err := h.w.Write(b.Bytes())
	return len(p), err
}

package cli

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
)

// Streams are what a command line is connected to.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// InTerminal, OutTerminal and ErrTerminal tell which of them are terminals.
	InTerminal, OutTerminal, ErrTerminal bool
	// Columns is the width of the terminal; zero is unknown, and nothing is cut to fit.
	Columns int
	// Getenv reads the environment; nil is an empty one.
	Getenv func(string) string
}

// System is the process's own streams and environment.
func System() Streams {
	s := Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv}
	_, s.InTerminal = terminal(os.Stdin)
	s.Columns, s.OutTerminal = terminal(os.Stdout)
	_, s.ErrTerminal = terminal(os.Stderr)
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 && s.OutTerminal {
		s.Columns = n
	}
	return s
}

func (s Streams) getenv(name string) string {
	if s.Getenv == nil {
		return ""
	}
	return s.Getenv(name)
}

// A printer writes lines for people. Every text it is given is made harmless for a terminal
// (SECURITY I1), so that no caller can forget to; only [styled] text passes as it is.
type printer struct {
	w     *bufio.Writer
	live  bool // each line goes out at once
	color bool
}

func newPrinter(w io.Writer, live bool) *printer {
	if w == nil {
		w = io.Discard
	}
	return &printer{w: bufio.NewWriterSize(w, 16<<10), live: live}
}

// linef prints one line.
func (p *printer) linef(format string, args ...any) {
	for i, a := range args {
		args[i] = harmless(a)
	}
	fmt.Fprintf(p.w, format, args...)
	p.w.WriteByte('\n')
	if p.live {
		p.w.Flush()
	}
}

// A styled text is ours, colour codes included.
type styled string

func harmless(a any) any {
	switch a := a.(type) {
	case styled:
		return string(a)
	case string:
		return clean(a)
	case error:
		return clean(a.Error())
	case fmt.Stringer:
		return clean(a.String())
	}
	return a
}

// Select Graphic Rendition parameters.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

// style wraps text in a colour if the printer has colours. The text is made harmless first.
func (p *printer) style(sgr, text string) styled {
	text = clean(text)
	if !p.color || text == "" {
		return styled(text)
	}
	return styled("\x1b[" + sgr + "m" + text + "\x1b[0m")
}

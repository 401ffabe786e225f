package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"upnp/cmd/internal/notation"
	"upnp/cmd/internal/plain"
)

// Exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNoGateway   = 3
	exitRefused     = 4
	exitUnverified  = 5
	exitInterrupted = 130
)

// An ExitError ends a command line with a code other than 0 and says why.
type ExitError struct {
	Code     int
	Kind     string // usage, failed, timeout, noGateway, refused, unverified, interrupted
	Err      error  // one line; nil when everything has been said
	UPnPCode int    // the number the gateway answered with, 0 if it did not
	Hint     string // what to do about it
	Done     any    // with --json: what was done, or read, all the same
}

func (e *ExitError) Error() string {
	if e.Err == nil {
		return e.Kind
	}
	return e.Err.Error()
}

func (e *ExitError) Unwrap() error { return e.Err }

// usagef is a mistake on the command line, found before anything was sent.
func usagef(format string, args ...any) error {
	return &ExitError{Code: exitUsage, Kind: "usage", Err: fmt.Errorf(format, args...)}
}

// failf is a failure that is nobody's refusal.
func failf(format string, args ...any) error {
	return &ExitError{Code: exitFailed, Kind: "failed", Err: fmt.Errorf(format, args...)}
}

// errTimeout is why a context with --timeout ended.
type errTimeout struct{ after time.Duration }

func (e errTimeout) Error() string {
	return "gave up after --timeout " + shortDurationExact(e.after)
}

func (e errTimeout) Is(target error) bool { return target == context.DeadlineExceeded }

// shortDurationExact is d as a person would have written it, fractions included.
func shortDurationExact(d time.Duration) string {
	if d%time.Second != 0 {
		return d.String()
	}
	return notation.ShortDuration(d)
}

// failure is the JSON form of an error.
type failure struct {
	Error    string `json:"error"`
	Kind     string `json:"kind"`
	UPnPCode int    `json:"upnpCode,omitempty"`
	Hint     string `json:"hint,omitempty"`
	Done     any    `json:"done,omitempty"`
}

// finish says how the command line ended and returns its exit code.
func (s *session) finish(ctx context.Context, err error) int {
	s.stdout.w.Flush()
	if err == nil {
		return s.flushed()
	}
	e := s.explain(err)
	if ctx.Err() != nil {
		e = &ExitError{Code: exitInterrupted, Kind: "interrupted", Done: e.Done}
	}
	switch {
	case s.options.json && e.Code != exitUnverified && (e.Err != nil || e.Done != nil):
		plain.WriteJSON(s.Out, failure{e.Error(), e.Kind, e.UPnPCode, e.Hint, e.Done}, true)
	case e.Err != nil:
		s.complain(e)
	}
	s.stderr.w.Flush()
	return e.Code
}

// flushed is the exit code of a run without an error: a full disk under stdout is one after all.
func (s *session) flushed() int {
	s.stderr.w.Flush()
	if err := s.stdout.w.Flush(); err != nil {
		fmt.Fprintln(s.Err, "upnp: cannot write the result:", err)
		return exitFailed
	}
	return exitDone
}

// complain prints an error as one line for people: who says so, what, and what to do.
func (s *session) complain(e *ExitError) {
	who := "upnp"
	if s.command != nil {
		who += " " + s.command.Name()
	}
	line := clean(strings.TrimSpace(e.Error()))
	if e.Hint != "" {
		line += "; " + clean(e.Hint)
	}
	limit := 0
	if s.ErrTerminal {
		limit = s.Columns
	}
	line = fold(who+": "+line, limit)
	s.stderr.linef("%s%s", s.stderr.style(red, who+":"), styled(strings.TrimPrefix(line, who+":")))
}

// interrupted is the error of a verb that listens until it is told to stop, and was; the end of
// --timeout is no error.
func interrupted(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return nil
}

// asExit is the ExitError in err's tree, or nil.
func asExit(err error) *ExitError {
	if e, ok := errors.AsType[*ExitError](err); ok {
		return e
	}
	return nil
}
